"""A cell as the loop over the steps calls it: at the addresses of its steps, or by its weights."""

from __future__ import annotations

from typing import Any

from rnnlens.engine.kernels.lowlevel.gate import INTERNALS

__all__ = ["called_cell", "lasting_cell"]

if INTERNALS:
    from rnnlens.engine.kernels.cells.addressed import addressed_cell as called_cell
    from rnnlens.engine.kernels.cells.addressed import lasting_cell
else:

    def called_cell(weights: Any, *, back: bool = False, given: bool = False) -> Any:
        """Give a cell as the loop over the steps takes it: its weights, whose class tells."""
        return weights

    lasting_cell = called_cell
