"""Straight lines around activation functions: the one place where a bound meets a curve.

Over ``[a - rad, a + rad]`` a function is enclosed by a band along a line::

    phi(x)  in  slope (x - a) + middle +- radius

with the slope of the chord, and the largest and the smallest value of ``psi(x) = phi(x) - slope
(x - a)`` for the band's edges. They lie at the ends or where ``phi'(x) = slope``, which is known in
closed form; since that place comes out rounded, the edge is not taken from its value but from the
tangent there: ``phi`` is concave above zero and convex below, so the tangent bounds it on its side
wherever it touches. So the band is sound however wrong the place is, and tight where it is right.

Roundings are counted in ``docs/soundness.md``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.functions import logistic, tanh
from rnnlens.engine.kernels.lowlevel.compiling import inner, kernel
from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import Activation

__all__ = ["TINY", "UNIT", "activation_code", "enclose", "enclose_each"]

Array = NDArray[np.float64]

#: Half the distance from 1 to the next float64: the largest relative error of one operation.
UNIT = 2.0**-53
#: Added to every radius: more than all that products below the smallest number can lose.
TINY = 1e-290
#: Bound on the relative error of the compiled logistic function and tanh, in units of `UNIT`:
#: twice what `rnnlens.engine.kernels.functions` states.
CURVE = 12 * UNIT
#: Bound on the error of their derivatives, computed from their values; likewise absolute.
SLOPE = 32 * UNIT
#: Chords over shorter ranges are lost in rounding; below this slope a curve is flat.
SHORT, FLAT = 1e-7, 1e-12

LINEAR, LOGISTIC, TANH, BENT = 0, 1, 2, 3

#: The activations that can be enclosed, for messages.
SERVED = "linear, sigmoid, tanh, relu, hard_sigmoid, hard_tanh, abs and clip"


def activation_code(activation: Activation, where: str) -> tuple[int, Array]:
    """Write an activation as numbers.

    A function of straight pieces is written by its two corners, its three slopes, and its value at
    the first corner.

    Shapes: gives tuple of int and (6,).
    """
    name, none = activation.name, np.zeros(6)
    if name in {"linear", "sigmoid", "tanh"}:
        return {"linear": LINEAR, "sigmoid": LOGISTIC, "tanh": TANH}[name], none
    if name == "hard_sigmoid":
        half = 0.5 / activation["slope"]
        return BENT, np.array([-half, half, 0.0, activation["slope"], 0.0, 0.0])
    if name == "hard_tanh":
        return BENT, np.array([-1.0, 1.0, 0.0, 1.0, 0.0, -1.0])
    if name == "abs":
        return BENT, np.array([0.0, math.inf, -1.0, 1.0, 0.0, 0.0])
    if name == "clip":
        low, high = activation["min_value"], activation["max_value"]
        if math.isfinite(low):
            return BENT, np.array([low, high, 0.0, 1.0, 0.0, low])
        # below the first corner the slope is one, above it zero
        return BENT, np.array([high, math.inf, 1.0, 0.0, 0.0, high])
    if name == "relu" and activation["threshold"] == 0 and activation["max_value"] > 0:
        top = activation["max_value"]
        return BENT, np.array([0.0, top, activation["negative_slope"], 1.0, 0.0, 0.0])
    raise UnsupportedModel(
        f"layer {where!r} has the activation {activation}, and certificates serve {SERVED}: ask "
        "the other lag evidence instead"
    )


@inner
def bent(p, x):
    """Give the value of a function of straight pieces."""
    middle = min(max(x, p[0]), p[1]) - p[0]
    return p[5] + p[3] * middle + p[2] * min(x - p[0], 0.0) + p[4] * max(x - p[1], 0.0)


@inner
def _curve(kind, x):
    return logistic(x) if kind == LOGISTIC else tanh(x)


@inner
def _rise(kind, y):
    """Give the derivative where the value is y."""
    return y * (1.0 - y) if kind == LOGISTIC else 1.0 - y * y


@inner
def _touch(kind, slope):
    """Give the place above zero where the derivative is the slope, roughly."""
    if kind == LOGISTIC:
        q = 0.5 * (1.0 + math.sqrt(max(1.0 - 4.0 * slope, 0.0)))
        return math.log(q * q / slope)
    t = 1.0 + math.sqrt(max(1.0 - slope, 0.0))
    return 0.5 * math.log(t * t / slope)


@inner
def _edge(kind, slope, a, x, begin, end, sign):
    """Bound ``sign psi`` on [begin, end] by the tangent at x, where ``sign phi`` is concave."""
    y = _curve(kind, x)
    s = sign * (_rise(kind, y) - slope)
    over = max((s + SLOPE) * (end - x), (SLOPE - s) * (x - begin), 0.0)
    return sign * (y - slope * (x - a)) + over


@inner
def _enclose_curve(kind, a, low, high):
    y_low, y_high = _curve(kind, low), _curve(kind, high)
    size = max(abs(y_low), abs(y_high))
    bottom = max(y_low - CURVE * abs(y_low), 0.0 if kind == LOGISTIC else -1.0)
    top = min(y_high + CURVE * abs(y_high), 1.0)
    chord = high - low > SHORT
    slope = (y_high - y_low) / (high - low) if chord else _rise(kind, _curve(kind, a))
    if slope < FLAT:  # a line along the range: the function rises, so its ends bound it
        return 0.0, 0.5 * (bottom + top), 0.5 * (top - bottom) + 4 * UNIT * size, bottom, top
    psi_low = y_low - slope * (low - a)
    psi_high = y_high - slope * (high - a)
    most, least = max(psi_low, psi_high), min(psi_low, psi_high)
    place = _touch(kind, slope)
    if high > 0.0:
        begin = max(low, 0.0)
        x = min(max(place, begin), high)
        most = max(most, _edge(kind, slope, a, x, begin, high, 1.0))
    if low < 0.0:
        end = min(high, 0.0)
        x = max(min(-place, end), low)
        least = min(least, -_edge(kind, slope, a, x, low, end, -1.0))
    error = 4 * CURVE * (size + slope * (high - low))
    return slope, 0.5 * (most + least), 0.5 * (most - least) + error, bottom, top


@inner
def _enclose_point(kind, a, wide):
    """Enclose a curve over a short range by its tangent in the middle."""
    y = _curve(kind, a)
    slope, size = _rise(kind, y), abs(y)
    error = 4 * CURVE * (size + 2.0 * slope * wide)
    # neither curve bends by more than one: half of that is left at the most
    radius = wide * (0.5 * wide + SLOPE) + error
    reach = slope * wide + radius
    bottom = max(y - reach, 0.0 if kind == LOGISTIC else -1.0)
    return slope, y, radius, bottom, min(y + reach, 1.0)


@inner
def _enclose_bent(p, a, low, high):
    y_low, y_high = bent(p, low), bent(p, high)
    if high - low > SHORT:
        slope = (y_high - y_low) / (high - low)
    elif a < p[0]:
        slope = p[2]
    else:
        slope = p[3] if a < p[1] else p[4]
    psi_low = y_low - slope * (low - a)
    psi_high = y_high - slope * (high - a)
    most, least = max(psi_low, psi_high), min(psi_low, psi_high)
    bottom, top = min(y_low, y_high), max(y_low, y_high)
    reach = abs(low) + abs(high)
    for k in range(2):
        corner = p[k]
        if low < corner < high:
            y = bent(p, corner)
            psi = y - slope * (corner - a)
            most, least = max(most, psi), min(least, psi)
            bottom, top = min(bottom, y), max(top, y)
        if abs(corner) < 1e300:
            reach += abs(corner)
    steep = max(abs(p[2]), abs(p[3]), abs(p[4])) + abs(slope)
    error = 32 * UNIT * (abs(p[5]) + steep * reach)
    return slope, 0.5 * (most + least), 0.5 * (most - least) + error, bottom - error, top + error


@inner
def enclose(kind, p, a, rad):
    """Enclose an activation over ``[a - rad, a + rad]``: p (6,)."""
    wide = rad + 4 * UNIT * (abs(a) + rad)
    low, high = a - wide, a + wide
    if kind == LINEAR:
        return 1.0, a, 0.0, low, high
    if kind == BENT:
        return _enclose_bent(p, a, low, high)
    if high - low <= SHORT:
        return _enclose_point(kind, a, wide)
    return _enclose_curve(kind, a, low, high)


@kernel
def enclose_each(kind, p, a, rad, out):
    """Enclose an activation over many ranges, for Python.

    Shapes: p (6,), a, rad (range,), out (range, 5).
    """
    for k in range(len(a)):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = enclose(kind, p, a[k], rad[k])
