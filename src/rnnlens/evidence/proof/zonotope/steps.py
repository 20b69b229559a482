"""The step of a cell on affine forms, by the class of its weights."""

from __future__ import annotations

from rnnlens.engine.kernels.lowlevel.extending import implement_for_weights
from rnnlens.evidence.proof.zonotope.cells import (
    GRUWeights,
    LSTMWeights,
    SimpleWeights,
    simple,
)
from rnnlens.evidence.proof.zonotope.gru import gru
from rnnlens.evidence.proof.zonotope.lstm import lstm

__all__ = ["cell"]


def cell(w, s, rows, sides, g, number) -> tuple[int, int]:
    """Take the step of the cell whose weights these are; only compiled code can."""
    raise NotImplementedError


for _weights, _step in ((LSTMWeights, lstm), (GRUWeights, gru), (SimpleWeights, simple)):
    implement_for_weights(cell, _weights, _step)
