"""Windows that are drawn evenly from an archive, for the verbs that do not go block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.bulk.sources.open import columns_wanted, open_source, settled
from rnnlens.bulk.windows import Cutter
from rnnlens.errors import DataError, UnreadableFile
from rnnlens.series.build import windows_at

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

__all__ = ["drawn_from"]

#: Rows after a place in which its window is looked for.
SPAN = 64
#: Rows between places that are read together, and rows of one reading at the most.
NEAR, MOST = 4096, 1 << 16
#: The share of the golden section: of the stations' places in time, none lie beside each other.
GOLDEN = (5**0.5 - 1) / 2


def drawn_from(path: Path, sidecar: Sidecar | str | PathLike[str], count: int) -> Windows:
    """Draw windows from an archive, as `rnnlens.bulk.sample` says."""
    known = settled(sidecar)
    cutter = Cutter.of(open_source(path, known), known)
    found = [
        one
        for station, places in _stations(cutter.source.count, cutter.source.rows, count)
        for run in _together(places)
        if (one := _cut(cutter, station, run)) is not None
    ]
    if not found:
        raise DataError(
            f"none of {count:,} places drawn from {path} has a window of {known.window} steps "
            'without a missing value: fill in what is missing, or say missing = "hold" in the '
            "sidecar"
        )
    return replace(_joined(found), files=((path.name, ""),))


def _stations(count: int, rows: int, windows: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Give stations and the rows that are drawn of each, rising."""
    drawn = min(windows, count * rows)
    stations, times = np.unique(np.arange(drawn) * count // drawn, return_counts=True)
    for number, (station, own) in enumerate(zip(stations, times, strict=True)):
        offset = (number + 0.5) * GOLDEN % 1
        yield int(station), ((np.arange(own) + offset) * rows / own).astype(np.int64)


def _together(places: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Split places (place,) into those that are read at once."""
    first = 0
    for k in range(1, len(places) + 1):
        if k == len(places) or places[k] - places[k - 1] > NEAR or places[k] - places[first] > MOST:
            yield places[first:k]
            first = k


def _cut(cutter: Cutter, station: int, places: NDArray[np.int64]) -> Windows | None:
    """Cut the first window at or after each place, before the next one."""
    source, sidecar = cutter.source, cutter.sidecar
    begin = max(0, int(places[0]) - cutter.context)
    end = min(source.rows, int(places[-1]) + SPAN + max(sidecar.leads))
    targets = [t.source for t in sidecar.targets if t.column.value is None]
    names = [*columns_wanted(sidecar), *(name for name in targets if name in source.series)]
    try:
        read = cutter.read(list(dict.fromkeys(names)), (station, station + 1), (begin, end))
    except UnreadableFile:
        return None
    table = cutter.table({name: column[0] for name, column in read.items()}, (begin, end))
    until = np.minimum(np.append(places[1:], source.rows), places + SPAN) - begin

    def chosen(newest: NDArray[np.intp]) -> NDArray[np.intp]:
        after = np.searchsorted(newest, places - begin)
        there = after < len(newest)
        taken = newest[after[there]]
        return taken[taken < until[there]]

    made = windows_at(table, sidecar, chosen)
    if made is None:
        return None
    if source.stations is not None:
        made = replace(made, groups=np.full(len(made), source.stations[station]))
    return made if cutter.times is not None else _counted_from(made, begin)


def _counted_from(made: Windows, first: int) -> Windows:
    """Count rows from that of the archive, where they have no times."""
    ends = None if made.target_times is None else made.target_times + first
    return replace(made, times=made.times + first, issued=made.issued + first, target_times=ends)


def _joined(parts: Sequence[Windows]) -> Windows:
    """Put windows one behind the other."""

    def all_of(name: str) -> Any:
        own = [getattr(one, name) for one in parts]
        return None if own[0] is None else np.concatenate(own)

    known = any(one.actual is not None for one in parts)
    none = [np.full((len(one), len(one.targets)), np.nan) for one in parts]
    actual = [n if one.actual is None else one.actual for one, n in zip(parts, none, strict=True)]
    joined = {
        name: all_of(name) for name in ("values", "times", "issued", "target_times", "groups")
    }
    return replace(parts[0], **joined, actual=np.concatenate(actual) if known else None)
