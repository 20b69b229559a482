"""Which unit of one network is which of another, where the two differ by an order of units.

Units are matched so that the squared distances of their incoming weights sum to the least (the
linear assignment problem, `scipy.optimize.linear_sum_assignment`). A recurrent kernel has units on
both its axes, so its rows are put into the order found so far and the assignment is made again
until it stays (Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin"). This finds the order exactly
where two networks differ by one alone, and otherwise an order that no single assignment betters.
Where data are there, hidden states are matched instead, by the sizes of their correlations.

With an odd activation a unit may also have the other sign (`rnnlens.dynamics.weights.incoming`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnlens.dynamics.weights.incoming import Order, arranged, is_odd, stacked, turns, units_of
from rnnlens.engine.operations.registry import Array
from rnnlens.network.cells import LSTM, Cell

__all__ = ["as_they_stand", "distances", "matched_by_states", "matched_by_weights"]

#: Times that an assignment is made again.
TIMES = 50


def as_they_stand(cell: Cell) -> Order:
    """Give the order in which units stand."""
    return units_of(cell), np.ones(cell.units, np.int64)


def matched_by_states(cell: Cell, correlation: Array) -> Order:
    """Match units by their hidden states: correlation (unit, unit of the other network)."""
    known = np.nan_to_num(correlation)
    odd = is_odd(cell)
    partner = _assigned(np.abs(known) if odd else known)
    signs = np.sign(known[units_of(cell), partner]) if odd else np.ones(cell.units)
    return partner, np.where(signs < 0, -1, 1)


def matched_by_weights(cell: Cell, other: Cell, rows: Order | None) -> Order:
    """Match units by what comes into them.

    ``rows`` is the order of what the other cell takes; where it is None the order is not known, and
    input kernels count for nothing.
    """
    begun = _once(cell, other, rows, None)
    found = [_settled(cell, other, rows, start) for start in (as_they_stand(cell), begun)]
    # as they stand first: of two orders that serve alike, that one is meant
    return min(found, key=lambda order: float((_apart(cell, other, rows, order) ** 2).sum()))


def distances(cell: Cell, other: Cell, rows: Order | None, order: Order) -> Array:
    """Give the distance of each unit's incoming weights from its partner's, in parts: (unit,)."""
    size = np.sqrt(sum((part**2).sum(axis=0) for part, _ in _parts(cell, rows is not None)))
    apart = _apart(cell, other, rows, order)
    return np.divide(apart, size, out=np.where(apart > 0, np.inf, 0.0), where=size > 0)


def _settled(cell: Cell, other: Cell, rows: Order | None, start: Order) -> Order:
    order = start
    for _ in range(TIMES):
        after = _once(cell, other, rows, order)
        if all((one == two).all() for one, two in zip(order, after, strict=True)):
            break
        order = after
    return order


def _once(cell: Cell, other: Cell, rows: Order | None, order: Order | None) -> Order:
    """Assign units once, recurrent weights in the order found so far: None before the first."""
    recurrent = order is not None
    # what comes from the other's units stands in the order found so far, its units as they are
    placed = other if order is None else _from_units_in(other, order)
    placed = placed if rows is None else _from_inputs_in(placed, rows)
    pairs = zip(
        _parts(cell, rows is not None, recurrent=recurrent),
        _parts(placed, rows is not None, recurrent=recurrent),
        strict=True,
    )
    alike, turned = np.zeros((cell.units, other.units)), np.zeros((cell.units, other.units))
    own, theirs = np.zeros(cell.units), np.zeros(other.units)
    for (a, turning), (b, _) in pairs:
        own, theirs = own + (a**2).sum(axis=0), theirs + (b**2).sum(axis=0)
        if turning:
            turned += a.T @ b
        else:
            alike += a.T @ b
    best = alike + (np.abs(turned) if is_odd(cell) else turned)
    partner = _assigned(2 * best - own[:, None] - theirs)
    signs = turned[units_of(cell), partner] if is_odd(cell) else np.ones(cell.units)
    return partner, np.where(signs < 0, -1, 1)


def _assigned(gain: Array) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(gain, maximize=True)[1].astype(np.int64)


def _from_units_in(cell: Cell, order: Order) -> Cell:
    """Give a cell that takes its units' states in an order, the units themselves as they are."""
    if isinstance(cell, LSTM) and cell.projection is not None:
        return cell
    return _rows_taken(cell, "U", order)


def _from_inputs_in(cell: Cell, rows: Order) -> Cell:
    return _rows_taken(cell, "W", rows)


def _rows_taken(cell: Cell, kind: str, order: Order) -> Cell:
    places, signs = order
    gates = {
        name: replace(gate, **{kind: getattr(gate, kind)[places] * signs[:, None]})
        for name, gate in cell.gates.items()
    }
    return replace(cell, **gates)


def _parts(cell: Cell, inputs: bool, *, recurrent: bool = True) -> list[tuple[Array, bool]]:
    """Give all that belongs to each unit, (weight, unit), and whether it turns with its sign."""
    parts: list[tuple[Array, bool]] = []
    for name, gate in cell.gates.items():
        left_out = {"V"} | (set() if inputs else {"W"}) | (set() if recurrent else {"U"})
        parts.append((stacked(gate, left_out), turns(name)))
        if gate.V is not None:  # a peephole sees the unit's own cell state
            parts.append((np.asarray(gate.V, float)[None], True))
    if isinstance(cell, LSTM) and cell.projection is not None:
        parts.append((np.asarray(cell.projection, float).T, True))
    return parts


def _apart(cell: Cell, other: Cell, rows: Order | None, order: Order) -> Array:
    """Give the distance of each unit's weights from its partner's: (unit,)."""
    placed = arranged(other, order, rows)
    pairs = zip(_parts(cell, rows is not None), _parts(placed, rows is not None), strict=True)
    return np.sqrt(sum(((a - b) ** 2).sum(axis=0) for (a, _), (b, _) in pairs))
