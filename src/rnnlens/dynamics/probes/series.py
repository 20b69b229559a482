"""A concept moved round in time, and drawn anew with the same spectrum: what is read by chance.

Both keep how smooth a concept is and break its tie to the inputs. Moving it round (a circular
shift) keeps its values too; surrogates have its spectrum and random phases (Theiler et al. 1992,
"Testing for nonlinearity in time series"), the same for every step of a window, so that steps stay
tied to each other as they were (Prichard and Theiler 1994).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["in_time", "shifted", "surrogates"]

#: The windows of each place, in the order of time.
Places = Sequence[NDArray[np.int64]]


def in_time(clock: NDArray[np.int64], groups: NDArray[np.str_] | None) -> list[NDArray[np.int64]]:
    """Give the windows of each place in the order of time: clock, groups (sample,)."""
    order = np.argsort(clock, kind="stable")
    if groups is None:
        return [order]
    return [order[groups[order] == one] for one in np.unique(groups)]


def shifted(y: Array, places: Places, count: int, rng: np.random.Generator) -> Array:
    """Move a concept round in time, by a tenth of it or more: y (sample, step) -> (draw, ...)."""
    moved = np.repeat(y[None], count, axis=0)
    for draw in range(count):
        part = rng.uniform(0.1, 0.9)
        for place in places:
            moved[draw, place] = np.roll(y[place], round(part * len(place)), axis=0)
    return moved


def surrogates(y: Array, places: Places, count: int, rng: np.random.Generator) -> Array:
    """Draw series with the spectrum of a concept: y (sample, step) -> (draw, sample, step).

    Examples
    --------
    >>> y = np.cumsum(np.random.default_rng(0).normal(size=(64, 1)), axis=0)
    >>> other = surrogates(y, [np.arange(64)], 1, np.random.default_rng(1))[0]
    >>> def size(series):
    ...     return abs(np.fft.rfft(series[:, 0]))
    >>> np.allclose(size(other), size(y)), np.allclose(other, y)
    (True, False)
    """
    drawn = np.repeat(y[None], count, axis=0)
    for place in places:
        spectrum = np.fft.rfft(y[place], axis=0)
        turn = np.exp(2j * np.pi * rng.random((count, len(spectrum), 1)))
        # what has no phase keeps its sign: the mean, and in even lengths the fastest change
        turn[:, [0, -1] if len(place) % 2 == 0 else [0]] = 1.0
        drawn[:, place] = np.fft.irfft(turn * spectrum, n=len(place), axis=1)
    return drawn
