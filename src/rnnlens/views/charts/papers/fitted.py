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
LABEL, TITLE, PANEL, HEADING = 7.0, 7.5, 8.0, 9.0
#: Type on the screen is this much larger, so rows can stand closer in print.
CLOSER = 0.68
#: How much smaller marks are in print: lengths, and areas.
SMALLER = {
    "size": 0.5,
    "fontSize": 0.66,
    "strokeWidth": 0.7,
    "thickness": 0.7,
    "dx": 0.7,
    "dy": 0.7,
    "bandSize": 0.7,
}
#: What one entry of a key takes beside others, and what stands beside a panel, in points.
KEY, BESIDE = 110, 30
#: How often the drawing areas are corrected, and the error in points that is let be.
TURNS, NEAR = 5, 0.5
#: Panels stand in two columns at most where a figure is narrower than this, in points.
NARROW = 380.0
#: Where Altair keeps the parts of a figure of several.
CONCATENATED = ("concat", "hconcat", "vconcat")
#: No drawing area becomes narrower, in points.
NARROWEST = 24.0


def in_typeface(chart: Chart, font: str) -> Chart:
    """Set every text of a chart that was just drawn in one typeface."""
    config = _config(chart)
    _configure(chart, _with_font(config, font))
    return chart


def fitted(chart: Chart, width: float) -> Chart:
    """Make a chart that was just drawn so many points wide, with type for print.

    What stands beside the drawing areas, names of rows above all, has no width that could be told
    before it is drawn, so the chart is drawn, measured and corrected.
    """
    config = _config(chart)
    several = bool(_parts(chart))
    _configure(chart, _for_print(config, width, several=several))
    if width < NARROW and _columns(chart) > 2:
        _in_two_columns(chart)
    views = [view for view in _views(chart) if isinstance(_stated(view, "width"), int | float)]
    wide = [float(view["width"]) for view in views]
    for view in views:
        if isinstance(_stated(view, "height"), int | float):
            view["height"] = round(CLOSER * float(view["height"]), 1)
        _shrink(view, width / _columns(chart))
    _break_titles(chart, views, width)
    if not _corrected(chart, views, wide, width):
        # keys beside each other are what can be too wide still
        config = _config(chart)
        _configure(chart, config | {"legend": config["legend"] | {"columns": 1}})
        for legend in (one for view in views for one in _legends(view)):
            if _stated(legend, "columns"):
                legend["columns"] = 1
        _corrected(chart, views, wide, width)
    return chart


def _corrected(chart: Any, views: list[Any], wide: list[float], width: float) -> bool:
    """Correct the widths of drawing areas till the chart is as wide as it should; say if it is."""
    areas = max(wide, default=width) * _columns(chart)
    share = 0.75 * width / areas
    for _ in range(TURNS):
        for view, natural in zip(views, wide, strict=True):
            view["width"] = round(max(NARROWEST, natural * share), 1)
        gap = width - width_of(chart)
        if abs(gap) < NEAR:
            return True
        share = max(share + gap / areas, NARROWEST / max(wide, default=width))
    return False


def width_of(chart: alt.TopLevelMixin) -> float:
    """Measure how wide a chart is drawn, in points."""
    import vl_convert

    # what Altair checks was checked as the chart was drawn
    svg = vl_convert.vegalite_to_svg(json.dumps(chart.to_dict(validate=False)))
    found = re.search(r'<svg[^>]*?\bwidth="([\d.]+)"', svg)
    assert found is not None, "every picture states its width"
    return float(found[1])


def _configure(chart: Any, config: dict[str, Any]) -> None:
    import altair as alt

    chart["config"] = alt.Config(**config)


def _config(chart: Any) -> dict[str, Any]:
    return chart["config"].to_dict(validate=False)


def _with_font(value: Any, font: str) -> Any:
    if isinstance(value, dict):
        return {
            key: font if key.lower().endswith("font") else _with_font(one, font)
            for key, one in value.items()
        }
    return value


def _for_print(config: dict[str, Any], width: float, *, several: bool) -> dict[str, Any]:
    """Give the configuration of a chart with type in points of print.

    Keys stand beneath a chart, but beside the panels of one that has several.
    """
    small = {"labelFontSize": LABEL, "titleFontSize": TITLE}
    config = {key: dict(one) if isinstance(one, dict) else one for key, one in config.items()}
    for name in ("axis", "legend", "header"):
        config[name] = {**config.get(name, {}), **small}
    config["axis"] |= {"labelPadding": 3, "titlePadding": 4, "labelLimit": round(width / 3)}
    config["title"] |= {"fontSize": HEADING, "subtitleFontSize": TITLE, "offset": 6}
    config["text"] = {**config.get("text", {}), "fontSize": LABEL}
    config["padding"] = 2
    config["legend"] |= {
        "symbolSize": 50,
        "rowPadding": 1,
        "columnPadding": 8,
        "gradientThickness": 7,
        "titleLimit": width,
        "offset": 8,
    }
    if not several:
        columns = max(1, round(width / KEY))
        config["legend"] |= {"orient": "bottom", "direction": "horizontal", "columns": columns}
    return config


def _shrink(view: Any, room: float) -> None:
    """Make marks, numbers and keys as small as the type beside them."""
    for layer in _layers(view):
        mark = _stated(layer, "mark")
        for name, share in SMALLER.items():
            size = _stated(mark, name)
            if isinstance(size, int | float):
                mark[name] = round(share * size, 2)
    for legend in _legends(view):
        length, columns = _stated(legend, "gradientLength"), _stated(legend, "columns")
        if isinstance(length, int | float):
            legend["gradientLength"] = round(min(CLOSER * length, 0.6 * room))
        if columns:
            legend["columns"] = max(1, min(int(columns), round(room / KEY)))


def _legends(view: Any) -> Iterator[Any]:
    """Give the keys of a drawing area that state anything."""
    for layer in _layers(view):
        encoding = _stated(layer, "encoding")
        for channel in ("color", "shape", "strokeDash"):
            legend = _stated(_stated(encoding, channel), "legend")
            if legend is not None:
                yield legend


def _stated(part: Any, name: str) -> Any:
    """Give what a part of a chart states under a name; None where it is left open."""
    import altair as alt

    stated = part[name] if isinstance(part, alt.SchemaBase) and name in part._kwds else None
    return None if stated is alt.Undefined else stated


def _layers(view: Any) -> list[Any]:
    """Give what is drawn upon each other in a drawing area."""
    return _stated(view, "layer") or [view]


def _parts(chart: Any) -> list[Any]:
    return [part for name in CONCATENATED for part in _stated(chart, name) or ()]


def _views(chart: Any) -> Iterator[Any]:
    """Give the drawing areas, those that have a width of their own."""
    parts = _parts(chart)
    if not parts:
        yield chart
    for part in parts:
        yield from _views(part)


def _in_two_columns(chart: Any) -> None:
    """Lay panels in two columns, with the names of axes at the outer ones alone."""
    panels = _parts(chart)
    chart["columns"] = 2
    outer = {"x": _layers(panels[-1])[0], "y": _layers(panels[0])[0]}
    titles = {name: _stated(_stated(outer[name], "encoding"), name)["title"] for name in outer}
    for place, panel in enumerate(panels):
        for layer in _layers(panel):
            encoding = _stated(layer, "encoding")
            encoding["y"]["title"] = titles["y"] if place % 2 == 0 else None
            encoding["x"]["title"] = titles["x"] if place >= len(panels) - 2 else None


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
        whole = part is chart
        # letters that are wider than they were taken to be must not widen the figure
        room = width if whole or columns == 1 else width / columns - BESIDE
        _break_heading(part, 0.93 * room, size=HEADING if whole else PANEL)
        if not whole and columns > 1 and _stated(part, "title"):
            part["title"]["frame"] = "group"
    for view in views:
        height = _stated(view, "height")
        high = float(height) if isinstance(height, int | float) else width / 2
        for layer in _layers(view):
            encoding = _stated(layer, "encoding")
            for name, room in (("x", 0.8 * width / columns), ("y", max(high, 70.0))):
                channel = _stated(encoding, name)
                title = _stated(channel, "title")
                if isinstance(title, str) and title:
                    channel["title"] = wrapped(title, TITLE, room)
            _break_labels(_stated(encoding, "y"), round(width / 14))


def _break_labels(channel: Any, letters: int) -> None:
    """Break the names of rows, where they have any, into lines of so many letters."""
    axis = _stated(channel, "axis")
    named = str(_stated(channel, "shorthand") or "").endswith((":N", ":O"))
    if named and axis is not None and not _stated(axis, "labelExpr"):
        lines = rf"replace(datum.label, /(.{{1,{letters}}})\s+/g, '$1\n')"
        axis["labelExpr"] = rf"length(datum.label) > {letters} ? split({lines}, '\n') : datum.label"


def _break_heading(part: Any, width: float, *, size: float) -> None:
    import altair as alt

    title = _stated(part, "title")
    if isinstance(title, str):
        title = alt.TitleParams(title)
    if not isinstance(title, alt.TitleParams):
        return
    made = title.copy()
    for name, own in (("text", size), ("subtitle", TITLE)):
        text = _stated(made, name)
        if isinstance(text, str | list):
            lines = [text] if isinstance(text, str) else text
            made[name] = [line for one in lines if one for line in wrapped(str(one), own, width)]
    made["fontSize"] = size
    part["title"] = made
