"""Public charts are as wide as asked, in the typeface asked for, and are read in a grey print."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest
import vl_convert

from drawings import DRAWN, encodings
from rnnlens import plot
from rnnlens.errors import InputError
from rnnlens.views.charts import theme
from rnnlens.views.words import language

#: Pixels of a figure in a millimetre.
POINTS = 72 / 25.4


def svg(chart) -> str:
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict(validate=False)))


def width(text: str) -> float:
    found = re.search(r'<svg[^>]*?\bwidth="([\d.]+)"', text)
    assert found
    return float(found[1])


#: Charts of every build: one area, layers, panels beside and below each other, keys of all kinds.
BUILDS = (
    "anatomy",
    "beeswarm",
    "forecast",
    "gates",
    "lag_contributions",
    "memory",
    "methods",
    "summarized_weights",
    "waterfall",
    "weights",
)


@pytest.mark.parametrize("name", BUILDS)
def test_a_figure_is_as_wide_as_a_column_of_print(name, results):
    text = svg(DRAWN[name](results, width=84))
    assert width(text) == pytest.approx(84 * POINTS, abs=1.5)  # half a millimetre
    sizes = {float(size) for size in re.findall(r'font-size="([\d.]+)px"', text)}
    assert sizes and min(sizes) >= 6 and max(sizes) <= 9


@pytest.mark.parametrize("name", ["waterfall", "gates", "memory"])
def test_every_text_is_in_the_typeface_asked_for(name, results):
    text = svg(DRAWN[name](results, font="DejaVu Serif"))
    assert set(re.findall(r'font-family="([^"]+)"', text)) == {"DejaVu Serif"}


def test_a_chart_is_saved_in_every_format(results, tmp_path):
    chart = plot.waterfall(results("explain"), width=84)
    starts = {".pdf": b"%PDF", ".svg": b"<svg", ".png": b"\x89PNG", ".html": b"<", ".json": b"{"}
    for suffix, start in starts.items():
        path = plot.save(chart, tmp_path / f"figure{suffix}")
        assert path.read_bytes().startswith(start), suffix
    drawn = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    found = re.search(r'width="([\d.]+)pt"', drawn)
    assert found and float(found[1]) == pytest.approx(84 * POINTS, abs=1.5)
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+)", (tmp_path / "figure.pdf").read_bytes())
    assert box is None or float(box[1]) == pytest.approx(84 * POINTS, abs=1.5)
    page = (tmp_path / "figure.html").read_text(encoding="utf-8")
    assert not re.search(r'<script[^>]+src="http', page)  # it opens offline
    spec = json.loads((tmp_path / "figure.json").read_text(encoding="utf-8"))
    assert spec["datasets"]
    # 300 dots an inch
    dots = int.from_bytes((tmp_path / "figure.png").read_bytes()[16:20], "big")
    assert dots == pytest.approx(84 / 25.4 * 300, abs=8)


def test_a_format_that_is_none_and_a_folder_that_is_not_there_are_refused(results, tmp_path):
    chart = plot.anatomy(results("describe"))
    with pytest.raises(InputError, match="'figure.doc', which has the suffix '.doc': use one of"):
        plot.save(chart, tmp_path / "figure.doc")
    with pytest.raises(InputError, match="does not exist: make it first"):
        plot.save(chart, tmp_path / "no" / "figure.pdf")


def lightness(colour: str) -> float:
    """L* of CIELAB, which is what a grey print keeps."""
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = float(linear @ [0.2126, 0.7152, 0.0722])
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


#: Lightnesses nearer than this are one grey.
APART = 8.0


def test_colours_of_categories_differ_in_lightness():
    lights = [lightness(colour) for colour in (*theme.CATEGORIES, theme.REST)]
    assert min(abs(a - b) for a, b in itertools.combinations(lights, 2)) > APART


@pytest.mark.parametrize("name", DRAWN)
def test_series_are_told_apart_without_colour(name, spec_of):
    spec = spec_of(name)
    for part, channel, what in encodings(spec):
        if channel != "color" or what.get("type") != "nominal":
            continue
        if what.get("legend", "") is None and name in {"anatomy", "waterfall"}:
            continue  # boxes and bars say in words and numbers what their colours say
        others = [
            other
            for other in ("shape", "strokeDash", "x", "y", "yOffset", "text")
            if what["field"] in str(part["encoding"].get(other, {}).get("field"))
        ]
        scale = what.get("scale", {})
        colours = scale.get("range", spec["config"]["range"]["category"])
        count = len(scale.get("domain", colours))
        lights = [lightness(colour) for colour in colours[:count] if colour.startswith("#")]
        nearest = min((abs(a - b) for a, b in itertools.combinations(lights, 2)), default=99)
        assert others or nearest > APART, (name, what["field"], nearest)


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ({"width": 10}, "width, in millimetres, must be a number from 40 and at most 1000, not 10"),
        ({"width": "84 mm"}, "width, in millimetres, must be a number"),
        ({"font": ""}, "font must be a name, not ''"),
        ({"language": "xx"}, "language must be one of en"),
    ],
)
def test_a_look_that_is_none_is_refused(look, said, results):
    with pytest.raises(InputError, match=re.escape(said)):
        plot.anatomy(results("describe"), **look)


def test_titles_are_said_in_the_language_asked_for(results, monkeypatch):
    monkeypatch.setattr(language, "languages", lambda: ("en", "xx"))

    class Catalogue(language.gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return f"<{message}>"

    monkeypatch.setattr(
        language,
        "_catalogue",
        lambda code: Catalogue() if code == "xx" else language.gettext.NullTranslations(),
    )
    title = plot.waterfall(results("explain"), language="xx").to_dict()["title"]["text"]
    assert title.startswith("<How the forecast of temp is made")
    assert plot.waterfall(results("explain")).to_dict()["title"]["text"].startswith("How")
