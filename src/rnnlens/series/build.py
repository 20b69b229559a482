"""Cut a table into windows that do not cross a gap; the door of this package.

Row ``t`` of a table is the newest step of the window of rows ``t-T+1 .. t``; its forecast is for
row ``t + lead``. All those rows must follow each other at the series' step.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import ConfigError, DataError
from rnnlens.series.arrays import windows_from_npz
from rnnlens.series.sidecar import Sidecar, read_sidecar
from rnnlens.series.tables.read import (
    NPZ_START,
    read_arrays,
    read_table,
    start_of,
    table_from_columns,
)
from rnnlens.series.tables.times import show_time
from rnnlens.series.windows import Windows, as_moment, described

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Limit = str | np.datetime64 | int | None

__all__ = ["windows", "windows_from_table"]


def windows(
    data: str | PathLike[str] | pd.DataFrame | Mapping[str, ArrayLike],
    sidecar: Sidecar | str | PathLike[str] | None = None,
    *,
    start: Limit = None,
    end: Limit = None,
) -> Windows:
    """Make windows from a file or from columns in memory.

    An ``.npz`` file with an array ``X (sample, step, feature)`` holds windows already: in original
    units, or in network units where it has ``scaled = True``; ``y (sample, target)``, in the
    same units, and ``times (sample,)`` are optional.

    Shapes: data path, DataFrame or mapping of str to (row,).

    Examples
    --------
    >>> sidecar = Sidecar.plain(["rain", "flow"], window=3)
    >>> made = windows({"rain": [0, 1, 0, 2, 0], "flow": [5, 5, 7, 6, 9]}, sidecar)
    >>> made.values.shape, made.issued, made.actual
    ((3, 3, 2), array([2, 3, 4]), array([[ 2.,  6.], [ 0.,  9.], [nan, nan]]))
    """
    if sidecar is not None and not isinstance(sidecar, Sidecar):
        sidecar = read_sidecar(sidecar)
    if not isinstance(data, str | PathLike):
        if not (isinstance(data, Mapping) or hasattr(data, "columns")):
            raise DataError(
                "data must be a path, a DataFrame or a mapping of columns and is of type "
                f"{type(data).__name__}; windows_from_arrays takes arrays (sample, step, feature)"
            )
        return windows_from_table(data, _needed(sidecar), start=start, end=end)
    if start_of(data).startswith(NPZ_START):
        arrays = read_arrays(data)
        if "X" in arrays:
            return windows_from_npz(arrays, sidecar, str(data)).between(start, end)
    known = _needed(sidecar)
    table = read_table(
        data, columns=known.feature_names, optional=known.target_names, time=known.time
    )
    return windows_from_table(table, known, start=start, end=end)


def _needed(sidecar: Sidecar | None) -> Sidecar:
    if sidecar is None:
        raise ConfigError(
            "a table needs a sidecar that says what the network takes: give a .toml file, or "
            "Sidecar.plain(features, window, lead)"
        )
    return sidecar


def windows_from_table(
    table: pd.DataFrame | Mapping[str, ArrayLike],
    sidecar: Sidecar,
    *,
    start: Limit = None,
    end: Limit = None,
) -> Windows:
    """Cut a table in memory into windows: table DataFrame or mapping of str to (row,)."""
    checked = table_from_columns(
        table, columns=sidecar.feature_names, optional=sidecar.target_names, time=sidecar.time
    )
    times = np.asarray(checked.index)
    timed = times.dtype.kind == "M"
    keep = np.ones(len(times), dtype=bool)
    if start is not None:
        keep &= times >= as_moment(start, times, "start")
    if end is not None:
        keep &= times < as_moment(end, times, "end")
    checked, times = checked.loc[keep], times[keep]
    step = _step(times, sidecar)
    newest = _ends_of_runs(times, step, sidecar.window)
    features = np.asarray(checked[list(sidecar.feature_names)], np.float64)
    scaled = sidecar.feature_scaling.apply(features)
    sliding = np.lib.stride_tricks.sliding_window_view(scaled, sidecar.window, axis=0)
    issued = times[newest]
    valid = issued + sidecar.lead * step
    return described(
        np.ascontiguousarray(sliding[newest - sidecar.window + 1].transpose(0, 2, 1)),
        sidecar,
        times=valid,
        issued=issued,
        actual=_actual(checked, times, valid, sidecar.target_names),
        step=sidecar.step or (_step_text(step) if timed else ""),
    )


def _step(times: NDArray[Any], sidecar: Sidecar) -> Any:
    """Give the time from one row to the next: as stated, or the most frequent one."""
    if times.dtype.kind != "M":
        return 1
    apart = np.diff(times)
    stated = sidecar.step_length
    if stated is None:
        if not len(apart):
            return np.timedelta64(1, "ns")
        lengths, counts = np.unique(apart, return_counts=True)
        return lengths[counts.argmax()]
    short = np.flatnonzero(apart < stated)
    if len(short):
        at = int(short[0])
        raise DataError(
            f"the times {show_time(times[at])} and {show_time(times[at + 1])} are less than the "
            f"sidecar's step of {sidecar.step} apart; state the step of the data, or thin them out"
        )
    return stated


def _step_text(step: np.timedelta64) -> str:
    for unit, length in (("d", "D"), ("h", "h"), ("min", "m"), ("s", "s"), ("ms", "ms")):
        count, rest = divmod(step, np.timedelta64(1, length))
        if count and not rest:
            return f"{count}{unit}"
    return str(step)


def _ends_of_runs(times: NDArray[Any], step: Any, window: int) -> NDArray[np.intp]:
    """Give the rows at which `window` rows end that follow each other without a gap."""
    rows = np.arange(len(times))
    begins = np.ones(len(times), dtype=bool)
    begins[1:] = np.diff(times) != step
    run = rows - np.maximum.accumulate(np.where(begins, rows, 0)) + 1
    newest = np.flatnonzero(run >= window)
    if not len(newest):
        longest = int(run.max()) if len(run) else 0
        gaps = "" if longest == len(run) else f", the longest unbroken run being {longest}"
        raise DataError(
            f"a window is {window} steps and the series has {len(run)} rows{gaps}; it must have at "
            f"least {window} that follow each other"
        )
    return newest


def _actual(
    table: pd.DataFrame, times: NDArray[Any], valid: NDArray[Any], targets: tuple[str, ...]
) -> NDArray[np.float64]:
    """Look up what happened at the times that the forecasts are for."""
    at = np.minimum(np.searchsorted(times, valid), len(times) - 1)
    known = times[at] == valid
    actual = np.full((len(valid), len(targets)), np.nan)
    for column, name in enumerate(targets):
        if name in table:
            actual[known, column] = np.asarray(table[name], np.float64)[at[known]]
    return actual
