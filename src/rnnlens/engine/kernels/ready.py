"""Which kernels are compiled by now: for a kind of cell, in this process or kept on disk."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlens.engine.kernels import step_loop
from rnnlens.engine.kernels.cells.gru import GRUWeights
from rnnlens.engine.kernels.cells.lstm import LSTMWeights
from rnnlens.engine.kernels.cells.simple_rnn import SimpleRNNWeights
from rnnlens.engine.kernels.lowlevel.gate import INTERNALS
from rnnlens.engine.kernels.lowlevel.kept import compiled_for
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN

__all__ = ["BACK", "FORWARD", "STEP", "TRACE", "is_compiled"]

#: Kernels by what is asked of them: a way forward, a way there and back, steps one by one, a trace.
FORWARD, BACK, STEP, TRACE = "forward", "back", "step", "trace"
_KERNELS: dict[str, Any] = {
    FORWARD: step_loop.forward,
    BACK: step_loop.back,
    STEP: step_loop.step_shared,
    TRACE: step_loop.trace,
}
_WEIGHTS: dict[type[Cell], type] = {
    LSTM: LSTMWeights,
    GRU: GRUWeights,
    SimpleRNN: SimpleRNNWeights,
}
#: What is known to be compiled: it stays so.
_COMPILED: set[tuple[str, type[Cell], str]] = set()


def is_compiled(kernel: str, cell: Cell, dtype: np.dtype[Any]) -> bool:
    """Say whether a kernel need not be compiled for a cell in a precision.

    A cell that no kernel computes needs none.
    """
    kind = kernel, type(cell), dtype.char
    if kind in _COMPILED or not INTERNALS or type(cell) not in _WEIGHTS:
        return True
    from rnnlens.engine.kernels.cells.addressed import STEPS, AddressedCell

    steps = STEPS[: 2 if kernel == BACK else 1]
    if compiled_for(_KERNELS[kernel], AddressedCell, dtype) and all(
        compiled_for(step, _WEIGHTS[type(cell)], dtype) for step in steps
    ):
        _COMPILED.add(kind)
        return True
    return False
