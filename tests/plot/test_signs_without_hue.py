"""Heat maps of signed numbers tell the sign to who sees no hue: in grey, and whatever the eyes."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import vl_convert

import rnnlens
from drawings import DRAWN, encodings, rows, views
from rnnlens import plot
from rnnlens.views.charts import theme
from rnnlens.views.report.figures import _slim

#: Parts of the largest size at which a dash and its cell are compared.
SIZES = np.linspace(0.01, 1, 100)


@pytest.fixture
def signed(results) -> dict[str, Any]:
    """Every chart whose colours tell signs and that writes no numbers into its cells."""
    net, windows = results("net"), results("windows")
    pairs = rnnlens.interactions(net, windows.newest(2), newest=12, target="temp")
    kinds = {f"weights {kind}": plot.weights(results("weights"), kind=kind) for kind in "WUb"}
    return {**kinds, "gates": plot.gates(results("trace")), "pairs": plot.interactions(pairs)}


def cells_of(spec):
    """Give the panels whose colours go from below zero to above: cells, what is drawn on them."""
    for panel in spec.get("concat", [spec]):
        layers = list(views({"data": spec.get("data"), **panel}))
        domain = layers[0]["encoding"]["color"]["scale"]["domain"]
        if min(domain) < 0:
            yield layers[0], layers[1:], max(domain)


def test_each_cell_below_zero_is_crossed_by_a_dash_and_no_other_cell(signed):
    for name, chart in signed.items():
        spec = chart.to_dict()
        panels = list(cells_of(spec))
        assert len(panels) == {"weights W": 4, "weights U": 4, "gates": 3}.get(name, 1)
        below = [
            cell for cells, _, most in panels for cell in rows(spec, cells)
            if cell["value"] < -0.01 * most
        ]  # fmt: skip
        svg = vl_convert.vegalite_to_svg(json.dumps(spec))
        drawn = re.findall(r'<g class="mark-rule role-mark [^>]*>(.*?)</g>', svg, re.DOTALL)
        assert sum(part.count("<line ") for part in drawn) == len(below) > 0


def test_a_dash_lies_within_its_own_cell(signed):
    for chart in signed.values():
        for cells, (dash, *_), _ in cells_of(chart.to_dict()):
            for axis in ("x", "y"):
                same = ("field", "sort", "type")
                first, second = cells["encoding"][axis], dash["encoding"][axis]
                assert [first[key] for key in same] == [second[key] for key in same]
            begins, ends = (dash["encoding"][axis] for axis in ("x", "x2"))
            assert begins["field"] == ends["field"]
            assert 0 <= begins["bandPosition"] < 0.5 < ends["bandPosition"] <= 1


def test_narrow_cells_are_crossed_from_edge_to_edge_so_that_neighbours_make_one_line(results):
    node = results("trace")["lstm"].to_dataset()
    long = node.isel(step=np.arange(168) % node.sizes["step"]).assign_coords(step=np.arange(168))
    dash = plot.gates(rnnlens_tree(long)).to_dict()["concat"][-1]["layer"][1]["encoding"]
    assert (dash["x"]["bandPosition"], dash["x2"]["bandPosition"]) == (0, 1)


def rnnlens_tree(node):
    import xarray as xr

    return xr.DataTree(children={"lstm": xr.DataTree(node)})


def test_the_key_says_what_a_dash_is(signed):
    for name, chart in signed.items():
        assert "with a dash" in json.dumps(chart.to_dict()), name


def test_no_other_chart_colours_by_sign_alone(results):
    for name, draw in DRAWN.items():
        spec = draw(results).to_dict()
        for part, channel, what in encodings(spec):
            domain = what.get("scale", {}).get("domain", ())
            signed = what.get("type") == "quantitative" and len(domain) and min(domain) < 0
            if channel == "color" and signed:
                raised = [one for one in views(spec) if one is not part]
                assert any(mark_of(one) in {"rule", "text"} for one in raised), name


def mark_of(part):
    return part["mark"]["type"] if isinstance(part["mark"], dict) else part["mark"]


def test_a_dash_stands_out_from_its_cell_by_lightness_alone():
    cell, dash = theme.diverging(1.0).to_dict(), theme.dashed(1.0).to_dict()
    for size in SIZES:
        one, other = luminance(colour(cell, -size)), luminance(step(dash, -size))
        # 3 is what the Web's rules ask of graphics; where white follows dark the two are nearest
        assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 3, size


def step(scale, value) -> np.ndarray:
    """Give the colour of a scale of steps."""
    text = scale["range"][int(np.searchsorted(scale["domain"], value, side="right"))]
    return np.array([int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)])


def colour(scale, value) -> np.ndarray:
    """Interpolate in CIE Lab, as the charts ask to: sRGB from 0 to 1."""
    places = scale["domain"]
    colours = np.array([lab(one) for one in scale["range"]])
    mixed = [np.interp(value, places, colours[:, k]) for k in range(3)]
    return rgb(np.array(mixed))


WHITE = np.array([0.9505, 1.0, 1.089])
TO_XYZ = np.array([
    [0.4124, 0.3576, 0.1805],
    [0.2126, 0.7152, 0.0722],
    [0.0193, 0.1192, 0.9505],
])


def linear(srgb):
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(text):
    srgb = np.array([int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    f = np.cbrt(TO_XYZ @ linear(srgb) / WHITE)
    return np.array([1.16 * f[1] - 0.16, 5 * (f[0] - f[1]), 2 * (f[1] - f[2])])


def rgb(of):
    f = (of[0] + 0.16) / 1.16
    xyz = WHITE * np.array([f + of[1] / 5, f, f - of[2] / 2]) ** 3
    flat = np.clip(np.linalg.solve(TO_XYZ, xyz), 0, 1)
    return np.where(flat <= 0.0031308, 12.92 * flat, 1.055 * flat ** (1 / 2.4) - 0.055)


def luminance(srgb):
    return float(TO_XYZ[1] @ linear(srgb))


def test_dashes_of_a_page_are_drawn_in_few_bytes_and_none_is_lost(signed):
    spec = signed["weights U"].to_dict()
    svg = vl_convert.vegalite_to_svg(json.dumps(spec))
    slim = _slim(svg)
    assert "<line " not in slim
    assert len(re.findall(r"M[\d.]+,[\d.]+h[\d.]+(?=[M\"])", slim)) == svg.count("<line ")
    colours = set(re.findall(r'h[\d.]+" stroke="([^"]+)"', slim))
    assert {*theme.DASHED} >= {"#ffffff" if one == "white" else one for one in colours}
