"""A small archive of three stations with a gap, the network for it, and what explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The archive as Zarr, in blocks of 32 windows: five a station."""
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
    written(data, tmp_path / "in.zarr")
    net = tmp_path / "net.npz"
    rnnlens.convert(forecaster("lstm", rng, steps=STEPS, features=2, units=4), net, check=False)
    sidecar = Sidecar.plain(["rain", "flow"], STEPS, lead=2, time="time")
    return Made(tmp_path, data, net, sidecar, tmp_path / "in.zarr")


@pytest.fixture
def files() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a result by its name; not records, which hold seconds, and no drafts."""

    def of(out: Path) -> dict[str, bytes]:
        return {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.is_file() and "done" not in path.parts and not path.name.startswith(".")
        }

    return of
