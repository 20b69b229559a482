"""What is done with stretches of a block that lie together in memory: activations above all.

`activate` writes values in place of pre-activations. `slopes` gives what a multiplier is
multiplied by on its way back: the secant between two runs, or the derivative where both are the
same run (see `rnnlens.engine.activations`, which these functions follow).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.primitives import activation_loops, never_inline
from rnnlens.engine.kernels.pointwise import FUNCTIONS, pointwise
from rnnlens.network.activations import Activation

__all__ = [
    "LOGISTIC",
    "OTHER",
    "TANH",
    "CompiledActivation",
    "activate",
    "add",
    "compiled",
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


class CompiledActivation(NamedTuple):
    """An activation as cells keep it.

    Parameters
    ----------
    kind : int
        `TANH`, `LOGISTIC`, or `OTHER`.
    values, slopes : int
        Where its two loops are.
    constants : array (5,)
        Its own four, and the distance below which secants are slopes.
    """

    kind: int
    values: int
    slopes: int
    constants: NDArray[Any]


_places, _values, _slopes = activation_loops(FUNCTIONS)


def compiled(phi: Activation, dtype: np.dtype[Any]) -> CompiledActivation | None:
    """Give an activation as the kernels know it."""
    own = pointwise(phi)
    if own is None:
        return None
    places = _places(own.value, own.slope, dtype)
    if places is None:
        return None
    constants = np.array([*own.constants, NEAR[dtype] if own.smooth else 0.0], dtype)
    return CompiledActivation(_FUSED.get(phi.name, OTHER), *places, constants)


@inner
def copy(source, target):
    """Fill an array with another's numbers: assigning a slice compiles slowly."""
    for s in range(target.size):
        target[s] = source[s]


@inner
def fill(target, number):
    """Fill an array with one number."""
    for s in range(target.size):
        target[s] = number


@inner
def add(source, target):
    """Add an array's numbers onto another's."""
    never_inline()
    for s in range(target.size):
        target[s] += source[s]


@inner
def mean_times(m, u, u0, out):
    """Compute ``m * (u + u0) / 2``: what one factor of a product receives for the other.

    Shapes: out (n,).
    """
    never_inline()
    half = u.dtype.type(0.5)
    for s in range(out.size):
        out[s] = m[s] * (half * (u[s] + u0[s]))


@inner
def activate(phi, a):
    """Put values in place of pre-activations: a (n,)."""
    never_inline()
    _values(phi.values, phi.constants, a)


@inner
def slopes(phi, a, y, a0, y0, same, out):
    """Multiply multipliers of an activation's output into those of its input.

    Shapes: a, y (n,), a0, y0 (n,), out (n,).
    """
    never_inline()
    _slopes(phi.slopes, phi.constants, a, y, a0, y0, same, out)
