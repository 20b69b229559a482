"""Everything that a proof rests on holds the exact value, which mpmath has in eighty digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from rnnlens.dynamics.fixed_points import curves
from rnnlens.dynamics.fixed_points.intervals import Interval, matrix_product
from rnnlens.dynamics.fixed_points.proof import prove, unstable_directions
from rnnlens.dynamics.fixed_points.step_map import step_map
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Gate, SimpleRNN


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(80):
        yield


def logistic(x):
    return 1 / (1 + mpmath.exp(-x))


EXACT = {
    "sigmoid": (logistic, lambda x: logistic(x) * logistic(-x)),
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
}


@pytest.mark.parametrize("name", EXACT)
def test_curves_and_slopes_hold_the_exact_ones(name, rng):
    phi, (value, slope) = Activation(name), EXACT[name]
    x = np.concatenate([rng.normal(size=200) * s for s in (1e-8, 0.1, 1, 5, 30)])
    a = Interval.at(x)
    for own, exact in ((curves.value(phi, a), value), (curves.slope(phi, a), slope)):
        for low, high, at in zip(own.low, own.high, x, strict=True):
            assert low <= exact(mpmath.mpf(at)) <= high
    wide = curves.slope(phi, Interval(np.array([-0.5]), np.array([0.25])))
    assert wide.low[0] <= slope(mpmath.mpf(-0.5)) and wide.high[0] >= slope(mpmath.mpf(0))


def test_products_and_sums_hold_the_exact_ones(rng):
    A, B = rng.normal(size=(5, 7)) * 10.0 ** rng.integers(-8, 8, (5, 7)), rng.normal(size=(7, 3))
    product = matrix_product(A, B)
    exact = mpmath.matrix(A.tolist()) * mpmath.matrix(B.tolist())
    a, b = Interval.at(A[0]), Interval.at(A[1])
    for i in range(5):
        for j in range(3):
            assert product.low[i, j] <= exact[i, j] <= product.high[i, j]
    for own, right in ((a + b, lambda p, q: p + q), (a * b, lambda p, q: p * q)):
        for k in range(7):
            assert own.low[k] <= right(mpmath.mpf(A[0, k]), mpmath.mpf(A[1, k])) <= own.high[k]


def exact_step(cell, x, state):
    """Take one step in eighty digits, number by number."""
    H = cell.units
    h, c = state[:H], state[H:]

    def into(gate, j, of=h, recurrent=True):
        own = sum(mpmath.mpf(v) * mpmath.mpf(w) for v, w in zip(x, gate.W[:, j], strict=True))
        own += (
            sum(v * mpmath.mpf(w) for v, w in zip(of, gate.U[:, j], strict=True))
            if recurrent
            else 0
        )
        return own + mpmath.mpf(gate.b[j]) + (mpmath.mpf(gate.b_r[j]) if recurrent else 0)

    if isinstance(cell, SimpleRNN):
        return [mpmath.tanh(into(cell.hidden, j)) for j in range(H)]
    if isinstance(cell, LSTM):
        i, f, o = (
            [logistic(into(g, j)) for j in range(H)] for g in (cell.input, cell.forget, cell.output)
        )
        g = [mpmath.tanh(into(cell.cell, j)) for j in range(H)]
        c = [f[j] * c[j] + i[j] * g[j] for j in range(H)]
        return [o[j] * mpmath.tanh(c[j]) for j in range(H)] + c
    z, r = ([logistic(into(g, j)) for j in range(H)] for g in (cell.update, cell.reset))
    n = cell.candidate
    if cell.reset_after:
        inner = [
            r[j]
            * (
                sum(v * mpmath.mpf(w) for v, w in zip(h, n.U[:, j], strict=True))
                + mpmath.mpf(n.b_r[j])
            )
            for j in range(H)
        ]
        out = [mpmath.tanh(into(n, j, recurrent=False) + inner[j]) for j in range(H)]
    else:
        out = [mpmath.tanh(into(n, j, of=[r[k] * h[k] for k in range(H)])) for j in range(H)]
    return [z[j] * h[j] + (1 - z[j]) * out[j] for j in range(H)]


def small_cells(rng, scale):
    def gate():
        sizes = (2, 3), (3, 3), (3,), (3,)
        return Gate(*(scale * rng.normal(size=size) for size in sizes))

    return [
        LSTM(gate(), gate(), gate(), gate()),
        GRU(gate(), gate(), gate(), reset_after=True),
        GRU(gate(), gate(), gate(), reset_after=False),
        SimpleRNN(gate()),
    ]


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_a_step_at_one_state_holds_the_exact_step(which, scale, rng):
    cell = small_cells(rng, scale)[which]
    step = step_map([cell], rng.normal(size=(1, 2)))
    for state in rng.normal(size=(5, step.size)):
        after, _ = step.move(Interval.at(state), step.inputs[0])
        exact = exact_step(cell, step.inputs[0], [mpmath.mpf(v) for v in state])
        for low, high, value in zip(after.low, after.high, exact, strict=True):
            assert low <= value <= high
            assert high - low < 1e-13 * max(1, scale)  # of a few dozen roundings


@pytest.mark.parametrize("which", range(4))
def test_the_exact_point_is_within_the_radius_that_is_stated(which, rng):
    cell = small_cells(rng, 0.7)[which]
    step = step_map([cell], rng.normal(size=(1, 2)))
    state = np.zeros(step.size)
    for _ in range(3000):
        state = step.state_after(state, step.inputs[0])
    proof = prove(step, state[None])
    assert proof.holds and proof.unstable == 0 and proof.index == 1
    exact = [mpmath.mpf(v) for v in state]
    for _ in range(400):  # it draws in: the exact step comes home from here
        exact = exact_step(cell, step.inputs[0], exact)
    again = exact_step(cell, step.inputs[0], exact)
    assert max(abs(a - b) for a, b in zip(exact, again, strict=True)) < 1e-20
    assert max(abs(a - mpmath.mpf(v)) for a, v in zip(exact, state, strict=True)) <= proof.radius


def test_unstable_directions_are_those_that_a_matrix_was_made_with(rng):
    for _ in range(20):
        values = np.array([3.0, -1.4, 1.1, 0.9, -0.2, 0.05])
        V = rng.normal(size=(6, 6))
        A = V @ np.diag(values) @ np.linalg.inv(V)
        assert unstable_directions(Interval.around(A, 1e-9)) == 3
    turning = 1.01 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    assert unstable_directions(Interval.at(turning)) == 2


def test_nothing_is_said_where_an_eigenvalue_may_lie_on_the_circle():
    A = np.diag([1.0, 0.5])
    assert unstable_directions(Interval.at(A)) == -1
    assert unstable_directions(Interval.around(np.diag([1.1, 0.5]), 0.2)) == -1


def test_equal_eigenvectors_are_shaken_apart():
    block = np.diag([0.1] * 4) + np.diag([0.05] * 3, k=1)
    assert unstable_directions(Interval.at(block)) == 0
