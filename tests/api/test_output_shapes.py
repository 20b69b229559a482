"""Outputs of one number, of horizons, targets and quantiles, and with axes of one number."""

import numpy as np
import pytest

import rnnlens
from networks import cell, chain, head
from rnnlens.api.shared.given.outputs import Outputs
from rnnlens.errors import DataError
from rnnlens.network import layers as L
from rnnlens.network.axes import ExpandDims, Squeeze


def network(rng, *after, targets=1):
    return chain(L.Recurrent(cell("lstm", rng, 2, 3)), head(rng, 3, targets), *after, shape=(4, 2))


@pytest.mark.parametrize("after", [[Squeeze(-1)], [L.Reshape((1, 1, 1))], [ExpandDims(1)]])
def test_one_number_a_sample_is_explained_whatever_its_shape(after, rng):
    net, x = network(rng, *after), rng.normal(size=(20, 4, 2))
    plain = chain(*(node.layer for node in net.nodes[1:3]), shape=(4, 2))
    for method in ("auto", "secant", "tree", "permutation", "gradient", "occlusion"):
        found = rnnlens.explain(net, x, method=method)
        expected = rnnlens.explain(plain, x, method=method)
        for name in expected.data_vars:
            np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-12)
    assert float(abs(rnnlens.interactions(net, x).forecast - expected.forecast).max()) < 1e-12


def test_certificates_follow_a_squeezed_output(rng):
    net, x = network(rng, Squeeze(-1)), rng.normal(size=(12, 4, 2))
    plain = chain(*(node.layer for node in net.nodes[1:3]), shape=(4, 2))
    found, expected = (rnnlens.certify(one, x, lag=1) for one in (net, plain))
    np.testing.assert_allclose(found.bound, expected.bound, rtol=0, atol=1e-12)


def test_horizons_targets_and_quantiles_are_told_apart(rng):
    net, x = network(rng, L.Reshape((2, 3, 5)), targets=30), rng.normal(size=(6, 4, 2))
    whole = rnnlens.predict(net, x)
    found = rnnlens.explain(net, x, target=rnnlens.Target("output 1 (quantile 4)", horizon=2))
    np.testing.assert_allclose(found.forecast, whole[:, 1, 1, 4], rtol=0, atol=1e-12)
    every = rnnlens.explain(net, x, target=rnnlens.Target("all", horizon="all"), method="secant")
    assert dict(every.sizes) | {"horizon": 2, "target": 15} == dict(every.sizes)
    np.testing.assert_allclose(every.forecast.values.reshape(6, 2, 3, 5), whole, rtol=0, atol=1e-12)


def test_trailing_axes_of_one_number_are_passed_over():
    assert Outputs((4, 3, 1, 1), None).find(2, 3) == ((2, 2, 0, 0), "output 2 (horizon 3)", None)
    assert Outputs((), None).find(None, None) == ((), "output 0", None)
    assert Outputs((1, 3, 1), None).find(1, None) == ((0, 1, 0), "output 1", None)
    with pytest.raises(DataError, match="explains outputs of shape"):
        Outputs((2, 3, 4, 5), None).find(0, 1)
