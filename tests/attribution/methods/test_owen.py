"""Exact Owen values: brute force, the lags they sum to, the count of cells, groups, padding."""

import numpy as np
import pytest

from games_of_networks import lag_cells, network_game
from naive_games import owen_by_subsets
from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.games.players import PlayerGroups
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.engine.stepwise import coalitions
from rnnlens.errors import DataError
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation

FIRST = ResolvedTarget((0,))


def split(network, x, x0, newest, held=(), method=owen, **options):
    baseline = make_baseline(x0, x, held=np.array(held, int))
    return method(question(network, entries(network, x), FIRST, baseline, newest=newest, **options))


def brute_force(network, x, backgrounds, unions, columns, state=None):
    """Owen values of one window; unions are lists of lags, newest first. (lag, column)."""
    players, cells_of = [], {}
    for lags in unions:
        start = len(cells_of)
        for k, column in enumerate(columns):
            cells_of[start + k] = lag_cells(len(x), column, lags)
        players.append(list(range(start, start + len(columns))))
    if state is not None:
        cells_of[len(cells_of)] = "state"
        players.append([len(cells_of) - 1])
    game = network_game(network, x, backgrounds, cells_of, state=state)
    found = owen_by_subsets(game, players)
    table = [[found[p] for p in union] for union in players[: len(unions)]]
    return np.array(table), found[len(cells_of) - 1] if state is not None else None


def two_features(rng):
    return forecaster("lstm", rng, steps=4, features=2)


def masked(rng):
    core = L.Recurrent(cell("lstm", rng, features=2), return_sequences=True)
    top = L.Recurrent(cell("gru_after", rng, features=5))
    return chain(L.Masking(0.0), core, top, head(rng, 5), shape=(4, 2))


def bidirectional(rng):
    return stacked_bidirectional(rng, steps=4, features=2)


def convolved(rng):
    window = L.Conv1D(rng.normal(size=(2, 2, 4)), None, Activation("tanh"))
    core = L.Recurrent(cell("lstm", rng, features=4))
    return chain(window, core, head(rng, 5), shape=(4, 2))


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("newest", [4, 2])
def test_values_equal_brute_force_and_older_lags_are_split_by_feature(kind, newest, rng):
    network = forecaster(kind, rng, steps=4, features=2)
    x, many = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 4, 2))
    found = split(network, x, many, newest)
    unions = [[1], [2], [3], [4]] if newest == 4 else [[1], [2], [3, 4]]
    for k in range(2):
        table, _ = brute_force(network, x[k], many, unions, [[0], [1]])
        # float64 sums of 2^8 forecasts of order 1
        np.testing.assert_allclose(found.contribution[k], table, rtol=0, atol=1e-13)
    assert found.lag_to.tolist() == [u[-1] for u in unions]


@pytest.mark.parametrize("make", [masked, bidirectional, convolved])
def test_any_graph_equals_brute_force(make, rng):
    network = make(rng)
    x, x0 = rng.normal(size=(2, 4, 2))
    found = split(network, x[None], x0, 3).contribution[0]
    table, _ = brute_force(network, x, [x0], [[1], [2], [3], [4]], [[0], [1]])
    np.testing.assert_allclose(found, table, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize(("steps", "newest"), [(7, 7), (9, 5)])
def test_features_sum_to_the_exact_shapley_values_of_lags(kind, steps, newest, rng):
    network = forecaster(kind, rng, steps=steps)
    x, many = rng.normal(size=(5, steps, 3)), rng.normal(size=(3, steps, 3))
    found = split(network, x, many, newest)
    lags = split(network, x, many, newest, method=shapley_tree)
    # the same forecasts in another order of summation
    by_lag = found.contribution.sum(axis=2)
    np.testing.assert_allclose(by_lag, lags.contribution, rtol=0, atol=2e-15)
    assert np.abs(found.residual).max() < 1e-13


@pytest.mark.parametrize(
    ("steps", "newest", "features", "held"),
    [(6, 6, 2, ()), (6, 6, 3, ()), (9, 5, 2, ()), (9, 5, 3, (1,)), (6, 6, 1, ())],
)
def test_the_count_of_cells_is_the_formula(steps, newest, features, held, rng):
    network = forecaster("lstm", rng, steps=steps, features=features)
    x, many = rng.normal(size=(3, steps, features)), rng.normal(size=(2, steps, features))
    found = split(network, x, many, newest, held=held)
    K, T, partial = newest, steps, 2 ** (features - len(held)) - 2
    if K == T:
        one = 2 ** (K + 1) - 2 + partial * ((K - 1) * 2**K + 1)
    else:
        one = 2 * (T - K) + 2 ** (K + 2) - 4 + partial * (T - K + K * 2 ** (K + 1))
    assert found.cells == 3 * 2 * one


def test_each_layer_of_a_stack_counts(rng):
    layers = [L.Recurrent(cell("lstm", rng, features=2), return_sequences=True)]
    layers.append(L.Recurrent(cell("gru_after", rng, features=5)))
    network = chain(*layers, head(rng, 5), shape=(4, 2))
    found = split(network, rng.normal(size=(1, 4, 2)), np.zeros(2), 4)
    assert found.cells == 2 * (2**5 - 2 + 2 * (3 * 2**4 + 1))


def test_held_features_are_no_players_and_get_exactly_zero(rng):
    network = forecaster("lstm", rng, steps=4, features=3)
    x, x0 = rng.normal(size=(2, 4, 3))
    found = split(network, x[None], x0, 4, held=[1]).contribution[0]
    kept = x0.copy()
    kept[:, 1] = x[:, 1]
    table, _ = brute_force(network, x, [kept], [[1], [2], [3], [4]], [[0], [2]])
    np.testing.assert_allclose(found[:, [0, 2]], table, rtol=0, atol=1e-13)
    assert not found[:, 1].any()


def test_where_all_features_are_held_nothing_contributes(rng):
    network = forecaster("lstm", rng, steps=4, features=2)
    found = split(network, rng.normal(size=(2, 4, 2)), np.zeros(2), 3, held=[0, 1])
    assert not found.contribution.any()


@pytest.mark.parametrize("whole", [False, True])
def test_groups_of_lags_and_features_equal_brute_force(whole, rng, monkeypatch):
    if whole:
        monkeypatch.setattr(coalitions, "split_by_step", lambda *_: None)
    network = forecaster("gru_after", rng, steps=6, features=3)
    x, x0 = rng.normal(size=(2, 6, 3))
    groups = PlayerGroups(lags={"every third": (3, 6)}, features={"wind": (0, 2)})
    found = split(network, x[None], x0, 1, groups=groups)
    assert found.players == ("lag 1", "lags 2 to 5", "every third")
    assert found.columns == ((0, 2), (1,)) and found.column_names == ("wind", "")
    unions = [[1], [2, 4, 5], [3, 6]]
    table, _ = brute_force(network, x, [x0], unions, [[0, 2], [1]])
    np.testing.assert_allclose(found.contribution[0], table, rtol=0, atol=1e-13)
    assert found.lag_from.tolist() == [1, 2, 3] and found.lag_to.tolist() == [1, 5, 6]


@pytest.mark.parametrize("whole", [False, True])
def test_a_carried_state_is_a_player_of_its_own(whole, rng, monkeypatch):
    if whole:
        monkeypatch.setattr(coalitions, "split_by_step", lambda *_: None)
    network = two_features(rng)
    x, x0 = rng.normal(size=(2, 3, 4, 2))
    state = {"recurrent": rng.normal(size=(2, 3, 5))}
    found = split(network, x, x0, 2, initial_state=state)
    for k in range(3):
        one = {"recurrent": [s[k : k + 1] for s in state["recurrent"]]}
        table, own = brute_force(network, x[k], x0, [[1], [2], [3, 4]], [[0], [1]], one)
        np.testing.assert_allclose(found.contribution[k], table, rtol=0, atol=1e-13)
        assert abs(found.carried[k] - own) < 1e-13
    assert np.abs(found.carried).min() > 1e-3


def test_walking_depth_first_and_some_windows_at_a_time_change_nothing(rng, monkeypatch):
    from rnnlens.attribution.games import window_games

    network = forecaster("lstm", rng, steps=6, features=3)
    x, x0 = rng.normal(size=(5, 6, 3)), rng.normal(size=(2, 6, 3))
    wide = split(network, x, x0, 4)
    monkeypatch.setattr(coalitions, "MOST_HISTORIES", 4)
    monkeypatch.setattr(window_games, "WINDOWS", 2)
    deep = split(network, x, x0, 4)
    np.testing.assert_allclose(deep.contribution, wide.contribution, rtol=0, atol=1e-14)
    assert deep.cells == wide.cells


def test_padding_and_what_equals_the_baseline_contribute_exactly_zero(rng):
    network = masked(rng)
    x = rng.normal(size=(2, 4, 2))
    x[0, :2] = 0.0
    x[1, 3, 1] = 0.7
    found = split(network, x, np.array([[0.3, 0.7]] * 4), 4).contribution[:, ::-1]
    assert not found[0, :2].any() and found[0, 2:].all()
    assert found[1, 3, 1] == 0 and np.count_nonzero(found[1]) == 7


def test_more_coalitions_than_memory_holds_are_refused(rng):
    network = forecaster("lstm", rng, steps=12, features=16)
    with pytest.raises(DataError, match=r"16 features at 10 lags need [\d,]+ coalitions a window"):
        split(network, rng.normal(size=(1, 12, 16)), np.zeros(16), 10)
