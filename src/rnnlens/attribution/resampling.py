"""Means of windows that are drawn again in runs, as neighbours depend on each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["resampled_means"]

Array = NDArray[np.float64]

#: Draws whose sums are one product of matrices: how often each window was drawn by the windows.
AT_ONCE = 64


def resampled_means(series: Array, length: int, draws: int, seed: int) -> Array:
    """Draw runs of windows again, of a mean length, and give the means of each draw.

    Shapes: series (window, column) of finite numbers -> (draw, column).
    """
    from arch.bootstrap import StationaryBootstrap

    count = len(series)
    drawn = StationaryBootstrap(length, np.arange(count), seed=seed).bootstrap(draws)
    means = np.empty((draws, series.shape[1]))
    times = np.empty((AT_ONCE, count))
    for begin in range(0, draws, AT_ONCE):
        some = times[: min(AT_ONCE, draws - begin)]
        for row in some:
            (windows,), _ = next(drawn)
            row[:] = np.bincount(windows, minlength=count)
        means[begin : begin + len(some)] = some @ series / count
    return means
