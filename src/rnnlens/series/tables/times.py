"""The times of a table's rows: read, checked, shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.clock import utc_times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Clock", "rising_times", "show_time"]


#: The end of a time that says how far it is from UTC.
_OFFSET = r"(?:[Zz]|[ T]\d{2}.*[+-]\d{2}(?::?\d{2})?)$"


#: Parts of a time that columns may be called by, in small letters.
PARTS = ("year", "month", "day", "hour", "minute", "second")
#: How people write times that are not ISO 8601: tried for the sentence of a refusal, and taken only
#: where stated.
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%d.%m.%y")
_HOURS = ("", " %H:%M", " %H:%M:%S", " %H.%M.%S", " %H", " %I:%M %p")
FORMATS = (*(f"{day}{hour}" for day in _DAYS for hour in _HOURS), "%Y%m%d%H", "%Y%m%d%H%M")


@dataclass(frozen=True)
class Clock:
    """Which columns hold the time of a row, and how it is written.

    Parameters
    ----------
    columns : tuple of str
        The column, or those that make the time up; empty where rows are counted.
    format : str, optional
        How times are written, where that is not ISO 8601.
    zone : str, optional
        The zone of times without an offset; UTC where not given.
    """

    columns: tuple[str, ...] = ()
    format: str | None = None
    zone: str | None = None

    @property
    def name(self) -> str | None:
        """What the times are called."""
        if not self.columns:
            return None
        return self.columns[0] if len(self.columns) == 1 else "time"

    @property
    def in_parts(self) -> bool:
        """Whether columns hold a year, a month and so on."""
        return len(self.columns) > 1 and all(name.casefold() in PARTS for name in self.columns)


def rising_times(
    given: Sequence[Any],
    clock: Clock,
    where: str,
    row: Callable[[int], str],
    groups: NDArray[Any] | None = None,
) -> NDArray[np.datetime64]:
    """Read the times of rows and check that each comes after the one before: (row,).

    Shapes: given one (row,) for each column; groups (row,).
    """
    parsed, local = _moments(_one_column(given, clock, where, row), clock, where, row)
    moments = parsed.copy()
    for places in _places_by_group(groups, len(moments)):
        moments[places] = _rising(parsed[places], local[places], clock, where, row, places)
    return moments


def _rising(
    parsed: NDArray[np.datetime64],
    local: NDArray[np.bool_],
    clock: Clock,
    where: str,
    row: Callable[[int], str],
    places: NDArray[np.intp],
) -> NDArray[np.datetime64]:
    """Bring the times of one group to UTC and check their order."""
    moments = parsed.copy()
    if clock.zone is not None and local.any():
        moments[local] = utc_times(parsed[local], clock.zone, where)
    rank = np.argsort(moments, kind="stable")
    same = np.flatnonzero(np.diff(moments[rank]) == np.timedelta64(0))
    if len(same):
        early, late = (int(place) for place in rank[same[0] : same[0] + 2])
        first, second = int(places[early]), int(places[late])
        raise DataError(
            f"{where}: the time {show_time(moments[early])} stands in {row(first)} and "
            f"again in {row(second)}; each time must stand once (name the column that tells "
            "stations apart as group, or the zone of local clock times as time_zone, for an hour "
            "repeats when summer time ends)"
        )
    back = np.flatnonzero(np.diff(moments) < np.timedelta64(0))
    if len(back):
        at = int(back[0]) + 1
        raise DataError(
            f"{where}: the times are not in order, {show_time(moments[at])} in "
            f"{row(int(places[at]))} comes after {show_time(moments[at - 1])}; sort the rows by "
            "time"
        )
    return moments


def _places_by_group(groups: NDArray[Any] | None, rows: int) -> list[NDArray[np.intp]]:
    """Give the rows of each group, in their order."""
    if groups is None:
        return [np.arange(rows)]
    _, code = np.unique(groups, return_inverse=True)
    rank = np.argsort(code, kind="stable")
    return np.split(rank, np.flatnonzero(np.diff(code[rank])) + 1)


def _one_column(
    given: Sequence[Any], clock: Clock, where: str, row: Callable[[int], str]
) -> pd.Series:
    """Give the times as one column: as they are written, or put together from their parts."""
    import pandas as pd

    columns = [pd.Series(each).reset_index(drop=True) for each in given]
    if len(columns) == 1:
        return columns[0]
    if clock.format is not None or not clock.in_parts:
        texts = [each.astype(str).str.strip() for each in columns]
        return texts[0].str.cat(texts[1:], sep=" ")
    names = [name.casefold() for name in clock.columns]
    parts = {
        name: pd.to_numeric(each, errors="coerce")
        for name, each in zip(names, columns, strict=True)
    }
    parts = {name: parts.get(name, pd.Series(1, index=columns[0].index)) for name in PARTS[:3]} | {
        name: part for name, part in parts.items() if name in PARTS[3:]
    }
    moments = pd.to_datetime(pd.DataFrame(parts), errors="coerce")
    bad = np.flatnonzero(moments.isna())
    if len(bad):
        at = int(bad[0])
        cells = ", ".join(
            f"{name} {each.iloc[at]}" for name, each in zip(clock.columns, columns, strict=True)
        )
        raise DataError(f"{where}, {row(at)} has the time {cells}, which is none")
    return moments


def _moments(
    given: pd.Series, clock: Clock, where: str, row: Callable[[int], str]
) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    """Parse times, and say which state no offset: both (row,)."""
    import pandas as pd

    if given.dtype.kind in "biuf" and clock.format is not None:
        given = given.astype("Int64").astype(str)
    if given.dtype.kind in "biufc":
        raise DataError(
            f"{where}: the time column {clock.name!r} must hold times such as 2013-01-31 06:00 and "
            f"holds numbers such as {given.iloc[0]}; if they are times, say in the sidecar how "
            'they are written, such as time_format = "%Y%m%d"'
        )
    if isinstance(given.dtype, pd.DatetimeTZDtype) or given.dtype.kind == "M":
        aware = isinstance(given.dtype, pd.DatetimeTZDtype)
        offset, form = np.full(len(given), aware), None
    elif clock.format is None:
        # Apart, because pandas 2 lets a time without an offset take the one of the row before it.
        offset, form = given.astype(str).str.contains(_OFFSET).to_numpy(bool), "ISO8601"
    else:
        offset, form = np.full(len(given), "%z" in clock.format.lower()), clock.format
    parsed = np.full(len(given), np.datetime64("NaT", "ns"))
    for kind in (offset, ~offset):
        if kind.any():
            read = pd.to_datetime(given[kind], format=form, utc=True, errors="coerce")
            parsed[kind] = pd.DatetimeIndex(read).tz_localize(None).to_numpy("datetime64[ns]")
    bad = np.flatnonzero(np.isnat(parsed))
    if len(bad):
        at = int(bad[0])
        raise DataError(
            f"{where}, {row(at)}, column {clock.name!r} holds {str(given.iloc[at])!r}; it must be "
            f"a time {_expected(given, clock)}"
        )
    return parsed, ~offset


def _expected(given: pd.Series, clock: Clock) -> str:
    """Say how times must be written, and what to state where they all are written otherwise."""
    import pandas as pd

    if clock.format is not None:
        return f"written as the sidecar's time_format says, {clock.format!r}"
    texts = given.astype(str).str.strip()
    fitting = [
        form
        for form in FORMATS
        if pd.notna(pd.to_datetime(texts.iloc[:1], format=form, errors="coerce")).all()
        and pd.notna(pd.to_datetime(texts, format=form, errors="coerce")).all()
    ]
    stated = " or ".join(f'"{form}"' for form in fitting[:2])
    if not stated:
        return "in ISO 8601, such as 2013-01-31 06:00"
    which = ", whichever they are" if len(fitting) > 1 else ""
    return (
        f"in ISO 8601, or the sidecar must say how times are written: time_format = {stated}{which}"
    )


def show_time(moment: np.datetime64) -> str:
    """Write a time as briefly as it allows.

    Examples
    --------
    >>> show_time(np.datetime64("2013-01-31T06:00:00", "ns"))
    '2013-01-31 06:00'
    """
    return str(np.datetime_as_string(moment, unit="auto")).replace("T", " ")
