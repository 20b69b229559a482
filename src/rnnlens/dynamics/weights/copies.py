"""Units that are copies of one another by their weights: their states are the same, or opposite.

A unit b copies a with sign s where h_b = s h_a goes over into itself: each valve of b takes what
that of a takes, its candidate s times as much, once the two units' own states are put together:
``U[a, a] + s U[b, a] = U[a, b] + s U[b, b]`` for a valve, s times that for the candidate. From
states of zero the two are then the same for ever, whatever the input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.weights.incoming import is_odd, stacked, turns
from rnnlens.engine.operations.registry import Array
from rnnlens.network.cells import LSTM, Cell, Gate

__all__ = ["copies"]

#: Part of a unit's incoming weights by which those of its copy may differ: arrays are float32.
SAME = 1e-6


def copies(cell: Cell) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the first unit that each is a copy of, -1 where there is none, and the sign: (unit,)."""
    of = np.full(cell.units, -1, np.int64)
    signs = np.zeros(cell.units, np.int64)
    for sign in (1, -1) if is_odd(cell) else (1,):
        for first, other in _alike(cell, sign):
            if of[first] < 0 and of[other] < 0 and _goes_over(cell, first, other, sign):
                of[other], signs[other] = first, sign
    return of, signs


def _alike(cell: Cell, sign: int) -> list[tuple[int, int]]:
    """Give the pairs of units whose weights from the inputs are the same: few need more than that.

    Squared distances are taken from products, whose rounding is far below what is let through.
    """
    parts = [_turned(stacked(gate, {"U"}), name, gate, sign)
             for name, gate in cell.gates.items()]  # fmt: skip
    own = np.concatenate([part for part, _ in parts])
    other = np.concatenate([part for _, part in parts])
    size = (own**2).sum(axis=0)
    apart = size[:, None] + size[None] - 2 * own.T @ other
    near = apart <= 1e-6 * np.maximum(size[:, None] + size[None], np.finfo(float).tiny)
    return [(int(a), int(b)) for a, b in np.argwhere(np.triu(near, 1))]


def _turned(columns: Array, name: str, gate: Gate, sign: int) -> tuple[Array, Array]:
    """Give incoming weights, and those that a copy of the other sign would have."""
    turned = columns * (sign if turns(name) else 1)
    if gate.V is not None:  # the last row: a peephole sees the cell state, whose sign is turned
        turned[-1] = columns[-1] * sign
    return columns, turned


def _goes_over(cell: Cell, first: int, other: int, sign: int) -> bool:
    projected = isinstance(cell, LSTM) and cell.projection is not None
    apart = size = 0.0
    for name, gate in cell.gates.items():
        columns, turned = _turned(stacked(gate, {"U"}), name, gate, sign)
        U = np.asarray(gate.U, float)
        pair = U[:, [first, other]].copy()
        if not projected:  # what comes from the two units themselves counts together
            pair[first] += sign * pair[other]
            pair[other] = 0.0
        own = np.concatenate([columns[:, first], pair[:, 0]])
        theirs = np.concatenate([turned[:, other], pair[:, 1] * (sign if turns(name) else 1)])
        apart += float(((own - theirs) ** 2).sum())
        size += float((own**2).sum() + (theirs**2).sum())
    return apart <= (SAME**2) * size
