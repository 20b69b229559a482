"""Cells by the address of their step: the chain of steps is compiled once for all cells."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import addressed
from rnnlens.engine.kernels.lowlevel.extending import implement_for_weights
from rnnlens.engine.kernels.lowlevel.generated.calling import (
    address_of_two,
    given_at,
    numbers_at,
    tuple_at,
    two_from,
    words,
)
from rnnlens.evidence.proof.zonotope.cells import InputRows, Sides, State, Weights
from rnnlens.evidence.proof.zonotope.steps import cell

__all__ = ["STEP", "AddressedCell", "addressed_cell"]

Array = NDArray[np.float64]


class AddressedCell(NamedTuple):
    """A cell as the chain takes it: what its products need, and where its step is.

    Parameters
    ----------
    W, W_size, U, U_size, b, W_tiles, U_tiles : array
        As in `rnnlens.evidence.proof.zonotope.cells.Weights`.
    weights : array (word,) of int
        Its weights, laid out.
    step : int
        Where its step stands.
    """

    W: Array
    W_size: Array
    U: Array
    U_size: Array
    b: Array
    W_tiles: Array
    U_tiles: Array
    weights: NDArray[np.int64]
    step: int


@addressed
def _step(weights, given, result):
    s, rows, sides, g, number = given_at(given)
    after = numbers_at(result, 2)
    after[0], after[1] = cell(tuple_at(weights), s, rows, sides, g, number)


def _step_there(w, s, rows, sides, g, number):
    return two_from(w.step, w.weights, (s, rows, sides, g, number))


implement_for_weights(cell, AddressedCell, _step_there)

#: What stands at the address.
STEP: Any = _step


def _given() -> tuple[Any, ...]:
    """Give arguments of a step, for their types."""
    line, table, whole = np.empty(0), np.empty((0, 0)), np.empty(0, np.int64)
    named: dict[str, Any] = dict.fromkeys(("h_rows", "c_rows", "A", "N"), table)
    named |= dict.fromkeys(("ids", "place_of"), whole)
    named |= dict.fromkeys(("pad", "share", "line"), 0.0)
    state = State(*(named.get(name, line) for name in State._fields))
    return state, InputRows(table, whole, 0), Sides(line, line, line, line), 0, 0


#: Addresses of steps by the class of the weights and by what they have.
_PLACES: dict[tuple[type, ...], int] = {}


def addressed_cell(weights: Weights) -> AddressedCell:
    """Give a cell as the chain takes it; its weights must live as long."""
    key = type(weights), *map(type, weights)
    if key not in _PLACES:
        _PLACES[key] = address_of_two(STEP, weights, _given())
    return AddressedCell(*weights[:7], words(weights), _PLACES[key])
