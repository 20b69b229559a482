"""What every cell gives to the loop over the steps: a step forward, and a step back.

A cell's weights are a named tuple of a type of its own, and Numba picks the function that belongs
to the type when it compiles the loop (`course`), as `functools.singledispatch` would at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from rnnlens.engine.kernels.compiling import OPTIONS, apart, part
from rnnlens.engine.kernels.tile import R
from rnnlens.network.cells import Gate

__all__ = ["advance", "again", "beside", "retreat", "serves", "shift"]

Array = NDArray[Any]


def advance(w: Any, A: Array, C: Array, D: Array, keep: int) -> None:
    """Take one step with a block.

    Parameters
    ----------
    w : named tuple
        Weights of the cell.
    A : array
        The block ``[x; 1; h]``; the hidden state is overwritten by the new one.
    C : array
        The cell state, overwritten; empty for cells that have none.
    D : array
        The step's record, filled.
    keep : int
        What the way back needs of the record: 0 nothing, 1 all, 2 what derivatives take.
    """
    raise NotImplementedError  # compiled code has the cell's own function


def again(w: Any, A: Array, C: Array, D: Array, d: Array) -> None:
    """Take the step that `advance` has just taken with another input instead.

    The recurrent product is not made again, so this holds for cells of which `advance` keeps the
    products: those of `rnnlens.engine.kernels.run.forks`.

    Parameters
    ----------
    w : named tuple
        Weights of the cell.
    A : array
        The block ``[x; 1; h]`` with the other input and the hidden state before the step.
    C : array
        The cell state before the step.
    D : array
        What `advance` left.
    d : array (gate * unit,)
        What the other input changes in the pre-activations.
    """
    raise NotImplementedError  # compiled code has the cell's own function


def retreat(w: Any, D: Array, D0: Array, same: bool, B: Array, C: Array, Z: Array) -> None:
    """Carry a block's multipliers back through one step.

    Parameters
    ----------
    w : named tuple
        Weights of the cell.
    D, D0 : array
        The step's record at the point and at the reference.
    same : bool
        Whether the reference is the point: then the record is one of what derivatives take.
    B : array
        Multipliers of ``[x; h]``: those of ``h`` after the step come in, those of ``x`` and of
        ``h`` before the step go out.
    C : array
        Multipliers of the cell state, after and before likewise.
    Z : array
        Room for the multipliers of the pre-activations.
    """
    raise NotImplementedError  # compiled code has the cell's own function


def serves(
    weights: type,
    forward: Callable[..., None],
    other: Callable[..., None],
    back: Callable[..., None],
) -> None:
    """Say which functions belong to a type of weights.

    Parameters
    ----------
    weights : type
        The named tuple.
    forward : callable
        As `advance`, its arguments named alike; compiled into whatever calls `advance`.
    other : callable
        As `again`, likewise.
    back : callable
        As `retreat`, likewise.
    """

    @overload(advance, jit_options=OPTIONS)
    def _(w, A, C, D, keep):
        if getattr(w, "instance_class", None) is weights:
            return forward
        return None

    @overload(again, jit_options=OPTIONS)
    def _(w, A, C, D, d):
        if getattr(w, "instance_class", None) is weights:
            return other
        return None

    @overload(retreat, jit_options=OPTIONS)
    def _(w, D, D0, same, B, C, Z):
        if getattr(w, "instance_class", None) is weights:
            return back
        return None


@part
def shift(D, d):
    """Add a number to each row of a block.

    Parameters
    ----------
    D : array (row * R,)
        The block.
    d : array (row,)
        The numbers.
    """
    apart()
    for u in range(d.size):
        row, more = D[u * R : (u + 1) * R], d[u]
        for s in range(R):
            row[s] += more


def beside(gates: Sequence[Gate]) -> tuple[Array, Array, Array]:
    """Put the arrays of gates side by side, in float64.

    Parameters
    ----------
    gates : sequence of Gate
        In the order wanted.

    Returns
    -------
    tuple of array
        ``W`` (feature, gate * unit); both biases added (gate * unit,); ``U`` (unit, gate * unit).
    """
    zero = np.zeros(gates[0].W.shape[1])
    biases = [
        sum((np.asarray(b, float) for b in (gate.b, gate.b_r) if b is not None), start=zero)
        for gate in gates
    ]
    W = np.concatenate([np.asarray(gate.W, float) for gate in gates], axis=1)
    U = np.concatenate([np.asarray(gate.U, float) for gate in gates], axis=1)
    return W, np.concatenate(biases), U
