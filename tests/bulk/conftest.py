"""A small archive of three stations with a gap, the network for it, and what explains it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rnnlens
from archives import written
from networks import forecaster
from rnnlens.bulk import Blocks
from rnnlens.series.sidecar import Sidecar

STATIONS, HOURS, STEPS = 3, 150, 5
#: Rows without a value, and the station that lacks them.
GAP, GAPPED = slice(60, 64), 1


@dataclass(frozen=True)
class Made:
    """An archive, and a way to ask of it."""

    folder: Path
    data: xr.Dataset
    net: Path
    sidecar: Sidecar
    path: Path

    def explain(self, out: str = "out.zarr", **options: Any) -> xr.Dataset:
        asked = {
            "target": "flow",
            "blocks": Blocks(windows=32),
            "baseline": "zero",
        } | options
        return rnnlens.explain_archive(
            self.net, self.path, self.folder / out, self.sidecar, **asked
        )


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The archive as Zarr, in blocks of 32 windows, five a station, and its result, `out.zarr`."""
    folder = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(8)
    values = rng.normal(size=(2, STATIONS, HOURS))
    values[0, GAPPED, GAP] = np.nan
    axes = ("station", "time")
    data = xr.Dataset(
        {"rain": (axes, values[0]), "flow": (axes, values[1]), "basin": ("station", list("aab"))},
        {
            "station": ["north", "south", "east"],
            "time": pd.date_range("2001-02-01", periods=HOURS, freq="h"),
        },
    )
    written(data, folder / "in.zarr")
    net = folder / "net.npz"
    rnnlens.convert(forecaster("lstm", rng, steps=STEPS, features=2, units=4), net, check=False)
    sidecar = Sidecar.plain(["rain", "flow"], STEPS, lead=2, time="time")
    one = Made(folder, data, net, sidecar, folder / "in.zarr")
    one.explain()
    return one


@pytest.fixture
def made(whole: Made, tmp_path: Path) -> Made:
    """The archive and the network, in a folder of the test's own."""
    shutil.copytree(whole.path, tmp_path / "in.zarr")
    shutil.copy(whole.net, tmp_path / "net.npz")
    return replace(whole, folder=tmp_path, net=tmp_path / "net.npz", path=tmp_path / "in.zarr")


@pytest.fixture
def expected(whole: Made, files: Callable[[Path], dict[str, bytes]]) -> dict[str, bytes]:
    """The files that the result must have, whatever happened on the way."""
    return files(whole.folder / "out.zarr")


@pytest.fixture
def files() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a result; not what holds seconds or the path of its folder, and no drafts."""

    def of(out: Path) -> dict[str, bytes]:
        return {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.is_file()
            and not {"done", "manifest.json", "network.npz"} & set(path.parts)
            and not path.name.startswith(".")
            and not any(part.startswith(".summary-") for part in path.parts)
        }

    return of
