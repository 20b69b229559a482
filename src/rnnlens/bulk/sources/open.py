"""The door of the archives: what a path holds decides how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.bulk.sources.gridded import is_zarr, open_gridded
from rnnlens.bulk.sources.parquet import open_parquet
from rnnlens.errors import UnreadableFile
from rnnlens.series.tables.read import start_of
from rnnlens.series.variables import wanted_by

if TYPE_CHECKING:
    from os import PathLike

    from rnnlens.bulk.sources.source import Source
    from rnnlens.series.sidecar import Sidecar

__all__ = ["columns_wanted", "is_archive", "open_source"]


def columns_wanted(sidecar: Sidecar) -> tuple[str, ...]:
    """Name what is read of an archive: the columns of the features."""
    taken = [each for each in sidecar.features if each.column.value is None]
    return tuple(dict.fromkeys(each.source for each in taken))


def is_archive(path: str | PathLike[str]) -> bool:
    """Say whether a path is one that no table is: a Zarr group, netCDF, a folder of Parquet."""
    place = Path(path)
    if place.is_dir():
        return is_zarr(place) or any(place.glob("*.parquet"))
    return place.is_file() and start_of(place).startswith((b"\x89HDF", b"CDF"))


def open_source(path: str | PathLike[str], sidecar: Sidecar) -> Source:
    """Open an archive for the features that a sidecar describes."""
    place, names = Path(path), columns_wanted(sidecar)
    if not place.exists():
        raise UnreadableFile(f"there is no archive {place}")
    if place.is_dir():
        if is_zarr(place):
            return open_gridded(place, sidecar, names)
        files = sorted(place.glob("*.parquet"))
        if files:
            return open_parquet(place, files, wanted_by(sidecar), names)
        raise UnreadableFile(
            f"the folder {place} is no archive: it must be a Zarr group, or hold .parquet files"
        )
    start = start_of(place)
    if start.startswith((b"\x89HDF", b"CDF")):
        return open_gridded(place, sidecar, names)
    if start.startswith(b"PAR1"):
        return open_parquet(place, [place], wanted_by(sidecar), names)
    raise UnreadableFile(
        f"{place} is no archive: it must be Zarr, netCDF or Parquet, and a table of another kind "
        "is explained without blocks"
    )
