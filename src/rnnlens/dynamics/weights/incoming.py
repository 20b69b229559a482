"""What comes into the units of a cell by gate, and what becomes of it where a state is turned.

A unit whose state has the other sign computes the same once its candidate's weights have the other
sign, if the cell's activation is odd: the gates, which are valves, keep theirs. So the weights of a
cell are the same under any order of its units and, with an odd activation, any choice of signs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array
from rnnlens.names import CANDIDATES
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN

__all__ = ["Order", "arranged", "is_odd", "stacked", "turns", "units_of"]

AnyCell = TypeVar("AnyCell", bound=Cell)
#: Which unit stands at each place, and the sign that its state takes there: both (unit,).
Order = tuple[NDArray[np.int64], NDArray[np.int64]]

#: Activations with f(-a) = -f(a).
ODD = frozenset({"linear", "tanh", "softsign", "hard_tanh", "hard_shrink", "soft_shrink",
                 "tanh_shrink", "arctan", "sin", "erf"})  # fmt: skip


def is_odd(cell: Cell) -> bool:
    """Say whether a state of the other sign is computed by weights of the other sign."""
    assert isinstance(cell, LSTM | GRU | SimpleRNN)
    return cell.activation.name in ODD


def turns(gate: str) -> bool:
    """Say whether a gate's value takes the sign of its unit's state."""
    return gate in CANDIDATES


def units_of(cell: Cell) -> NDArray[np.int64]:
    """Give the units of a cell by number: (unit,)."""
    return np.arange(cell.units)


def arranged(cell: AnyCell, order: Order, rows: Order | None = None) -> AnyCell:
    """Give the cell that computes the same with its units in another order and with other signs.

    ``rows`` is the order of what the cell takes, where that is another too.
    """
    places, signs = order
    projected = isinstance(cell, LSTM) and cell.projection is not None
    gates = {}
    for name, gate in cell.gates.items():
        own = signs if turns(name) else np.ones_like(signs)
        W = gate.W if rows is None else gate.W[rows[0]] * rows[1][:, None]
        # what a projection hands on keeps its order: it is no state of a unit
        U = gate.U if projected else gate.U[places] * signs[:, None]
        gates[name] = Gate(
            W[:, places] * own,
            U[:, places] * own,
            None if gate.b is None else gate.b[places] * own,
            None if gate.b_r is None else gate.b_r[places] * own,
            None if gate.V is None else gate.V[places] * signs,
        )
    if isinstance(cell, LSTM) and cell.projection is not None:
        gates["projection"] = cell.projection[places] * signs[:, None]
    return replace(cell, **gates)


def stacked(gate: Gate, left_out: Collection[str] = ()) -> Array:
    """Lay what comes into each unit through a gate one under the other: (weight, unit)."""
    kept = [np.atleast_2d(array) for kind, array in gate.arrays().items() if kind not in left_out]
    none = np.zeros((0, gate.W.shape[1]))
    return np.concatenate([none, *kept]).astype(float)
