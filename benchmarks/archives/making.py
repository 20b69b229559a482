"""An archive of random series as Zarr, a network for it, and the result's files as bytes."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np

import rnnlens
from archives.comparing import contents
from rnnlens.series.sidecar import Sidecar

__all__ = ["FEATURES", "STEPS", "UNITS", "ask", "digests", "make", "sidecar"]

UNITS, FEATURES, STEPS = 32, 10, 24
#: Windows of a station at the most.
A_STATION = 25_000
#: Rows that are made together.
TOGETHER = 40


def sidecar() -> Sidecar:
    """Describe what the network takes."""
    return Sidecar.plain([f"x{k}" for k in range(FEATURES)], STEPS, targets=["y"])


def make(folder: Path, windows: int) -> Path:
    """Write an archive in which so many windows end, and ``net.npz`` beside it."""
    import zarr
    from harness.networks import Size, forecaster

    net = folder / "net.npz"
    if not net.exists():
        _, network = forecaster("LSTM", Size(UNITS, FEATURES, STEPS))
        rnnlens.convert(network, net, check=False)
    stations = -(-windows // A_STATION)
    rows = windows // stations + STEPS - 1
    path = folder / f"series-{windows}.zarr"
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = zarr.create_group(path, zarr_format=3)
        names = group.create_array(
            "station", shape=(stations,), dtype=str, dimension_names=("station",)
        )
        names[...] = np.array([f"station {k}" for k in range(stations)], object)
        for name in sidecar().feature_names:
            array = group.create_array(
                name,
                shape=(stations, rows),
                chunks=(1, min(rows, 8192)),
                dtype="float32",
                dimension_names=("station", "time"),
            )
            for first in range(0, stations, TOGETHER):
                some = slice(first, min(first + TOGETHER, stations))
                array[some] = rng.standard_normal((some.stop - first, rows), np.float32)
        zarr.consolidate_metadata(path)
    return path


def ask(archive: Path, out: Path, **options: object) -> None:
    """Explain an archive of `make` by secant against zeros."""
    rnnlens.explain_archive(
        archive.parent / "net.npz",
        archive,
        out,
        sidecar(),
        target=0,
        method="secant",
        baseline="zero",
        **options,  # pyright: ignore[reportArgumentType]
    )


def digests(out: Path) -> dict[str, str]:
    """Give the SHA-256 of every file of a result that its question decides."""
    return {name: hashlib.sha256(one).hexdigest() for name, one in contents(out).items()}
