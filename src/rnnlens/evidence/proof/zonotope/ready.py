"""Whether what certificates need of a cell is compiled by now: in this process or kept on disk."""

from __future__ import annotations

import numpy as np

from rnnlens.engine.kernels.lowlevel.gate import INTERNALS
from rnnlens.engine.kernels.lowlevel.kept import compiled_for
from rnnlens.evidence.proof.zonotope.cells import GRUWeights, LSTMWeights, SimpleWeights
from rnnlens.evidence.proof.zonotope.chain import chain
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN

__all__ = ["is_compiled"]

_WEIGHTS: dict[type[Cell], type] = {
    LSTM: LSTMWeights,
    GRU: GRUWeights,
    SimpleRNN: SimpleWeights,
}


def is_compiled(cell: Cell) -> bool:
    """Say whether nothing need be compiled for certificates of a cell; of one not served, too."""
    if not INTERNALS or type(cell) not in _WEIGHTS:
        return True
    from rnnlens.evidence.proof.zonotope import addressed

    dtype = np.dtype(np.float64)
    return compiled_for(chain, addressed.AddressedCell, dtype) and compiled_for(
        addressed.STEP, _WEIGHTS[type(cell)], dtype
    )
