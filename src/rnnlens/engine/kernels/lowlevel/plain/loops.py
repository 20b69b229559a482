"""Loops over activations, chosen by number.

Kernels hold the loops of every activation that they serve, at every place where one is asked for.
So these are the first few, which most networks have; layers with others take the NumPy equations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnlens.engine.kernels.lowlevel.compiling import INNER, uncached

__all__ = ["activation_loops"]

Function = Callable[..., Any]

#: How many activations are served: tanh, the logistic function, and lines between two limits.
SERVED = 3


def _value_loop(value: Function) -> Function:
    @uncached(INNER)
    def loop(p, a):
        k = (p[0], p[1], p[2], p[3])
        for s in range(a.size):
            a[s] = value(a[s], k)

    return loop


def _slope_loop(slope: Function) -> Function:
    @uncached(INNER)
    def loop(p, a, y, a0, y0, same, out):
        half = out.dtype.type(0.5)
        k, close = (p[0], p[1], p[2], p[3]), p[4]
        for s in range(out.size):
            if same:
                out[s] *= slope(a[s], y[s], k)
            else:
                d = a[s] - a0[s]
                if abs(d) <= close:
                    out[s] *= slope(half * (a[s] + a0[s]), half * (y[s] + y0[s]), k)
                else:
                    out[s] *= (y[s] - y0[s]) / d

    return loop


def _either_values(number: int, loop: Function, otherwise: Function) -> Function:
    @uncached(INNER)
    def choose(place, p, a):
        if place == number:
            loop(p, a)
        else:
            otherwise(place, p, a)

    return choose


def _either_slopes(number: int, loop: Function, otherwise: Function) -> Function:
    @uncached(INNER)
    def choose(place, p, a, y, a0, y0, same, out):
        if place == number:
            loop(p, a, y, a0, y0, same, out)
        else:
            otherwise(place, p, a, y, a0, y0, same, out)

    return choose


@uncached(INNER)
def _no_values(place, p, a):
    """Leave what no activation is asked for."""


@uncached(INNER)
def _no_slopes(place, p, a, y, a0, y0, same, out):
    """Leave what no activation is asked for."""


def activation_loops(
    functions: Sequence[tuple[Function, Function]],
) -> tuple[Function, Function, Function, Function, Function]:
    """Serve activations by their numbers, which are where their loops are.

    Gives what tells whether one is served, what says where its values are and where its slopes are,
    and what calls its values and its slopes there.
    """
    values, slopes = _no_values, _no_slopes
    for number, (value, slope) in enumerate(functions[:SERVED]):
        values = _either_values(number, _value_loop(value), values)
        slopes = _either_slopes(number, _slope_loop(slope), slopes)

    def place(number: int, dtype: np.dtype[Any]) -> int:
        return number

    return lambda number: number < SERVED, place, place, values, slopes
