"""Baselines that know the time of day or of the year: the mean over the steps of the same group.

    b_t = mean of x over all steps of the data whose group is that of step t

Where the data have a daily or yearly run_cell, the overall mean is far from what any step is, and
what the run_cell adds is credited to whatever step is hidden; a mean by hour or by season takes the
run_cell out of the comparison, and contributions say what differs from a usual day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import DataError

__all__ = ["CALENDAR", "Groups", "calendar_groups", "group_mean", "mean_of", "step_times"]

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Times = NDArray[np.datetime64]

#: Rows that are reduced side by side.
ABREAST = 32


def _hour(times: Times) -> Numbers:
    return (times.astype("datetime64[h]") - times.astype("datetime64[D]")).astype(np.int64)


def _month(times: Times) -> Numbers:
    return times.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _season(times: Times) -> Numbers:
    return _month(times) % 12 // 3 + 1


#: Baselines by calendar: what a group is called, and its number from the time.
CALENDAR: dict[str, tuple[str, Callable[[Times], Numbers]]] = {
    "hourly mean": ("hour", _hour),
    "monthly mean": ("month", _month),
    "seasonal mean": ("season", _season),
}


@dataclass(frozen=True, eq=False)
class Groups:
    """Which steps belong together.

    Parameters
    ----------
    of_x : array (sample, step) of int
        Group of each step of the explained windows.
    of_data : array (window, step) of int
        Group of each step of the data that means are taken over.
    """

    of_x: Numbers
    of_data: Numbers


def step_times(issued: Times, step: np.timedelta64, steps: int) -> Times:
    """Give the time of every step of every window.

    Shapes: issued (sample,) of datetime64 -> (sample, step) of datetime64.

    Examples
    --------
    >>> import numpy as np
    >>> newest = np.array(["2024-03-01T01"], "datetime64[h]")
    >>> print(step_times(newest, np.timedelta64(1, "h"), 3)[0])
    ['2024-02-29T23' '2024-03-01T00' '2024-03-01T01']
    """
    return issued[:, None] - np.arange(steps - 1, -1, -1) * step


def calendar_groups(times: Times, name: str) -> Numbers:
    """Give each step its number in the calendar.

    Examples
    --------
    >>> import numpy as np
    >>> calendar_groups(np.array(["2024-12-31T23:10", "2025-03-01"], "M8[m]"), "seasonal mean")
    array([1, 2])
    """
    if times.dtype.kind != "M":
        raise DataError(
            f"the baseline {name!r} needs the time of every step, but the windows have none: give "
            "windows made from a table with times, or choose another baseline"
        )
    return CALENDAR[name][1](times)


def mean_of(rows: Array) -> Array:
    """Average rows, keeping what is constant as it is, free of rounding.

    Shapes: rows (row, feature) -> (feature,).

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.full((3, 1), 0.1)
    >>> mean_of(rows).item(), rows.mean(axis=0).item()
    (0.1, 0.10000000000000002)
    """
    low, high, total = (_over(rows, one) for one in (np.minimum, np.maximum, np.add))
    return np.where(low == high, low, total / len(rows))


def _over(rows: Array, operation: np.ufunc) -> Array:
    """Reduce rows to one, several side by side: down a few columns each number waits for the last.

    Shapes: rows (row, feature) -> (feature,).
    """
    features = rows.shape[1]
    whole = len(rows) // ABREAST * ABREAST
    if not whole:
        return operation.reduce(rows, axis=0)
    abreast = operation.reduce(rows[:whole].reshape(-1, ABREAST * features), axis=0)
    rest = np.concatenate([abreast.reshape(ABREAST, features), rows[whole:]])
    return operation.reduce(rest, axis=0)


def group_mean(name: str, groups: Groups | None, x: Array, data: Array) -> Array:
    """Give each step the mean of its group.

    Shapes: x (sample, step, feature), data (window, step, feature) -> (sample, step, feature).
    """
    if groups is None:
        raise DataError(
            f"the baseline {name!r} needs the time of every step, but none came: give windows made "
            "from a table with times, or choose another baseline"
        )
    for numbers, windows in ((groups.of_x, x), (groups.of_data, data)):
        if numbers.shape != windows.shape[:2]:
            raise DataError(
                f"group numbers must have shape {windows.shape[:2]}, but came with {numbers.shape}"
            )
    missing = np.setdiff1d(groups.of_x, groups.of_data)
    if len(missing):
        what = CALENDAR[name][0] if name in CALENDAR else "group"
        raise DataError(
            f"the baseline {name!r} has no data for {what} {missing[0]}, which the explained "
            "windows have: give background windows that cover it"
        )
    means = {g: mean_of(data[groups.of_data == g]) for g in np.unique(groups.of_x)}
    stand_in = np.empty_like(x)
    for g, mean in means.items():
        stand_in[groups.of_x == g] = mean
    return stand_in
