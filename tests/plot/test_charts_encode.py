"""Each public chart encodes what its result holds: the fields, their order and their numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr

from drawings import DRAWN, encodings, rows, views
from rnnlens import plot


def test_every_public_chart_is_tried():
    # a probe takes long: `tests/views/test_probe_view.py` draws one
    assert set(DRAWN) == set(plot.__all__) - {"probe", "save"}


@pytest.mark.parametrize("name", DRAWN)
def test_every_field_that_is_encoded_is_in_the_data(name, spec_of):
    spec = spec_of(name)
    for part, channel, what in encodings(spec):
        if "field" in what:
            held = rows(spec, part)
            assert held == [] or what["field"] in held[0], (name, channel)


@pytest.mark.parametrize("name", DRAWN)
def test_every_chart_has_a_title_and_every_axis_of_numbers_a_name(name, spec_of):
    spec = spec_of(name)
    parts = [spec, *spec.get("concat", []), *spec.get("vconcat", [])]
    assert any(part.get("title") for part in parts)
    if name == "anatomy":  # boxes stand on no scale
        return
    areas = spec.get("concat", []) + spec.get("vconcat", []) or [spec]
    said = [
        area.get("title") or what.get("title")
        for area in areas
        for _, channel, what in encodings({**area, "datasets": spec["datasets"]})
        if channel in {"x", "y"} and what.get("type") in {"quantitative", "temporal"}
    ]
    assert not said or any(said), name


def table_of(chart, place: int = 0) -> list[dict]:
    spec = chart.to_dict()
    return rows(spec, list(views(spec))[place])


def test_a_waterfall_ends_at_the_forecast_and_each_bar_begins_where_the_last_ended(results):
    explained = results("explain")
    for sample in (0, 17, 39):
        bars = table_of(plot.waterfall(explained, sample=sample), 1)
        assert bars[0]["end"] == float(explained["baseline_forecast"][sample])
        assert bars[-1]["end"] == float(explained["forecast"][sample])
        for before, after in itertools.pairwise(bars[:-1]):
            assert after["start"] == before["end"]
        # sums of floats of size 60
        assert abs(bars[-2]["end"] - bars[-1]["end"]) < 1e-9


def test_bars_of_a_waterfall_are_the_contributions_largest_first(results):
    explained = results("explain")
    own = explained["contribution"].isel(sample=5).sum("lag")
    bars = table_of(plot.waterfall(explained, sample=5), 1)[1:-1]
    # a naive sum: one number at a time
    for bar in bars:
        naive = sum(
            float(explained["contribution"].sel(feature=bar["row"], lag=lag)[5])
            for lag in explained["lag"].values
        )
        np.testing.assert_allclose(bar["end"] - bar["start"], naive, rtol=0, atol=1e-9)
        assert bar["kind"] == ("raised" if naive > 0 else "lowered")
        assert ("\u2212" in bar["shown"]) == (naive < 0) and "-" not in bar["shown"]
    sizes = [abs(bar["end"] - bar["start"]) for bar in bars]
    assert sizes == sorted(sizes, reverse=True)
    assert len(bars) == int((own != 0).sum())  # what was held has no bar


def test_a_waterfall_of_single_lags_and_of_cells_sums_what_it_leaves_out(results):
    explained = results("explain")
    for by in ("lag", "both"):
        bars = table_of(plot.waterfall(explained, sample=3, by=by), 1)
        assert len(bars) == 2 + 9 + 1
        assert bars[-2]["row"].endswith("others")
        assert abs(bars[-2]["end"] - bars[-1]["end"]) < 1e-9
    assert table_of(plot.waterfall(results("tree"), sample=0), 1)[1]["row"].startswith("lag ")


def test_points_of_a_beeswarm_are_the_sums_over_lags(results):
    explained = results("explain")
    chart = plot.beeswarm(explained, results("windows"))
    points = table_of(chart, 1)
    for feature in explained["feature"].values:
        own = [p["contribution"] for p in points if p["row"] == feature]
        np.testing.assert_allclose(
            own, explained["contribution"].sel(feature=feature).sum("lag").values, rtol=1e-12
        )
    newest = results("windows").original[:, -1, 0]
    places = [p["value"] for p in points if p["row"] == "temp"]
    assert np.argmax(places) == np.argmax(newest) and np.argmin(places) == np.argmin(newest)
    assert max(abs(p["offset"]) for p in points) <= 1
    order = chart.to_dict()["layer"][1]["encoding"]["y"]["sort"]
    sizes = [float(abs(explained["contribution"].sum("lag").sel(feature=f)).mean()) for f in order]
    assert sizes == sorted(sizes, reverse=True)


def test_of_many_windows_a_beeswarm_draws_some_and_says_so(results):
    one = results("explain")
    many: Any = xr.concat([one] * 20, "sample", join="exact")
    spec = plot.beeswarm(many).to_dict()
    assert "of 800" in spec["title"]["subtitle"][0]
    assert len(rows(spec, spec["layer"][1])) <= 4000


def test_parts_of_a_calendars_bars_lie_on_each_other_and_sum_to_the_line(results):
    explained = results("explain")
    spec = plot.calendar(explained).to_dict()
    parts, line = rows(spec, spec["layer"][0]), rows(spec, spec["layer"][2])
    change = (explained["forecast"] - explained["baseline_forecast"]).values
    # the residual of a sum of 240 numbers
    np.testing.assert_allclose([row["contribution"] for row in line], change, atol=1e-9)
    for sign in (1, -1):
        for time in {row["time"] for row in parts}:
            own = [p for p in parts if p["time"] == time and sign * p["contribution"] > 0]
            ends = sorted((abs(p["low"]), abs(p["high"])) for p in own)
            ends = sorted((min(pair), max(pair)) for pair in ends)
            assert not ends or ends[0][0] == pytest.approx(0, abs=1e-9)
            for (_, high), (low, _) in itertools.pairwise(ends):
                assert high == pytest.approx(low, abs=1e-9)


def test_a_calendar_of_many_windows_draws_means_over_even_spans(results):
    one = results("explain")
    hours = np.timedelta64(40, "h")
    parts = [one.assign_coords(time=one["time"] + k * hours) for k in range(7)]
    many: Any = xr.concat(parts, "sample", join="exact")
    spec = plot.calendar(many).to_dict()
    assert spec["title"]["subtitle"][0] == "each bar is the mean of 3 windows"
    line = rows(spec, spec["layer"][2])
    change = (many["forecast"] - many["baseline_forecast"]).values
    naive = [change[k : k + 3].mean() for k in range(0, 280, 3)]
    np.testing.assert_allclose([row["contribution"] for row in line], naive, atol=1e-9)


def test_rows_of_interactions_sum_to_the_contributions_of_their_lags(results):
    readings = results("interactions")
    cells = table_of(plot.interactions(readings, sample=1))
    contributions = readings["contribution"].isel(sample=1).values
    for label, wanted in zip(("1", "2", "3", "4"), contributions, strict=False):
        naive = sum(cell["value"] for cell in cells if cell["lag"] == label)
        assert naive == pytest.approx(float(wanted), abs=1e-9)


def test_lines_of_baselines_and_methods_are_means_over_windows(results):
    compared = results("compare_baselines")
    points = table_of(plot.baselines(compared))
    for name in compared["baseline"].values:
        own = [p["contribution"] for p in points if p["series"] == name]
        wanted = compared["contribution"].sel(baseline=name).mean("sample").values
        np.testing.assert_allclose(own, wanted, rtol=1e-12)
    both = {"secant": results("explain"), "hidden": results("occlusion")}
    points = table_of(plot.methods(both))
    own = [p["contribution"] for p in points if p["series"] == "hidden (does not sum)"]
    wanted = results("occlusion")["change"].sum("feature").mean("sample").values
    np.testing.assert_allclose(own, wanted, rtol=1e-12)


def test_methods_that_group_lags_differently_are_summed_into_the_same_groups(results):
    secant = results("explain").isel(sample=slice(-4, None))
    spec = plot.methods({"secant": secant, "tree": results("tree")}).to_dict()
    assert spec["encoding"]["x"]["sort"] == ["4–24", "3", "2", "1"]
    points = rows(spec, spec)
    own = {(p["series"], p["label"]): p["contribution"] for p in points}
    naive = float(secant["contribution"].sel(lag=slice(4, 24)).sum(("lag", "feature")).mean())
    assert own["secant", "4–24"] == pytest.approx(naive, abs=1e-9)
    for name, one in (("secant", secant), ("tree", results("tree"))):
        total = sum(value for (series, _), value in own.items() if series == name)
        change = (one["forecast"] - one["baseline_forecast"]).mean()
        assert total == pytest.approx(float(change), abs=1e-9)


def test_the_line_of_a_calendar_stops_where_windows_are_missing(results):
    explained = results("explain").isel(sample=[0, 1, 2, 3, 30, 31, 32])
    spec = plot.calendar(explained).to_dict()
    line = rows(spec, spec["layer"][2])
    assert [row["contribution"] is None for row in line].index(True) == 4
    assert sum(row["contribution"] is None for row in line) == 1


def test_units_are_ordered_by_what_they_carried_and_keep_their_weights(results):
    named, carried = results("weights"), results("gate_contributions")
    spec = plot.weights(named, kind="U", carried=carried).to_dict()
    size = abs(carried["contribution"].sum(("lag", "gate"))).mean("sample").values
    (first, *_), *others = (part["layer"] for part in spec["concat"])
    drawn = rows(spec, next(views(spec)))
    for axis in ("x", "y"):
        assert first["encoding"][axis]["sort"] is None  # as they stand in the data
        order = list(dict.fromkeys(int(cell[axis]) for cell in drawn))
        assert order == np.argsort(-size, kind="stable").tolist()
    kernel = named["lstm"]["U_i"].values
    for cell in drawn[:50]:
        assert cell["value"] == pytest.approx(float(kernel[cell["y"], cell["x"]]), abs=0)
    cells = [first, *(layers[0] for layers in others)]
    assert len({str(part["encoding"]["color"]["scale"]["domain"]) for part in cells}) == 1


def test_the_plane_of_the_states_is_that_of_the_largest_variance(results):
    found, traced = results("fixed_points"), results("trace")
    spec = plot.fixed_points(found, traced).to_dict()
    node = traced["lstm"].to_dataset()
    states = np.concatenate([node["hidden"].values, node["cell"].values], axis=-1)
    flat = states.reshape(-1, 64)
    # naive: eigenvectors of the covariance
    values, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
    ways = rows(spec, spec["layer"][0])
    for place, axis in ((-1, "x"), (-2, "y")):
        naive = (flat - flat.mean(0)) @ vectors[:, place]
        own = np.array([row[axis] for row in ways])
        own *= np.sign(own @ naive)
        np.testing.assert_allclose(own, naive, atol=1e-8)  # float32 weights, 72 states
    share = round(100 * values[-1] / values.sum())
    assert f"({share} % of the variance)" in spec["layer"][0]["encoding"]["x"]["title"]
    (point,) = rows(spec, spec["layer"][-1])
    assert point["kind"] == "stable"


def test_anatomy_has_a_box_a_layer_and_an_arrow_a_connection(results):
    description = results("describe")
    spec = plot.anatomy(description).to_dict()
    arrows, boxes = rows(spec, spec["layer"][0]), rows(spec, spec["layer"][1])
    assert [box["name"] for box in boxes] == [layer["name"] for layer in description["layers"]]
    assert len(arrows) == sum(len(layer["inputs"]) for layer in description["layers"])
    assert {box["name"]: box["fill"] for box in boxes}["lstm"] == "recurrent"
    # what is read stands above what reads it
    assert all(arrow["top"] < arrow["to_y"] for arrow in arrows)


def test_layers_that_read_the_same_stand_beside_each_other():
    layers = [
        {"name": name, "kind": "Dense", "inputs": read, "output_shape": [2], "parameters": 6}
        for name, read in (("x", []), ("a", ["x"]), ("b", ["x"]), ("join", ["a", "b"]))
    ]
    spec = plot.anatomy({"name": "net", "parameters": 24, "layers": layers}).to_dict()
    boxes = {box["name"]: box for box in rows(spec, spec["layer"][1])}
    assert boxes["a"]["top"] == boxes["b"]["top"] and boxes["a"]["left"] != boxes["b"]["left"]
    assert boxes["join"]["top"] > boxes["a"]["bottom"]


def test_a_feature_has_one_colour_in_every_chart_of_a_result(results):
    explained = results("explain")
    charts = [
        plot.lag_contributions(explained),
        plot.lag_contributions(explained, sample=3),
        plot.calendar(explained),
    ]
    scales = [chart.to_dict()["layer"][0]["encoding"]["color"]["scale"] for chart in charts]
    by_name = [dict(zip(one["domain"], one["range"], strict=True)) for one in scales]
    for one in by_name[1:]:
        shared = one.keys() & by_name[0].keys()
        assert len(shared) > 4
        assert all(one[name] == by_name[0][name] for name in shared)
