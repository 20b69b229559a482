"""A chart as wide as a column of print, edge to edge, in type that is read there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from rnnlens.views.report.paper import wrapped

if TYPE_CHECKING:
    import altair as alt

    Chart = TypeVar("Chart", bound=alt.TopLevelMixin)

__all__ = ["POINTS_A_MM", "fitted", "in_typeface", "width_of"]

#: Points in a millimetre: a pixel of a figure is a point of its PDF.
POINTS_A_MM = 72 / 25.4
#: Sizes of type in points, as journals ask for them.
LABEL, TITLE, HEADING = 7.0, 7.5, 9.0
#: Type on the screen is this much larger, so rows can stand closer in print.
CLOSER = 0.68
#: How often the drawing areas are corrected, and the error in points that is let be.
TURNS, NEAR = 5, 0.4
#: Panels stand in two columns at most where a figure is narrower than this, in points.
NARROW = 380.0
#: Where Altair keeps the parts of a figure of several.
CONCATENATED = ("concat", "hconcat", "vconcat")
#: No drawing area becomes narrower, in points.
NARROWEST = 24.0


def in_typeface(chart: Chart, font: str) -> Chart:
    """Set every text of a chart in one typeface."""
    config = chart["config"].to_dict(validate=False)
    return _configured(chart, _with_font(config, font))


def fitted(chart: Chart, width: float) -> Chart:
    """Make a chart so many points wide, with type for print.

    What stands beside the drawing areas, names of rows above all, has no width that could be told
    before it is drawn, so the chart is drawn, measured and corrected.
    """
    config = chart["config"].to_dict(validate=False)
    chart = _configured(chart, _for_print(config, width))
    if width < NARROW and _stated(chart, "columns"):
        chart["columns"] = min(int(_stated(chart, "columns")), 2)
    views = [view for view in _views(chart) if isinstance(_stated(view, "width"), int | float)]
    wide = [float(view["width"]) for view in views]
    for view in views:
        if isinstance(_stated(view, "height"), int | float):
            view["height"] = round(CLOSER * float(view["height"]), 1)
        view["width"] = round(0.8 * width / _columns(chart), 1)
    _break_titles(chart, views, width)
    share = 0.8 * width / _columns(chart) / max(wide, default=width)
    step = share / 2
    for _ in range(TURNS):
        for view, natural in zip(views, wide, strict=True):
            view["width"] = round(max(NARROWEST, natural * share), 1)
        gap = width - width_of(chart)
        if abs(gap) < NEAR:
            break
        step = gap / (max(wide, default=width) * _columns(chart))
        share = max(share + step, NARROWEST / max(wide, default=width))
    return chart


def width_of(chart: alt.TopLevelMixin) -> float:
    """Measure how wide a chart is drawn, in points."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))
    found = re.search(r'<svg[^>]*?\bwidth="([\d.]+)"', svg)
    assert found is not None, "every picture states its width"
    return float(found[1])


def _configured(chart: Chart, config: dict[str, Any]) -> Chart:
    import altair as alt

    made = chart.copy(deep=False)
    made["config"] = alt.Config(**config)
    return made


def _with_font(value: Any, font: str) -> Any:
    if isinstance(value, dict):
        return {
            key: font if key.lower().endswith("font") else _with_font(one, font)
            for key, one in value.items()
        }
    return value


def _for_print(config: dict[str, Any], width: float) -> dict[str, Any]:
    """Give the configuration of a chart with type in points of print, and legends beneath."""
    small = {"labelFontSize": LABEL, "titleFontSize": TITLE}
    config = {key: dict(one) if isinstance(one, dict) else one for key, one in config.items()}
    for name in ("axis", "legend", "header"):
        config[name] = {**config.get(name, {}), **small}
    config["axis"] |= {"labelPadding": 3, "titlePadding": 4, "labelLimit": round(width / 3)}
    config["title"] |= {"fontSize": HEADING, "subtitleFontSize": TITLE, "offset": 6}
    config["text"] = {**config.get("text", {}), "fontSize": LABEL}
    config["padding"] = 2
    config["legend"] |= {
        "orient": "bottom",
        "direction": "horizontal",
        "columns": max(1, round(width / 110)),
        "symbolSize": 50,
        "rowPadding": 1,
        "columnPadding": 8,
        "gradientLength": min(120, round(width / 2)),
        "gradientThickness": 7,
        "titleLimit": width,
    }
    return config


def _stated(part: Any, name: str) -> Any:
    """Give what a part of a chart states under a name; None where it is left open."""
    import altair as alt

    stated = part[name] if isinstance(part, alt.SchemaBase) and name in part._kwds else None
    return None if stated is alt.Undefined else stated


def _parts(chart: Any) -> list[Any]:
    return [part for name in CONCATENATED for part in _stated(chart, name) or ()]


def _views(chart: Any) -> Iterator[Any]:
    """Give the drawing areas, those that have a width of their own."""
    parts = _parts(chart)
    if not parts:
        yield chart
    for part in parts:
        yield from _views(part)


def _columns(chart: Any) -> int:
    """Count the drawing areas that stand beside each other."""
    parts = _parts(chart)
    if not parts or _stated(chart, "vconcat"):
        return max((_columns(part) for part in parts), default=1)
    columns = _stated(chart, "columns")
    return int(columns) if columns else len(parts)


def _break_titles(chart: Any, views: list[Any], width: float) -> None:
    """Break titles and the names of axes into lines that fit."""
    columns = _columns(chart)
    for part in {id(one): one for one in (chart, *views)}.values():
        _break_heading(part, width if part is chart else width / columns)
    for view in views:
        height = _stated(view, "height")
        high = float(height) if isinstance(height, int | float) else width / 2
        for layer in _stated(view, "layer") or [view]:
            encoding = _stated(layer, "encoding")
            for name, room in (("x", 0.8 * width / columns), ("y", max(high, 70.0))):
                channel = _stated(encoding, name)
                title = _stated(channel, "title")
                if isinstance(title, str) and title:
                    channel["title"] = wrapped(title, TITLE, room)


def _break_heading(part: Any, width: float) -> None:
    import altair as alt

    title = _stated(part, "title")
    if isinstance(title, str):
        title = alt.TitleParams(title)
    if not isinstance(title, alt.TitleParams):
        return
    made = title.copy()
    for name, size in (("text", HEADING), ("subtitle", TITLE)):
        text = _stated(made, name)
        if isinstance(text, str | list):
            lines = [text] if isinstance(text, str) else text
            made[name] = [line for one in lines if one for line in wrapped(str(one), size, width)]
    part["title"] = made
