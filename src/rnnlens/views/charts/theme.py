"""How every chart looks: fonts, colours, sizes and axes, in one place.

The colours stay apart for readers with any of the usual kinds of colour blindness and in a grey
print: categories differ in lightness as well as in hue, and scales rise evenly in lightness.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeVar

from rnnlens.views.tables.summary import duration
from rnnlens.views.words.language import say, spoken
from rnnlens.views.words.origin import origin_sentences

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

    Chart = TypeVar(
        "Chart", alt.Chart, alt.LayerChart, alt.FacetChart, alt.ConcatChart, alt.VConcatChart
    )

__all__ = [
    "ACCENT",
    "CATEGORIES",
    "DASHED",
    "DASHES",
    "INK",
    "MAIN",
    "MISSING",
    "OTHER",
    "OUTLINE",
    "QUIET",
    "REST",
    "SEQUENTIAL",
    "SHAPES",
    "WIDTH",
    "dashed",
    "diverging",
    "dress",
    "feature_colours",
    "lag_axis_title",
    "sequential",
    "unbroken",
]

#: Width of a figure's drawing area in pixels.
WIDTH = 640
#: Characters on one line beneath a title.
LINE = 96
_line: ContextVar[int] = ContextVar("line", default=LINE)

FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Helvetica, Arial, sans-serif"
#: Before it where characters are said that most fonts lack.
FONTS = {"zh": "Noto Sans CJK SC, PingFang SC, Microsoft YaHei, WenQuanYi Zen Hei"}
INK = "#1d2733"
QUIET = "#5a6673"
GRID = "#e4e8ec"
MAIN = "#2b6a99"
ACCENT = "#d1660f"
#: Filled where a number is missing; no scale holds this grey.
MISSING = "#c9c9c9"
#: For everything that has no name of its own.
OTHER = "#c3c6ca"
#: Each stays apart from the others in a grey print by its lightness alone, 9 of 100 or more; so
#: does `REST`, which is for all others together and needs an outline on white paper.
CATEGORIES = ("#1a3446", "#e28e59", "#299d75", "#8f3046", "#5ec6fb", "#846f1e", "#efd479")
REST, OUTLINE = "#edeff0", "#8b949e"
#: What tells series apart beside their colours.
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [4, 1], [1, 3], [10, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")

SEQUENTIAL = ("#f3f8fc", "#b5d2e8", "#6aa3cb", "#2b6a99", "#0f2f4a")
DIVERGING = ("#0f4c81", "#7fb2d9", "#fafaf7", "#eba05f", "#a5430a")
#: Dashes in cells below zero, the largest sizes first: far from their cells in lightness.
DASHED = ("#ffffff", "#0b3a63", "#5a7d9c")


def dress(chart: Chart, of: xr.Dataset | None) -> Chart:
    """Give a finished chart the common look, and what its result rests on that is not known."""
    import altair as alt

    font = ", ".join(filter(None, [FONTS.get(spoken()), FONT]))
    text = {"labelFont": font, "titleFont": font, "labelColor": QUIET, "titleColor": INK}
    small = {"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal"}
    config: dict[str, Any] = {
        "font": font,
        "background": "#ffffff",
        # A reader's font may be wider than the one the figure was laid out with.
        "padding": {"left": 6, "top": 6, "right": 28, "bottom": 6},
        # Thousands of marks each read aloud would drown the figure's own text alternative.
        "aria": False,
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "fontSize": 14,
            "fontWeight": 600,
            "color": INK,
            "subtitleFontSize": 12,
            "subtitleColor": QUIET,
            "offset": 12,
        },
        "axis": {
            **text,
            **small,
            "domainColor": "#9aa4ae",
            "gridColor": GRID,
            "ticks": False,
            "labelPadding": 5,
            "titlePadding": 9,
            "labelLimit": 140,
        },
        "axisX": {"grid": False},
        "legend": {**text, **small, "labelLimit": 160, "symbolType": "square"},
        "header": {**text, **small},
        "range": {"category": list(CATEGORIES)},
    }
    # a finished chart is nobody else's: `configure` and `properties` copy all of it
    chart.config = alt.Config(**config)
    chart.title = _stating(chart.title, of)
    return chart


@contextmanager
def unbroken() -> Generator[None]:
    """Leave lines beneath titles whole within this block: they are broken later, by their width."""
    token = _line.set(sys.maxsize)
    try:
        yield
    finally:
        _line.reset(token)


def _stating(title: Any, of: xr.Dataset | None) -> Any:
    """Say beneath a chart's title what is assumed of the network; break what is too long a line."""
    import altair as alt

    if isinstance(title, alt.TitleParams):
        titled = title.copy()
    else:
        titled = alt.TitleParams("" if title is alt.Undefined else title)
    before = [] if titled.subtitle is alt.Undefined else titled.subtitle
    stated = [before] if isinstance(before, str) else list(before)
    assumed = () if of is None else origin_sentences(of.attrs)
    said = [line for text in (*stated, *assumed) for line in wrap(text, _line.get())]
    if said == stated:
        return title
    titled.subtitle = said
    return titled


def sequential(largest: float) -> alt.Scale:
    """Give the colour scale of sizes, from zero."""
    import altair as alt

    top = largest if largest > 0 else 1.0
    places = [top * step / (len(SEQUENTIAL) - 1) for step in range(len(SEQUENTIAL))]
    return alt.Scale(domain=places, range=list(SEQUENTIAL), interpolate="lab", clamp=True)


def diverging(largest: float) -> alt.Scale:
    """Give the colour scale of signed values: blue below zero, pale at zero, orange above.

    Its two halves are nearly as light as each other, so it tells sizes alone in a grey
    print: what is below zero is marked too, by `rnnlens.views.charts.heat.dashes`.
    """
    import altair as alt

    top = largest if largest > 0 else 1.0
    return alt.Scale(
        domain=[-top, -top / 2, 0, top / 2, top],
        range=list(DIVERGING),
        interpolate="lab",
        clamp=True,
    )


def dashed(largest: float) -> alt.Scale:
    """Give the colours of dashes in cells below zero: white on dark cells, dark on pale ones."""
    import altair as alt

    top = largest if largest > 0 else 1.0
    return alt.Scale(type="threshold", domain=[-0.61 * top, -0.2 * top], range=list(DASHED))


def feature_colours(features: Sequence[str], named: Sequence[str]) -> dict[str, str]:
    """Give named features their colours: the same in every chart of a network, whatever is named.

    The first features of a network have a colour each; those named beyond take what is left.

    Examples
    --------
    >>> both = feature_colours(["a", "b", "c"], ["b"]), feature_colours(["a", "b", "c"], ["c", "b"])
    >>> both[0]["b"] == both[1]["b"] == CATEGORIES[1]
    True
    """
    places = {name: place for place, name in enumerate(features)}
    kept = {name: CATEGORIES[places[name]] for name in named if places[name] < len(CATEGORIES)}
    free = [colour for colour in CATEGORIES if colour not in kept.values()]
    later = sorted((name for name in named if name not in kept), key=places.__getitem__)
    given = {
        name: (free or CATEGORIES)[k % len(free or CATEGORIES)] for k, name in enumerate(later)
    }
    return {name: (kept | given)[name] for name in named}


def lag_axis_title(dataset: xr.Dataset) -> str:
    """Name the axis of lags, with the length of a step where it is known."""
    step = duration(dataset.attrs.get("step", ""))
    if step:
        return say("lag (steps of {step} back, 1 = newest)", step=step)
    return say("lag (steps back, 1 = newest)")
