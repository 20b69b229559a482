"""Activations and their slopes, of numbers and of intervals.

Of an interval: the hull of the values, and of the slopes, over it. The logistic function and tanh
are NumPy's and SciPy's, taken to be right to within eight units in the last place, which a test
holds against eighty digits; where a function of straight pieces has a corner, the slopes on both
sides are in the hull, so that the mean value theorem holds for it too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.intervals import TINY, UNIT, Interval, Number
from rnnlens.engine.activations import derivative
from rnnlens.engine.activations import value as value_at
from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import Activation

__all__ = ["bounded", "check_enclosed", "slope", "value"]

Array = NDArray[np.float64]

#: What the logistic function and tanh may be wrong by, of their size: eight last places.
CURVE = 16.0 * UNIT

#: Activations whose values and slopes are enclosed.
_ENCLOSED = frozenset({"hard_sigmoid", "hard_tanh", "linear", "relu", "sigmoid", "tanh"})
_BOUNDED = frozenset({"hard_sigmoid", "hard_tanh", "sigmoid", "tanh"})


def check_enclosed(phi: Activation) -> None:
    """Refuse an activation over which nothing is proven."""
    jumps = phi.name == "relu" and bool(phi["threshold"])
    if phi.name not in _ENCLOSED or jumps:
        raise UnsupportedModel(
            f"fixed points are proven for the activations {', '.join(sorted(_ENCLOSED))}, and a "
            f"recurrent layer has {phi}: name one without it with layer="
        )


def bounded(phi: Activation) -> bool:
    """Say whether all values lie within [-1, 1]."""
    return phi.name in _BOUNDED


def value(phi: Activation, a: Number) -> Number:
    """Evaluate an activation."""
    if not isinstance(a, Interval):
        return value_at(phi, a)
    if phi.name == "linear":
        return a
    low, high = value_at(phi, a.low), value_at(phi, a.high)
    if phi.name in {"sigmoid", "tanh"}:
        low, high = low - CURVE * np.abs(low) - TINY, high + CURVE * np.abs(high) + TINY
        return Interval(np.maximum(low, -1.0 if phi.name == "tanh" else 0.0), np.minimum(high, 1.0))
    if phi.name == "relu":  # of a negative slope it falls, and rises again
        inside = (a.low <= 0) & (a.high >= 0)
        low, high = np.minimum(low, high), np.maximum(low, high)
        low, high = (
            np.where(inside, np.minimum(low, 0.0), low),
            np.where(inside, np.maximum(high, 0.0), high),
        )
    lost = 8.0 * UNIT * np.maximum(np.maximum(np.abs(low), np.abs(high)), 1.0)
    exact = phi.name == "relu" and not phi["negative_slope"]  # it hands on what came, or zero
    return Interval(low, high) if exact else Interval(low - lost, high + lost)


def slope(phi: Activation, a: Number) -> Number:
    """Differentiate an activation."""
    if not isinstance(a, Interval):
        return derivative(phi, a)
    if phi.name == "linear":
        return Interval.at(np.ones_like(a.low))
    if phi.name in {"sigmoid", "tanh"}:
        return _bell(phi, a)
    return _slopes_of_pieces(phi, a)


def _bell(phi: Activation, a: Interval) -> Interval:
    """Enclose s(x) s(-x) or (1 - tanh x)(1 + tanh x): both are even and fall with the size of x."""
    inside = (a.low <= 0) & (a.high >= 0)
    near = np.where(inside, 0.0, np.minimum(np.abs(a.low), np.abs(a.high)))
    far = np.maximum(np.abs(a.low), np.abs(a.high))
    least, most = derivative(phi, far), derivative(phi, near)
    # s (1 - s) and 1 - t^2: twice the curve's own error, and the roundings of three operations
    lost = 2.0 * CURVE + 8.0 * UNIT
    top = 0.25 if phi.name == "sigmoid" else 1.0
    return Interval(np.maximum(least - lost, 0.0), np.minimum(most + lost, top))


def _slopes_of_pieces(phi: Activation, a: Interval) -> Interval:
    if phi.name == "relu":
        parts = [
            (-np.inf, 0.0, phi["negative_slope"]),
            (0.0, phi["max_value"], 1.0),
            (phi["max_value"], np.inf, 0.0),
        ]
    else:
        rise, end = (phi["slope"], 0.5 / phi["slope"]) if phi.name == "hard_sigmoid" else (1.0, 1.0)
        # the corner itself is rounded: a little of both sides counts as the corner
        parts = [
            (-np.inf, -end * (1 - 4 * UNIT), 0.0),
            (-end * (1 + 4 * UNIT), end * (1 + 4 * UNIT), rise),
            (end * (1 - 4 * UNIT), np.inf, 0.0),
        ]
    low, high = np.full(a.shape, np.inf), np.full(a.shape, -np.inf)
    for begin, end, rise in parts:
        if begin < end:
            touched = (a.low <= end) & (a.high >= begin)
            low = np.where(touched, np.minimum(low, rise), low)
            high = np.where(touched, np.maximum(high, rise), high)
    return Interval(low, high)
