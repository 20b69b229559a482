"""A cell as the chain of steps calls it: at the address of its step, or by its weights."""

from __future__ import annotations

from typing import Any

from rnnlens.engine.kernels.lowlevel.gate import INTERNALS
from rnnlens.evidence.proof.zonotope.cells import Weights

__all__ = ["called_cell"]

if INTERNALS:
    from rnnlens.evidence.proof.zonotope.addressed import addressed_cell as called_cell
else:

    def called_cell(weights: Weights) -> Any:
        """Give a cell as the chain takes it: its weights, whose class tells."""
        return weights
