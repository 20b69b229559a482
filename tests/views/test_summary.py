"""The small tables that views draw from hold the numbers of their Datasets."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from rnnlens.errors import DataError
from rnnlens.views.charts.cells import MOST_CELLS, gate_panels, weight_panels
from rnnlens.views.tables import summary


def test_a_group_of_lags_is_named_by_its_ends(make_lags):
    lags = make_lags([0.5, 0.3, 0.2], lag_to=[1, 2, 24])
    assert summary.lag_labels(lags) == ["1", "2", "3–24"]
    assert summary.lag_labels(lags.drop_vars("lag_to")) == ["1", "2", "3"]


def test_the_dict_of_lags_is_strict_json_with_the_promised_keys(make_lags):
    lags = make_lags([0.5, 0.3, 0.2], low=[0.4, np.nan, 0.1])
    found = json.loads(json.dumps(summary.lags_summary(lags), allow_nan=False))
    assert {"target", "unit", "baseline", "samples", "max_residual"} < set(found)
    assert [row["lag"] for row in found["lags"]] == [1, 2, 3]
    assert {"lag", "lag_to", "share", "share_low", "share_high"} < set(found["lags"][0])
    assert found["lags"][1]["share_low"] is None
    np.testing.assert_allclose(sum(row["share"] for row in found["lags"]), 1, rtol=1e-12)


def test_means_by_lag_and_feature_are_those_of_the_contributions(explanation):
    table = summary.lag_feature_means(explanation).set_index(["lag", "feature"])
    values = explanation["contribution"].sel(lag=3, feature="dewp").values
    np.testing.assert_allclose(table.loc[(3, "dewp"), "mean"], values.mean(), rtol=1e-12)
    np.testing.assert_allclose(table.loc[(3, "dewp"), "size"], np.abs(values).mean(), rtol=1e-12)
    assert len(table) == 240


def test_contributions_by_lag_alone_have_no_features_to_show(tree_explanation):
    with pytest.raises(DataError, match="are by lag alone: explain with method='secant'"):
        summary.lag_feature_means(tree_explanation)


@pytest.mark.parametrize("sample", [None, 100])
def test_putting_features_together_loses_nothing(explanation, sample):
    table = summary.lag_contributions(explanation, sample=sample)
    whole = explanation.mean("sample") if sample is None else explanation.isel(sample=sample)
    change = whole["forecast"] - whole["baseline_forecast"]
    # The residual of the made-up contributions is below 1e-12.
    np.testing.assert_allclose(table["contribution"].sum(), change, atol=1e-10)
    assert table["feature"].nunique() == 7
    assert set(table.loc[table["rank"] == 6, "feature"]) == {summary.others()}


def test_contributions_without_features_stay_one_a_lag(tree_explanation):
    table = summary.lag_contributions(tree_explanation, sample=5)
    assert list(table["label"]) == ["1", "2", "3", "4", "5", "6", "7", "8", "9–24"]
    np.testing.assert_array_equal(table["contribution"], tree_explanation["contribution"].values[5])


def test_a_missing_contribution_stays_missing(explanation):
    broken = explanation.copy(deep=True)
    broken["contribution"][3, 4, 0] = np.nan
    table = summary.lag_feature_means(broken).set_index(["lag", "feature"])
    assert np.isnan(table.loc[(5, "temp"), "size"])
    assert table["size"].isna().sum() == 1
    mean = summary.lag_contributions(broken).set_index(["lag", "feature"])["contribution"]
    assert np.isnan(mean[5, "temp"])


def test_no_line_is_drawn_across_a_gap_in_the_time(explanation):
    table = summary.forecast_series(explanation)
    forecast = table[table["series"] == "forecast"].reset_index(drop=True)
    (gap,) = np.flatnonzero(forecast["value"].isna())
    before, after = forecast["time"][gap - 1], forecast["time"][gap + 1]
    assert (after - before) == np.timedelta64(13, "h")
    kept = forecast["value"].dropna().to_numpy()
    np.testing.assert_array_equal(kept, explanation["forecast"].values)


def test_only_the_newest_windows_are_given_and_unknown_outcomes_left_out(explanation):
    table = summary.forecast_series(explanation.drop_vars(["actual", "time"]), most=10)
    assert set(table["series"]) == {"forecast", "baseline forecast"}
    forecast = table.loc[table["series"] == "forecast", "value"]
    np.testing.assert_array_equal(forecast, explanation["forecast"].values[-10:])


def test_the_window_that_moved_most_is_picked_else_the_last(explanation):
    change = np.abs((explanation["forecast"] - explanation["baseline_forecast"]).values)
    place, why = summary.pick_window(explanation)
    assert place == change.argmax()
    assert "furthest from its baseline" in why
    still = explanation.assign(forecast=explanation["baseline_forecast"])
    assert summary.pick_window(still) == (499, "the last window")


def test_the_figures_of_an_explanation_are_its_own(explanation):
    found = summary.explanation_summary(explanation)
    missed = (explanation["forecast"] - explanation["actual"]).values
    np.testing.assert_allclose(found["rmse"], np.sqrt(np.mean(missed**2)), rtol=1e-12)
    np.testing.assert_equal(found["max_residual"], 3.2e-13)
    json.dumps(found, allow_nan=False)


def test_gates_keep_their_values_and_only_valves_get_the_scale_of_valves(trace):
    node = trace["lstm"].to_dataset()
    panels, note = gate_panels(node)
    assert [(panel.name, panel.valve) for panel in panels] == [
        ("input gate", True),
        ("forget gate", True),
        ("candidate (cell gate)", False),
        ("output gate", True),
        ("cell state", False),
        ("hidden state", False),
    ]
    assert note == ""
    forget = panels[1].table.set_index(["x", "y"])["value"]
    np.testing.assert_equal(forget[7, 3], node["gate_value"].values[0, 7, 1, 3])


def test_a_gate_that_leaves_zero_to_one_is_not_shown_as_a_valve(trace):
    node = trace["lstm"].to_dataset().copy(deep=True)
    node["gate_value"][0, 2, 1, 4] = 1.3
    panels, _ = gate_panels(node)
    assert [panel.valve for panel in panels[:2]] == [True, False]


def test_a_large_trace_shows_the_units_that_moved_most_and_says_so(trace):
    node = trace["lstm"].to_dataset()
    wide = xr.concat([node * 0.001, node], "unit").assign_coords(unit=np.arange(64))
    panels, note = gate_panels(wide)
    assert sum(len(panel.table) for panel in panels) <= MOST_CELLS
    assert set(panels[0].table["y"]) == set(range(32, 64))
    assert note == "shown: the 32 of 64 units whose hidden state moved most in this window"


def test_weights_of_all_gates_share_one_scale(weights):
    node = weights["lstm"].to_dataset()
    panels, note = weight_panels(node, kind="W")
    assert [panel.name for panel in panels][1] == "W_f, forget gate"
    largest = max(float(abs(node[name]).max()) for name in ("W_i", "W_f", "W_c", "W_o"))
    assert {panel.largest for panel in panels} == {largest}
    cells = panels[2].table.set_index(["y", "x"])["value"]
    np.testing.assert_equal(cells["wind_u", 9], float(node["W_c"].sel(feature="wind_u")[9]))
    assert note == ""


def test_large_kernels_show_the_largest_weight_of_each_block(rng):
    values = rng.normal(size=(100, 100))
    values[40, 61] = -9.0
    node = xr.Dataset({"U_f": (("from_unit", "unit"), values, {"gate": "forget"})})
    (panel,), note = weight_panels(node, kind="U")
    assert len(panel.table) <= MOST_CELLS
    assert panel.table["value"].min() == pytest.approx(-9.0, abs=0)
    assert "weight of largest size among 2 x 2 neighbours" in note
    cells = panel.table.set_index(["y", "x"])["value"]
    block = values[10:12, 20:22].ravel()
    np.testing.assert_equal(cells[10, 20], block[np.abs(block).argmax()])


def test_biases_stand_in_one_panel(weights):
    (panel,), _ = weight_panels(weights["lstm"].to_dataset(), kind="b")
    assert list(dict.fromkeys(panel.table["y"])) == ["b_i", "b_f", "b_c", "b_o"]
    assert weight_panels(weights["dense"].to_dataset(), kind="b") == ([], "")
