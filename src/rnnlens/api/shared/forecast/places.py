"""Where windows lie in time, counted in steps of their series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.checks.forecast.data import Places
from rnnlens.series.sidecar import Sidecar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.windows import Windows

    Array = NDArray[np.float64]

__all__ = ["places_of", "sliding_places"]

#: Leads that are looked through where an array's own is not stated.
LEADS = 48
#: Steps between the places of two groups: more than any window, lead or season is long.
APART = 10_000_000
#: Numbers of windows that are compared at once.
BLOCK = 1 << 20
#: A clock's days, weeks and years.
SPANS = tuple(np.timedelta64(days, "D") for days in (1, 7, 365))


def places_of(windows: Windows, target: int) -> Places | None:
    """Give the places of windows by their times, or by their rows where these follow each other.

    Stations, or whatever else windows are grouped by, are put far apart, so that none is looked up
    in another.
    """
    if windows.groups is None:
        return _of_one(windows, target)
    names, which = np.unique(windows.groups, return_inverse=True)
    issued, valid = np.empty(len(windows), np.int64), np.empty(len(windows), np.int64)
    spans, begin = (0, 0, 0), 0
    for k in range(len(names)):
        inside = which == k
        one = _of_one(windows.select(inside), target)
        if one is None:
            return None
        moved = begin - int(min(one.issued.min(), one.valid.min()))
        issued[inside], valid[inside] = one.issued + moved, one.valid + moved
        begin = int(max(issued[inside].max(), valid[inside].max())) + APART
        spans = (one.day, one.week, one.year)
    return Places(issued, valid, *spans)


def _of_one(windows: Windows, target: int) -> Places | None:
    times, issued = windows.times_of(target), windows.issued
    if times.dtype.kind != "M":
        if len(issued) != len(np.unique(issued)) or not _follow(windows.values, issued):
            return None
        return Places(issued.astype(np.int64), times.astype(np.int64))
    step = _step(windows)
    if step is None:
        return None
    if np.isnat(issued).any():
        issued = times - windows.lead_of(target) * step
    places = [((given - issued[0]) / step).astype(float) for given in (issued, times)]
    if not all(np.allclose(one, np.round(one), atol=1e-6) for one in places):
        return None
    whole = [np.round(one).astype(np.int64) for one in places]
    if len(np.unique(whole[0])) != len(whole[0]):
        return None
    spans = [int(span // step) if not span % step else 0 for span in SPANS]
    return Places(whole[0], whole[1], *spans)


def _step(windows: Windows) -> np.timedelta64 | None:
    if windows.step:
        return Sidecar.plain(["-"], 1, step=windows.step).step_length
    apart = np.diff(windows.times)
    apart = apart[apart > np.timedelta64(0)]
    if not len(apart):
        return None
    lengths, counts = np.unique(apart, return_counts=True)
    return lengths[counts.argmax()]


def _follow(values: Array, issued: NDArray[Any]) -> bool:
    """Say whether windows one row apart share their steps, as those cut from one series do."""
    if values.shape[1] < 2 or len(values) < 2:
        return True
    next_row = np.flatnonzero(np.diff(issued) == 1)
    # a block at a time: windows cut from a table overlap, and copies of them take many times it
    size = max(1, BLOCK // max(1, values[0].size))
    for first in range(0, len(next_row), size):
        some = next_row[first : first + size]
        if not np.array_equal(values[some, 1:], values[some + 1, :-1]):
            return False
    return True


def sliding_places(values: Array, actual: Array) -> tuple[Places | None, int | None]:
    """Give the places of plain windows that follow each other, and the feature that the target is.

    Where a feature's newest value some rows later is what happened, that is the lead; else it is
    taken to be 1.

    Shapes: values (sample, step, feature), actual (sample,).
    """
    count = len(values)
    rows = np.arange(count)
    if count < 2 or values.shape[1] < 2 or not _follow(values, rows):
        return None, None
    for lead in range(1, min(LEADS, count // 2) + 1):
        later, wanted = values[lead:, -1], actual[:-lead]
        known = np.isfinite(wanted)
        same = np.all(np.abs(later[known] - wanted[known, None]) <= 1e-9, axis=0)
        varies = (
            later[known].std(axis=0) > 0 if known.sum() > 1 else np.zeros(values.shape[2], bool)
        )
        if (same & varies).any():
            return Places(rows, rows + lead), int(np.flatnonzero(same & varies)[0])
    return Places(rows, rows + 1), None
