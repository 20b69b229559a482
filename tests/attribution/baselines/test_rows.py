"""Rows cut out of windows some at a time say what all of them say at once, in little room."""

import tracemalloc

import numpy as np
import pytest

from rnnlens.attribution.baselines import rows
from rnnlens.attribution.baselines.baseline import make_baseline, unusual
from rnnlens.attribution.baselines.plausibility import mixed_place
from rnnlens.attribution.baselines.rows import Rows


@pytest.mark.parametrize(("steps", "every"), [(1, 1), (1, 3), (2, 1), (2, 4), (6, 1)])
def test_blocks_of_rows_have_the_mean_and_the_products_of_all(steps, every, rng, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 40)  # several blocks, the last one shorter
    data = 3.0 + rng.normal(size=(25, 6, 4)) @ rng.normal(size=(4, 4))
    data[..., 2] = 0.1
    features = np.array([0, 2, 3])
    laid = [data[n, t : t + steps, features] for n in range(25) for t in range(7 - steps)]
    whole = np.array([part.T.ravel() for part in laid])[::every]
    some = Rows(data, features, steps, every)
    assert len(some) == len(whole)
    np.testing.assert_array_equal(np.concatenate(list(some.blocks())), whole)
    mean, varying = some.mean()
    np.testing.assert_allclose(mean, whole.mean(axis=0), rtol=1e-12)
    assert (mean[1::3] == 0.1).all()
    assert varying.tolist() == np.flatnonzero(np.ptp(whole, axis=0)).tolist()
    # sums of some 100 products of numbers of about 1, in another order
    found = some.products(mean, varying, 3, 17)
    away = (whole - whole.mean(axis=0))[3:17, varying]
    np.testing.assert_allclose(found, away.T @ away, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(some.each(lambda block: block[:, -1]), whole[:, -1])


@pytest.mark.parametrize("baseline", ["zero", "background", "persistence"])
def test_what_is_said_of_a_baseline_takes_little_room(baseline, rng):
    x = rng.normal(size=(8_000, 24, 8))
    given = make_baseline(baseline, x)

    def call():
        return unusual(given, x), mixed_place(given, x[::8])

    call()
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the windows take 12 MB; laid out with each background and cut they would take 120 MB
    assert most < 5e6
