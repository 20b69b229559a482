"""What every cell gives to the loop over the steps: a step forward, and a step back.

A cell's weights are a named tuple of a type of its own, and Numba picks the function that belongs
to the type when it compiles the loop (`step_loop`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.extending import implement_for_weights
from rnnlens.network.cells import Gate

__all__ = ["advance", "advance_given", "advance_pair", "concatenated", "pull", "register_cell"]

Array = NDArray[Any]


def advance(w: Any, A: Array, C: Array, D: Array, keep: int, R: int) -> None:
    """Take one step with a block."""
    raise NotImplementedError  # compiled code has the cell's own function


def advance_pair(w: Any, g: Array, c: Array, base: Array, D: Array, hs: Array, cs: Array) -> None:
    """Take one step with a full block from the same states with either of two inputs.

    The recurrent product is made once, so this holds for the cells of
    `rnnlens.engine.kernels.cells.packing.takes_pairs`.

    Shapes: base (2, gate * unit), hs (2, (1 + output) * BLOCK), cs (2, unit * BLOCK).
    """
    raise NotImplementedError  # compiled code has the cell's own function


def advance_given(w: Any, A: Array, C: Array, D: Array, G: Array, R: int) -> None:
    """Take one step with a block, of a cell that reads nothing, given what its input puts in.

    For the cells of `rnnlens.engine.kernels.cells.packing.takes_pairs`.

    Shapes: G (gate * unit * R,).
    """
    raise NotImplementedError  # compiled code has the cell's own function


def pull(w: Any, D: Array, D0: Array, same: bool, B: Array, C: Array, Z: Array, R: int) -> None:
    """Carry a block's multipliers back through one step."""
    raise NotImplementedError  # compiled code has the cell's own function


def register_cell(
    weights: type,
    step: Callable[..., None],
    pair: Callable[..., None],
    given: Callable[..., None],
    back: Callable[..., None],
) -> None:
    """Say which functions belong to a type of weights."""
    implement_for_weights(advance, weights, step)
    implement_for_weights(advance_pair, weights, pair)
    implement_for_weights(advance_given, weights, given)
    implement_for_weights(pull, weights, back)


def concatenated(gates: Sequence[Gate]) -> tuple[Array, Array, Array]:
    """Put the arrays of gates side by side, in float64."""
    zero = np.zeros(gates[0].W.shape[1])
    biases = [
        sum((np.asarray(b, float) for b in (gate.b, gate.b_r) if b is not None), start=zero)
        for gate in gates
    ]
    W = np.concatenate([np.asarray(gate.W, float) for gate in gates], axis=1)
    U = np.concatenate([np.asarray(gate.U, float) for gate in gates], axis=1)
    return W, np.concatenate(biases), U
