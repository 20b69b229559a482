"""A cell as the chain of steps calls it, at the address of its step or by its weights.

And whether what that needs is compiled by now, in this process or kept on disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlens.engine.kernels.lowlevel.gate import INTERNALS
from rnnlens.engine.kernels.lowlevel.kept import compiled_for
from rnnlens.evidence.proof.zonotope.cells import (
    GRUWeights,
    LSTMWeights,
    SimpleWeights,
    Weights,
)
from rnnlens.evidence.proof.zonotope.chain import chain
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN

__all__ = ["called_cell", "is_compiled"]

_WEIGHTS: dict[type[Cell], type] = {
    LSTM: LSTMWeights,
    GRU: GRUWeights,
    SimpleRNN: SimpleWeights,
}

if INTERNALS:
    from rnnlens.evidence.proof.zonotope.addressed import addressed_cell as called_cell
else:

    def called_cell(weights: Weights) -> Any:
        """Give a cell as the chain takes it: its weights, whose class tells."""
        return weights


def is_compiled(cell: Cell) -> bool:
    """Say whether nothing need be compiled for certificates of a cell; of one not served, too."""
    if not INTERNALS or type(cell) not in _WEIGHTS:
        return True
    from rnnlens.evidence.proof.zonotope import addressed

    dtype = np.dtype(np.float64)
    return compiled_for(chain, addressed.AddressedCell, dtype) and compiled_for(
        addressed.STEP, _WEIGHTS[type(cell)], dtype
    )
