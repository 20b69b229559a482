"""Pairs of lags and best subsets, read off one table."""

import numpy as np
import pytest

from games_of_networks import lag_cells, network_game
from naive_games import best_and_worst_by_subsets, interaction_by_subsets
from networks import forecaster
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.interaction import pair_indices, tree_readings
from rnnlens.attribution.methods.shapley_tree import shapley_tree, shapley_values
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict

FIRST = ResolvedTarget((0,))


def read(network, x, x0, newest, **options):
    return tree_readings(
        question(
            network, entries(network, x), FIRST, make_baseline(x0, x), newest=newest, **options
        )
    )


def game_of(network, x, x0, unions):
    features = range(x.shape[1])
    return network_game(
        network, x, x0, {k: lag_cells(len(x), features, lags) for k, lags in enumerate(unions)}
    )


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "simple_rnn"])
def test_pairs_equal_brute_force_and_rows_sum_to_the_values_of_lags(kind, rng):
    network = forecaster(kind, rng, steps=6, features=2)
    x, many = rng.normal(size=(2, 6, 2)), rng.normal(size=(2, 6, 2))
    found = read(network, x, many, 4)
    M = found.interaction.interaction
    np.testing.assert_array_equal(M, M.swapaxes(1, 2))
    for k in range(2):
        naive = interaction_by_subsets(
            game_of(network, x[k], many, [[1], [2], [3], [4], [5, 6]]), range(5)
        )
        for (i, j), index in naive.items():
            assert abs(M[k, i, j] - index / 2) < 1e-13
    exact = shapley_tree(
        question(network, entries(network, x), FIRST, make_baseline(many, x), newest=4)
    )
    np.testing.assert_allclose(M.sum(axis=2), exact.contribution, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(found.values.contribution, exact.contribution)
    # everything from one table
    assert found.values.cells == exact.cells


def test_indices_of_a_player_sum_to_what_it_adds_last_minus_what_it_adds_first(rng):
    v = rng.normal(size=(2**6, 3))
    sums = pair_indices(v).sum(axis=1)
    for p in range(6):
        last = v[-1] - v[-1 - (1 << p)]
        first = v[1 << p] - v[0]
        np.testing.assert_allclose(sums[p], last - first, rtol=0, atol=1e-13)


def test_players_that_add_up_do_not_interact_and_a_product_does(rng):
    a = rng.normal(size=4)
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    assert np.abs(pair_indices(bits @ a)).max() < 1e-15
    product = bits @ a + 3.0 * bits[:, 1] * bits[:, 3]
    expected = np.zeros((4, 4))
    expected[1, 3] = expected[3, 1] = 3.0
    np.testing.assert_allclose(pair_indices(product), expected, rtol=0, atol=1e-14)
    phi = shapley_values(product)
    np.testing.assert_allclose(phi, a + 1.5 * np.array([0, 1, 0, 1]), rtol=0, atol=1e-14)


def test_a_lag_equal_to_its_baseline_interacts_with_nothing(rng):
    x, x0 = rng.normal(size=(2, 5, 3))
    x0[3] = x[3]
    M = read(forecaster("lstm", rng, steps=5), x[None], x0, 5).interaction.interaction[0]
    assert not M[1].any() and not M[:, 1].any()
    assert np.count_nonzero(M) == 16


def test_rows_sum_with_a_carried_state_too(rng):
    network = forecaster("lstm", rng, steps=5)
    x = rng.normal(size=(3, 5, 3))
    state = {"recurrent": rng.normal(size=(2, 3, 5))}
    found = read(network, x, rng.normal(size=(5, 3)), 3, initial_state=state)
    rows = found.interaction.interaction.sum(axis=2) + found.interaction.carried_interaction
    np.testing.assert_allclose(rows, found.values.contribution, rtol=0, atol=1e-14)
    assert np.abs(found.interaction.carried_interaction).min() > 1e-6
    assert found.subsets.closest.shape == (3, 5)
    ends = found.subsets.closest[:, -1]
    np.testing.assert_allclose(ends, found.values.forecast, rtol=0, atol=1e-14)


def test_best_and_worst_subsets_equal_a_search_and_are_what_they_say(rng):
    network = forecaster("gru_after", rng, steps=6, features=2)
    x, many = rng.normal(size=(2, 6, 2)), rng.normal(size=(1, 6, 2))
    found = read(network, x, many, 4)
    subsets, forecast = found.subsets, found.values.forecast
    unions = [[1], [2], [3], [4], [5, 6]]
    for k in range(2):
        naive = best_and_worst_by_subsets(game_of(network, x[k], many, unions), range(5))
        near = np.abs(subsets.closest[k] - forecast[k])
        far = np.abs(subsets.farthest[k] - forecast[k])
        np.testing.assert_allclose(np.transpose([near, far]), naive, rtol=0, atol=1e-13)
        for lags, values in (
            (subsets.closest_lags, subsets.closest),
            (subsets.farthest_lags, subsets.farthest),
        ):
            for size in range(6):
                assert lags[k, size].sum() == size
                mixed = many[0].copy()
                for player in np.flatnonzero(lags[k, size]):
                    for lag in unions[player]:
                        mixed[6 - lag] = x[k, 6 - lag]
                value = predict(network, mixed[None])[0, 0]
                assert abs(value - values[k, size]) < 1e-13
    assert (np.abs(subsets.farthest - forecast[:, None])[:, 1:-1] > near[1:-1]).all()
