"""Windows depend on their neighbours: blocks of them, and what a mean over them may be.

The length of a block is twice the first lag from which on the autocorrelation stays within its
noise (Politis and White 2004, "Automatic block-length selection for the dependent bootstrap", who
multiply by a constant of the series); the draws are those of the circular block bootstrap
(Politis and Romano 1992).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["block_length", "block_weights", "in_blocks"]

#: Lags in a row whose autocorrelation must be noise.
QUIET = 5


def block_length(values: Array) -> int:
    """Say how many neighbours make a block that depends little on the next: values (sample,)."""
    n = len(values)
    centred = values - values.mean()
    power = float(centred @ centred)
    if n < 2 * QUIET or not power > 0:
        return 1
    noise = 2 * np.sqrt(np.log10(n) / n)
    last = n // 2
    spectrum = np.fft.rfft(centred, 2 * n)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[1 : last + 1] / power
    loud = np.abs(correlation) >= noise
    for lag in range(last):
        if not loud[lag : lag + QUIET].any():
            return max(1, min(2 * lag, n))
    return n


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
