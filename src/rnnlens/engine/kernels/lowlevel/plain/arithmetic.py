"""Operations on single numbers by the C library."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnlens.engine.kernels.lowlevel.compiling import INNER, STRICT, uncached
from rnnlens.engine.kernels.lowlevel.extending import implement_for_numbers

__all__ = ["add_in_any_order", "polynomial", "power_of_two", "with_sign"]


@uncached(INNER)
def add_in_any_order(a, b):
    """Add."""
    return a + b


def power_of_two(v: float) -> float:
    """Give ``2^n`` for a number whose lowest bits are ``n`` plus the exponent's bias."""
    raise NotImplementedError  # compiled code has the function of the number's own type


def _power_of_two(dtype: np.dtype[Any]) -> Callable[[float], float]:
    info = np.finfo(dtype)
    # 1.5 * 2^p has a last place of 1: what was added to it stands in the lowest bits
    rounder = dtype.type(1.5 * 2.0**info.nmant + info.maxexp - 1)
    zero, one = dtype.type(0), dtype.type(1)
    most = dtype.type(info.maxexp)

    def power(v):
        n = v - rounder
        # beyond the exponents that there are it is infinite, and zero below them; NaN is 0 here,
        # and stays NaN by its other factors
        n = n if n >= -most else -most
        n = most if n > most else n
        return math.ldexp(one, np.int32(n)) if n > one - most else zero  # type: ignore[arg-type]

    return power


implement_for_numbers(
    power_of_two,
    {dtype: _power_of_two(dtype) for dtype in (np.dtype(np.float32), np.dtype(np.float64))},
    STRICT,
)


@uncached(STRICT)
def with_sign(y, x):
    """Give ``y`` the sign of ``x``."""
    return math.copysign(y, x)


def polynomial(coefficients: Sequence[float], dtype: np.dtype[Any]) -> Callable[[float], float]:
    """Make a polynomial in Horner's form, lowest power first."""
    highest, *others = (dtype.type(c) for c in reversed(coefficients))
    lower = tuple(others)

    @uncached(STRICT)
    def evaluate(r):
        total = highest
        for c in lower:
            total = total * r + c
        return total

    return evaluate
