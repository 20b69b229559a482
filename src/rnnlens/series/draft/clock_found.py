"""The times of a table's rows: in which columns, how written, and how far apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.draft.look import Look
from rnnlens.series.tables.times import FORMATS, PARTS, Clock, rising_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ClockFound", "clock_of"]

#: Rows by which a way to write times is tried first.
TRIED = 200
#: The share of steps of one length from which rows are said to follow each other at it.
REGULAR = 0.5
LENGTHS = (("w", 7 * 86400), ("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True, eq=False)
class ClockFound:
    """Times that were found.

    Parameters
    ----------
    clock : Clock
        The columns, and how they are written.
    times : array (row,)
        Datetime64.
    step : str
        From one row to the next, as the sidecar says it.
    regular : float
        The share of rows that follow at that step.
    gaps : int
        Where rows are missing.
    group : str, optional
        The column within whose rows alone times rise.
    rivals : tuple of str
        Other ways in which the times may be meant as they are written.
    """

    clock: Clock
    times: NDArray[np.datetime64]
    step: str
    regular: float
    gaps: int
    group: str | None = None
    rivals: tuple[str, ...] = ()


def clock_of(looks: Sequence[Look], index: Any) -> ClockFound | None:
    """Find the times of rows, in an index or in columns."""
    if index is not None:
        name = str(index.name or "time")
        return _tried(Clock((name,)), [index], looks)
    for clock, cells in _ways(looks):
        found = _tried(clock, cells, looks)
        if found is not None:
            return found
    return None


def _ways(looks: Sequence[Look]) -> Iterator[tuple[Clock, list[Any]]]:
    """Give the ways in which columns may hold times, the plainest first."""
    others = [look for look in looks if look.numbers is None]
    for look in others:
        yield Clock((look.name,)), [look.cells]
    parts = {look.name.casefold(): look for look in looks if look.name.casefold() in PARTS}
    if {"year", "month"} <= set(parts) or {"year", "day"} <= set(parts):
        chosen = [parts[part] for part in PARTS if part in parts]
        yield Clock(tuple(look.name for look in chosen)), [look.cells for look in chosen]
    for first, second in pairwise(others):
        both = [first.cells, second.cells]
        yield Clock((first.name, second.name)), both
        for form in FORMATS:
            yield Clock((first.name, second.name), form), both
    for look in others:
        for form in FORMATS:
            yield Clock((look.name,), form), [look.cells]


def _tried(clock: Clock, cells: list[Any], looks: Sequence[Look]) -> ClockFound | None:
    """Read times in one way, and with each column of texts as the group where they do not rise."""
    few = [column[:TRIED] for column in cells]
    if not _readable(clock, few):
        return None
    for group in (None, *(look for look in looks if look.kinds)):
        if group is not None and group.name in clock.columns:
            continue
        groups = None if group is None else np.array(group.cells, dtype=np.str_)
        try:
            times = rising_times(cells, clock, "the data", str, groups)
        except (DataError, ValueError):
            continue
        step, regular, gaps = _step_of(times, groups)
        named = None if group is None else group.name
        rivals = _rivals(clock, cells, looks) if clock.format else ()
        return ClockFound(clock, times, step, regular, gaps, named, rivals)
    return None


def _readable(clock: Clock, cells: list[Any]) -> bool:
    try:
        # Each row a group of its own: whether they rise is asked later.
        rising_times(cells, clock, "the data", str, np.arange(len(cells[0])))
    except (DataError, ValueError):
        return False
    return True


def _rivals(clock: Clock, cells: list[Any], looks: Sequence[Look]) -> tuple[str, ...]:
    """Give the other formats in which the same texts are times that rise."""
    rivals = []
    for form in FORMATS:
        other = Clock(clock.columns, form)
        if form != clock.format and _readable(other, [column[:TRIED] for column in cells]):
            try:
                rising_times(cells, other, "the data", str, None)
            except (DataError, ValueError):
                continue
            rivals.append(form)
    return tuple(rivals)


def _step_of(
    times: NDArray[np.datetime64], groups: NDArray[np.str_] | None
) -> tuple[str, float, int]:
    apart = np.diff(times)
    if groups is not None:
        apart = apart[groups[1:] == groups[:-1]]
    if not len(apart):
        return "1 row", 0.0, 0
    lengths, counts = np.unique(apart, return_counts=True)
    most = int(counts.argmax())
    share = float(counts[most] / len(apart))
    if share < REGULAR or _skips_weekends(apart, lengths[most]):
        return "1 row", share, 0
    return _text(lengths[most]), share, int((apart > lengths[most]).sum())


def _skips_weekends(apart: NDArray[np.timedelta64], step: np.timedelta64) -> bool:
    """Tell business days: steps of one day, and of three about once a week."""
    day = np.timedelta64(1, "D")
    weekends = float((apart == 3 * day).mean())
    return bool(step == day and 0.12 < weekends < 0.25)


def _text(step: np.timedelta64) -> str:
    seconds = step / np.timedelta64(1, "s")
    for unit, length in LENGTHS[1:]:
        if seconds >= length and seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{max(round(seconds * 1000), 1)}ms"
