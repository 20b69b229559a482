"""From a block of an archive to the windows that end in it, in the network's own units."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.bulk.blocks import Block
from rnnlens.bulk.sources.open import columns_wanted
from rnnlens.bulk.sources.source import as_numbers
from rnnlens.engine.schedule.plan import evenly
from rnnlens.errors import DataError, UnreadableFile
from rnnlens.series.axis import Axis, Cut, unbroken
from rnnlens.series.build import features_on
from rnnlens.series.clock import utc_times
from rnnlens.series.tables.table import Table
from rnnlens.series.windows import Windows, described

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.bulk.sources.source import Source
    from rnnlens.series.sidecar import Sidecar

__all__ = ["Cutter", "Found", "fingerprint"]

#: Windows that are looked at before all others are explained, and how many lie together.
SAMPLE, TOGETHER = 2048, 64
#: Places that are looked at for them at the most.
MOST_PLACES = 1024


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
        try:
            read = self.source.read(columns_wanted(self.sidecar), block.stations, (start, end))
        except Exception as error:  # what a damaged chunk makes a library raise is of any kind
            said = str(error).splitlines()[0].rstrip(".") if str(error) else ""
            raise UnreadableFile(
                f"rows {start:,} to {end - 1:,} of {self.source.path}"
                f"{self.source.place(first)} cannot be read ({type(error).__name__}: {said}): "
                "fetch them anew, and give the same command again"
            ) from error
        parts = [
            self._of_one({name: column[k] for name, column in read.items()}, start, block.rows)
            for k in range(last - first)
        ]
        return Found(
            np.concatenate([values for values, _ in parts]),
            np.repeat(np.arange(last - first), [len(rows) for _, rows in parts]),
            np.concatenate([rows for _, rows in parts]),
        )

    def _of_one(
        self, columns: dict[str, NDArray[Any]], start: int, rows: tuple[int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Cut one station's windows that end in some rows, from what was read from `start` on."""
        begin, end = rows
        sidecar, window = self.sidecar, self.sidecar.window
        numbers = {name: as_numbers(c) for name, c in columns.items() if c.dtype.kind not in "OUT"}
        texts = {name: c.astype(np.str_) for name, c in columns.items() if name not in numbers}
        times = np.arange(start, end) if self.times is None else self.times[start:end]
        table = _table(self.source.path, numbers, texts, times)
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

    def sample(self) -> Windows:
        """Give windows that lie evenly over the archive, some together at each place."""
        places, every = SAMPLE // TOGETHER, self.source.count * self.source.rows
        while True:
            found = [self.windows(block) for block in self._spread(places)]
            count = sum(len(one.rows) for one in found)
            if count >= TOGETHER or places * TOGETHER >= every or places >= MOST_PLACES:
                break
            places *= 4
        if not count:
            raise DataError(
                f"none of {places:,} places looked at in {self.source.path} has a window of "
                f"{self.sidecar.window} steps without a missing value: fill in what is missing, or "
                'say what it is in the sidecar, as in missing = "hold"'
            )
        blocks = self._spread(places)
        stations = np.concatenate([
            one.stations + b.stations[0] for one, b in zip(found, blocks, strict=True)
        ])
        rows = np.concatenate([one.rows + b.rows[0] for one, b in zip(found, blocks, strict=True)])
        named, times = self.source.stations, self.times
        issued = rows if times is None else times[rows]
        return described(
            np.concatenate([one.values for one in found]),
            self.sidecar,
            times=issued,
            issued=issued,
            actual=None,
            step=self.sidecar.step_text,
            groups=None if named is None else np.array(named)[stations],
        )

    def _spread(self, places: int) -> list[Block]:
        """Give blocks of one station that lie evenly, each in the place of its first row."""
        rows, every = self.source.rows, self.source.count * self.source.rows
        if places * TOGETHER >= every:
            return [Block(k, (k, k + 1), (0, rows)) for k in range(self.source.count)]
        first = evenly(every - 1, places)
        return [
            Block(number, (p // rows, p // rows + 1), (p % rows, min(p % rows + TOGETHER, rows)))
            for number, p in enumerate(map(int, first))
        ]


def fingerprint(cutter: Cutter, sample: Windows | None = None) -> dict[str, str]:
    """Say what tells an archive from another: its structure, and windows from all over it."""
    windows = cutter.sample() if sample is None else sample
    looked_at = hashlib.sha256(np.ascontiguousarray(windows.values).data).hexdigest()
    return dict(cutter.source.structure) | {"archive (its values)": looked_at}


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
