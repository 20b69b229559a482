"""The exact tree: brute force, the axioms, the count of cells."""

from itertools import combinations

import numpy as np
import pytest

from naive import shapley_by_subsets
from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.games.window_games import WINDOWS
from rnnlens.attribution.methods.interaction import tree_readings
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.pruning import pruning
from rnnlens.attribution.methods.shapley_tree import shapley_tree, shapley_values
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.stepwise import coalitions, trees
from rnnlens.engine.stepwise.walk import Walk
from rnnlens.errors import DataError
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Index
from rnnlens.network.network import Network, Node, Origin

FIRST = ResolvedTarget((0,))


def split(network, x, x0, newest, target=FIRST):
    return shapley_tree(
        question(network, entries(network, x), target, make_baseline(x0, x), newest=newest)
    )


def brute_force(network, x, x0, newest):
    """Shapley's formula over whole windows; players newest first, all older steps the last."""
    T = len(x)
    count = min(newest, T) + (newest < T)

    def mixed(chosen):
        window = x0.copy()
        for player in chosen:
            if player == newest:
                window[: T - newest] = x[: T - newest]
            else:
                window[T - 1 - player] = x[T - 1 - player]
        return window

    subsets = [chosen for size in range(count + 1) for chosen in combinations(range(count), size)]
    forecasts = predict(network, np.stack([mixed(chosen) for chosen in subsets]))[:, 0]
    values = {frozenset(chosen): one for chosen, one in zip(subsets, forecasts, strict=True)}
    return shapley_by_subsets(lambda chosen: values[frozenset(chosen)], count)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize(("steps", "newest"), [(8, 8), (10, 10), (12, 7)])
def test_the_tree_equals_brute_force(kind, steps, newest, rng):
    network = forecaster(kind, rng, steps=steps)
    x, x0 = rng.normal(size=(2, steps, 3))
    found = split(network, x[None], x0, newest).contribution[0]
    np.testing.assert_allclose(found, brute_force(network, x, x0, newest), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize(("windows", "features"), [(1, 3), (6, 3), (6, 70)])
def test_steps_of_one_player_are_taken_together(kind, windows, features, rng, monkeypatch):
    """Of many features their products are read; the cells are those of single steps."""
    lower = cell(kind, rng, features, 5)
    upper = L.Recurrent(cell("gru_after", rng, lower.state_sizes[0], 4))
    one = L.Recurrent(lower, return_sequences=True)
    network = chain(one, upper, head(rng, 4), shape=(20, features))
    x, x0 = rng.normal(size=(windows, 20, features)), rng.normal(size=(20, features))
    taken, steps = [], Walk.steps
    monkeypatch.setattr(
        Walk, "steps", lambda self, state, x: taken.append(x.shape[1]) or steps(self, state, x)
    )
    together = split(network, x, x0, 5)
    assert taken and max(taken) >= 14
    monkeypatch.setattr(trees, "FEWEST_TOGETHER", 99)
    apart = split(network, x, x0, 5)
    np.testing.assert_allclose(together.contribution, apart.contribution, rtol=0, atol=1e-13)
    assert together.cells == apart.cells


@pytest.mark.parametrize("method", [shapley_tree, owen, pruning, tree_readings])
def test_many_windows_are_shared_among_the_threads(method, rng, monkeypatch):
    """The same results to the last bit, the same cells, and all windows are told of."""
    network, x = forecaster("lstm", rng, steps=4), rng.normal(size=(3 * WINDOWS + 5, 4, 3))
    asked = question(network, entries(network, x), FIRST, make_baseline(x[0], x), newest=2)

    def run(threads):
        monkeypatch.setenv("RNNLENS_THREADS", threads)
        told = []
        found = method(asked, progress=lambda done, total: told.append((done, total)))
        return found, told

    (one, told), (two, told_of_two) = run("1"), run("2")
    for alone, other in zip(arrays(one), arrays(two), strict=True):
        np.testing.assert_array_equal(alone, other)
    assert told[-1] == told_of_two[-1] == (len(x), len(x))
    assert [done for done, _ in told_of_two] == sorted(done for done, _ in told_of_two)


def arrays(found):
    """All numbers of a result, of those within it too."""
    for one in vars(found).values():
        if isinstance(one, np.ndarray | int):
            yield one
        elif hasattr(one, "__dataclass_fields__"):
            yield from arrays(one)


def masked(rng):
    return chain(
        L.Masking(0.0),
        L.Recurrent(cell("lstm", rng), return_sequences=True),
        L.Recurrent(cell("gru_after", rng, features=5)),
        head(rng, 5),
        shape=(6, 3),
    )


def stepwise_layers(rng):
    """Every kind of layer that keeps steps apart, between two recurrent layers."""
    nodes = (
        Node("x", L.Input((6, 3))),
        Node("norm", L.BatchNormalization(np.zeros(3), np.ones(3) * 2), (("x", 0),)),
        Node("a", L.Recurrent(cell("lstm", rng), return_sequences=True), (("norm", 0),)),
        Node("both", L.Concatenate(), (("a", 0), ("x", 0))),
        Node("each", L.TimeDistributed(L.Dense(rng.normal(size=(8, 4)))), (("both", 0),)),
        Node("act", L.Activate(Activation("tanh")), (("each", 0),)),
        Node("layer", L.LayerNormalization(np.ones(4), None), (("act", 0),)),
        Node(
            "b",
            L.Recurrent(cell("gru_before", rng, features=4), return_state=True),
            (("layer", 0),),
        ),
        Node("more", L.Add(), (("b", 0), ("b", 1))),
        Node("out", head(rng, 5), (("more", 0),)),
    )
    return Network(nodes, (("out", 0),), Origin("test"))


def newest_of_a_sequence(rng):
    return chain(
        L.Recurrent(cell("lstm", rng), return_sequences=True),
        Index(-1),
        head(rng, 5),
        shape=(6, 3),
    )


def convolved(rng):
    return chain(
        L.Conv1D(rng.normal(size=(2, 3, 4)), None, Activation("tanh")),
        L.Recurrent(cell("lstm", rng, features=4)),
        head(rng, 5),
        shape=(6, 3),
    )


@pytest.mark.parametrize(
    "make", [masked, stepwise_layers, newest_of_a_sequence, convolved, stacked_bidirectional]
)
def test_any_graph_equals_brute_force(make, rng):
    network = make(rng)
    x, x0 = rng.normal(size=(2, 6, 3))
    found = split(network, x[None], x0, 4).contribution[0]
    np.testing.assert_allclose(found, brute_force(network, x, x0, 4), rtol=0, atol=1e-13)


@pytest.mark.parametrize("padding", [4, 5])
@pytest.mark.parametrize("make", [masked, stepwise_layers, newest_of_a_sequence])
def test_walking_step_by_step_gives_what_whole_windows_give(make, padding, rng, monkeypatch):
    network = make(rng)
    x, x0 = rng.normal(size=(2, 6, 3))
    x[1] = x[padding] = 0.0
    walked = split(network, x[None], x0, 5)
    assert coalitions.split_by_step(network, "x") is not None
    monkeypatch.setattr(coalitions, "split_by_step", lambda *_: None)
    whole = split(network, x[None], x0, 5)
    np.testing.assert_allclose(walked.contribution, whole.contribution, rtol=0, atol=1e-14)
    if make is masked:
        lag = 6 - padding
        assert walked.contribution[0, lag - 1] == 0
        assert whole.contribution[0, lag - 1] == 0


def test_walking_depth_first_changes_nothing(rng, monkeypatch):
    network = forecaster("lstm", rng, steps=9)
    x, x0 = rng.normal(size=(2, 9, 3))
    wide = split(network, x[None], x0, 7)
    monkeypatch.setattr(coalitions, "MOST_HISTORIES", 4)
    deep = split(network, x[None], x0, 7)
    np.testing.assert_allclose(deep.contribution, wide.contribution, rtol=0, atol=1e-14)
    assert deep.cells == wide.cells


@pytest.mark.parametrize(("steps", "newest"), [(8, 8), (8, 20), (24, 10), (24, 1)])
def test_the_count_of_cells_is_the_formula(steps, newest, rng):
    network = forecaster("lstm", rng, steps=steps)
    x, many = rng.normal(size=(3, steps, 3)), rng.normal(size=(2, steps, 3))
    found = split(network, x, many, newest)
    K = min(newest, steps)
    one = 2 ** (K + 1) - 2 if steps <= newest else 2 * (steps - K) + 2 ** (K + 2) - 4
    assert found.cells == 3 * 2 * one


def test_lags_of_the_players_are_named_newest_first(rng):
    found = split(forecaster("lstm", rng, steps=8), rng.normal(size=(1, 8, 3)), np.zeros(3), 3)
    assert found.lag_from.tolist() == [1, 2, 3, 4]
    assert found.lag_to.tolist() == [1, 2, 3, 8]


@pytest.mark.parametrize("kind", CELLS)
def test_values_sum_to_the_change(kind, rng):
    x = rng.normal(size=(4, 9, 3))
    found = split(forecaster(kind, rng, steps=9, scale=4.0), x, rng.normal(size=(3, 9, 3)), 5)
    assert np.abs(found.residual).max() < 1e-13


def test_equal_players_get_equal_values_and_a_dummy_gets_zero(rng):
    v = rng.normal(size=(2, 2, 2))
    symmetric = (v + v.transpose(1, 0, 2)) / 2  # players 1 and 2 (axes are high bit first)
    phi = shapley_values(symmetric.ravel())
    np.testing.assert_allclose(phi[1], phi[2], rtol=0, atol=1e-15)
    assert abs(phi[0] - phi[1]) > 1e-3
    dummy = np.repeat(rng.normal(size=4), 2)  # player 0, the lowest bit, changes nothing
    assert shapley_values(dummy)[0] == 0


def test_a_lag_equal_to_its_baseline_is_a_dummy(rng):
    x, x0 = rng.normal(size=(2, 7, 3))
    x0[4] = x[4]
    found = split(forecaster("lstm", rng), x[None], x0, 7).contribution[0]
    assert found[2] == 0
    assert np.count_nonzero(found) == 6


def test_values_are_linear_in_the_head(rng):
    network = forecaster("lstm", rng, targets=3)
    readout = network["dense"].layer
    readout.W[:, 2] = readout.W[:, 0] + readout.W[:, 1]
    x, x0 = rng.normal(size=(2, 7, 3))
    one, two, both = (
        split(network, x[None], x0, 6, ResolvedTarget((k,))).contribution for k in range(3)
    )
    np.testing.assert_allclose(both, one + two, rtol=0, atol=1e-14)


def test_a_linear_recurrence_gets_the_coefficients_of_its_memory(rng):
    # h' = rho h + x: the input at lag k counts rho^(k-1)
    rho = 0.8
    from rnnlens.network.cells import Gate, SimpleRNN

    leaky = SimpleRNN(Gate(np.ones((1, 1)), np.full((1, 1), rho)), Activation("linear"))
    network = chain(L.Recurrent(leaky), L.Dense(np.ones((1, 1))), shape=(9, 1))
    x, x0 = rng.normal(size=(2, 9, 1))
    found = split(network, x[None], x0, 9).contribution[0]
    expected = rho ** np.arange(9) * (x - x0)[::-1, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("newest", [0, -3, 25])
def test_a_number_of_lags_out_of_range_is_refused(newest, rng):
    network = forecaster("lstm", rng, steps=30)
    with pytest.raises(DataError, match=f"1 to 20 lags as players, but {newest} were asked for"):
        split(network, rng.normal(size=(1, 30, 3)), np.zeros(3), newest)
