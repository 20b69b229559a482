"""The first lag from which on a curve stays below a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["settles"]


def settles(curves: Array, kept: NDArray[np.int64], limit: float | Array) -> Array:
    """Give the smallest number of kept steps from which on curves stay within a limit.

    Infinite where the last of a curve does not. Shapes: curves (kept, ...), kept (kept,) -> (...).
    """
    beyond = ~(curves <= limit)
    # places counted from the far end: the first one that is beyond the limit ends the search
    within = np.cumprod(~beyond[::-1], axis=0).sum(axis=0)
    first = np.minimum(len(kept) - within, len(kept) - 1)
    return np.where(within == 0, np.inf, kept[first].astype(float))
