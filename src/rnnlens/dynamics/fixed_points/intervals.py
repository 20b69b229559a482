"""Intervals of arrays, rounded outward: what holds for every number in them holds exactly.

An interval is a pair of arrays. Sums and products take the rounded ends and go one float further
out; products of matrices are bounded by middle and radius (Rump 1999, "Fast and parallel interval
arithmetic"), with ``g_n sum |terms|`` for a sum of n terms. docs/soundness.md derives both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "TINY",
    "UNIT",
    "Interval",
    "Number",
    "array_of",
    "beside",
    "magnitude",
    "matrix_product",
]

Array = NDArray[np.float64]

#: Half the distance from 1 to the next float: one operation is right to within this factor.
UNIT = 2.0**-53
#: More than underflow can take from any sum of products here.
TINY = 1e-290


class Interval:
    """Arrays of lower and upper ends: every operation holds for all numbers in between.

    Parameters
    ----------
    low, high : array
        The ends, of one shape.
    """

    # NumPy leaves ``array op interval`` to the interval
    __array_ufunc__ = None

    def __init__(self, low: Array, high: Array) -> None:
        self.low, self.high = low, high

    @classmethod
    def around(cls, middle: Array, radius: Array | float) -> Interval:
        """Enclose everything within a radius."""
        return _outward(middle - radius, middle + radius)

    @classmethod
    def at(cls, value: Array) -> Interval:
        """Enclose one number each."""
        return cls(value, value)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the ends."""
        return self.low.shape

    @property
    def middle(self) -> Array:
        """A float between the ends."""
        return self.low + 0.5 * (self.high - self.low)

    @property
    def radius(self) -> Array:
        """How far the ends are from the middle, rounded up."""
        middle = self.middle
        return np.nextafter(np.maximum(self.high - middle, middle - self.low), np.inf)

    def __getitem__(self, place: Any) -> Interval:
        return Interval(self.low[place], self.high[place])

    def __add__(self, other: Number) -> Interval:
        low, high = _ends(other)
        return _outward(self.low + low, self.high + high)

    __radd__ = __add__

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __sub__(self, other: Number) -> Interval:
        low, high = _ends(other)
        return _outward(self.low - high, self.high - low)

    def __rsub__(self, other: Array | float) -> Interval:
        return _outward(other - self.high, other - self.low)

    def __mul__(self, other: Number) -> Interval:
        low, high = _ends(other)
        a, b = self.low * low, self.high * high
        if low is high:  # one number: two products
            return _outward(np.minimum(a, b), np.maximum(a, b))
        c, d = self.low * high, self.high * low
        return _outward(
            np.minimum(np.minimum(a, b), np.minimum(c, d)),
            np.maximum(np.maximum(a, b), np.maximum(c, d)),
        )

    __rmul__ = __mul__

    def __matmul__(self, other: Number) -> Interval:
        return matrix_product(self, other)

    def __rmatmul__(self, other: Array) -> Interval:
        return matrix_product(other, self)


#: One number a place, or an interval of numbers.
Number = Array | Interval


def _ends(number: Number | float) -> tuple[Array, Array]:
    if isinstance(number, Interval):
        return number.low, number.high
    exact = np.asarray(number)
    return exact, exact


def _outward(low: Array, high: Array) -> Interval:
    return Interval(np.nextafter(low, -np.inf), np.nextafter(high, np.inf))


def array_of(number: Number) -> Array:
    """Give floats as floats, for what is computed in them alone."""
    assert not isinstance(number, Interval)
    return number


def magnitude(number: Number) -> Array:
    """Give the largest size of any number in an interval."""
    low, high = _ends(number)
    return np.maximum(np.abs(low), np.abs(high))


def _middle_radius(number: Number) -> tuple[Array, Array | None]:
    if isinstance(number, Interval):
        return number.middle, number.radius
    return number, None


def matrix_product(left: Number, right: Number) -> Interval:
    """Enclose ``left @ right``: (..., m, n) by (..., n, p), or (..., n) by (n, p)."""
    (a, a_radius), (b, b_radius) = _middle_radius(left), _middle_radius(right)
    count = b.shape[-2] if b.ndim > 1 else b.shape[-1]
    # g_n of docs/soundness.md, twice over, for the product itself
    share = 2.0 * (count + 4) * UNIT
    size_a, size_b = np.abs(a), np.abs(b)
    reach = share * size_a if a_radius is None else a_radius + share * size_a
    lost = reach @ size_b
    if b_radius is not None:
        whole = size_a if a_radius is None else size_a + a_radius
        lost = lost + whole @ b_radius
    # sums and products of numbers that are not negative: right to within this factor
    lost = lost * (1.0 + 8.0 * (count + 16) * UNIT) + TINY
    return Interval.around(a @ b, lost)


def beside(parts: Sequence[Number], axis: int) -> Number:
    """Put arrays or intervals side by side: an interval where one of them is."""
    if not any(isinstance(part, Interval) for part in parts):
        return np.concatenate([np.asarray(part) for part in parts], axis=axis)
    ends = [_ends(part) for part in parts]
    return Interval(
        np.concatenate([low for low, _ in ends], axis=axis),
        np.concatenate([high for _, high in ends], axis=axis),
    )
