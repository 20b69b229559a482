"""Fixed points and cycles along one input, laid out by value and branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.branches import Branches, all_proven
from rnnlens.dynamics.fixed_points.step_map import StepMap
from rnnlens.names import declared

__all__ = ["PointsAlong", "laid_out"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PointsAlong:
    """Where a held input leads while one feature of it is moved.

    Parameters
    ----------
    location : array (value, branch, phase, state)
        The states of each point; NaN where a branch has none.
    there : array (value, branch) of bool
        Whether the branch has a point, proven.
    unstable : array (value, branch) of int
        Directions in which it is unstable, proven; -1 where that is not proven, or no point is.
    radius : array (value, branch)
        The exact point lies within this of the one given, in every number.
    points, stable : array (value,) of int
        How many points are proven, and how many of these are stable.
    proven : array (value,) of bool
        Whether every point found is proven with its stability, and their signs sum to 1 where they
        must.
    drifting : array (value,)
        Share of visited states from which a cell state grows without end.
    change_low, change_high : array (change,)
        Between these two values points appear, vanish or change stability.
    points_before, points_after, stable_before, stable_after : array (change,) of int
        What is proven at those two.
    forecast : array (value, branch, phase), optional
        What the network forecasts when it rests there.
    """

    location: Array = declared("value", "branch", "phase", "state", long_name="state")
    there: Flags = declared("value", "branch", long_name="whether there is a point")
    unstable: Whole = declared("value", "branch", long_name="unstable directions")
    radius: Array = declared(
        "value", "branch", long_name="distance within which the exact point lies"
    )
    points: Whole = declared("value", long_name="points proven")
    stable: Whole = declared("value", long_name="stable points proven")
    proven: Flags = declared("value", long_name="whether all that was found is proven")
    drifting: Array = declared("value", long_name="share of states that grow without end")
    change_low: Array = declared("change", long_name="a change lies above")
    change_high: Array = declared("change", long_name="a change lies below")
    points_before: Whole = declared("change", long_name="points below the change")
    points_after: Whole = declared("change", long_name="points above the change")
    stable_before: Whole = declared("change", long_name="stable points below the change")
    stable_after: Whole = declared("change", long_name="stable points above the change")
    forecast: Array | None = declared(
        "value",
        "branch",
        "phase",
        optional=True,
        long_name="forecast of {target} at rest",
        unit="{unit}",
    )


def laid_out(found: Branches, step: StepMap, forecasts: Sequence[Array] | None) -> PointsAlong:
    """Lay out what was found by value and branch; ``forecasts`` are (point, phase) by value."""
    values, count = found.point.shape
    there = found.point >= 0
    location = np.full((values, count, step.length, step.size), np.nan)
    forecast = None if forecasts is None else np.full((values, count, step.length), np.nan)
    unstable = np.full((values, count), -1, np.int64)
    radius = np.full((values, count), np.nan)
    for k, branch in np.argwhere(there):
        settling, j = found.settlings[k], found.point[k, branch]
        location[k, branch] = settling.points[j]
        unstable[k, branch] = settling.proofs[j].unstable
        radius[k, branch] = settling.proofs[j].radius
        if forecast is not None and forecasts is not None:
            forecast[k, branch] = forecasts[k][j]
    changes = found.changes
    return PointsAlong(
        location,
        there,
        unstable,
        radius,
        there.sum(axis=1),
        (there & (unstable == 0)).sum(axis=1),
        np.array([all_proven(one) for one in found.settlings], bool),
        np.array([one.drifting for one in found.settlings], float),
        np.array([one.low for one in changes], float),
        np.array([one.high for one in changes], float),
        np.array([len(one.before) for one in changes], np.int64),
        np.array([len(one.after) for one in changes], np.int64),
        np.array([one.before.count(0) for one in changes], np.int64),
        np.array([one.after.count(0) for one in changes], np.int64),
        forecast,
    )
