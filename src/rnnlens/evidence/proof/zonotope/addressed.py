"""Cells by the address of their step: the chain of steps is compiled once for all cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import ALLOCATING, addressed
from rnnlens.engine.kernels.lowlevel.extending import implement_for_weights
from rnnlens.engine.kernels.lowlevel.generated.calling import (
    address_of,
    given_at,
    numbers_at,
    tuple_at,
    two_from,
    type_of,
    words,
)
from rnnlens.evidence.proof.zonotope.cells import InputRows, Sides, State, Weights
from rnnlens.evidence.proof.zonotope.steps import cell

__all__ = ["AddressedCell", "addressed_cell"]

Array = NDArray[np.float64]


class AddressedCell(NamedTuple):
    """A cell as the chain takes it: what its products need, and where its step is.

    Parameters
    ----------
    W, W_size, U, U_size, b : array
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
    weights: NDArray[np.int64]
    step: int


@addressed
def _step(weights, given, result):
    s, rows, sides, g, number = given_at(given)
    after = numbers_at(result, 2)
    after[0], after[1] = cell(tuple_at(weights), s, rows, sides, g, number)


def _step_there(w, s, rows, sides, g, number):
    return two_from(w.step, w.weights, (s, rows, sides, g, number))


implement_for_weights(cell, AddressedCell, _step_there, ALLOCATING)


@cache
def _given() -> types.Type:
    """Give the type of what a step is given."""
    line, table = types.Array(types.float64, 1, "C"), types.Array(types.float64, 2, "C")
    whole = types.Array(types.intp, 1, "C")
    kinds = {"h_rows": table, "c_rows": table, "A": table, "N": table, "ids": whole}
    kinds |= {"place_of": whole} | dict.fromkeys(("pad", "share", "line"), types.float64)
    state = types.NamedTuple([kinds.get(name, line) for name in State._fields], State)
    rows = types.NamedTuple([table, whole, types.intp], InputRows)
    sides = types.NamedTuple([line] * len(Sides._fields), Sides)
    return types.Tuple([state, rows, sides, types.intp, types.intp])


_ADDRESSES: dict[types.Type, int] = {}


def addressed_cell(weights: Weights) -> AddressedCell:
    """Give a cell as the chain takes it; its weights must live as long."""
    kind = type_of(weights)
    if kind not in _ADDRESSES:
        arguments = types.CPointer(kind), types.CPointer(_given()), types.CPointer(types.intp)
        _ADDRESSES[kind] = address_of(_step, arguments)
    return AddressedCell(*weights[:5], words(weights), _ADDRESSES[kind])
