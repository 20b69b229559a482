"""Parquet: one table of all stations, or one file a station, read by row groups.

The rows of a station must lie together and rise in time. Their times are laid on one axis for all,
from the first to the last at the step of the data: where a station has no row there is no value.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.bulk.sources.source import Source, Span, as_numbers
from rnnlens.errors import DataError, MissingLibrary, UnreadableFile
from rnnlens.series.axis import step_written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.tables.table import Wanted

__all__ = ["open_parquet"]

#: Cells of the axis for each row of the tables beyond which times are not of one axis.
SPARSE = 50


@dataclass(frozen=True, eq=False)
class Run:
    """The rows of one station, which lie together in one file.

    Parameters
    ----------
    path : Path
        The file.
    first : int
        Its first row there.
    places : array (row,)
        Where each row lies on the axis of all stations.
    """

    path: Path
    first: int
    places: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Tables(Source):
    """An archive of Parquet files.

    Parameters
    ----------
    runs : tuple of Run
        The rows of each station.
    """

    runs: tuple[Run, ...]

    def read(self, names: Sequence[str], stations: Span, rows: Span) -> dict[str, NDArray[Any]]:
        """Read some rows of some series."""
        shape = (stations[1] - stations[0], rows[1] - rows[0])
        found: dict[str, NDArray[Any]] = {}
        for k, run in enumerate(self.runs[slice(*stations)]):
            begin, end = np.searchsorted(run.places, rows)
            if begin == end:
                continue
            columns = _columns(run.path, names, run.first + int(begin), run.first + int(end))
            at = run.places[begin:end] - rows[0]
            for name, values in columns.items():
                if name not in found:
                    empty: Any = np.nan if values.dtype.kind == "f" else ""
                    found[name] = np.full(shape, empty, values.dtype)
                found[name][k, at] = values
        none = np.full(shape, np.nan)
        return {name: found.get(name, none) for name in names}


def open_parquet(path: Path, files: Sequence[Path], wanted: Wanted, names: Sequence[str]) -> Source:
    """Open files of one kind, of which the columns named must be there."""
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingLibrary(
            f'{path} is Parquet, which needs pyarrow: run pip install "rnnlens[parquet]"'
        )
    stations: list[str] = []
    parts: list[tuple[Path, int, Any]] = []
    for file in files:
        _require(file, names, wanted)
        for station, first, times in _series(file, wanted, alone=len(files) == 1):
            stations.append(station)
            parts.append((file, first, times))
    if len(set(stations)) < len(stations):
        twice = next(one for one in stations if stations.count(one) > 1)
        raise DataError(
            f"{path}: the rows of station {twice!r} do not lie together: sort the tables by "
            "station and time, and write them again"
        )
    timed = bool(wanted.clock.columns)
    axis, places = _axis(path, [times for _, _, times in parts], timed=timed)
    return Tables(
        path=str(path),
        rows=len(axis),
        times=axis if timed else None,
        stations=tuple(stations) if wanted.group is not None or len(files) > 1 else None,
        station_name=wanted.group or "station",
        structure={"archive (its files)": _digest(files), "archive (its columns)": " ".join(names)},
        series=frozenset.intersection(*(frozenset(_opened(f).schema_arrow.names) for f in files)),
        runs=tuple(
            Run(file, first, own) for (file, first, _), own in zip(parts, places, strict=True)
        ),
    )


@lru_cache(maxsize=8)
def _opened(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UnreadableFile(f"{path} is damaged Parquet ({reason}); fetch it anew") from None


def _require(file: Path, names: Sequence[str], wanted: Wanted) -> None:
    known = _opened(file).schema_arrow.names
    groups = () if wanted.group is None else (wanted.group,)
    for name in (*names, *wanted.clock.columns, *groups):
        if name not in known:
            raise DataError(
                f"{file} has no column {name!r}{did_you_mean(name, known)}: it has "
                f"{', '.join(known)}"
            )


def _columns(file: Path, names: Sequence[str], first: int, end: int) -> dict[str, NDArray[Any]]:
    """Read some rows of some columns, from the row groups that hold them."""
    opened = _opened(file)
    counts = [opened.metadata.row_group(k).num_rows for k in range(opened.num_row_groups)]
    ends = np.cumsum(counts)
    low, high = np.searchsorted(ends, [first, end - 1], side="right")
    # a ParquetFile that threads share would mix up their reads
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file, metadata=opened.metadata) as own:
        table = own.read_row_groups(list(range(low, high + 1)), columns=list(dict.fromkeys(names)))
    before = int(ends[low - 1]) if low else 0
    taken = table.slice(first - before, end - first)
    found: dict[str, NDArray[Any]] = {}
    for name in names:
        column = taken.column(name)
        values = column.to_pandas().to_numpy()
        text = values.dtype.kind in "OUT"
        found[name] = np.asarray(values, object) if text else as_numbers(values)
    return found


def _series(file: Path, wanted: Wanted, *, alone: bool) -> list[tuple[str, int, Any]]:
    """Give the stations of a file: name, first row, and times or the number of rows."""
    from rnnlens.series.tables.times import rising_times

    clock, group = wanted.clock.columns, wanted.group
    columns = [*clock, *([] if group is None else [group])]
    table = _opened(file).read(columns=columns) if columns else None
    rows = _opened(file).metadata.num_rows
    if not rows:
        return []
    if table is None or group is None:
        edges, names = np.array([0, rows]), ["" if alone else file.stem]
    else:
        codes = table.column(group).to_pandas().astype(str).to_numpy()
        begins = np.flatnonzero(codes[1:] != codes[:-1]) + 1
        edges = np.concatenate([[0], begins, [rows]])
        names = [str(codes[k]) for k in edges[:-1]]
    found: list[tuple[str, int, Any]] = []
    for name, a, b in zip(names, edges[:-1], edges[1:], strict=True):
        if table is None or not clock:
            found.append((name, int(a), np.arange(b - a)))
            continue
        parts = [table.column(one).slice(int(a), int(b - a)).to_pandas() for one in clock]
        times = rising_times(parts, wanted.clock, str(file), lambda k, a=a: f"row {a + k}")
        found.append((name, int(a), times))
    return found


def _axis(
    path: Path, series: list[Any], *, timed: bool
) -> tuple[NDArray[Any], list[NDArray[np.int64]]]:
    """Lay the rows of all series on one axis: the axis, and the places of each."""
    if not series:
        raise DataError(f"{path} has no rows")
    if not timed:
        return np.arange(max(len(one) for one in series)), series
    apart = np.concatenate([np.diff(one) for one in series])
    step = np.timedelta64(1, "ns")
    if len(apart):
        lengths, counts = np.unique(apart, return_counts=True)
        step = lengths[counts.argmax()]
    first, last = min(one[0] for one in series), max(one[-1] for one in series)
    places = [(one - first) // step for one in series]
    off = next((one for one in series if ((one - first) % step != np.timedelta64(0)).any()), None)
    count = int((last - first) // step) + 1
    rows = sum(map(len, series))
    if off is not None or count * len(series) > SPARSE * max(rows, 1000):
        raise DataError(
            f"{path}: the rows of its stations lie on no common axis of time, whose step would be "
            f"{step_written(step)}: explain each station's file by itself"
        )
    return first + np.arange(count) * step, [one.astype(np.int64) for one in places]


def _digest(files: Sequence[Path]) -> str:
    said = hashlib.sha256()
    for file in files:
        with open(file, "rb") as opened:
            size = file.stat().st_size
            opened.seek(max(0, size - (1 << 16)))  # what Parquet says of itself stands at its end
            said.update(f"{file.name} {size}\n".encode() + opened.read())
    return said.hexdigest()
