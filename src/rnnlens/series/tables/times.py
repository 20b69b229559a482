"""The times of a table's rows: read, checked, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["rising_times", "show_time"]


#: The end of a time that says how far it is from UTC.
_OFFSET = r"(?:[Zz]|[ T]\d{2}.*[+-]\d{2}(?::?\d{2})?)$"


def rising_times(
    given: Any, name: str, where: str, row: Callable[[int], str]
) -> NDArray[np.datetime64]:
    """Read the times of rows and check that each comes after the one before: (row,)."""
    moments = _moments(given, name, where, row)
    rank = np.argsort(moments, kind="stable")
    same = np.flatnonzero(np.diff(moments[rank]) == np.timedelta64(0))
    if len(same):
        first, second = (int(place) for place in rank[same[0] : same[0] + 2])
        raise DataError(
            f"{where}: the time {show_time(moments[first])} stands in {row(first)} and again in "
            f"{row(second)}; each time must stand once (give local clock times in UTC, for an hour "
            "repeats when summer time ends)"
        )
    back = np.flatnonzero(np.diff(moments) < np.timedelta64(0))
    if len(back):
        at = int(back[0]) + 1
        raise DataError(
            f"{where}: the times are not in order, {show_time(moments[at])} in {row(at)} comes "
            f"after {show_time(moments[at - 1])}; sort the rows by time"
        )
    return moments


def _moments(
    times: Any, name: str, where: str, row: Callable[[int], str]
) -> NDArray[np.datetime64]:
    import pandas as pd

    given = pd.Series(times).reset_index(drop=True)
    if given.dtype.kind in "biufc":
        raise DataError(
            f"{where}: the time column {name!r} must hold times such as 2013-01-31 06:00 and holds "
            f"numbers such as {given.iloc[0]}"
        )
    # Apart, because pandas 2 lets a time without an offset take the one of the row before it.
    offset = given.astype(str).str.contains(_OFFSET).to_numpy(bool)
    parsed = np.full(len(given), np.datetime64("NaT", "ns"))
    for kind in (offset, ~offset):
        if kind.any():
            read = pd.to_datetime(given[kind], format="ISO8601", utc=True, errors="coerce")
            parsed[kind] = pd.DatetimeIndex(read).tz_localize(None).to_numpy("datetime64[ns]")
    bad = np.flatnonzero(np.isnat(parsed))
    if len(bad):
        at = int(bad[0])
        raise DataError(
            f"{where}, {row(at)}, column {name!r} holds {str(given.iloc[at])!r}; it must be a time "
            "in ISO 8601, such as 2013-01-31 06:00"
        )
    return parsed


def show_time(moment: np.datetime64) -> str:
    """Write a time as briefly as it allows.

    Examples
    --------
    >>> show_time(np.datetime64("2013-01-31T06:00:00", "ns"))
    '2013-01-31 06:00'
    """
    return str(np.datetime_as_string(moment, unit="auto")).replace("T", " ")
