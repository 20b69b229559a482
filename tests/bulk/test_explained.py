"""What blocks give is what `explain` gives of the windows, laid out by station and time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rnnlens
from archives import written
from rnnlens.attribution.registry import METHODS as MEANT
from rnnlens.bulk import Blocks, summary, verify
from rnnlens.bulk.methods import METHODS, of_a_window, variable_of
from rnnlens.series.column import Column
from rnnlens.series.sidecar import Sidecar, Variable


def by_hand(data: xr.Dataset, station: str, net, **options):
    """Cut one station's windows in a loop, and explain them as windows in memory."""
    one = data.sel(station=station)
    table = np.stack([one.rain.values, one.flow.values], axis=1)
    ends = [k for k in range(4, len(table)) if np.isfinite(table[k - 4 : k + 1]).all()]
    X = np.stack([table[k - 4 : k + 1] for k in ends])
    against = {"baseline": "zero"} if MEANT[options.get("method", "secant")].hides else {}
    return ends, rnnlens.explain(net, X, target=1, **against | options)


@pytest.mark.parametrize("method", METHODS)
def test_contributions_are_those_of_the_windows_in_memory(made, method):
    found = made.explain(method=method, blocks=Blocks(windows=32, dtype="float64"))
    for station in made.data.station.values:
        ends, expected = by_hand(made.data, station, made.net, method=method)
        own = found.sel(station=station).isel(time=ends)
        # the same kernels on other chunks: rounding alone
        assert own.attrs["kind"] == expected.attrs["kind"]
        assert own.attrs["shows"] == expected.attrs["shows"] == variable_of(method)
        for name in (variable_of(method), *of_a_window(method)):
            assert own[name].long_name.split(" ")[0] == expected[name].long_name.split(" ")[0]
            np.testing.assert_allclose(own[name], expected[name], rtol=0, atol=1e-12)


def test_a_derivative_has_its_own_unit_and_no_baseline_and_its_summary_says_so(made):
    found = made.explain(method="gradient")
    assert found.sensitivity.units == "1 per network unit" and "baseline" not in found.attrs
    assert set(found.data_vars) & {"contribution", "baseline_forecast", "residual"} == set()
    assert verify(made.folder / "out.zarr") == []
    summed = summary(made.folder / "out.zarr")
    assert summed["mean"].long_name == "mean sensitivity of flow"
    assert summed["mean"].units == "1 per network unit" and summed.attrs["kind"] == "sensitivity"
    mean = np.abs(found.sensitivity.astype(float)).mean(["station", "time"]).values
    # stored in float32
    np.testing.assert_allclose(summed["mean_absolute"].sel(group="all"), mean, rtol=1e-6)


def test_contributions_and_residual_sum_to_the_forecast(made):
    found = made.explain()
    change = found.forecast - found.baseline_forecast
    summed = found.contribution.astype(float).sum(["lag", "feature"], skipna=False)
    known = np.isfinite(found.forecast)
    # contributions are stored in float32
    np.testing.assert_allclose(summed.where(known, 0), change.where(known, 0), rtol=0, atol=1e-6)
    assert abs(found.residual).max() < 1e-12


def test_a_row_that_ends_no_whole_window_has_no_number_and_all_others_have(made):
    found = made.explain()
    whole = np.isfinite(made.data.rain.values)
    ends = np.stack([np.convolve(row, np.ones(5))[: len(row)] == 5 for row in whole])
    for name in ("forecast", "baseline_forecast", "residual"):
        np.testing.assert_array_equal(np.isfinite(found[name]), ends)
    np.testing.assert_array_equal(np.isfinite(found.contribution).all(["lag", "feature"]), ends)


def test_results_are_labelled_as_those_of_windows_are(made):
    found = made.explain()
    assert found.contribution.dims == ("station", "time", "lag", "feature")
    assert list(found.station.values) == ["north", "south", "east"]
    assert list(found.feature.values) == ["rain", "flow"] and list(found.lag.values) == [
        1,
        2,
        3,
        4,
        5,
    ]
    np.testing.assert_array_equal(found.issued, made.data.time)
    np.testing.assert_array_equal(found.time - found.issued, np.timedelta64(2, "h"))
    assert list(found.basin.values) == ["a", "a", "b"] and "basin" in found.contribution.coords
    assert found.attrs["target"] == "flow" and found.attrs["method"] == "secant"
    assert found.contribution.attrs["long_name"] == "contribution to flow"


def test_a_gap_in_time_is_crossed_by_no_window(made, tmp_path):
    keep = np.delete(np.arange(made.data.sizes["time"]), [100, 101])
    written(made.data.isel(time=keep), tmp_path / "holes.zarr")
    found = rnnlens.explain_archive(
        made.net, tmp_path / "holes.zarr", tmp_path / "o.zarr", made.sidecar, target="flow"
    )
    there = np.isfinite(found.forecast.sel(station="north"))
    assert not there[100:104].any() and there[99] and there[104]


def test_the_mean_stands_in_unless_something_else_is_asked_for(made):
    assert made.explain(baseline=None).attrs["baseline"].startswith("mean (of ")


def test_a_scaling_and_a_unit_are_those_of_the_sidecar(made, tmp_path):
    variables = (Variable("rain", "mm", 2.0, 3.0), Variable("flow", "m3/s", 10.0, 4.0))
    sidecar = Sidecar(variables, 5, time="time")
    scaled = made.data.assign(rain=made.data.rain * 3 + 2, flow=made.data.flow * 4 + 10)
    written(scaled, tmp_path / "scaled.zarr")
    found = rnnlens.explain_archive(
        made.net, tmp_path / "scaled.zarr", tmp_path / "o.zarr", sidecar,
        target="flow", baseline="zero",
    )  # fmt: skip
    plain = made.explain()
    assert found.contribution.units == "m3/s"
    # scaling and back in float64, stored in float32
    np.testing.assert_allclose(found.contribution, 4 * plain.contribution, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("limit", [2, 6])
def test_a_value_is_held_over_as_many_rows_as_the_sidecar_says(made, limit):
    held = Variable("rain", column=Column(missing="hold", limit=limit))
    sidecar = replace(made.sidecar, features=(held, Variable("flow")))
    found = rnnlens.explain_archive(
        made.net, made.path, made.folder / "held.zarr", sidecar, target="flow",
        blocks=Blocks(windows=32),
    )  # fmt: skip
    there = np.isfinite(found.forecast.sel(station="south").values)
    filled = pd.Series(made.data.rain.values[1]).ffill(limit=limit).notna()
    np.testing.assert_array_equal(there, filled.rolling(5).sum().to_numpy() == 5)
