"""What a map settles to is found, proven and counted; what has no proof is no point."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from flip_flop import flip_flop
from rnnlens.dynamics.fixed_points.find import find
from rnnlens.dynamics.fixed_points.proof import prove
from rnnlens.dynamics.fixed_points.step_map import step_map
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM, Gate, SimpleRNN


def plain(U, b=None, phi="tanh"):
    """A plain cell of one input that has no weight."""
    U = np.asarray(U, float)
    return SimpleRNN(Gate(np.zeros((1, len(U))), U, np.asarray(b, float) if b else None),
                     Activation(phi))  # fmt: skip


def found(cell, rng, length=1, period=1):
    step = step_map([cell], np.zeros((length, cell.features)))
    visited = 0.8 * rng.uniform(-1, 1, size=(200, step.size))
    return find(step, visited, period=period)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_three_bits_are_27_points_all_proven(kind):
    cell, X, readout = flip_flop(kind)
    step = step_map([cell], np.zeros((1, 3)))
    state, visited = np.zeros((len(X), step.size)), []
    for t in range(X.shape[1]):
        rows = [step.state_after(s, x) for s, x in zip(state, X[:, t], strict=True)]
        state = np.stack(rows)
        visited.append(state)
    settling = find(step, np.concatenate(visited))
    kinds = Counter(proof.unstable for proof in settling.proofs)
    assert kinds == {0: 8, 1: 12, 2: 6, 3: 1}
    assert settling.confined and settling.index_sum == 1 and len(settling.slow) == 0
    # exact to eleven digits, and alone well beyond that
    assert all(p.radius < 1e-10 and p.alone > 1e-5 for p in settling.proofs)
    stable = settling.points[[p.unstable == 0 for p in settling.proofs], 0, :16]
    bits = np.sign(stable @ readout[:16] + readout[16])
    assert len({tuple(row) for row in bits}) == 8


def test_two_units_whose_points_are_known_on_paper(rng):
    # h = tanh(2 h) at 0 and at +-w, in each unit alone
    w = 0.0
    for _ in range(200):
        w = np.tanh(2 * (w or 1))
    settling = found(plain(np.diag([2.0, 2.0])), rng)
    expected = {(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
    assert {tuple(np.round(p[0] / w, 9).astype(int)) for p in settling.points} == expected
    for point, proof in zip(settling.points, settling.proofs, strict=True):
        at_zero = int((np.abs(point[0]) < 1e-9).sum())
        assert (proof.unstable, proof.index) == (at_zero, (-1) ** at_zero)
    assert settling.index_sum == 1


def test_a_map_that_turns_over_has_one_point_and_one_cycle_of_two(rng):
    # h = tanh(-2 h): 0, and the cycle between w and -w
    cell = plain([[-2.0]])
    alone, cycle = found(cell, rng), found(cell, rng, length=2)
    assert [p.unstable for p in alone.proofs] == [1] and alone.index_sum == 1
    assert cycle.points.shape == (1, 2, 1) and cycle.proofs[0].unstable == 0
    w = abs(cycle.points[0, 0, 0])
    assert w == pytest.approx(np.tanh(2 * w), abs=1e-12)
    assert cycle.points[0, 1, 0] == pytest.approx(-cycle.points[0, 0, 0], abs=1e-12)
    # both ends of the cycle count, and the point within
    assert cycle.index_sum == 2 - 1


def test_weights_that_move_lose_the_proof_where_the_points_merge(rng):
    counts = {}
    for u in np.round(np.arange(1.03, 0.969, -0.01), 2):
        settling = found(plain([[u]]), rng)
        counts[float(u)] = (len(settling.points), len(settling.slow))
    # three points, which merge at u = 1 into one of infinitely slow approach, then one
    assert [counts[u][0] for u in (1.03, 1.02, 1.01, 0.99, 0.98, 0.97)] == [3, 3, 3, 1, 1, 1]
    assert counts[1.0][0] == 0 and counts[1.0][1] >= 1


def test_a_slow_place_is_no_point(rng):
    # tanh(2 h + b) - h almost touches zero on the one side, and has its point on the other
    settling = found(plain([[2.0]], b=[-0.55]), rng)
    assert len(settling.points) == 1 and settling.index_sum == 1
    assert len(settling.slow) == 1 and 0 < settling.speed[0] < 0.05
    assert not prove(
        step_map([plain([[2.0]], b=[-0.55])], np.zeros((1, 1))), settling.slow[0]
    ).holds


def test_nothing_is_proven_away_from_a_point(rng):
    step = step_map([plain(np.diag([2.0, 2.0]))], np.zeros((1, 1)))
    assert not prove(step, np.array([[0.3, 0.1]])).holds
    assert prove(step, np.zeros((1, 2))).holds


def test_every_region_of_straight_pieces_is_looked_at(rng):
    U, b = 2 * np.eye(4) + 0.05 * rng.normal(size=(4, 4)), -np.ones(4)
    settling = found(plain(U, b=list(b), phi="relu"), rng)
    assert settling.every_region
    count = 0
    for pattern in range(16):
        on = np.array([(pattern >> k) & 1 for k in range(4)], float)
        h = np.linalg.solve(np.eye(4) - on[:, None] * U.T, on * b)
        count += bool((((h @ U + b) > 0) == (on > 0)).all())
    assert len(settling.points) == count == 16


#: a1, a2, w1, w2, h1, h2 of ``z' = A z + W relu(z) + h``, W with w1 and w2 beside its diagonal: the
#: systems with a stable and an unstable cycle of this order in Eisenmann, Monfared, Göring and
#: Durstewitz 2023, "Bifurcations and loss jumps in RNN training".
PUBLISHED = {
    16: (0.8377689000000008, 0.96461297, -0.6437499999999996, 0.52505308, 0.37298253, -0.97931491),
    27: (0.9777689, 0.96461297, -0.14375, 0.52505308, 0.37298253, -0.97931491),
}


def of_two_halves(a1, a2, w1, w2, h1, h2):
    """Write it as a plain cell of relu: z = p - n, both of them not negative."""
    A, W, h = np.diag([a1, a2]), np.array([[0, w1], [w2, 0]]), np.array([h1, h2])
    U = np.block([[(A + W).T, -(A + W).T], [-A.T, A.T]])
    return plain(U, b=[*h, *-h], phi="relu")


@pytest.mark.parametrize("order", PUBLISHED)
def test_published_cycles_of_straight_pieces_are_reproduced(order):
    cell = of_two_halves(*PUBLISHED[order])
    z = 10 * np.random.default_rng(0).normal(size=(500, 2))
    visited = np.concatenate([np.maximum(z, 0), np.maximum(-z, 0)], axis=1)
    settling = find(step_map([cell], np.zeros((order, 1))), visited)
    assert sorted(proof.unstable for proof in settling.proofs) == [0, 1]
    assert settling.points.shape == (2, order, 4)


def test_a_periodic_input_has_the_cycle_that_it_drives(rng):
    hours = np.arange(24)
    cell = SimpleRNN(Gate(np.array([[0.5, 1.0]]), 0.4 * np.eye(2)))
    step = step_map([cell], np.sin(2 * np.pi * hours / 24)[:, None])
    settling = find(step, rng.normal(size=(50, 2)), period=24)
    assert len(settling.points) == 1 and settling.proofs[0].unstable == 0
    state = np.zeros(2)
    for _ in range(20):
        for x in step.inputs:
            state = step.state_after(state, x)
    np.testing.assert_allclose(settling.points[0, 0], state, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("bias", "drifts"), [(50.0, True), (1.5, False)])
def test_a_forget_gate_of_one_adds_up_without_end_and_has_no_point(bias, drifts, rng):
    def gate(b):
        return Gate(np.zeros((1, 2)), np.zeros((2, 2)), np.array(b))

    hard = Activation("hard_sigmoid")
    # the first unit keeps all it holds and adds tanh(0.7) / 2; the second is at rest
    cell = LSTM(gate([0.0, 0.0]), gate([bias, 0.0]), gate([0.7, 0.3]), gate([0.5, 0.1]),
                recurrent_activation=hard)  # fmt: skip
    settling = found(cell, rng)
    assert settling.drifting == (1.0 if drifts else 0.0)
    assert len(settling.points) == (0 if drifts else 1)
    soft = found(replace(cell, recurrent_activation=Activation("sigmoid")), rng)
    assert soft.drifting == 0.0
