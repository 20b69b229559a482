"""Fixed points and cycles with what is proven of each, and how fast states come and go there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.find import Settling
from rnnlens.dynamics.fixed_points.intervals import array_of
from rnnlens.dynamics.fixed_points.step_map import StepMap
from rnnlens.names import declared

__all__ = ["FixedPoints", "described"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FixedPoints:
    """Where a held input leads.

    Parameters
    ----------
    location : array (point, phase, state)
        The states of each point, or of each cycle at each of its steps.
    radius : array (point,)
        The exact point lies within this of the one given, in every number.
    alone_within : array (point,)
        And there is no other within this.
    unstable : array (point,) of int
        Directions in which it is unstable, proven; -1 where that is not proven.
    index : array (point,) of int
        Sign of det(I - F'), proven; 0 where it is not.
    eigenvalue_real, eigenvalue_imag : array (point, eigenvalue)
        Of the Jacobian once round, the largest first; computed and not proven.
    time_constant : array (point, eigenvalue)
        Steps in which a deviation falls (or, below zero, grows) by the factor e.
    turn : array (point, eigenvalue)
        Steps in which it turns round once; infinite where it does not turn.
    slow_location : array (slow_point, phase, state)
        States at which the speed is least; none of them is a fixed point, or none is proven to be.
    speed : array (slow_point,)
        How far one step leads from there.
    forecast : array (point, phase), optional
        What the network forecasts when it rests there.
    """

    location: Array = declared("point", "phase", "state", long_name="state")
    radius: Array = declared("point", long_name="distance within which the exact point lies")
    alone_within: Array = declared("point", long_name="distance within which there is no other")
    unstable: Whole = declared("point", long_name="unstable directions")
    index: Whole = declared("point", long_name="sign of det(I - F')")
    eigenvalue_real: Array = declared("point", "eigenvalue", long_name="eigenvalue, real part")
    eigenvalue_imag: Array = declared("point", "eigenvalue", long_name="eigenvalue, imaginary part")
    time_constant: Array = declared(
        "point", "eigenvalue", long_name="time constant, below zero where it grows", unit="steps"
    )
    turn: Array = declared("point", "eigenvalue", long_name="time of one turn", unit="steps")
    slow_location: Array = declared("slow_point", "phase", "state", long_name="state")
    speed: Array = declared("slow_point", long_name="change of the state in one step")
    forecast: Array | None = declared(
        "point", "phase", optional=True, long_name="forecast of {target} at rest", unit="{unit}"
    )


def described(step: StepMap, settling: Settling, forecast: Array | None = None) -> FixedPoints:
    """Lay out what was found, with eigenvalues and the times that they stand for."""
    points, proofs = settling.points, settling.proofs
    values: NDArray[np.complex128] = np.zeros((len(points), step.size), np.complex128)
    for k, point in enumerate(points):
        around = np.eye(step.size)
        for J in step.jacobians(point):
            around = array_of(J) @ around
        own = np.linalg.eigvals(around)
        values[k] = own[np.argsort(-np.abs(own), kind="stable")]
    size, angle = np.abs(values), np.abs(np.angle(values))
    with np.errstate(divide="ignore"):
        time_constant = np.where(size > 0, -step.length / np.log(size), 0.0)
        turn = np.where(angle > 0, 2 * np.pi * step.length / angle, np.inf)
    return FixedPoints(
        points,
        np.array([proof.radius for proof in proofs]),
        np.array([proof.alone for proof in proofs]),
        np.array([proof.unstable for proof in proofs], int),
        np.array([proof.index for proof in proofs], int),
        values.real,
        values.imag,
        time_constant,
        turn,
        settling.slow,
        settling.speed,
        forecast,
    )
