"""Cells by the addresses of their steps: the loop over the steps is compiled once for all cells.

Compiled for each kind of cell it would be many times as much to compile. A step is one call, which
is nothing beside what it computes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.cells.interface import Array, advance, advance_given, pull
from rnnlens.engine.kernels.lowlevel.compiling import addressed
from rnnlens.engine.kernels.lowlevel.extending import implement_for_weights
from rnnlens.engine.kernels.lowlevel.generated.calling import (
    address_for,
    call_at,
    numbers_at,
    tuple_at,
    words,
)

__all__ = ["STEPS", "AddressedCell", "addressed_cell", "lasting_cell"]


class AddressedCell(NamedTuple):
    """A cell as the loop over the steps takes it.

    Parameters
    ----------
    units, features, outputs, cells, record, room : int
        Sizes, as the cell's weights have them.
    P : array
        Any of its arrays: the numbers' type.
    weights : array (word,) of int
        Its weights, laid out; their arrays must live as long.
    step, back, given : int
        Where its step forward stands, its step back, and its step forward that is given what its
        input puts in; 0 for those that are not asked for.
    """

    units: int
    features: int
    outputs: int
    cells: int
    record: int
    room: int
    P: Array
    weights: NDArray[np.int64]
    step: int
    back: int
    given: int


@addressed
def _step_of_block(weights, A, a, C, c, D, d, keep, R):
    """Take one step with a block."""
    advance(tuple_at(weights), numbers_at(A, a), numbers_at(C, c), numbers_at(D, d), keep, R)


@addressed
def _step_back_of_block(weights, D, d, D0, d0, same, B, b, C, c, Z, z, R):
    """Carry a block's multipliers back through one step."""
    pull(
        tuple_at(weights),
        numbers_at(D, d),
        numbers_at(D0, d0),
        same,
        numbers_at(B, b),
        numbers_at(C, c),
        numbers_at(Z, z),
        R,
    )


@addressed
def _step_of_given_block(weights, A, a, C, c, D, d, G, g, R):
    """Take one step with a block whose input's products are known."""
    advance_given(
        tuple_at(weights),
        numbers_at(A, a),
        numbers_at(C, c),
        numbers_at(D, d),
        numbers_at(G, g),
        R,
    )


def _advance(w, A, C, D, keep, R):
    call_at(w.step, (w.weights, A, A.size, C, C.size, D, D.size, keep, R))


def _pull(w, D, D0, same, B, C, Z, R):
    call_at(
        w.back,
        (w.weights, D, D.size, D0, D0.size, same, B, B.size, C, C.size, Z, Z.size, R),
    )


def _advance_given(w, A, C, D, G, R):
    call_at(w.given, (w.weights, A, A.size, C, C.size, D, D.size, G, G.size, R))


implement_for_weights(advance, AddressedCell, _advance)
implement_for_weights(pull, AddressedCell, _pull)
implement_for_weights(advance_given, AddressedCell, _advance_given)

#: What stands at the addresses: a step forward, a step back, a step forward of a given input.
STEPS: tuple[Any, Any, Any] = (_step_of_block, _step_back_of_block, _step_of_given_block)
#: Their arguments but the first, see `address_for`.
_ARGUMENTS = "aiaiaiii", "aiaiiaiaiaii", "aiaiaiaii"

#: Addresses by which step, the class of the weights and the kind of numbers.
_PLACES: dict[tuple[int, type, str], int] = {}


def _place(step: int, weights: Any) -> int:
    """Say where a step of a cell stands; it is compiled when it is first asked for."""
    key = step, type(weights), weights.P.dtype.char
    if key not in _PLACES:
        _PLACES[key] = address_for(STEPS[step], weights, _ARGUMENTS[step])
    return _PLACES[key]


#: What cells that live on were last called by, beside the weights whose identity that is known by.
_LAST: dict[tuple[int, bool], tuple[Any, AddressedCell]] = {}
_MOST = 16


def lasting_cell(weights: Any, *, back: bool = False) -> AddressedCell:
    """Give what `addressed_cell` does for weights that live on: they are laid out once."""
    known = _LAST.get((id(weights), back))
    if known is not None and known[0] is weights:
        return known[1]
    if len(_LAST) >= _MOST:
        _LAST.clear()
    cell = addressed_cell(weights, back=back)
    _LAST[id(weights), back] = weights, cell
    return cell


def addressed_cell(weights: Any, *, back: bool = False, given: bool = False) -> AddressedCell:
    """Give a cell as the loop over the steps takes it; the weights must live as long.

    One that is `given` what its input puts in takes no other step.
    """
    return AddressedCell(
        weights.units,
        weights.features,
        weights.outputs,
        weights.cells,
        weights.record,
        weights.room,
        weights.P,
        words(weights),
        0 if given else _place(0, weights),
        _place(1, weights) if back else 0,
        _place(2, weights) if given else 0,
    )
