"""Bounds hold, are what affine arithmetic says, and close in as the box shrinks."""

import math
from fractions import Fraction

import numpy as np
import pytest

from certificate_attacks import outputs, placed, strongest_attack
from naive_affine import Number, gru_after, lstm, simple_rnn
from networks import CELLS, cell, chain, equations, forecaster, head, stacked_bidirectional
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.evidence.proof.zonotope.bounds import Boxes, bounds, start
from rnnlens.evidence.proof.zonotope.recurrent import COARSE, POINT
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Dense,
    Flatten,
    GlobalPooling1D,
    Recurrent,
    TimeDistributed,
)

TARGET = ResolvedTarget((1,))


def known(network, X, target=TARGET):
    return start(network, {"x": X}, target, of="x")


def boxes(window, step, low, high, features=(0,)):
    low, high = np.atleast_2d(low), np.atleast_2d(high)
    feature = np.tile(np.array(features), (len(low), 1))
    return Boxes(np.full(len(low), window), step, feature, low.astype(float), high.astype(float))


def topologies(rng):
    relu, hard = Activation("relu"), Activation("hard_sigmoid", {"slope": 0.2})
    yield stacked_bidirectional(rng)
    yield stacked_bidirectional(rng, merge="sum")
    yield stacked_bidirectional(rng, merge="ave")
    yield chain(
        Recurrent(cell("lstm", rng, sigma=hard), return_sequences=True),
        TimeDistributed(head(rng, 5, 4, "relu")),
        Flatten(),
        BatchNormalization(
            rng.normal(size=24), rng.uniform(0.5, 2, 24), rng.normal(size=24), rng.normal(size=24)
        ),
        head(rng, 24, 3, "tanh"),
        head(rng, 3),
        shape=(6, 3),
    )
    yield chain(
        Dense(rng.normal(size=(3, 4)), rng.normal(size=4), Activation("tanh")),
        Recurrent(cell("gru_before", rng, 4), go_backwards=True, return_sequences=True),
        GlobalPooling1D("average"),
        head(rng, 5),
        shape=(6, 3),
    )
    yield chain(
        Bidirectional(
            Recurrent(cell("lstm_peephole", rng)),
            Recurrent(cell("lstm_peephole", rng), go_backwards=True),
        ),
        head(rng, 10, 4, "relu"),
        head(rng, 4),
        Activate(Activation("hard_tanh")),
        shape=(6, 3),
    )
    yield chain(
        Recurrent(cell("simple_rnn", rng, phi=relu), return_sequences=True),
        Recurrent(cell("lstm_projected", rng, 5)),
        head(rng, 2),
        shape=(6, 3),
    )


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
def test_nothing_escapes_a_bound(rng, kind, scale):
    network = forecaster(kind, rng, steps=9, units=8, scale=scale)
    x = rng.normal(size=(9, 3))
    begun = known(network, x[None])
    own = outputs(network, {"x": x[None]}, TARGET)[0]
    for step, features, half in ((8, (0,), 3.0), (4, (1, 2), 0.5), (0, (0, 1, 2), 1.0)):
        low, high = x[step, list(features)] - half, x[step, list(features)] + half
        found = bounds(begun, boxes(0, step, low, high, features))
        bound = max(found.high[0] - own, own - found.low[0])
        best = strongest_attack(
            network, TARGET, x, step, list(features), low, high, count=1500, rng=rng
        )
        assert best <= bound
        assert np.isfinite(bound)


def test_nothing_escapes_in_any_topology(rng):
    for network in topologies(rng):
        x = rng.normal(size=(6, 3))
        begun = known(network, x[None])
        for step in (0, 3, 5):
            for half in (1.0, 0.01, 0.001):
                low, high = x[step, :1] - half, x[step, :1] + half
                found = bounds(begun, boxes(0, step, low, high))
                values = np.linspace(low, high, 301)
                y = outputs(network, {"x": placed(x, step, [0], values)}, TARGET)
                assert found.low[0] <= y.min()
                assert y.max() <= found.high[0]
                # and it says something: the smallest box comes near to what is attained, with what
                # is over falling as the box does, to some 5% here
                if half == 0.001:
                    assert found.high[0] - found.low[0] <= 1.1 * (y.max() - y.min()) + 1e-9


@pytest.mark.parametrize("rows", [POINT, COARSE])
@pytest.mark.parametrize("half", [0.0, 0.5])
def test_boxes_of_several_steps_are_bounded_as_those_of_each_alone(rng, rows, half):
    """Steps that one of them does not reach yet are read for the others."""
    for network in topologies(rng):
        x, step = rng.normal(size=(6, 3)), np.array([5, 0, 3, 5])
        begun, middle = known(network, x[None]), x[step, 1:2]
        every = boxes(0, step, middle - half, middle + half, (1,))
        found = bounds(begun, every, rows)
        alone = [bounds(begun, boxes(0, int(t), m - half, m + half, (1,)), rows)
                 for t, m in zip(step, middle, strict=True)]  # fmt: skip
        for name in ("low", "high", "slope", "lost"):
            own = np.concatenate([getattr(one, name) for one in alone])
            np.testing.assert_allclose(getattr(found, name), own, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found.reached, True)


NAIVE = {"lstm": lstm, "simple_rnn": simple_rnn, "gru_after": gru_after}


@pytest.mark.parametrize(
    "kinds",
    [("lstm",), ("simple_rnn",), ("gru_after",), ("lstm", "simple_rnn"), ("simple_rnn", "lstm"),
     ("lstm", "gru_after")],
    ids=" then ".join,
)  # fmt: skip
def test_bounds_are_those_of_affine_arithmetic_written_out(rng, kinds):
    """To 1e-6 of the radius: the twin finds its edges on a grid."""
    cores = [cell(kind, rng, 3 if k else 2, 3, 0.7) for k, kind in enumerate(kinds)]
    w, b = rng.normal(size=(3, 2)), rng.normal(size=2)
    layers = [Recurrent(core, return_sequences=core is not cores[-1]) for core in cores]
    network = chain(*layers, Dense(w, b), shape=(5, 2))
    x = rng.normal(size=(5, 2))
    for step, half in ((4, 0.4), (1, 0.3)):
        found = bounds(
            known(network, x[None]), boxes(0, step, x[step, :1] - half, x[step, :1] + half)
        )
        steps = [[Number(float(v)) for v in row] for row in x]
        steps[step][0] = Number(float(x[step, 0]), {"free": half})
        for kind, core in zip(kinds, cores, strict=True):
            steps = NAIVE[kind](equations(core), steps)
        y = Number(float(b[1]))
        for u in range(3):
            y = y.plus(steps[-1][u].scaled(float(w[u, 1])))
        radius = y.radius()
        assert math.isclose((found.high[0] - found.low[0]) / 2, radius, rel_tol=1e-6)
        assert abs((found.high[0] + found.low[0]) / 2 - y.centre) < 1e-6 * radius
        assert math.isclose(abs(found.slope[0, 0]), abs(y.parts["free"]), rel_tol=1e-6)


def test_rounding_is_covered_where_large_products_cancel(rng):
    """A float64 sum of such products is wrong by far more than its own last place."""
    for _ in range(50):
        W = 10 ** rng.uniform(4, 8, size=(6, 1)) * rng.choice([-1, 1], (6, 1))
        x = np.append(rng.normal(size=5), 1.0)
        W[5] = -(x[:5] @ W[:5])
        core = SimpleRNN(Gate(W, np.zeros((1, 1))), Activation("linear"))
        network = chain(Recurrent(core), Dense(np.ones((1, 1))), shape=(1, 6))
        begun = known(network, x[None, None], ResolvedTarget((0,)))
        exact = sum(Fraction(x[k]) * Fraction(W[k, 0]) for k in range(6))
        assert Fraction(begun.low[0]) <= exact <= Fraction(begun.high[0])


@pytest.mark.parametrize("kind", CELLS)
def test_a_bound_of_a_part_of_a_box_lies_inside(rng, kind):
    network = forecaster(kind, rng, steps=8, units=6)
    x = rng.normal(size=(8, 3))
    begun = known(network, x[None])
    for step in (7, 3, 0):
        ends = np.linspace(x[step, 0] - 0.5, x[step, 0] + 0.5, 5)[:, None]
        whole = bounds(begun, boxes(0, step, ends[:1], ends[-1:]))
        parts = bounds(begun, boxes(0, step, ends[:-1], ends[1:]))
        assert (parts.low >= whole.low[0]).all()
        assert (parts.high <= whole.high[0]).all()


@pytest.mark.parametrize("kind", CELLS)
def test_what_is_lost_falls_with_the_square_of_the_box(rng, kind):
    network = forecaster(kind, rng, steps=8, units=6)
    x = rng.normal(size=(8, 3))
    begun = known(network, x[None])
    for step in (7, 4, 0):
        half = np.array([[0.04], [0.02], [0.01], [0.005]])
        found = bounds(begun, boxes(0, step, x[step, :1] - half, x[step, :1] + half))
        ratio = found.lost[:-1] / found.lost[1:]
        assert (ratio > 3.6).all()
        assert (ratio < 4.8).all()


def test_putting_rows_together_loses_little_and_nothing_escapes(rng, monkeypatch):
    from rnnlens.evidence.proof.zonotope import recurrent as zonotope_recurrent

    network = forecaster("lstm", rng, steps=40, units=6, scale=1.5)
    x = rng.normal(size=(40, 3))
    begun = known(network, x[None])
    asked = boxes(0, 0, x[0, :1] - 0.1, x[0, :1] + 0.1)
    monkeypatch.setattr(zonotope_recurrent, "ROWS", 1000)
    all_rows = bounds(begun, asked)
    monkeypatch.setattr(zonotope_recurrent, "ROWS", 8)
    fewer = bounds(begun, asked)
    width, least = fewer.high[0] - fewer.low[0], all_rows.high[0] - all_rows.low[0]
    assert least <= width * (1 + 1e-6)
    best = strongest_attack(
        network, TARGET, x, 0, [0], x[0, :1] - 0.1, x[0, :1] + 0.1, count=1500, rng=rng
    )
    own = outputs(network, {"x": x[None]}, TARGET)[0]
    assert best <= max(fewer.high[0] - own, own - fewer.low[0])


def test_the_rows_kept_are_the_largest_whatever_their_order(rng):
    from rnnlens.evidence.proof.zonotope.state import largest

    for _ in range(300):
        numbers = rng.normal(size=rng.integers(1, 30)).round(1)  # some are alike
        numbers[rng.random(len(numbers)) < 0.1] = np.inf
        count = int(rng.integers(1, len(numbers) + 1))
        assert largest.py_func(numbers.copy(), count) == np.sort(numbers)[::-1][count - 1]


def test_many_boxes_at_once_are_as_each_alone(rng):
    network = stacked_bidirectional(rng)
    X = rng.normal(size=(40, 6, 3))
    begun = known(network, X)
    low, high = X[:, 2, :2] - 0.3, X[:, 2, :2] + 0.2
    feature = np.tile([0, 1], (40, 1))
    together = bounds(begun, Boxes(np.arange(40), 2, feature, low, high))
    for k in (0, 13, 39):
        alone = bounds(known(network, X[k : k + 1]), boxes(0, 2, low[k], high[k], (0, 1)))
        assert math.isclose(alone.low[0], together.low[k], rel_tol=1e-12)
        assert math.isclose(alone.high[0], together.high[k], rel_tol=1e-12)


def test_nothing_free_leaves_rounding_alone(rng):
    for network in topologies(rng):
        X = rng.normal(size=(3, 6, 3))
        begun = known(network, X)
        y = outputs(network, {"x": X}, TARGET)
        assert (begun.low <= y).all()
        assert (y <= begun.high).all()
        assert (begun.high - begun.low < 1e-10).all()


def test_memory_stays_bounded_where_every_step_is_handed_on(rng, monkeypatch):
    """Boxes are taken in as many parts as their rows need; what is found is the same."""
    from rnnlens.evidence.proof.zonotope import bounds as zonotope

    network = stacked_bidirectional(rng)
    X = rng.normal(size=(1, 6, 3))
    begun = known(network, X)
    ends = np.linspace(-1, 1, 41)[:, None]
    asked = boxes(0, 2, ends[:-1], ends[1:])
    together = bounds(begun, asked)
    taken = []
    honest = zonotope._bounds
    monkeypatch.setattr(
        zonotope, "_bounds", lambda a, b, rows: taken.append(len(b.window)) or honest(a, b, rows)
    )
    monkeypatch.setattr(zonotope, "BYTES", 3 * zonotope._bytes(begun))
    apart = bounds(begun, asked)
    assert max(taken) == 3
    np.testing.assert_allclose(apart.low, together.low, rtol=1e-12)
    np.testing.assert_allclose(apart.high, together.high, rtol=1e-12)


def test_states_that_are_intervals_between_steps_hold_every_run(rng):
    for network in topologies(rng):
        X = rng.normal(size=(1, 6, 3))
        began = known(network, X)
        for size, wide in ((0.0, 1e-10), (0.1, np.inf)):
            low, high = X[0, 1, :1] - size, X[0, 1, :1] + size
            found = bounds(began, boxes(0, 1, low, high), POINT)
            tried = np.repeat(X, 50, axis=0)
            tried[:, 1, 0] = np.linspace(low[0], high[0], 50)
            runs = outputs(network, {"x": tried}, TARGET)
            # a plain run rounds too
            assert (runs >= found.low[0] - 1e-12).all()
            assert (runs <= found.high[0] + 1e-12).all()
            assert found.reached.all()
            assert found.high[0] - found.low[0] < wide
