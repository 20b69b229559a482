"""Points followed along an input change where paper says, between values that hold the place."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlens.dynamics.fixed_points.branches import Path, branches
from rnnlens.dynamics.fixed_points.step_map import step_map
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN


def moved(U, values, rng):
    """Move the input of a plain cell whose every unit takes it with weight 1."""
    U = np.asarray(U, float)
    cell = SimpleRNN(Gate(np.ones((1, len(U))), U), Activation("tanh"))
    path = Path(lambda x: step_map([cell], np.full((1, 1), x)), rng.uniform(-1, 1, (60, len(U))))
    return branches(path, np.asarray(values, float))


def holds(change, place, gap):
    """Whether a change is told about a place, between values as near as halving makes them."""
    return change.low < place < change.high and change.high - change.low < gap


def test_two_points_meet_at_the_folds_of_one_unit(rng):
    # h = tanh(2 h + x): folds where 2 (1 - h^2) = 1, at x = -+(2 h - artanh h)
    h = np.sqrt(0.5)
    fold = 2 * h - np.arctanh(h)
    found = moved([[2.0]], np.linspace(-1, 1, 5), rng)
    first, second = found.changes
    assert holds(first, -fold, 0.01) and holds(second, fold, 0.01)
    assert (first.before, first.after) == ((0,), (0, 0, 1))
    assert (second.before, second.after) == ((0, 0, 1), (0,))
    # the lower stable branch ends at the one fold and the upper begins at the other
    assert (found.point >= 0).sum(axis=0).tolist() == [4, 4, 3] or sorted(
        (found.point >= 0).sum(axis=0)
    ) == [3, 4, 4]


def test_a_pitchfork_of_two_units_that_hold_each_other_down(rng):
    # at h1 = h2 = m the slope of h1 - h2 is 1.5 (1 - m^2), 1 where m^2 = 1/3
    m = np.sqrt(1 / 3)
    found = moved([[0.5, -1.0], [-1.0, 0.5]], np.linspace(0, 2, 5), rng)
    (change,) = found.changes
    assert holds(change, np.arctanh(m) + 0.5 * m, 0.01)
    assert (change.before, change.after) == ((0, 0, 1), (0,))
    # the middle goes on, and becomes stable
    whole = np.flatnonzero((found.point >= 0).all(axis=0))
    assert len(whole) == 1
    kinds = [s.proofs[k].unstable for s, k in zip(found.settlings, found.point[:, whole[0]],
                                                  strict=True)]  # fmt: skip
    assert kinds[0] == 1 and kinds[-1] == 0


def test_what_comes_and_goes_between_two_values_is_found_where_the_ends_differ(rng):
    # the pitchfork of [[1, -1], [-1, 1]] at x = artanh(sqrt(1/2)) leads to five points
    found = moved([[1.0, -1.0], [-1.0, 1.0]], [0.8, 1.1], rng)
    first, second = found.changes
    assert holds(first, np.arctanh(np.sqrt(0.5)), 0.01)
    assert (first.after, second.before) == ((0, 0, 0, 1, 1),) * 2
    assert second.after == (0,) and second.low > first.high


def test_a_point_may_lose_its_stability_and_stay(rng):
    # h = tanh(-2 h + x): the slope is -1 where h^2 = 1/2, at x = artanh h + 2 h
    h = np.sqrt(0.5)
    found = moved([[-2.0]], [0.0, 3.0], rng)
    (change,) = found.changes
    assert holds(change, np.arctanh(h) + 2 * h, 0.03)
    assert (change.before, change.after) == ((1,), (0,)) and found.point.tolist() == [[0], [0]]


@pytest.mark.parametrize("U", [[[0.5]], [[0.3, 0.2], [-0.4, 0.1]]])
def test_nothing_is_told_where_nothing_happens(U, rng):
    found = moved(U, [-1.0, 0.0, 2.0], rng)
    assert found.changes == () and (found.point == 0).all()


def test_progress_ends_at_the_whole(rng):
    told = []
    cell = SimpleRNN(Gate(np.ones((1, 1)), np.array([[0.5]])), Activation("tanh"))
    path = Path(lambda x: step_map([cell], np.full((1, 1), x)), rng.uniform(-1, 1, (20, 1)))
    branches(
        path, np.array([0.0, 1.0, 2.0]), progress=lambda done, whole: told.append((done, whole))
    )
    assert told == [(k, 5) for k in range(1, 6)]
