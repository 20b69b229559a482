"""The axis on which a series' steps are counted, and the windows that it allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.clock import local_times, moments_near
from rnnlens.series.sidecar import ROWS
from rnnlens.series.tables.times import show_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.tables.table import Table
    from rnnlens.series.variable import Variable

__all__ = ["Axis", "Cut", "step_written", "unbroken"]

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Axis:
    """When the rows of a series are, group by group.

    Parameters
    ----------
    rows : array (row,)
        The places of the rows in the table: those of a group together, in the order of time.
    times : array (row,)
        Datetime64 in UTC; row numbers, within each group, where there is no time.
    at : array (row,) of int
        When each is in units of `step`'s own: nanoseconds by the clock, or rows.
    step : int
        From one step to the next, likewise.
    ends : array (group + 1,)
        Where each group begins, and where the last ends.
    groups : array (row,), optional
        Whose row it is.
    zone : str, optional
        The zone by whose clock `at` is, where that is not UTC: days are not all of 24 hours.
    step_text : str
        The step as it is written; empty where rows are counted.
    """

    rows: NDArray[np.intp]
    times: NDArray[Any]
    at: NDArray[np.int64]
    step: int
    ends: NDArray[np.intp]
    groups: NDArray[np.str_] | None
    zone: str | None
    step_text: str

    @classmethod
    def of(cls, table: Table, sidecar: Sidecar) -> Axis:
        """Count the steps of a table as its sidecar says."""
        rows, ends = _by_group(table.groups, len(table))
        counted = np.arange(len(rows)) - np.repeat(ends[:-1], np.diff(ends))
        groups = None if table.groups is None else table.groups[rows]
        if table.times is None or sidecar.step == ROWS:
            times = counted if table.times is None else table.times[rows]
            return cls(rows, times, counted, 1, ends, groups, None, "")
        times = table.times[rows]
        step = _step(times, ends, sidecar)
        zone = None if step % _DAY else sidecar.time_zone
        clock = local_times(times, zone)
        if zone is not None and sidecar.step_length is None:
            step = _step(clock, ends, sidecar)
        _refuse_closer(clock, times, ends, step, sidecar)
        return cls(
            rows,
            times,
            clock.astype(np.int64),
            int(step.astype(np.int64)),
            ends,
            groups,
            zone,
            sidecar.step_text or step_written(step),
        )

    @property
    def timed(self) -> bool:
        """Whether rows have times."""
        return self.times.dtype.kind == "M"

    def kept(self, keep: NDArray[np.bool_]) -> Axis:
        """Give some of the rows alone."""
        if keep.all():
            return self
        before = np.concatenate([[0], np.cumsum(keep)])
        return replace(
            self,
            rows=self.rows[keep],
            times=self.times[keep],
            at=self.at[keep],
            ends=before[self.ends],
            groups=None if self.groups is None else self.groups[keep],
        )

    def by_group(
        self,
        values: NDArray[np.float64],
        change: Callable[..., NDArray[np.float64]],
        variable: Variable,
    ) -> NDArray[np.float64]:
        """Change the values of each group by themselves: (row,) -> (row,)."""
        if not np.isnan(values).any():
            return values
        parts = zip(self.ends[:-1], self.ends[1:], strict=True)
        return np.concatenate([
            change(values[a:b], variable, self.at[a:b], self.step) for a, b in parts
        ])

    @property
    def begins(self) -> NDArray[np.bool_]:
        """Say which rows do not follow the one before at the step: (row,)."""
        first = np.ones(len(self.rows), dtype=bool)
        first[1:] = np.diff(self.at) != self.step
        first[self.ends[:-1][self.ends[:-1] < len(first)]] = True
        return first


@dataclass(frozen=True, eq=False)
class Cut:
    """The windows that an axis allows.

    Parameters
    ----------
    axis : Axis
        Of the series.
    newest : array (sample,)
        The row, in the axis' order, at which each window ends.
    window : int
        Steps of a window.
    """

    axis: Axis
    newest: NDArray[np.intp]
    window: int

    @classmethod
    def of(cls, axis: Axis, whole: NDArray[np.bool_], window: int) -> Cut:
        """Find the rows that end `window` whole rows which follow each other without a gap."""
        run = unbroken(axis, whole)
        newest = np.flatnonzero(run >= window)
        if not len(newest):
            raise _too_short(run, whole, window)
        return cls(axis, newest, window)

    def windows(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cut the windows: values (row, feature) -> (sample, step, feature).

        Windows that follow one another row by row are looked at where they lie, not copied.
        """
        sliding = np.lib.stride_tricks.sliding_window_view(values, self.window, axis=0)
        first, count = self.newest[0] - self.window + 1, len(self.newest)
        if self.newest[-1] - self.newest[0] == count - 1:
            return sliding[first : first + count].transpose(0, 2, 1)
        return np.ascontiguousarray(sliding[self.newest - self.window + 1].transpose(0, 2, 1))

    def _found(self, lead: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Find the row at the time that each forecast is for, and say whether there is one."""
        axis = self.axis
        wanted = axis.at[self.newest] + lead * axis.step
        found = np.empty(len(wanted), dtype=np.intp)
        for a, b in zip(axis.ends[:-1], axis.ends[1:], strict=True):
            own = slice(*np.searchsorted(self.newest, [a, b]))
            found[own] = a + np.minimum(
                np.searchsorted(axis.at[a:b], wanted[own]), max(b - a - 1, 0)
            )
        return found, axis.at[found] == wanted

    def at(self, values: NDArray[np.float64], lead: int) -> NDArray[np.float64]:
        """Look up what happened at the times that forecasts are for: (row,) -> (sample,)."""
        found, known = self._found(lead)
        return np.where(known, values[found], np.nan)

    def times(self, lead: int) -> NDArray[Any]:
        """Give the times that forecasts are for, NaT where rows are counted and it is not there."""
        axis = self.axis
        found, known = self._found(lead)
        if not axis.timed:
            return axis.times[self.newest] + lead
        if not axis.step_text:
            return np.where(known, axis.times[found], np.datetime64("NaT", "ns"))
        wanted = (axis.at[self.newest] + lead * axis.step).astype("datetime64[ns]")
        if axis.zone is None:
            return wanted
        return np.where(known, axis.times[found], moments_near(wanted, axis.zone))


def unbroken(axis: Axis, whole: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Count the whole rows that lead to each row without a gap, itself among them: (row,)."""
    rows = np.arange(len(axis.rows))
    begins = axis.begins
    begins[1:] |= ~whole[:-1]
    run = rows - np.maximum.accumulate(np.where(begins | ~whole, rows, 0)) + 1
    return np.where(whole, run, 0)


def _by_group(
    groups: NDArray[np.str_] | None, rows: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the rows of each group together, in the order in which groups appear, and the ends."""
    if groups is None:
        return np.arange(rows), np.array([0, rows])
    _, first, code = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))[code]
    return np.argsort(order, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(order))])


def _apart(clock: NDArray[Any], ends: NDArray[np.intp]) -> NDArray[Any]:
    """Give the times between neighbouring rows of one group."""
    inside = np.ones(max(len(clock) - 1, 0), dtype=bool)
    inside[ends[1:-1] - 1] = False
    return np.diff(clock)[inside]


def _step(clock: NDArray[Any], ends: NDArray[np.intp], sidecar: Sidecar) -> np.timedelta64:
    """Give the time from one row to the next: as stated, or the most frequent one."""
    if sidecar.step_length is not None:
        return sidecar.step_length
    apart = _apart(clock, ends)
    if not len(apart):
        return np.timedelta64(1, "ns")
    lengths, counts = np.unique(apart, return_counts=True)
    return lengths[counts.argmax()]


def _refuse_closer(
    clock: NDArray[Any],
    times: NDArray[Any],
    ends: NDArray[np.intp],
    step: np.timedelta64,
    sidecar: Sidecar,
) -> None:
    if sidecar.step_length is None:
        return
    close = np.diff(clock) < step
    close[ends[1:-1] - 1] = False
    short = np.flatnonzero(close)
    if len(short):
        at = int(short[0])
        raise DataError(
            f"the times {show_time(times[at])} and {show_time(times[at + 1])} are less than the "
            f"sidecar's step of {sidecar.step} apart; state the step of the data, or thin them out"
        )


def step_written(step: np.timedelta64) -> str:
    """Write a step as sidecars do, ``1h``."""
    for unit, length in (("d", "D"), ("h", "h"), ("min", "m"), ("s", "s"), ("ms", "ms")):
        count, rest = divmod(step, np.timedelta64(1, length))
        if count and not rest:
            return f"{count}{unit}"
    return str(step)


def _too_short(run: NDArray[np.intp], whole: NDArray[np.bool_], window: int) -> DataError:
    longest = int(run.max()) if len(run) else 0
    gaps = "" if longest == len(run) else f", the longest unbroken run being {longest}"
    empty = int((~whole).sum())
    if empty:
        gaps = f", {empty} of them without a value in some feature{gaps}"
    return DataError(
        f"a window is {window} steps and the series has {len(run)} rows{gaps}; it must have at "
        f"least {window} that follow each other"
    )
