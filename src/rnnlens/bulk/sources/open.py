"""The door of the archives: what a path holds decides how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.bulk.sources.gridded import is_zarr, open_gridded
from rnnlens.bulk.sources.parquet import open_parquet
from rnnlens.errors import ConfigError, UnreadableFile
from rnnlens.series.build import sidecar_given
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.sidecar_text import from_toml
from rnnlens.series.tables.read import start_of
from rnnlens.series.variables import wanted_by

if TYPE_CHECKING:
    from os import PathLike

    from rnnlens.bulk.sources.source import Source

__all__ = ["columns_wanted", "is_archive", "open_source", "settled"]


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


def settled(given: Sidecar | str | PathLike[str] | None) -> Sidecar:
    """Give the sidecar of an archive as every process will read it."""
    sidecar = sidecar_given(given)
    if sidecar is None:
        raise ConfigError(
            "an archive needs a sidecar that says what the network takes: give a .toml file, or "
            "Sidecar.plain(features, window, lead)"
        )
    if sidecar.inputs:
        raise ConfigError(
            "the sidecar describes several inputs, and an archive is cut into windows of one: give "
            "tables to rnnlens.windows, and these windows to the verb"
        )
    return Sidecar(**from_toml(sidecar.to_toml()))


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
