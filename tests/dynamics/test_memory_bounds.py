"""Blocks, bounds for new windows, and where a curve settles."""

import numpy as np

from linear_networks import ar
from rnnlens.dynamics.memory.blocks import block_length, block_weights, in_blocks
from rnnlens.dynamics.memory.conformal import block_quantile, fewest_blocks
from rnnlens.dynamics.memory.settling import settles


def test_bound_is_the_order_statistic_where_blocks_are_of_one_window(rng):
    scores = rng.normal(size=19)
    assert block_quantile(scores, np.arange(19), 0.05) == scores.max()
    assert block_quantile(scores[:18], np.arange(18), 0.05) == np.inf
    scores = rng.normal(size=99)
    assert block_quantile(scores, np.arange(99), 0.05) == np.sort(scores)[94]
    assert [fewest_blocks(alpha) for alpha in (0.05, 0.1, 0.5)] == [19, 9, 1]


def test_bound_covers_new_blocks_as_often_as_it_says(rng):
    covered = []
    for _ in range(2000):
        scores = rng.standard_t(3, size=(24, 4)) + rng.normal(size=(24, 1))
        bound = block_quantile(scores[:23].ravel(), np.repeat(np.arange(23), 4), 0.1)
        covered.append((scores[23] <= bound).mean())
    # at least as often, and at most by the weight of one block of 24 more often; 2,000 blocks have
    # a standard error below 0.006
    assert 0.9 - 0.018 < np.mean(covered) < 0.9 + 1 / 24 + 0.018


def test_blocks_are_longer_where_neighbours_depend_more(rng):
    lengths = [block_length(ar(2000, rho, rng)) for rho in (0.0, 0.7, 0.95)]
    assert lengths[0] <= 4 < lengths[1] < lengths[2]
    assert in_blocks(7, 3).tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_draws_of_blocks_have_the_error_of_the_mean(rng):
    series = ar(4000, 0.6, rng)
    weights = block_weights(4000, block_length(series), 400, rng)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    # the long-run standard deviation of a unit-noise autoregression is 1 / (1 - rho)
    assert abs((weights @ series).std() * np.sqrt(4000) * 0.4 - 1) < 0.25


def test_curve_settles_where_it_stays_below_the_limit():
    kept = np.array([1, 2, 4, 8])
    curves = np.array([[3.0, 0.1, 3, 3], [1.0, 0.1, 0.1, 3], [2.0, 0.1, 2, 3], [0.5, 0.1, 0.2, 3]])
    assert settles(curves, kept, 1.0).tolist() == [8, 1, 8, np.inf]
