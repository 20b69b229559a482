"""The command line at hand: the shipped network, a series that fits it, and a way to call."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import rnnlens
from rnnlens.cli.app import app
from rnnlens.demo.weather import demo_files
from rnnlens.series.sidecar import read_sidecar

HOURS = 120


@dataclass(frozen=True)
class Said:
    """What a call gave."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """Compile before the first call, which would say so on stderr."""
    network = rnnlens.read(demo_files().network)
    rnnlens.explain(network, np.zeros((2, 24, 10)), target=0, method="secant")


@pytest.fixture
def call(monkeypatch):
    """Call the command line in this process; an exception that nobody expected is raised.

    Its pages are as wide as for a pipe, however wide the terminal of the tests is.
    """
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments) -> Said:
        result = CliRunner().invoke(app, [str(each) for each in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def model(tmp_path) -> Path:
    """The shipped network with its sidecar beside it."""
    shipped = demo_files()
    shutil.copy(shipped.sidecar, tmp_path / "weather.toml")
    return Path(shutil.copy(shipped.network, tmp_path / "weather.keras"))


@pytest.fixture
def table(rng) -> pd.DataFrame:
    """A series of random hours around the means that the network was trained with."""
    sidecar = read_sidecar(demo_files().sidecar)
    assert sidecar.time is not None
    hours = pd.date_range("2013-10-05", periods=HOURS, freq="h").strftime("%Y-%m-%d %H:%M")
    columns = {v.name: v.mean + v.scale * rng.normal(size=HOURS) for v in sidecar.features}
    return pd.DataFrame({sidecar.time: hours, **columns})


@pytest.fixture
def data(tmp_path, table) -> Path:
    """The series as CSV."""
    path = tmp_path / "hours.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def windows_in_all() -> int:
    """How many windows the series holds, those too whose outcome is not known yet."""
    return HOURS - read_sidecar(demo_files().sidecar).window + 1


@pytest.fixture
def by_hand(table) -> np.ndarray:
    """The last window of the series, scaled here once more."""
    sidecar = read_sidecar(demo_files().sidecar)
    values = table[list(sidecar.feature_names)].to_numpy()
    means = np.array([v.mean for v in sidecar.features])
    scales = np.array([v.scale for v in sidecar.features])
    return ((values - means) / scales)[-sidecar.window :]
