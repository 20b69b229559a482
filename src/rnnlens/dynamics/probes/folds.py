"""Blocks of time, each read by a regression that has seen nothing near it.

Windows overlap, so that neighbours are all but the same row of a regression. A block is therefore
kept apart from what is fitted by a gap on either side, as long as a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import DataError

__all__ = ["Folds", "cut_in_blocks"]

#: Windows that the smallest fit must keep, and the part of all that it must keep.
FEWEST, PART = 10, 0.1


@dataclass(frozen=True, eq=False)
class Folds:
    """Which block each window is in, and which windows lie near each block.

    Parameters
    ----------
    block : array (sample,) of int
        The block of each window.
    near : array (block, sample) of bool
        Whether a window lies in a block or in the gap beside it.
    gap : int
        Steps left out on either side of a block.
    """

    block: NDArray[np.int64]
    near: NDArray[np.bool_]
    gap: int

    def __len__(self) -> int:
        """Give the number of blocks."""
        return len(self.near)


def cut_in_blocks(clock: NDArray[np.int64], blocks: int, gap: int) -> Folds:
    """Cut time into blocks of as many windows: clock (sample,), in steps from one to the next.

    Examples
    --------
    >>> folds = cut_in_blocks(np.arange(60), 3, 4)
    >>> int(folds.near[0].nonzero()[0].max()), int(folds.near[1].nonzero()[0].min())
    (23, 16)
    """
    samples = len(clock)
    order = np.argsort(clock, kind="stable")
    block = np.empty(samples, dtype=np.int64)
    block[order] = np.arange(samples) * blocks // max(samples, 1)
    near = np.zeros((blocks, samples), dtype=bool)
    for number in range(blocks):
        own = clock[block == number]
        if len(own):
            near[number] = (clock >= own.min() - gap) & (clock <= own.max() + gap)
    # the strength is chosen in blocks within what is fitted, so that two are left out at once
    left = [int((~near[a] & ~near[b]).sum()) for a, b in combinations(range(blocks), 2)]
    if min(left) < max(FEWEST, PART * samples):
        raise DataError(
            f"{blocks} blocks of {samples} windows with {gap} left out on either side leave "
            f"{min(left)} windows to fit, too few: give more windows, or a smaller gap"
        )
    return Folds(block, near, gap)
