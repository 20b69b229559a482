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
    "fused",
    "mean_times",
    "slopes",
    "with_loops",
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
    number : int
        Which of `FUNCTIONS` it is.
    values, slopes : int
        Where its two loops are, as far as they were asked for: see `with_loops`.
    constants : array (5,)
        Its own four, and the distance below which secants are slopes.
    """

    kind: int
    number: int
    values: int
    slopes: int
    constants: NDArray[Any]


_serves, _values_at, _slopes_at, _values, _slopes = activation_loops(FUNCTIONS)


def fused(sigma: Activation, phi: Activation) -> bool:
    """Say whether two activations are those of fused loops: logistic gates, and tanh."""
    return (_FUSED.get(sigma.name), _FUSED.get(phi.name)) == (LOGISTIC, TANH)


def compiled(
    phi: Activation, dtype: np.dtype[Any], *, loops: bool = True
) -> CompiledActivation | None:
    """Give an activation as the kernels know it.

    The loop over its values is there, unless it stands in fused loops and none is wanted yet.
    """
    own = pointwise(phi)
    number = -1 if own is None else FUNCTIONS.index((own.value, own.slope))
    if own is None or not _serves(number):
        return None
    constants = np.array([*own.constants, NEAR[dtype] if own.smooth else 0.0], dtype)
    values = _values_at(number, dtype) if loops else 0
    return CompiledActivation(_FUSED.get(phi.name, OTHER), number, values, 0, constants)


def with_loops(phi: CompiledActivation, *, back: bool) -> CompiledActivation:
    """Give an activation with the loop over its values and, for a way back, that over its slopes.

    Each is compiled when it is first asked for, which takes as long as a good part of a kernel.
    """
    dtype = phi.constants.dtype
    slopes = _slopes_at(phi.number, dtype) if back else phi.slopes
    return phi._replace(values=_values_at(phi.number, dtype), slopes=slopes)


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
