"""Verbs leave cores to others: small linear algebra stays on one thread."""

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import rnnlens
from networks import forecaster
from rnnlens.attribution.baselines import covariance


def test_a_verbs_linear_algebra_runs_on_one_thread(rng, monkeypatch):
    seen = []
    inner = covariance.shrinkage

    def counted(products, counts):
        known = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        seen.append(max(known))
        return inner(products, counts)

    monkeypatch.setattr(covariance, "shrinkage", counted)
    network, x = forecaster("lstm", rng), rng.normal(size=(60, 7, 3))
    with threadpool_limits(3, user_api="blas"):
        rnnlens.explain(network, x, target=0, method="secant")
        assert seen == [1]
        after = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        assert set(after) == {3}
    assert np.isfinite(rnnlens.explain(network, x, target=0, method="secant").mixed_place)
