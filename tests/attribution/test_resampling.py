"""Means of windows drawn again are those of the windows that were drawn."""

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap

from rnnlens.attribution.resampling import AT_ONCE, resampled_means


@pytest.mark.parametrize("draws", [1, AT_ONCE, AT_ONCE + 3])
def test_means_are_those_of_each_draw_of_the_library(draws, rng):
    series = rng.normal(size=(57, 3)).cumsum(axis=0)
    bootstrap = StationaryBootstrap(5, series, seed=3)
    naive = bootstrap.apply(lambda drawn: drawn.mean(axis=0), draws)
    made = resampled_means(series, 5, draws, 3)
    # sums of 57 numbers in two orders
    np.testing.assert_allclose(made, naive, rtol=0, atol=57 * 2**-52 * np.abs(series).max())


def test_what_is_the_same_in_all_windows_keeps_its_zeros(rng):
    series = np.stack([np.zeros(40), rng.normal(size=40)], axis=1)
    made = resampled_means(series, 4, 200, 0)
    assert not made[:, 0].any()
    assert made[:, 1].std() > 0


def test_draws_go_with_the_seed(rng):
    series = rng.normal(size=(40, 2))
    first, again, other = (resampled_means(series, 4, 9, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
