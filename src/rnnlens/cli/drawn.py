"""Windows of the data that were typed: of a whole archive some that are drawn from all over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.cli.archives import require_described
from rnnlens.cli.inputs import asked_for, asked_from, number_of, sidecar_for, unseen
from rnnlens.cli.output import note
from rnnlens.errors import DataError, InputError
from rnnlens.names import counted, told

if TYPE_CHECKING:
    from rnnlens.cli.options.archives import DrawOptions
    from rnnlens.cli.options.series import SeriesOptions
    from rnnlens.cli.several import AnyWindows
    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar

__all__ = ["asked_or_drawn"]


def asked_or_drawn(
    asked: tuple[Path, Network, Sequence[Path]], series: SeriesOptions, options: DrawOptions
) -> tuple[Sidecar, AnyWindows, AnyWindows, dict[str, object]]:
    """Give the sidecar, the windows asked about, those training saw, and how they were drawn."""
    from rnnlens.bulk.sources.open import is_archive

    model, network, data = asked
    archives = [path for path in data if path.exists() and is_archive(path)]
    if not archives:
        if options.draw is not None:
            raise InputError(
                "--draw is about a whole archive (Zarr, netCDF, a folder of Parquet), and a table "
                "is taken whole: leave it out, or choose windows with --from, --to and --last"
            )
        return (*asked_from(asked, series, tested=True), {})
    if len(data) > 1:
        raise DataError(
            f"windows are drawn from one archive, and {len(data)} files were given: join them "
            "first, or name one"
        )
    from rnnlens.bulk import sample
    from rnnlens.bulk.results import WINDOWS

    require_described(model, series)
    sidecar = sidecar_for(model, network, series)
    every = sample(data[0], sidecar, options.draw or WINDOWS)
    tested = unseen(series, sidecar)
    windows, seen = asked_for(every, list(data), sidecar, tested, None)
    return sidecar, windows, seen, _told(data[0], windows, options.draw or WINDOWS)


def _told(archive: Path, windows: AnyWindows, draw: int) -> dict[str, object]:
    """Say of how many windows of how many stations an answer is."""
    groups = getattr(windows, "groups", None)
    stations = 1 if groups is None else len(np.unique(groups))
    whose = counted(stations, "{count} station", "{count:,} stations")
    note(
        told(
            "the answer is of {count:,} windows of {whose}, of {places:,} places drawn evenly from "
            "{archive}; --draw asks for more or fewer",
            count=number_of(windows),
            whose=whose,
            places=draw,
            archive=archive.name,
        )
    )
    return {
        "archive": archive.name,
        "archive_places_drawn": draw,
        "archive_windows": number_of(windows),
        "archive_stations": stations,
    }
