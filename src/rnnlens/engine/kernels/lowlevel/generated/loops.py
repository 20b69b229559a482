"""Loops over activations, called by their addresses.

Each activation has two loops of its own, compiled to vector code when one is first asked for: its
values when a cell with that activation is packed, its slopes for a way back. The kernels know their
addresses alone: they are compiled once for all activations, and do not grow with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import types

from rnnlens.engine.kernels.lowlevel.compiling import addressed, inner
from rnnlens.engine.kernels.lowlevel.generated.calling import address_of, call_at

__all__ = ["activation_loops"]

Function = Callable[..., Any]


@inner
def _values(place, constants, a):
    """Put values in place of pre-activations."""
    call_at(place, (constants, a, a.size))


@inner
def _slopes(place, constants, a, y, a0, y0, same, out):
    """Multiply multipliers of an activation's output into those of its input."""
    call_at(place, (constants, a, y, a0, y0, same, out, out.size))


def _types(dtype: np.dtype[Any]) -> tuple[types.Type, types.Type]:
    """Give the types of a pointer to numbers, and of a count of them."""
    return types.CPointer(types.float32 if dtype.itemsize == 4 else types.float64), types.intp


def _value_loop(value: Function, dtype: np.dtype[Any]) -> tuple[Any, int]:
    """Compile the loop over an activation's values; it must live on."""

    @addressed
    def values(p, a, n):
        k = (p[0], p[1], p[2], p[3])
        for s in range(n):
            a[s] = value(a[s], k)

    P, n = _types(dtype)
    return values, address_of(values, (P, P, n))


def _slope_loop(slope: Function, dtype: np.dtype[Any]) -> tuple[Any, int]:
    """Compile the loop over an activation's slopes and secants; it must live on."""
    half, one = dtype.type(0.5), dtype.type(1)

    @addressed
    def multiply(p, a, y, a0, y0, same, out, n):
        k, close = (p[0], p[1], p[2], p[3]), p[4]
        if same:
            for s in range(n):
                out[s] *= slope(a[s], y[s], k)
        else:
            for s in range(n):
                d = a[s] - a0[s]
                meet = abs(d) <= close
                at = slope(half * (a[s] + a0[s]), half * (y[s] + y0[s]), k)
                secant = (y[s] - y0[s]) / (one if meet else d)
                out[s] *= at if meet else secant

    P, n = _types(dtype)
    return multiply, address_of(multiply, (P, P, P, P, P, n, P, n))


def activation_loops(
    functions: Sequence[tuple[Function, Function]],
) -> tuple[Function, Function, Function, Function, Function]:
    """Serve activations by their numbers.

    Gives what tells whether one is served, what says where its values are and where its slopes are,
    and what calls its values and its slopes there.
    """

    @cache
    def values_at(number: int, dtype: np.dtype[Any]) -> tuple[Any, int]:
        return _value_loop(functions[number][0], dtype)

    @cache
    def slopes_at(number: int, dtype: np.dtype[Any]) -> tuple[Any, int]:
        return _slope_loop(functions[number][1], dtype)

    return (
        lambda number: True,
        lambda number, dtype: values_at(number, dtype)[1],
        lambda number, dtype: slopes_at(number, dtype)[1],
        _values,
        _slopes,
    )
