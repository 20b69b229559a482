"""The state carried into a window is a player of its own."""

import numpy as np
import pytest

from games_of_networks import lag_cells, network_game
from naive import shapley_by_subsets
from networks import CELLS, cell, chain, forecaster, head
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, forward, predict
from rnnlens.engine.stepwise import coalitions
from rnnlens.engine.trace import layer_traces
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Bidirectional, Dense, Recurrent

FIRST = ResolvedTarget((0,))


def state_of(network, rng, samples):
    core = network["recurrent"].layer.cell
    return {"recurrent": [rng.normal(size=(samples, size)) for size in core.state_sizes]}


def split(method, network, x, x0, state, **options):
    baseline = make_baseline(x0, x)
    given = network, entries(network, x), FIRST, baseline
    return method(question(*given, initial_state=state, **options))


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_secant_sums_to_the_change_with_the_state_among_the_parts(kind, scale, rng):
    network = forecaster(kind, rng, steps=5, scale=scale)
    x, many = rng.normal(size=(4, 5, 3)), rng.normal(size=(3, 5, 3))
    state = state_of(network, rng, 4)
    found = split(secant, network, x, many, state)
    forecast = predict(network, x, initial_state=state)[:, 0]
    zero = np.mean([predict(network, one[None])[0, 0] for one in many])
    np.testing.assert_allclose(found.forecast, forecast, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.baseline_forecast, zero, rtol=0, atol=1e-14)
    total = found.contribution.sum(axis=(1, 2)) + found.carried
    np.testing.assert_allclose(total, forecast - zero, rtol=0, atol=1e-10)
    assert np.abs(found.carried).min() > 1e-6


def test_a_state_of_zero_contributes_exactly_zero_and_changes_nothing(rng):
    network = forecaster("lstm", rng, steps=5)
    x, x0 = rng.normal(size=(3, 5, 3)), rng.normal(size=(5, 3))
    zero = {"recurrent": np.zeros((2, 3, 5))}
    for method in (secant, shapley_tree):
        with_state = split(method, network, x, x0, zero)
        without = split(method, network, x, x0, None)
        assert not with_state.carried.any() and without.carried is None
        a, b = with_state.contribution, without.contribution
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


def test_in_a_linear_recurrence_the_state_gets_what_is_left_of_it(rng):
    rho = 0.8
    leaky = SimpleRNN(Gate(np.ones((1, 1)), np.full((1, 1), rho)), Activation("linear"))
    network = chain(Recurrent(leaky), Dense(np.ones((1, 1))), shape=(6, 1))
    x, x0 = rng.normal(size=(3, 6, 1)), rng.normal(size=(6, 1))
    h = rng.normal(size=(3, 1))
    for method in (secant, shapley_tree):
        found = split(method, network, x, x0, {"recurrent": [h]})
        np.testing.assert_allclose(found.carried, rho**6 * h[:, 0], rtol=0, atol=1e-14)
        by_lag = found.contribution.reshape(3, 6)
        expected = rho ** np.arange(6) * (x - x0)[:, ::-1, 0]
        np.testing.assert_allclose(by_lag, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "lstm_projected", "gru_after", "simple_rnn"])
def test_the_tree_with_a_state_equals_brute_force(kind, whole, rng, monkeypatch):
    if whole:
        monkeypatch.setattr(coalitions, "split_by_step", lambda *_: None)
    network = forecaster(kind, rng, steps=5, features=2)
    x, many = rng.normal(size=(3, 5, 2)), rng.normal(size=(2, 5, 2))
    state = state_of(network, rng, 3)
    found = split(shapley_tree, network, x, many, state, newest=3)
    for k in range(3):
        cells_of = {p: lag_cells(5, [0, 1], lags) for p, lags in enumerate([[1], [2], [3], [4, 5]])}
        cells_of[4] = "state"
        one = {"recurrent": [s[k : k + 1] for s in state["recurrent"]]}
        game = network_game(network, x[k], many, cells_of, state=one)
        phi = shapley_by_subsets(game, 5)
        np.testing.assert_allclose(found.contribution[k], phi[:4], rtol=0, atol=1e-13)
        assert abs(found.carried[k] - phi[4]) < 1e-13
    if not whole:
        # twice the tree without a state
        assert found.cells == 3 * 2 * 2 * (2 * 2 + 2**5 - 4)


def stacked(rng):
    first = Recurrent(cell("lstm", rng), return_sequences=True)
    second = Recurrent(cell("gru_after", rng, features=5))
    return chain(first, second, head(rng, 5), shape=(5, 3))


def both_ways(rng):
    there = Recurrent(cell("lstm", rng))
    back = Recurrent(cell("lstm", rng), go_backwards=True)
    return chain(Bidirectional(there, back), head(rng, 10), shape=(5, 3))


def test_the_states_of_all_layers_count_and_those_not_given_are_zero(rng):
    network = stacked(rng)
    x, x0 = rng.normal(size=(3, 5, 3)), rng.normal(size=(5, 3))
    lower = {"recurrent": rng.normal(size=(2, 3, 5))}
    every = {**lower, "recurrent_1": rng.normal(size=(1, 3, 5))}
    for state in (lower, every):
        found = split(secant, network, x, x0, state)
        tree = split(shapley_tree, network, x, x0, state, newest=5)
        assert np.abs(found.residual).max() < 1e-12 and np.abs(tree.residual).max() < 1e-12
        forecast = predict(network, x, initial_state=state)[:, 0]
        np.testing.assert_allclose(tree.forecast, forecast, rtol=0, atol=1e-14)
        assert np.abs(tree.carried).min() > 1e-4


def test_a_network_that_reads_both_ways_takes_its_states_too(rng):
    network = both_ways(rng)
    x, x0 = rng.normal(size=(2, 5, 3)), rng.normal(size=(5, 3))
    state = {"bidirectional": rng.normal(size=(4, 2, 5))}
    found = split(secant, network, x, x0, state)
    tree = split(shapley_tree, network, x, x0, state, newest=3)
    assert np.abs(found.residual).max() < 1e-12 and np.abs(tree.residual).max() < 1e-12
    assert np.abs(found.carried).min() > 1e-4 and np.abs(tree.carried).min() > 1e-4


def test_the_second_half_with_the_state_of_the_first_forecasts_what_the_whole_does(rng):
    core, readout = cell("lstm", rng), head(rng, 5)
    whole = chain(Recurrent(core), readout, shape=(10, 3))
    half = chain(Recurrent(core), readout, shape=(5, 3))
    x = rng.normal(size=(2, 10, 3))
    trace = layer_traces(forward(whole, entries(whole, x)))["recurrent"]
    state = {"recurrent": [trace.hidden[:, 4], trace.cell[:, 4]]}
    found = split(secant, half, x[:, 5:], np.zeros(3), state)
    np.testing.assert_allclose(found.forecast, predict(whole, x)[:, 0], rtol=0, atol=1e-14)
    assert np.abs(found.carried).min() > 1e-4


def test_chunks_carry_their_own_states(rng, monkeypatch):
    from rnnlens.attribution.games import window_games
    from rnnlens.engine.schedule import plan

    network = forecaster("lstm", rng, steps=5)
    x, x0 = rng.normal(size=(9, 5, 3)), rng.normal(size=(5, 3))
    state = state_of(network, rng, 9)
    wholes = [split(method, network, x, x0, state) for method in (secant, shapley_tree)]
    monkeypatch.setattr(plan, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 3000)
    monkeypatch.setattr(window_games, "WINDOWS", 2)
    for method, whole in zip((secant, shapley_tree), wholes, strict=True):
        pieces = split(method, network, x, x0, state)
        np.testing.assert_allclose(pieces.carried, whole.carried, rtol=0, atol=1e-14)
