"""Charts show the right fields with their units, on honest scales, and can be drawn."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import vl_convert

from rnnlens.errors import DataError
from rnnlens.views import charts
from rnnlens.views.charts import theme


def svg(chart) -> str:
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


def rows_of(spec: dict) -> list[dict]:
    return [row for rows in spec["datasets"].values() for row in rows]


def test_every_chart_draws(explanation, tree_explanation, lags, trace, weights):
    drawn = [
        charts.lag_shares(lags),
        charts.lag_feature(explanation),
        charts.lag_contributions(explanation),
        charts.lag_contributions(tree_explanation, sample=3),
        charts.forecast(explanation),
        charts.forecast(explanation.drop_vars(["time", "actual"])),
        charts.gates(trace["lstm"].to_dataset()),
        *(charts.weights(weights["lstm"].to_dataset(), kind=kind) for kind in "WUb"),
    ]
    for chart in drawn:
        text = svg(chart)
        assert text.startswith("<svg")
        assert text.count("<path") + text.count("<line") > 10


def test_shares_are_bars_from_zero_with_their_interval(lags):
    spec = charts.lag_shares(lags).to_dict()
    bars, rule = spec["layer"]
    assert bars["mark"]["type"] == "bar"
    assert bars["encoding"]["y"]["field"] == "share"
    assert bars["encoding"]["y"]["scale"]["zero"] is True
    assert bars["encoding"]["x"]["title"] == "lag (steps of 1 h back, 1 = newest)"
    assert bars["encoding"]["x"]["sort"][-1] == "1"
    assert (rule["encoding"]["y"]["field"], rule["encoding"]["y2"]["field"]) == (
        "share_low",
        "share_high",
    )
    shown = {row["lag"]: row["share"] for row in rows_of(spec)}
    np.testing.assert_allclose(list(shown.values()), lags["share"].values, rtol=1e-12)


def test_without_intervals_none_are_drawn_or_spoken_of(make_lags):
    nan = np.full(2, np.nan)
    spec = charts.lag_shares(make_lags([0.6, 0.4], low=nan, high=nan)).to_dict()
    assert len(spec["layer"]) == 1
    assert "interval" not in spec["title"]["subtitle"]


def test_the_heat_map_of_features_starts_at_zero_and_names_its_unit(explanation):
    spec = charts.lag_feature(explanation).to_dict()
    colour = spec["encoding"]["color"]
    assert colour["scale"]["domain"][0] == 0
    assert " ".join(colour["title"]) == "mean size of contribution to temp (F)"
    assert spec["encoding"]["y"]["sort"][0] == "temp"


def test_a_missing_number_is_drawn_as_missing_and_said_to_be(explanation):
    whole = charts.lag_feature(explanation)
    broken = explanation.copy(deep=True)
    broken["contribution"][0, 4, 0] = np.nan
    chart = charts.lag_feature(broken)
    spec = chart.to_dict()
    assert "grey: missing" in spec["title"]["subtitle"]
    assert "grey" not in whole.to_dict()["title"]["subtitle"]
    (row,) = [r for r in rows_of(spec) if r["lag"] == 5 and r["feature"] == "temp"]
    assert row["size"] is None
    assert svg(whole).count('stroke="white"') - svg(chart).count('stroke="white"') == 1


def test_contributions_are_stacked_from_zero_in_the_unit_of_the_target(explanation):
    spec = charts.lag_contributions(explanation, sample=100).to_dict()
    bars = spec["layer"][0]["encoding"]
    assert bars["y"]["title"] == "contribution to temp (F)"
    assert bars["y"]["stack"] == "zero"
    assert bars["y"]["scale"]["zero"] is True
    assert bars["color"]["scale"]["range"][-1] == theme.REST
    assert "2013-11-07 04:00" in spec["title"]["text"]
    forecast = float(explanation["forecast"][100])
    assert f"forecast {forecast:.4g} F" in spec["title"]["subtitle"][0]
    mean = charts.lag_contributions(explanation).to_dict()["layer"][0]["encoding"]
    assert mean["y"]["title"] == "mean contribution to temp (F)"


def test_an_unknown_unit_leaves_no_brackets(explanation):
    spec = charts.lag_contributions(explanation.assign_attrs(unit="")).to_dict()
    assert spec["layer"][0]["encoding"]["y"]["title"] == "mean contribution to temp"


def test_times_are_drawn_as_they_are_wherever_the_chart_is_drawn(explanation):
    spec = charts.forecast(explanation).to_dict()
    assert spec["encoding"]["y"]["title"] == "temp (F)"
    assert spec["encoding"]["x"]["scale"]["type"] == "utc"
    assert rows_of(spec)[0]["time"].startswith("2013-11-03T00:00:00")
    assert rows_of(spec)[0]["time"].endswith(("+00:00", "Z"))
    assert set(spec["encoding"]["color"]["scale"]["domain"]) == {
        "what happened",
        "forecast",
        "baseline forecast",
    }


def test_a_long_forecast_is_cut_to_its_newest_windows_and_says_so(explanation):
    spec = charts.forecast(explanation, most=50).to_dict()
    assert spec["title"]["subtitle"].startswith("the newest 50 of 500 windows")


def test_gates_go_from_closed_to_open_and_states_are_symmetric_around_zero(trace):
    spec = charts.gates(trace["lstm"].to_dataset(), title="a window").to_dict()
    domains = {
        part["title"]["text"]: part["layer"][0]["encoding"]["color"]["scale"]["domain"]
        for part in spec["concat"]
    }
    assert domains["forget gate"] == [0, 0.25, 0.5, 0.75, 1]
    for name in ("candidate (cell gate)", "cell state", "hidden state"):
        assert domains[name] == [-value for value in domains[name][::-1]]
    assert spec["title"]["text"] == "a window"


def test_every_gate_has_the_same_colour_for_the_same_weight(weights):
    spec = charts.weights(weights["lstm"].to_dataset(), kind="U").to_dict()
    cells = [part["layer"][0]["encoding"]["color"] for part in spec["concat"]]
    domains = {json.dumps(color["scale"]["domain"]) for color in cells}
    assert len(domains) == 1
    assert spec["resolve"]["scale"]["color"] == "shared"
    with pytest.raises(DataError, match=r"'dense' has no array of the kind 'W'"):
        charts.weights(weights["dense"].to_dataset(), kind="W")


def test_weights_that_are_all_zero_can_be_drawn(weights):
    assert "<svg" in svg(charts.weights(weights["lstm"].to_dataset() * 0, kind="b"))


#: What readers without one kind of cone see, in linear RGB (Machado, Oliveira and Fernandes 2009).
SIGHT = {
    "usual": np.eye(3),
    "no long cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no middle cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no short cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colour: str, sight) -> np.ndarray:
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(sight) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ seen / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_of_features_stay_apart_for_every_reader(sight):
    colours = [lab(colour, SIGHT[sight]) for colour in (*theme.CATEGORIES, theme.REST)]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(colours, 2))
    # A difference of 2.3 in CIELAB is just noticeable; patches in a legend need several times that.
    assert nearest > 14
