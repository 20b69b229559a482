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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.blocks import in_blocks, windows_apiece
from rnnlens.dynamics.memory.settling import settles
from rnnlens.engine.operations.registry import Array

__all__ = ["NewWindows", "block_quantile", "fewest_blocks", "new_windows"]

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


class NewWindows(NamedTuple):
    """What holds for windows of a new block.

    Parameters
    ----------
    bounds : array (kept,)
        Bound on the largest change for each number of kept steps.
    horizon : float
        Bound on the number of kept steps from which on a window stays within the tolerance.
    block, blocks : int
        Windows of a block, and how many blocks there are.
    dependence : int
        Windows over which the changes depend on one another.
    """

    bounds: Array
    horizon: float
    block: int
    blocks: int
    dependence: int


def new_windows(
    scores: Array, kept: NDArray[np.int64], tolerance: float, alpha: float, block: int | None = None
) -> NewWindows:
    """Bound the change of a new window's forecast: scores (kept, sample), kept (kept,).

    The horizon has a score of its own, a window's smallest number of kept steps from which on its
    change stays within the tolerance, so that one bound serves all numbers of kept steps.
    """
    samples = scores.shape[1]
    dependence = max(windows_apiece(one) for one in scores[:: max(1, len(scores) // 8)])
    length = block or max(1, min(dependence, samples // fewest_blocks(alpha)))
    blocks = in_blocks(samples, length)
    bounds = np.array([block_quantile(one, blocks, alpha) for one in scores])
    horizon = block_quantile(settles(scores, kept, tolerance), blocks, alpha)
    return NewWindows(bounds, horizon, length, int(blocks[-1]) + 1, dependence)
