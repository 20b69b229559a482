"""How much work a question of memory is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.question import MemoryQuestion

__all__ = ["step_operations", "steps_of_cells"]

#: Operations of an activation beside those of a product.
ACTIVATION = 60


def steps_of_cells(way: str, steps: int, windows: int, kept: NDArray[np.int64]) -> float:
    """Count the steps of cells that one history takes for all windows, of so many steps.

    Along a series of windows, runs from its last places end with it.

    Examples
    --------
    >>> steps_of_cells("series", 24, 100, np.array([1, 3]))
    303.0
    """
    last = int(kept[-1])
    if way == "series":
        return last * (windows - 1) + last * (last + 1) / 2
    return float(windows * (kept.sum() if way == "suffix" else len(kept) * steps))


def step_operations(question: MemoryQuestion) -> float:
    """Count the operations of all recurrent layers at a step."""
    total = 1.0
    for _, layer in question.network.recurrent():
        cell = layer.cell
        rows = cell.features + cell.state_sizes[0]
        total += len(cell.gates) * cell.units * (2 * rows + ACTIVATION)
    return total
