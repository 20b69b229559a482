"""Targets with leads of their own: each has its own times, what happened then, and its own unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rnnlens
from networks import cell, chain, head
from rnnlens import Target
from rnnlens.errors import DataError
from rnnlens.network import layers as L
from rnnlens.network.network import Network, Node, Origin
from rnnlens.series.sidecar import read_sidecar

HOUR = np.timedelta64(1, "h")
TOML = """
window = 7
time = "time"
[features]
pm = { of = "pm2.5", unit = "ug/m3", mean = 50, scale = 12 }
rain = { unit = "mm", mean = 2, scale = 3 }
[targets]
"""
HORIZONS = "pm = { horizons = [1, 2, 6] }"
OWN = """pm_1h = { of = "pm", lead = 1 }
pm_2h = { of = "pm", lead = 2 }
pm_6h = { of = "pm", lead = 6 }"""


@pytest.fixture
def series(rng):
    time = pd.date_range("2013-01-01", periods=60, freq="h")
    return pd.DataFrame({
        "time": time,
        "pm2.5": rng.normal(50, 12, size=60),
        "rain": rng.normal(size=60),
    })


@pytest.fixture
def direct(rng):
    """Seven steps of two features, and three numbers at once."""
    nodes = (
        Node("series", L.Input((7, 2))),
        Node("lstm", L.Recurrent(cell("lstm", rng, features=2)), (("series", 0),)),
        Node("out", head(rng, 5, 3), (("lstm", 0),)),
    )
    return Network(nodes, (("out", 0),), Origin("test"))


def made(series, targets, tmp_path):
    path = tmp_path / "air.toml"
    path.write_text(TOML + targets)
    return rnnlens.windows(series, read_sidecar(path))


@pytest.mark.parametrize("targets", [HORIZONS, OWN], ids=["horizons", "own leads"])
def test_each_lead_has_its_own_times_and_what_happened_then(targets, direct, series, tmp_path):
    windows = made(series, targets, tmp_path)
    outputs = rnnlens.predict(direct, windows)
    pm = series["pm2.5"].to_numpy()
    for place, lead in enumerate((1, 2, 6)):
        by_horizon = rnnlens.explain(direct, windows, target=Target("pm", horizon=lead))
        by_name = rnnlens.explain(direct, windows, target=windows.targets[place])
        for found in (by_horizon, by_name):
            np.testing.assert_allclose(found.forecast, outputs[:, place] * 12 + 50, rtol=1e-12)
            np.testing.assert_array_equal(found.time, windows.issued + lead * HOUR)
            later = [pm[row] if row < 60 else np.nan for row in np.arange(6, 60) + lead]
            np.testing.assert_array_equal(found.actual, later)
            assert found.attrs["target"] == windows.targets[place]
            assert (found.attrs["lead"], found.attrs["unit"]) == (lead, "ug/m3")


def test_all_targets_stand_side_by_side_with_their_own_times(direct, series, tmp_path):
    windows = made(series, HORIZONS, tmp_path)
    found = rnnlens.explain(direct, windows, target="all")
    assert found.target.values.tolist() == ["pm t+1", "pm t+2", "pm t+6"]
    np.testing.assert_array_equal(found.time.sel(target="pm t+6"), windows.issued + 6 * HOUR)
    by_step = rnnlens.explain(direct, windows, target=Target("pm", horizon="all"))
    assert by_step.horizon.values.tolist() == [1, 2, 6]
    np.testing.assert_array_equal(by_step.time.sel(horizon=2), windows.issued + 2 * HOUR)
    np.testing.assert_array_equal(
        by_step.contribution.sel(horizon=6), found.contribution.sel(target="pm t+6")
    )


def test_lags_weighs_each_lead_by_its_own_outcomes(direct, series, tmp_path):
    windows = made(series, HORIZONS, tmp_path)
    table = rnnlens.lags(direct, windows, target=Target("pm", horizon=6), certificates=None)
    outputs = rnnlens.predict(direct, windows)[:, 2] * 12 + 50
    actual = windows.actual[:, 2]
    known = np.isfinite(actual)
    assert table.attrs["tested"] == known.sum() == 48
    assert table.attrs["lead"] == 6
    # the mean loss is the mean squared error of that horizon
    error = float(np.mean(np.abs(outputs - actual)[known]))
    squared = float(np.mean((outputs - actual)[known] ** 2))
    assert table.attrs["mean_loss"] == pytest.approx(
        squared if table.attrs["loss"] == "squared" else error, rel=1e-9
    )


def test_a_horizon_that_is_not_forecast_is_refused_with_those_that_are(direct, series, tmp_path):
    windows = made(series, HORIZONS, tmp_path)
    with pytest.raises(DataError, match=r"pm is forecast 1, 2, 6 steps ahead: .*, not 3$"):
        rnnlens.explain(direct, windows, target=Target("pm", horizon=3))
    with pytest.raises(DataError, match=r"no target is called 'pm t\+7' \(did you mean 'pm t\+"):
        rnnlens.explain(direct, windows, target="pm t+7")
    with pytest.raises(DataError, match="the network forecasts 3 targets: name one of pm t"):
        rnnlens.explain(direct, windows)


def test_a_target_may_be_typed_as_a_number(direct, series, tmp_path):
    windows = made(series, HORIZONS, tmp_path)
    found = rnnlens.explain(direct, windows, target="2")
    assert found.attrs["target"] == "pm t+6"


@pytest.fixture
def stepwise(rng):
    """An output of three future steps by two targets."""
    lstm = L.Recurrent(cell("lstm", rng, features=2))
    return chain(lstm, head(rng, 5, 6), L.Reshape((3, 2)), shape=(7, 2))


def test_horizons_along_an_axis_of_their_own_have_their_times_too(stepwise, series, tmp_path):
    windows = made(
        series, "pm = { horizons = [1, 2, 6] }\nrain = { horizons = [1, 2, 6] }", tmp_path
    )
    outputs = rnnlens.predict(stepwise, windows)
    assert outputs.shape == (54, 3, 2)
    found = rnnlens.explain(stepwise, windows, target=Target("rain", horizon=6))
    np.testing.assert_allclose(found.forecast, outputs[:, 2, 1] * 3 + 2, rtol=1e-12)
    np.testing.assert_array_equal(found.time, windows.issued + 6 * HOUR)
    later = windows.actual[:, windows.targets.index("rain t+6")]
    np.testing.assert_array_equal(found.actual, later)
    every = rnnlens.explain(stepwise, windows, target=Target("all", horizon="all"))
    assert every.sizes["horizon"] == 3
    assert every.target.values.tolist() == ["pm", "rain"]
    with pytest.raises(DataError, match="give one of the horizons 1, 2, 6 with"):
        rnnlens.explain(stepwise, windows, target=Target("rain", horizon=3))


def test_horizons_that_nothing_states_get_no_times_and_no_outcomes(stepwise, series, tmp_path):
    windows = made(series, "pm = {}\nrain = {}", tmp_path)
    found = rnnlens.explain(stepwise, windows, target=Target("rain", horizon=3))
    assert "time" not in found
    assert "actual" not in found
    np.testing.assert_array_equal(found.issued, windows.issued)
