"""The weights of cells, packed for the kernels: made once, and again where an array has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.buffers import LOGISTIC, TANH
from rnnlens.engine.kernels.cells.gru import GRUWeights, pack_gru
from rnnlens.engine.kernels.cells.lstm import LSTMWeights, pack_lstm
from rnnlens.engine.kernels.cells.simple_rnn import SimpleRNNWeights, pack_simple_rnn
from rnnlens.engine.schedule.context import by_equations, round_of_work
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN

__all__ = ["TRACED", "CellWeights", "packed", "takes_pairs"]

CellWeights: TypeAlias = LSTMWeights | GRUWeights | SimpleRNNWeights

#: The rows of a step's record: pre-activations and values in the order of the cell's gates, and
#: what is shown before the projection.
TRACED: dict[type, tuple[list[int], list[int], list[int]]] = {
    LSTMWeights: ([0, 1, 3, 2], [4, 5, 7, 6], [11]),
    GRUWeights: ([0, 1, 7], [2, 3, 5], []),
    SimpleRNNWeights: ([0], [1], []),
}


@dataclass(frozen=True, eq=False)
class _Known:
    """Packed weights, the bytes of the arrays they were packed from, and who compared last."""

    weights: CellWeights | None
    arrays: tuple[bytes, ...]
    seen_in: object | None


_PACKED: WeakKeyDictionary[Cell, dict[str, _Known]] = WeakKeyDictionary()


def _arrays(cell: Cell) -> tuple[NDArray[Any], ...]:
    kept = [array for gate in cell.gates.values() for array in gate.arrays().values()]
    projection = getattr(cell, "projection", None)
    return (*kept, *(() if projection is None else (projection,)))


@singledispatch
def _pack(cell: Cell, dtype: np.dtype[Any]) -> CellWeights | None:
    return None


_pack.register(LSTM, pack_lstm)
_pack.register(GRU, pack_gru)
_pack.register(SimpleRNN, pack_simple_rnn)


def packed(cell: Cell, dtype: np.dtype[Any]) -> CellWeights | None:
    """Give the packed weights of a cell, made anew only where an array has changed.

    Arrays are compared once a round of work (`round_of_work`), outside of any at every call. None
    where no kernel computes the cell, and where the equations do.
    """
    if by_equations():
        return None
    by_type, here = _PACKED.setdefault(cell, {}), round_of_work()
    known = by_type.get(dtype.char)  # its name is made at each call
    if known is not None and here is not None and known.seen_in is here:
        return known.weights
    arrays = tuple(array.tobytes() for array in _arrays(cell))
    if known is not None and known.arrays == arrays:
        known = replace(known, seen_in=here)
    else:
        known = _Known(_pack(cell, dtype), arrays, here)
    by_type[dtype.char] = known
    return known.weights


def takes_pairs(weights: CellWeights) -> bool:
    """Say whether a cell steps with either of two inputs at once (`cell.advance_pair`)."""
    if isinstance(weights, SimpleRNNWeights):
        return True
    if isinstance(weights, LSTMWeights):
        return weights.common
    return weights.sigma.kind == LOGISTIC and weights.phi.kind == TANH
