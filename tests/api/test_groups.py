"""Panels and local clocks: results say whose window it is, and hours are of people's clocks."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

import rnnlens
from networks import forecaster
from rnnlens.series.sidecar import Sidecar, Variable
from rnnlens.views.tables.explanation import explanation_view
from rnnlens.views.tables.summary import time_text
from rnnlens.views.words.clock import clock_name, clock_times


@pytest.fixture
def basins(rng):
    rows = pd.DataFrame({
        "time": [*pd.date_range("2013-01-01", periods=30, freq="h")] * 2,
        "basin": ["Inn"] * 30 + ["Lech"] * 30,
        **{name: rng.normal(size=60) for name in ("rain", "flow", "snow")},
    })
    features = tuple(Variable(name) for name in ("rain", "flow", "snow"))
    sidecar = Sidecar(
        features, 7, targets=features[:2], time="time", time_zone="Asia/Shanghai", group="basin"
    )
    return forecaster("lstm", rng, steps=7), rnnlens.windows(rows, sidecar)


def test_results_say_of_which_group_each_window_is(basins):
    network, windows = basins
    explained = rnnlens.explain(network, windows, target="flow", method="secant")
    assert explained.group.values.tolist() == ["Inn"] * 24 + ["Lech"] * 24
    by_group = explained.contribution.groupby("group").mean()
    assert by_group.group.values.tolist() == ["Inn", "Lech"]
    assert time_text(explained, 0, of="issued") == "2013-01-01 06:00, Inn"
    certified = rnnlens.certify(network, windows.select([0, 30]), lag=1, target="flow")
    assert certified.group.values.tolist() == ["Inn", "Lech"]


def test_the_table_has_a_row_for_each_group(basins):
    network, windows = basins
    explained = rnnlens.explain(network, windows, target="flow", method="secant")
    shown = [str(part) for part in lines_of(explanation_view(explained))]
    error = abs(explained.forecast - explained.actual)
    for group in ("Inn", "Lech"):
        row = next(line for line in shown if line.strip().startswith(group))
        assert row.split()[1] == "24"
        mean = float(error.where(explained.group == group).mean())
        assert row.split()[2] == f"{mean:.4g}"
    alone = rnnlens.explain(network, windows.select(slice(0, 5)), target="flow", method="secant")
    assert not any(line.strip().startswith("Inn") for line in lines_of(explanation_view(alone)))


def lines_of(view):
    console = Console(width=120, file=io.StringIO())
    console.print(view)
    return console.file.getvalue().splitlines()


def test_an_hour_of_the_day_is_one_of_the_series_own_clocks(basins):
    network, windows = basins
    shifted = replace(windows, issued=windows.issued + np.timedelta64(8, "h"), time_zone=None)
    local = rnnlens.explain(network, windows, target="flow", baseline="monthly mean")
    same = rnnlens.explain(network, shifted, target="flow", baseline="monthly mean")
    utc = rnnlens.explain(
        network, replace(windows, time_zone=None), target="flow", baseline="monthly mean"
    )
    # the first hours of January in Shanghai are December in UTC
    np.testing.assert_array_equal(local.contribution, same.contribution)
    assert not np.allclose(local.contribution, utc.contribution)


@pytest.mark.parametrize(
    ("zone", "named", "hour"),
    [
        ("Asia/Shanghai", "Shanghai time", "2013-07-01T08:00"),
        ("America/New_York", "New York time", "2013-06-30T20:00"),
        ("+05:30", "UTC+05:30", "2013-07-01T05:30"),
    ],
)
def test_clocks_are_named_and_read(zone, named, hour):
    times = xr.DataArray(np.array(["2013-07-01"], "datetime64[ns]"), attrs={"time_zone": zone})
    assert clock_name(times) == named
    assert clock_times(times)[0] == np.datetime64(hour)
    plain = xr.DataArray(times.values)
    assert clock_name(plain) == "UTC"
    np.testing.assert_array_equal(clock_times(plain), times.values)
