"""Windows depend on their neighbours: blocks of them, and what a mean over them may be.

The length of a block is that of Politis and White 2004, "Automatic block-length selection for the
dependent bootstrap", with the correction of Patton, Politis and White 2009, as ``arch`` computes
it; the draws are those of the circular block bootstrap (Politis and Romano 1992). How many windows
are worth one that depends on none is read off the autocorrelation up to where it is noise.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["block_length", "block_weights", "in_blocks", "windows_apiece"]

#: Lags in a row whose autocorrelation must be noise.
QUIET = 5


def block_length(values: Array) -> int:
    """Say how many neighbours make a block that depends little on the next: values (sample,)."""
    from arch.bootstrap import optimal_block_length

    if len(values) < 2 * QUIET or not values.std() > 0:
        return 1
    # of few windows it knows nothing: its NaN is seen to here, and its warnings say no more
    with np.errstate(all="ignore"):
        best = float(optimal_block_length(values)["circular"].iloc[0])
    return max(1, min(ceil(best), len(values) // 3)) if np.isfinite(best) else 1


def windows_apiece(values: Array) -> int:
    """Say how many neighbours are worth one that depends on none: values (sample,).

    That is one and twice the sum of the autocorrelations up to where they are noise: in a season
    that comes back, windows half of it apart make up for each other.
    """
    correlation = _autocorrelation(values)
    lag = _last_lag(correlation, len(values))
    return max(1, min(ceil(1 + 2 * correlation[:lag].sum()), len(values)))


def _autocorrelation(values: Array) -> Array:
    """Give the autocorrelation from lag 1 to half of the series; none where nothing varies."""
    n = len(values)
    centred = values - values.mean()
    power = float(centred @ centred)
    if n < 2 * QUIET or not power > 0:
        return np.zeros(0)
    spectrum = np.fft.rfft(centred, 2 * n)
    return np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[1 : n // 2 + 1] / power


def _last_lag(correlation: Array, samples: int) -> int:
    """Give the last lag before the autocorrelation is noise for several in a row."""
    loud = np.abs(correlation) >= 2 * np.sqrt(np.log10(max(samples, 2)) / samples)
    for lag in range(len(loud)):
        if not loud[lag : lag + QUIET].any():
            return lag
    return len(loud)


def in_blocks(samples: int, length: int) -> NDArray[np.int64]:
    """Give the block of each sample, all of the length but the last, which may be longer."""
    return np.minimum(np.arange(samples) // length, max(samples // length, 1) - 1)


def block_weights(samples: int, length: int, draws: int, rng: np.random.Generator) -> Array:
    """Give the weights of samples in draws of whole blocks: (draw, sample), each sums to one."""
    length = min(length, samples)
    pieces = -(-samples // length)
    starts = rng.integers(samples, size=(draws, pieces, 1))
    drawn = ((starts + np.arange(length)) % samples).reshape(draws, -1)[:, :samples]
    rows = np.repeat(np.arange(draws), samples)
    counts = np.bincount(rows * samples + drawn.ravel(), minlength=draws * samples)
    return counts.reshape(draws, samples) / samples
