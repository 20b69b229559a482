"""A bound on the change of the next window's forecast, from windows that come in blocks.

Split-conformal prediction (Vovk, Gammerman and Shafer 2005) with blocks that are exchangeable
instead of windows: each block weighs the same, and the next one as much as each (Lee, Barber and
Willett 2023, "Distribution-free inference with hierarchical data"). The bound is the smallest
score that the blocks' windows do not exceed with a weight of ``1 - alpha``, the next block counted
as infinite: it holds for a window of a new block with at least that probability, whatever the
distribution, where blocks are exchangeable.

``alpha`` = 0.05 needs 19 blocks, for the next one weighs ``1 / (blocks + 1)``.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["block_quantile", "fewest_blocks"]

#: Weights are sums of fractions: as much may be missing of one.
ROUNDING = 1e-12


def fewest_blocks(alpha: float) -> int:
    """Say how many blocks a finite bound needs.

    Examples
    --------
    >>> fewest_blocks(0.05), fewest_blocks(0.1)
    (19, 9)
    """
    return ceil(1 / alpha - 1 - ROUNDING)


def block_quantile(scores: Array, blocks: NDArray[np.int64], alpha: float) -> float:
    """Give the bound on the score of a window of a new block: scores and blocks (sample,)."""
    sizes = np.bincount(blocks)
    count = int((sizes > 0).sum())
    weights = 1 / ((count + 1) * sizes[blocks])
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order]) >= 1 - alpha - ROUNDING
    return float(scores[order][reached.argmax()]) if reached.any() else np.inf
