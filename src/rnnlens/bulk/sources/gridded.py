"""Zarr (version 2 and 3) and netCDF: variables by station and time, read through xarray."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.bulk.sources.source import Source, Span
from rnnlens.errors import DataError, MissingLibrary, UnreadableFile
from rnnlens.series.tables.read import start_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from rnnlens.series.sidecar import Sidecar

__all__ = ["is_zarr", "open_gridded"]

#: What stands in the folder of a Zarr group, of version 3 and 2.
MARKS = ("zarr.json", ".zgroup", ".zmetadata")


@dataclass(frozen=True, eq=False, kw_only=True)
class Gridded(Source):
    """An archive whose variables have an axis of time, of stations, or both.

    Parameters
    ----------
    data : Dataset
        Its variables, of which nothing is read yet.
    time_axis, station_axis : str
        What the axes are called in the archive; empty where there are no stations.
    """

    data: xr.Dataset
    time_axis: str
    station_axis: str

    def read(self, names: Sequence[str], stations: Span, rows: Span) -> dict[str, NDArray[Any]]:
        """Read some rows of some series: what has no axis of time is the same in every row."""
        whole = {self.station_axis: slice(*stations), self.time_axis: slice(*rows)}
        shape = (stations[1] - stations[0], rows[1] - rows[0])
        found = {}
        for name in names:
            variable = self.data[name]
            taken = {axis: one for axis, one in whole.items() if axis in variable.dims}
            values = variable.isel(taken).transpose(*taken).values
            axes = [axis for axis in whole if axis not in taken]
            if self.station_axis in axes:
                values = values[None]
            if self.time_axis in axes:
                values = values[..., None]
            found[name] = np.broadcast_to(values, shape)
        return found


def is_zarr(path: Path) -> bool:
    """Say whether a folder is a Zarr group."""
    return any((path / name).is_file() for name in MARKS)


def open_gridded(path: Path, sidecar: Sidecar, names: Sequence[str]) -> Source:
    """Open an archive, of which the variables named must be there."""
    data = _opened(path)
    for name in names:
        if name not in data.variables:
            raise DataError(
                f"{path} has no variable {name!r}{did_you_mean(name, map(str, data.variables))}: "
                f"it has {', '.join(map(str, data.data_vars))}"
            )
    axes = list(dict.fromkeys(str(axis) for name in names for axis in data[name].dims))
    time = _time_axis(path, data, axes, sidecar)
    others = [axis for axis in axes if axis != time]
    if len(others) > 1:
        raise DataError(
            f"the variables of {path} have the axes {', '.join(axes)}, and series have time and "
            f"stations alone: make one of {', '.join(others)}, as in "
            f"data.stack(station={tuple(others)!r}).reset_index('station'), and write that"
        )
    station = others[0] if others else ""
    stations = None
    if station:
        known = data[station].values if station in data.coords else range(data.sizes[station])
        stations = tuple(str(one) for one in known)
    times = data[time].values if time in data.coords else None
    timed = times is not None and times.dtype.kind == "M"
    about = {
        str(name): np.asarray(one.values)
        for name, one in data.variables.items()
        if station and one.dims == (station,) and name not in {station, *names}
    }
    return Gridded(
        path=str(path),
        rows=data.sizes[time],
        times=times.astype("datetime64[ns]") if times is not None and timed else None,
        stations=stations,
        station_name=station or "station",
        of_stations=about,
        structure=_structure(path, data, names),
        series=frozenset(
            str(name)
            for name, one in data.data_vars.items()
            if one.dims and set(map(str, one.dims)) <= set(axes)
        ),
        data=data,
        time_axis=time,
        station_axis=station,
    )


def _opened(path: Path) -> xr.Dataset:
    import xarray as xr

    zarr = path.is_dir()
    if zarr and importlib.util.find_spec("zarr") is None:
        raise MissingLibrary(f'{path} is Zarr, which needs zarr: run pip install "rnnlens[bulk]"')
    if not zarr and importlib.util.find_spec("h5netcdf") is None:
        raise MissingLibrary(
            f'{path} is netCDF, which needs h5netcdf: run pip install "rnnlens[netcdf]"'
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a store is not consolidated is no news
            engine = "zarr" if zarr else _engine(path)
            return xr.open_dataset(path, engine=engine, cache=False)
    except Exception as error:  # what a damaged file makes a library raise is of any kind
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise UnreadableFile(f"{path} cannot be opened ({reason}); fetch it anew") from error


def _engine(path: Path) -> str:
    """Say what reads a file: version 4 of netCDF is HDF5, version 3 is not."""
    return "h5netcdf" if start_of(path).startswith(b"\x89HDF") else "scipy"


def _time_axis(path: Path, data: xr.Dataset, axes: Sequence[str], sidecar: Sidecar) -> str:
    """Find the axis of time: as the sidecar says, or the one whose coordinate holds times."""
    stated = sidecar.time
    if isinstance(stated, str) and stated in axes:
        return stated
    timed = [a for a in axes if a in data.coords and data[a].dtype.kind == "M"]
    timed = timed or [axis for axis in axes if axis == "time"]
    if stated is None and not timed and len(axes) == 1:
        return axes[0]
    if len(timed) != 1 or stated is not None:
        said = "" if stated is None else f", and no axis is called {stated!r}"
        raise DataError(
            f"the variables of {path} have the axes {', '.join(axes)}{said}: say in the sidecar "
            'which is time, as in time = "' + (timed[0] if timed else axes[-1]) + '"'
        )
    return timed[0]


def _structure(path: Path, data: xr.Dataset, names: Sequence[str]) -> dict[str, str]:
    """Say what tells this archive from another without reading its values."""
    wanted = [data[name] for name in names]
    shapes = hashlib.sha256()
    for one in wanted:
        shapes.update(f"{one.name} {one.dims} {one.shape} {one.dtype}\n".encode())
    for name in sorted(map(str, data.coords)):
        values = data[name].values
        text = "\n".join(map(str, values.ravel())) if values.dtype.kind in "OUT" else ""
        shapes.update(f"{name} {values.shape}".encode())
        shapes.update(text.encode() or np.ascontiguousarray(values).tobytes())
    files = hashlib.sha256()
    for name, size in _sizes(path, names):
        files.update(f"{name} {size}\n".encode())
    return {
        "archive (its variables and coordinates)": shapes.hexdigest(),
        "archive (its files)": files.hexdigest(),
    }


def _sizes(path: Path, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Give the files that hold the variables, and their sizes, in the order of their names."""
    if path.is_file():
        yield path.name, path.stat().st_size
        return
    for name in names:
        for folder, folders, files in os.walk(path / name):
            folders.sort()
            for file in sorted(files):
                at = Path(folder, file)
                yield at.relative_to(path).as_posix(), at.stat().st_size
