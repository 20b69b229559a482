"""A small archive of three stations with a gap, the network for it, and what explains it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rnnlens
from archives import written
from networks import forecaster
from rnnlens.attribution.registry import METHODS
from rnnlens.bulk import Blocks
from rnnlens.series.sidecar import Sidecar

#: The script of the benchmarks that says what is compared.
_script = spec_from_file_location(
    "comparing", Path(__file__).parents[2] / "benchmarks" / "archives" / "comparing.py"
)
assert _script is not None and _script.loader is not None
_comparing = module_from_spec(_script)
_script.loader.exec_module(_comparing)

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
        hides = METHODS[options.get("method", "secant")].hides
        asked = {
            "target": "flow",
            "blocks": Blocks(windows=32),
            "baseline": "zero" if hides else None,
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
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a result that its question decides."""
    return _comparing.contents


@pytest.fixture
def files(contents: Callable[[Path], dict[str, bytes]]) -> Callable[[Path], dict[str, bytes]]:
    """Every file of a result that its question decides, but those that hold the folder's path."""

    def of(out: Path) -> dict[str, bytes]:
        theirs = [f".rnnlens/{name}" for name in ("manifest.json", "network.npz", "layout.json")]
        return {name: one for name, one in contents(out).items() if name not in theirs}

    return of
