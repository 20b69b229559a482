"""Lags as the page draws them: each of the newest by itself, the older ones together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LEAST", "grouped", "groups_of"]

#: Lags up to which each is drawn by itself, and of longer windows at least so many.
MOST, LEAST = 36, 12
#: Part of all sizes that the lags drawn by themselves hold, where so many are enough.
PART = 0.95


def grouped(explained: xr.Dataset) -> xr.Dataset:
    """Give contributions with the older lags of long windows summed; others as they are.

    Sums stay sums: the contributions of a group are those of its lags together.
    """
    import xarray as xr

    contribution = explained["contribution"]
    if explained.sizes["lag"] <= MOST:
        return explained
    others = [name for name in contribution.dims if name not in {"sample", "lag"}]
    size = np.abs(contribution.sum(others).transpose("sample", "lag").values).mean(axis=0)
    firsts = groups_of(size)
    place = np.searchsorted(firsts, np.arange(len(size)), side="right") - 1
    axis = contribution.dims.index("lag")
    summed = np.add.reduceat(contribution.values, firsts, axis=axis)
    ends = np.append(firsts[1:], len(size)) - 1
    last = explained["lag_to" if "lag_to" in explained else "lag"].values
    made = explained.drop_dims("lag").assign_coords(lag=("lag", explained["lag"].values[firsts]))
    made["lag"].attrs.update(explained["lag"].attrs)
    made["contribution"] = xr.Variable(contribution.dims, summed, contribution.attrs)
    made["lag_to"] = ("lag", last[ends])
    assert place[-1] == len(firsts) - 1
    return made.assign_attrs(lags_together=int(len(size) - firsts[_alone(firsts, len(size))]))


def groups_of(size: np.ndarray) -> np.ndarray:
    """Give the first place of each group: sizes (lag,), newest first.

    Groups begin with the first lag after those drawn by themselves and double in length.

    Examples
    --------
    >>> groups_of(np.exp(-np.arange(100.0)))[11:].tolist()
    [11, 12, 24, 48, 96]
    """
    total = np.cumsum(size)
    enough = int(np.searchsorted(total, PART * total[-1])) + 1 if total[-1] > 0 else LEAST
    alone = int(np.clip(enough, LEAST, MOST))
    firsts, next_one = list(range(alone)), alone
    while next_one < len(size):
        firsts.append(next_one)
        next_one *= 2
    return np.array(firsts)


def _alone(firsts: np.ndarray, count: int) -> int:
    """Give the place of the first group of several lags."""
    lengths = np.diff(np.append(firsts, count))
    return int(np.argmax(lengths > 1))
