"""Units that a series may have changed to since a network was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["CONVERSIONS", "Conversion", "conversions"]

#: How much nearer to a scaler's place a conversion must bring a feature.
NEARER = 0.5


class Conversion(NamedTuple):
    """``wanted = given * factor + shift``."""

    dimension: str
    given: str
    wanted: str
    factor: float
    shift: float = 0.0

    def back(self) -> Conversion:
        """Give the way back."""
        return Conversion(
            self.dimension, self.wanted, self.given, 1 / self.factor, -self.shift / self.factor
        )


_ONE_WAY = (
    Conversion("temperature", "C", "F", 1.8, 32.0),
    Conversion("temperature", "C", "K", 1.0, 273.15),
    Conversion("temperature", "K", "F", 1.8, -459.67),
    Conversion("depth", "mm", "in", 1 / 25.4),
    Conversion("depth", "mm", "m", 1e-3),
    Conversion("speed", "m/s", "mph", 2.2369363),
    Conversion("speed", "m/s", "km/h", 3.6),
    Conversion("speed", "m/s", "kn", 1.9438445),
    Conversion("speed", "km/h", "mph", 0.62137119),
    Conversion("length", "m", "ft", 3.2808399),
    Conversion("length", "km", "mi", 0.62137119),
    Conversion("length", "m", "km", 1e-3),
    Conversion("pressure", "hPa", "inHg", 0.0295299831),
    Conversion("pressure", "Pa", "hPa", 1e-2),
    Conversion("pressure", "kPa", "hPa", 10.0),
    Conversion("share", "share", "%", 100.0),
    Conversion("flow", "m3/s", "ft3/s", 35.3146667),
    Conversion("flow", "m3/s", "l/s", 1e3),
    Conversion("energy", "kW", "MW", 1e-3),
)
#: Every conversion, either way.
CONVERSIONS = (*_ONE_WAY, *(one.back() for one in _ONE_WAY))


def conversions(values: Array, mean: float, scale: float, unit: str = "") -> Conversion | None:
    """Choose the conversion that brings values to where a scaler puts them, if any does: (...).

    Where the stated unit is one that is known, either side of the conversion must be it.

    The distance of a place from a standard one is ``|m| + |log s|`` of the mean and the standard
    deviation in network units, from a minimum-maximum one ``4 |m - 1/2| + |log 4 s|``.
    """
    m, s = (float(values.mean()) - mean) / scale, float(values.std()) / scale
    if not s > 0:
        return None
    best, nearest = None, _off(m, s) - NEARER
    known = any(unit == one.given for one in CONVERSIONS)
    for one in CONVERSIONS:
        if known and unit not in {one.given, one.wanted}:
            continue
        moved = (float(values.mean()) * one.factor + one.shift - mean) / scale
        distance = _off(moved, s * one.factor)
        if distance < nearest:
            best, nearest = one, distance
    return best


def _off(m: float, s: float) -> float:
    return min(abs(m) + abs(np.log(s)), 4 * abs(m - 0.5) + abs(np.log(4 * s)))
