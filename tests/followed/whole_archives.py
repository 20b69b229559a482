"""Advice about archives that are not explained block by block, and results that are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnnlens
from followed.registry import advice
from refused import MAKERS
from refused.whole_archives import STEPS, explained, padding, rows, series
from rnnlens.bulk import Blocks, Runner, status
from rnnlens.errors import DataError, InputError
from small_networks import small


@advice("Whole archives: no common axis of time", "explain each station's file by itself")
def _(folder: Path) -> None:
    table = rows()
    for station in ("north", "south"):
        table[table.station == station].to_parquet(folder / f"{station}.parquet")
        explained(folder, folder / f"{station}.parquet", out=f"{station}.zarr")
        assert (folder / f"{station}.zarr").is_dir()


def in_memory(net: Any, windows: dict[str, Any]) -> None:
    """Explain some windows at a time; contributions of each sum to the change of its forecast."""
    for some in (slice(0, 3), slice(3, 6)):
        asked = {name: one[some] for name, one in windows.items()}
        given = asked if len(asked) > 1 else next(iter(asked.values()))
        found = rnnlens.explain(net, given, target=0, baseline="zero", method="secant")
        parts = list(found.children.values()) if len(asked) > 1 else [found]
        sums = [one.contribution.sum(set(one.contribution.dims) - {"sample"}) for one in parts]
        change = found["forecast"] - found["baseline_forecast"]
        assert float(abs(change).max()) > 1e-3
        np.testing.assert_allclose(sum(sums), change, atol=1e-9)  # float64


@advice(
    "Whole archives: several sequences",
    "explain this one by rnnlens.explain, some windows at a time",
)
def _(_: Path) -> None:
    in_memory(*small("two sequences"))


@advice("Whole archives: padding", "explain them by rnnlens.explain, some windows at a time")
def _(_: Path) -> None:
    table = series().isel(station=0).to_dataframe()[["rain", "flow"]].to_numpy()
    windows = np.lib.stride_tricks.sliding_window_view(table, STEPS, axis=0).swapaxes(1, 2)[:6]
    in_memory(padding(), {"x": np.where(np.arange(STEPS)[:, None] < 1, 0.0, windows)})


@advice("Whole archives: a damaged manifest", "explain the archive anew into another --out")
def _(folder: Path) -> None:
    done = explained(folder)
    first = (done / ".rnnlens" / "manifest.json").read_bytes()
    (done / ".rnnlens" / "manifest.json").write_text("{")
    again = explained(folder, folder / "in.zarr", out="anew.zarr")
    assert (again / ".rnnlens" / "manifest.json").read_bytes() == first


#: How the refusals of a cluster ask for blocks.
ON_DASK: dict[str, Any] = {"runner": Runner(workers=1), "blocks": Blocks(windows=400)}


@advice(
    "Whole archives: a cluster without workers",
    "see to its workers, and give the same command again, which goes on from there",
)
def _(folder: Path) -> None:
    with pytest.raises(InputError, match="it has no worker"):
        MAKERS["Whole archives: a cluster without workers"](folder)
    done = explained(folder, folder / "in.zarr", **ON_DASK)
    assert status(done).done == 1


@advice(
    "Whole archives: a block that ends its workers",
    "give workers more of it, or ask for blocks of fewer windows, into another --out",
)
def _(folder: Path) -> None:
    with pytest.raises(DataError, match="every worker that did it was ended"):
        MAKERS["Whole archives: a block that ends its workers"](folder)
    asked: dict[str, Any] = {"runner": Runner(workers=1), "blocks": Blocks(windows=100)}
    again = explained(folder, folder / "in.zarr", out="fewer.zarr", **asked)
    assert status(again).done > 1
