"""Archives that cannot be explained block by block, and results of them that are not sound."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import xarray as xr

import rnnlens
from archives import written
from networks import chain, forecaster, head
from refused.registry import instead_of_modules, section
from rnnlens.bulk import Blocks, Part, Runner, repair, sample, summary
from rnnlens.bulk.arrays import zarr_here
from rnnlens.bulk.job import load
from rnnlens.bulk.sources.open import open_source
from rnnlens.network.layers import Masking, Recurrent
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.variable import Variable
from small_networks import small

case = section("Whole archives")

STATIONS, HOURS, STEPS = 2, 100, 3


def sidecar(group: str | None = None) -> Sidecar:
    """Describe what the network takes."""
    return replace(Sidecar.plain(["rain", "flow"], STEPS, lead=1, time="time"), group=group)


def series() -> xr.Dataset:
    """Draw two series of two stations."""
    values = np.random.default_rng(8).normal(size=(2, STATIONS, HOURS))
    axes = ("station", "time")
    return xr.Dataset(
        {"rain": (axes, values[0]), "flow": (axes, values[1])},
        {
            "station": ["north", "south"],
            "time": pd.date_range("2001-02-01", periods=HOURS, freq="h"),
        },
    )


def rows() -> pd.DataFrame:
    """Give the same as a table, sorted by station."""
    return series().to_dataframe().reset_index()


def network() -> Any:
    """Make a network that takes both."""
    return forecaster("lstm", np.random.default_rng(3), steps=STEPS, features=2, units=2)


def explained(folder: Path, data: Any = None, *, out: str = "o.zarr", **how: Any) -> Path:
    """Explain an archive into a folder; gives the result."""
    if not isinstance(data, Path):
        data = written(series() if data is None else data, folder / "in.zarr")
    asked: dict[str, Any] = {"target": 1, "baseline": "zero", "blocks": Blocks(windows=20)}
    own = how.pop("sidecar", None) or sidecar()
    net = how.pop("net", None) or network()
    rnnlens.explain_archive(net, data, folder / out, own, **(asked | how))
    return folder / out


def unread(archive: Path, *numbers: int) -> None:
    """Make chunks of a variable such that cannot be read: those of so many times 40 rows."""
    for number in numbers:
        chunk = archive / "flow" / "c" / "0" / str(number)
        chunk.write_bytes(bytes(chunk.stat().st_size))


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


# What an archive is


@case("no such archive")
def _(folder: Path) -> None:
    explained(folder, folder / "absent.zarr")


@case("a folder of something else")
def _(folder: Path) -> None:
    (folder / "in").mkdir()
    explained(folder, folder / "in")


@case("a file of another kind")
def _(folder: Path) -> None:
    (folder / "in.csv").write_text("rain,flow\n1,2\n")
    explained(folder, folder / "in.csv")


@case("damaged Zarr")
def _(folder: Path) -> None:
    (folder / "in.zarr").mkdir()
    (folder / "in.zarr" / "zarr.json").write_text("{")
    explained(folder, folder / "in.zarr")


@case("Zarr without zarr")
def _(folder: Path) -> None:
    archive = written(series(), folder / "in.zarr")
    with instead_of_modules({"zarr": None}):
        open_source(archive, sidecar())


@case("netCDF without h5netcdf")
def _(folder: Path) -> None:
    (folder / "in.nc").write_bytes(b"\x89HDF\r\n\x1a\n")
    with instead_of_modules({"h5netcdf": None}):
        open_source(folder / "in.nc", sidecar())


@case("Parquet without pyarrow")
def _(folder: Path) -> None:
    (folder / "in.parquet").write_bytes(b"PAR1")
    with instead_of_modules({"pyarrow": None}):
        open_source(folder / "in.parquet", sidecar())


@case("damaged Parquet")
def _(folder: Path) -> None:
    (folder / "in.parquet").write_bytes(b"PAR1" + bytes(50))
    explained(folder, folder / "in.parquet")


@case("a variable that is not there")
def _(folder: Path) -> None:
    explained(folder, series().rename(rain="rein"))


@case("a column that is not there")
def _(folder: Path) -> None:
    rows().drop(columns="flow").to_parquet(folder / "in.parquet")
    explained(folder, folder / "in.parquet", sidecar=sidecar("station"))


@case("a grid of places")
def _(folder: Path) -> None:
    axes, values = ("lat", "lon", "time"), np.zeros((2, 2, HOURS))
    time = series().time
    explained(folder, xr.Dataset({"rain": (axes, values), "flow": (axes, values)}, {"time": time}))


@case("no axis of time")
def _(folder: Path) -> None:
    explained(folder, series().drop_vars("time").rename(time="hour"))


@case("times that do not rise")
def _(folder: Path) -> None:
    explained(folder, series().isel(time=[1, 0, *range(2, HOURS)]))


@case("stations that are mixed")
def _(folder: Path) -> None:
    rows().sort_values("time").to_parquet(folder / "in.parquet")
    explained(folder, folder / "in.parquet", sidecar=sidecar("station"))


@case("no rows")
def _(folder: Path) -> None:
    rows()[:0].to_parquet(folder / "in.parquet")
    explained(folder, folder / "in.parquet", sidecar=sidecar("station"))


@case("no common axis of time")
def _(folder: Path) -> None:
    apart = rows()
    apart.loc[apart.station == "south", "time"] += pd.Timedelta("7min")
    apart.to_parquet(folder / "in.parquet")
    explained(folder, folder / "in.parquet", sidecar=sidecar("station"))


@case("no whole window")
def _(folder: Path) -> None:
    data = series()
    explained(folder, data.assign(rain=data.rain * np.nan))


@case("no whole window drawn")
def _(folder: Path) -> None:
    data = series()
    sample(written(data.assign(rain=data.rain * np.nan), folder / "in.zarr"), sidecar(), 10)


@case("nothing that can be read")
def _(folder: Path) -> None:
    archive = written(series(), folder / "in.zarr")
    unread(archive, 0, 1, 2)
    explained(folder, archive)


# What is asked


@case("no sidecar")
def _(folder: Path) -> None:
    sample(folder, None)  # type: ignore[arg-type]


@case("series shorter than a window")
def _(folder: Path) -> None:
    explained(folder, series().isel(time=slice(0, STEPS - 1)))


@case("a sidecar of several inputs")
def _(folder: Path) -> None:
    features = tuple(map(Variable, ("rain", "flow")))
    inputs = (SidecarInput("past", features), SidecarInput("still", features, static=True))
    described = Sidecar(features=features, window=STEPS, inputs=inputs)
    explained(folder, sidecar=described)


@case("a method that needs other windows")
def _(folder: Path) -> None:
    explained(folder, method="permutation")


@case("a baseline for a method that hides nothing")
def _(folder: Path) -> None:
    explained(folder, method="gradient", baseline="zero")


@case("held features for a method that hides nothing")
def _(folder: Path) -> None:
    explained(folder, method="gradient", baseline=None, held=["rain"])


@case("a baseline of each window's own")
def _(folder: Path) -> None:
    explained(folder, baseline="persistence")


@case("several sequences")
def _(folder: Path) -> None:
    explained(folder, net=small("two sequences")[0])


def padding() -> Any:
    """Make a network that takes zeros for padding."""
    rng = np.random.default_rng(2)
    core = forecaster("lstm", rng, features=2, units=2).nodes[1].layer
    assert isinstance(core, Recurrent)
    return chain(Masking(0.0), core, head(rng, 2), shape=(STEPS, 2))


@case("padding")
def _(folder: Path) -> None:
    data = series()
    explained(folder, data.where(data.time > data.time[20], 0.0), net=padding())


@case("a grouping that is not there")
def _(folder: Path) -> None:
    explained(folder, blocks=Blocks(by=["basin"]))


@case("workers and a scheduler")
def _(_: Path) -> None:
    Runner(workers=2, scheduler="tcp://a:1")


@case("a part beyond the last")
def _(_: Path) -> None:
    Runner(part=Part(3, 2))


# Who explains, and where to


@case("no distributed")
def _(folder: Path) -> None:
    with instead_of_modules({"distributed": None}):
        explained(folder, runner=Runner(workers=2))


@case("no scheduler")
def _(folder: Path) -> None:
    explained(folder, runner=Runner(scheduler="nowhere://a"))


class KilledWorker(Exception):
    """Stands for what Dask says of a task that ended its workers."""


def dask(error: Exception | None = None, workers: dict[str, Any] | None = None) -> Any:
    """Stand for Dask whose workers fail, or of which nothing is heard."""
    future = SimpleNamespace(
        key="block", status="error", exception=lambda: error, release=lambda: None
    )
    heard = SimpleNamespace(
        next_batch=lambda block: [] if error is None else [future], update=lambda _: None
    )
    client = SimpleNamespace(
        map=lambda *_, **__: [future],
        scheduler=SimpleNamespace(processing=None),
        sync=lambda *_, **__: workers,
        close=lambda: None,
    )
    return SimpleNamespace(
        __spec__=SimpleNamespace(),
        Client=lambda *_: client,
        LocalCluster=lambda **_: SimpleNamespace(
            workers={}, scale=lambda _: None, close=lambda **_: None
        ),
        KilledWorker=KilledWorker,
        as_completed=lambda _: heard,
    )


@case("a worker's disk that is full")
def _(folder: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    with instead_of_modules({"distributed": dask(error)}):
        explained(folder, runner=Runner(workers=1), blocks=Blocks(windows=400))


@case("a block that ends its workers")
def _(folder: Path) -> None:
    with instead_of_modules({"distributed": dask(KilledWorker())}):
        explained(folder, runner=Runner(workers=1), blocks=Blocks(windows=400))


@case("a cluster without workers")
def _(folder: Path) -> None:
    with (
        instead_of_modules({"distributed": dask(workers={})}),
        patch.multiple("rnnlens.bulk.cluster", LOOK=0, PATIENCE=0),
    ):
        explained(folder, runner=Runner(workers=1), blocks=Blocks(windows=400))


@case("a cluster that does nothing")
def _(folder: Path) -> None:
    with (
        instead_of_modules({"distributed": dask(workers={"tcp://a:1": ()})}),
        patch("rnnlens.bulk.cluster.LOOK", 0),
    ):
        explained(folder, runner=Runner(workers=1), blocks=Blocks(windows=400))


@case("a disk that is full")
def _(folder: Path) -> None:
    with patch("rnnlens.bulk.work.put", full):
        explained(folder)


@case("a disk that is full at the end")
def _(folder: Path) -> None:
    with patch("rnnlens.api.shared.archives.running.end", full):
        explained(folder)


@case("a disk that is full at the beginning")
def _(folder: Path) -> None:
    with patch("rnnlens.bulk.job.put", full):
        explained(folder)


@case("no folder for the result")
def _(folder: Path) -> None:
    explained(folder, out="absent/o.zarr")


@case("no zarr")
def _(_: Path) -> None:
    with instead_of_modules({"zarr": None}):
        zarr_here()


@case("an old zarr")
def _(_: Path) -> None:
    with patch("zarr.__version__", "3.0.8"):
        zarr_here()


@case("blocks that cannot be read")
def _(folder: Path) -> None:
    archive = written(series(), folder / "in.zarr")
    unread(archive, 2)
    explained(folder, archive)


# What a result is


@case("no result")
def _(folder: Path) -> None:
    summary(folder)


@case("a result of another question")
def _(folder: Path) -> None:
    archive = written(series(), folder / "in.zarr")
    explained(folder, archive, limit=1)
    explained(folder, archive, target=0)


@case("a damaged manifest")
def _(folder: Path) -> None:
    out = explained(folder, limit=1)
    (out / ".rnnlens" / "manifest.json").write_text("{")
    summary(out)


@case("a manifest that was changed meanwhile")
def _(folder: Path) -> None:
    load(str(explained(folder, limit=1)), str(folder / "in.zarr"), "another")


@case("a damaged layout")
def _(folder: Path) -> None:
    out = explained(folder, limit=1)
    (out / ".rnnlens" / "layout.json").write_bytes(b"")
    repair(out)


@case("repaired from another archive")
def _(folder: Path) -> None:
    out = explained(folder, limit=1)
    (out / "forecast" / "c" / "0" / "0").unlink()
    shutil.rmtree(folder / "in.zarr")
    data = series()
    written(data.assign(rain=data.rain + 1), folder / "in.zarr")
    repair(out)


@case("repaired from what cannot be read")
def _(folder: Path) -> None:
    out = explained(folder)
    (out / "forecast" / "c" / "0" / "4").unlink()
    unread(folder / "in.zarr", 2)
    repair(out)


@case("a grouping that was not asked for")
def _(folder: Path) -> None:
    summary(explained(folder), "season")


@case("a summary before the end")
def _(folder: Path) -> None:
    summary(explained(folder, limit=1))
