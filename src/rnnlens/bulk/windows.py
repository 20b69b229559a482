"""From a block of an archive to the windows that end in it, in the network's own units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.bulk.blocks import Block
from rnnlens.bulk.sources.open import columns_wanted
from rnnlens.bulk.sources.source import as_numbers
from rnnlens.errors import DataError, UnreadableFile
from rnnlens.series.axis import Axis, Cut, unbroken
from rnnlens.series.build import features_on
from rnnlens.series.clock import utc_times
from rnnlens.series.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rnnlens.bulk.sources.source import Source, Span
    from rnnlens.series.sidecar import Sidecar

__all__ = ["Cutter", "Found"]


@dataclass(frozen=True, eq=False)
class Found:
    """The windows that end in a block.

    Parameters
    ----------
    values : array (sample, step, feature)
        In the network's own units.
    stations, rows : array (sample,)
        Where each ends, counted from the block's first station and row.
    """

    values: NDArray[np.float64]
    stations: NDArray[np.intp]
    rows: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cutter:
    """An archive, and how windows are cut from it.

    Parameters
    ----------
    source : Source
        The archive.
    sidecar : Sidecar
        What its variables mean; its step is stated where there are times.
    times : array (row,), optional
        When each row is, in UTC.
    """

    source: Source
    sidecar: Sidecar
    times: NDArray[Any] | None

    @classmethod
    def of(cls, source: Source, sidecar: Sidecar) -> Cutter:
        """Find the step of an archive's rows, once for all blocks."""
        if source.rows < sidecar.window:
            raise DataError(
                f"the series of {source.path} have {source.rows:,} rows, and a window takes "
                f"{sidecar.window:,} steps: give longer series"
            )
        if source.times is None:
            return cls(source, sidecar, None)
        times = utc_times(source.times, sidecar.time_zone, source.path)
        late = np.flatnonzero(np.diff(times) <= np.timedelta64(0))
        if len(late):
            raise DataError(
                f"the times of {source.path} do not rise: row {int(late[0]) + 1} is not after the "
                "one before it; sort the archive by time"
            )
        axis = Axis.of(_table(source.path, {}, {}, times), sidecar)
        return cls(source, replace(sidecar, step=sidecar.step or axis.step_text), times)

    @property
    def context(self) -> int:
        """Rows before a block that its windows, and what is held over in them, need."""
        limits = [v.column.limit or 0 for v in self.sidecar.features]
        return self.sidecar.window - 1 + max(limits)

    def windows(self, block: Block) -> Found:
        """Give the windows that end in a block, of which none may be there."""
        (first, last), (begin, end) = block.stations, block.rows
        start = max(0, begin - self.context)
        read = self.read(columns_wanted(self.sidecar), block.stations, (start, end))
        parts = [
            self._of_one({name: column[k] for name, column in read.items()}, start, block.rows)
            for k in range(last - first)
        ]
        return Found(
            np.concatenate([values for values, _ in parts]),
            np.repeat(np.arange(last - first), [len(rows) for _, rows in parts]),
            np.concatenate([rows for _, rows in parts]),
        )

    def read(self, names: Sequence[str], stations: Span, rows: Span) -> dict[str, NDArray[Any]]:
        """Read some rows of some series, or say which cannot be read."""
        try:
            return self.source.read(names, stations, rows)
        except Exception as error:  # what a damaged chunk makes a library raise is of any kind
            said = str(error).splitlines()[0].rstrip(".") if str(error) else ""
            raise UnreadableFile(
                f"rows {rows[0]:,} to {rows[1] - 1:,} of {self.source.path}"
                f"{self.source.place(stations[0])} cannot be read ({type(error).__name__}: {said}):"
                " fetch them anew, and give the same command again"
            ) from error

    def table(self, columns: Mapping[str, NDArray[Any]], rows: Span) -> Table:
        """Give what was read of some rows of one station as a table."""
        numbers = {name: as_numbers(c) for name, c in columns.items() if c.dtype.kind not in "OUT"}
        texts = {name: c.astype(np.str_) for name, c in columns.items() if name not in numbers}
        times = np.arange(*rows) if self.times is None else self.times[slice(*rows)]
        return _table(self.source.path, numbers, texts, times)

    def _of_one(
        self, columns: dict[str, NDArray[Any]], start: int, rows: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Cut one station's windows that end in some rows, from what was read from `start` on."""
        begin, end = rows
        sidecar, window = self.sidecar, self.sidecar.window
        table = self.table(columns, (start, end))
        axis = Axis.of(table, sidecar)
        features = features_on(axis, table, sidecar)
        run = unbroken(axis, np.asarray(np.isfinite(features).all(axis=1)))
        newest = np.flatnonzero(run >= window)
        newest = newest[newest >= begin - start]
        if not len(newest):
            return np.empty((0, window, features.shape[1])), newest
        scaled = sidecar.feature_scaling.apply(features)
        return Cut(axis, newest, window).windows(scaled), newest - (begin - start)

    def forecast_times(self, lead: int) -> NDArray[Any]:
        """Give the time that the forecast of each row is for, by its number where rows count."""
        rows = np.arange(self.source.rows)
        axis = Axis.of(
            _table(self.source.path, {}, {}, rows if self.times is None else self.times),
            self.sidecar,
        )
        return Cut(axis, rows, self.sidecar.window).times(lead)


def _table(
    path: str,
    numbers: dict[str, NDArray[np.float64]],
    texts: dict[str, NDArray[np.str_]],
    times: NDArray[Any],
) -> Table:
    """Give some rows of one station as a table: times (row,), or the numbers of its rows."""
    timed = times.dtype.kind == "M"
    first = 0 if timed or not len(times) else int(times[0])
    own = numbers if numbers or texts or timed else {"row": times.astype(np.float64)}
    return Table(
        path,
        own,
        texts,
        times if timed else None,
        None,
        lambda k: f"row {first + k}",
    )
