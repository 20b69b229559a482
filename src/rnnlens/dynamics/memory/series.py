"""Windows that follow one another step by step, laid out as the series that they were cut from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["Series", "follow", "series_of"]

#: Share of the windows that must follow the one before them.
MOST = 0.9


class Series(NamedTuple):
    """One series after another.

    Parameters
    ----------
    rows : array (row, ...)
        The steps.
    window : array of int (row,)
        Which window ends at a row; -1 where none does.
    starts, ends : array of int (start,)
        Rows after which a history may end, as the first row behind it; and the last row of its
        series.
    """

    rows: Array
    window: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def follow(x: Array) -> NDArray[np.bool_]:
    """Tell of each window but the first whether it is the one before, one step later.

    Shapes: x (sample, step, ...) -> (sample - 1,).
    """
    return (x[1:, :-1] == x[:-1, 1:]).all(axis=tuple(range(1, x.ndim)))


def series_of(x: Array, last: int) -> Series | None:
    """Lay windows out as a series, for so many kept steps; None where they do not follow.

    Shapes: x (sample, step, ...).
    """
    if len(x) < 2 or last >= x.shape[1]:
        return None
    follows = follow(x)
    if follows.mean() < MOST:
        return None
    rows, window, starts, ends = [], [], [], []
    at = 0
    for part in np.split(np.arange(len(x)), np.flatnonzero(~follows) + 1):
        own = np.concatenate([x[part[0]], x[part[1:], -1]])
        steps = x.shape[1]
        rows.append(own)
        window.append(np.concatenate([np.full(steps - 1, -1), part]))
        first = np.arange(steps - last, len(own))
        starts.append(at + first)
        ends.append(np.full(len(first), at + len(own) - 1))
        at += len(own)
    joined = (np.concatenate(one) for one in (rows, window, starts, ends))
    return Series(*joined)
