"""Activations over slabs: stretches of a block that lie together in memory.

`activate` writes values in place of pre-activations. `slopes` gives what a multiplier is
multiplied by on its way back: the secant between two runs, or the derivative where both are the
same run (see `rnnlens.engine.activations`, which these functions follow).

Each activation has two loops of its own, compiled to vector code when a cell with that activation
is first packed. The kernels know their addresses alone: they are compiled once for all activations,
and do not grow with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from rnnlens.engine.kernels.curves import curve
from rnnlens.engine.kernels.lowlevel.compiling import address, apart, instruction, kernel, part
from rnnlens.network.activations import Activation

__all__ = [
    "LOGISTIC",
    "OTHER",
    "TANH",
    "Slab",
    "activate",
    "coded",
    "copy",
    "fill",
    "mean_times",
    "slopes",
]

#: Activations that have a place in fused loops.
OTHER, TANH, LOGISTIC = range(3)
_FUSED = {"tanh": TANH, "sigmoid": LOGISTIC}

#: Distance below which the secant of a smooth function is its slope between the two points, which
#: is wrong by the square of the distance; the quotient is wrong by rounding over the distance.
NEAR = {np.dtype(np.float32): 4e-3, np.dtype(np.float64): 1e-7}


class Slab(NamedTuple):
    """An activation as cells keep it.

    Parameters
    ----------
    kind : int
        `TANH`, `LOGISTIC`, or `OTHER`.
    values, slopes : int
        Addresses of its two loops.
    constants : array (5,)
        Its own four, and the distance below which secants are slopes.
    """

    kind: int
    values: int
    slopes: int
    constants: NDArray[Any]


def coded(phi: Activation, dtype: np.dtype[Any]) -> Slab | None:
    """Give an activation as the kernels know it."""
    found = curve(phi)
    if found is None:
        return None
    if (found.value, dtype) not in _LOOPS:
        _LOOPS[found.value, dtype] = _loops(found.value, found.slope, dtype)
    _, places = _LOOPS[found.value, dtype]
    constants = np.array([*found.constants, NEAR[dtype] if found.smooth else 0.0], dtype)
    return Slab(_FUSED.get(phi.name, OTHER), *places, constants)


#: Loops by activation and type, and where they stand.
_LOOPS: dict[tuple[Callable[..., Any], np.dtype[Any]], tuple[Any, tuple[int, int]]] = {}


def _loops(
    value: Callable[..., Any], slope: Callable[..., Any], dtype: np.dtype[Any]
) -> tuple[Any, tuple[int, int]]:
    """Compile the loops of one activation."""
    half, one = dtype.type(0.5), dtype.type(1)

    @kernel
    def values(p, a, n):
        k = (p[0], p[1], p[2], p[3])
        for s in range(n):
            a[s] = value(a[s], k)

    @kernel
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

    P = types.CPointer(types.float32 if dtype.itemsize == 4 else types.float64)
    n = types.intp
    places = (address(values, (P, P, n)), address(multiply, (P, P, P, P, P, n, P, n)))
    return (values, multiply), places


@instruction
def _call(typing_context, place, arguments):
    """Call a loop at an address; arrays are handed over as pointers to their first number."""

    def generate(context, builder, signature, given):
        pointer = ir.IntType(8).as_pointer()
        handed = []
        for k, kind in enumerate(arguments.types):
            item = builder.extract_value(given[1], k)
            if isinstance(kind, types.Array):
                data = cgutils.create_struct_proxy(kind)(context, builder, item).data
                handed.append(builder.bitcast(data, pointer))
            else:
                handed.append(context.cast(builder, item, kind, types.intp))
        function = ir.FunctionType(pointer, [one.type for one in handed])
        target = builder.inttoptr(given[0], function.as_pointer())
        builder.call(target, handed)
        return context.get_dummy_value()

    return types.void(place, arguments), generate


@part
def copy(source, target):
    """Fill an array with another's numbers: assigning a slice compiles slowly."""
    for s in range(target.size):
        target[s] = source[s]


@part
def fill(target, number):
    """Fill an array with one number."""
    for s in range(target.size):
        target[s] = number


@part
def add(source, target):
    """Add an array's numbers onto another's."""
    apart()
    for s in range(target.size):
        target[s] += source[s]


@part
def mean_times(m, u, u0, out):
    """Compute ``m * (u + u0) / 2``: what one factor of a product receives for the other.

    Shapes: out (n,).
    """
    apart()
    half = u.dtype.type(0.5)
    for s in range(out.size):
        out[s] = m[s] * (half * (u[s] + u0[s]))


@part
def activate(slab, a):
    """Put values in place of pre-activations: a (n,)."""
    apart()
    _call(slab.values, (slab.constants, a, a.size))


@part
def slopes(slab, a, y, a0, y0, same, out):
    """Multiply multipliers of an activation's output into those of its input.

    Shapes: a, y (n,), a0, y0 (n,), out (n,).
    """
    apart()
    _call(slab.slopes, (slab.constants, a, y, a0, y0, same, out, out.size))
