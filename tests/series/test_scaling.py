"""Scaling goes there and back."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlens.errors import DataError
from rnnlens.series.scaling import Scaling
from rnnlens.series.transform import Transform


def test_scaling_and_its_inverse_are_a_round_trip(rng):
    scaling = Scaling(rng.normal(size=4) * 100, rng.uniform(0.01, 50, size=4))
    values = rng.normal(size=(3, 5, 4)) * 30
    # Two roundings each way, of numbers up to 1e4 in network units.
    np.testing.assert_allclose(scaling.undo(scaling.apply(values)), values, rtol=0, atol=1e-10)
    np.testing.assert_allclose(scaling.apply(scaling.undo(values)), values, rtol=0, atol=1e-8)


def test_a_change_is_undone_without_the_mean(rng):
    scaling = Scaling([100.0, -7.0], [3.0, 0.5])
    before, after = rng.normal(size=(2, 6, 2))
    change = scaling.undo(after) - scaling.undo(before)
    # The mean of 100 costs three digits of the sixteen.
    np.testing.assert_allclose(scaling.undo_change(after - before), change, atol=1e-12)


def test_the_callers_arrays_are_neither_kept_nor_changed():
    mean, values = np.array([1.0, 2.0]), np.array([[3.0, 4.0]])
    scaling = Scaling(mean, [1.0, 1.0])
    scaling.apply(values)
    mean[0] = 50.0
    assert scaling.mean[0] == 1.0
    np.testing.assert_array_equal(values, [[3.0, 4.0]])
    with pytest.raises(ValueError, match="read-only"):
        scaling.scale[0] = 2.0


def test_entries_of_a_scaling_keep_their_own_numbers():
    part = Scaling([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])[[2, 0]]
    assert part.mean.tolist() == [3.0, 1.0]
    assert part.scale.tolist() == [6.0, 4.0]


@pytest.mark.parametrize(
    ("mean", "scale", "sentence"),
    [
        ([0.0], [0.0], "entry 0 has mean 0.0 and scale 0.0"),
        ([0.0, 1.0], [1.0, -2.0], "entry 1 has mean 1.0 and scale -2.0"),
        ([np.nan], [1.0], "entry 0 has mean nan"),
        ([0.0, 1.0], [1.0], r"means of shape \(2,\) and scales of shape \(1,\)"),
    ],
)
def test_a_scaling_that_cannot_be_undone_is_refused(mean, scale, sentence):
    with pytest.raises(DataError, match=sentence):
        Scaling(mean, scale)


def test_values_of_another_width_are_refused():
    with pytest.raises(DataError, match="must have length 2"):
        Scaling([0.0, 0.0], [1.0, 1.0]).apply(np.zeros((4, 3)))


def test_the_line_of_a_scaling_leaves_what_its_transforms_give():
    bent = Scaling([0.5, 1.0], [2.0, 4.0], [Transform("log1p"), None])
    values = np.array([[3.0, 9.0]])
    assert not bent.straight and bent.line.straight
    bent_only = bent.line.undo(bent.apply(values))
    np.testing.assert_allclose(bent_only, [[np.log1p(3.0), 9.0]], rtol=1e-15)
    # A change is of what the transform gives: the mean cancels there, and nowhere else.
    np.testing.assert_allclose(bent.undo_change([[1.0, 1.0]]), [[2.0, 4.0]])
    assert bent[[1]].straight and not bent[0].straight
    with pytest.raises(DataError, match="needs as many transforms"):
        Scaling([0.0, 0.0], [1.0, 1.0], [None])


@pytest.mark.parametrize("curve", [None, Transform("log1p")])
def test_windows_of_one_table_are_undone_row_by_row_and_look_the_same(rng, curve):
    rows = rng.normal(size=(40, 2))
    scaling = Scaling([0.3, 0.1], [2.0, 0.5], [None, curve])
    windows = np.lib.stride_tricks.sliding_window_view(rows, 6, axis=0).transpose(0, 2, 1)
    undone = scaling.undo_windows(windows)
    np.testing.assert_array_equal(undone, scaling.undo(windows))
    assert np.shares_memory(undone[0], undone[1]) and not undone.flags.writeable
    apart = np.ascontiguousarray(windows)
    np.testing.assert_array_equal(scaling.undo_windows(apart), scaling.undo(apart))
    np.testing.assert_array_equal(scaling.undo_windows(windows[:1]), scaling.undo(windows[:1]))
    backwards = windows[::-1, ::-1]
    np.testing.assert_array_equal(scaling.undo_windows(backwards), scaling.undo(backwards))
