"""Charts as pictures inside the page, within a budget of bytes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from rnnlens.views.report.pictures import drawn_here
from rnnlens.views.report.text import svg_text

if TYPE_CHECKING:
    import altair as alt

    from rnnlens.views.report.pictures import Pictures

__all__ = ["Begun", "Figure", "Figures", "inline"]

#: An SVG larger than this is embedded as a PNG, which a heat map of many cells is smaller as.
LARGEST_SVG = 400_000
#: What the figures of one report may take together, so that the file stays below 2 MB.
BUDGET = 1_800_000
#: Width in pixels of a chart on a narrow screen, and of long labels beside it.
NARROW, LABELS = 260, 110


@dataclass(frozen=True)
class Figure:
    """One figure of the page.

    Parameters
    ----------
    name : str
        Unique in the page.
    markup : str
        HTML that is safe to insert; empty where the budget was spent.
    caption : str
        What the figure shows, as plain text.
    title : str
        What stands above it, as plain text.
    facts : tuple of str
        What stands beneath its title.
    narrow : str
        The same for a narrow screen; empty where there is none.
    """

    name: str
    markup: str
    caption: str
    title: str = ""
    facts: tuple[str, ...] = ()
    narrow: str = ""


#: Gives a figure that was begun.
Begun = Callable[[], Figure]


class Figures:
    """Draw the figures of one page, and keep count of their bytes.

    Parameters
    ----------
    budget : int
        How many bytes all figures may take together.
    progress : callable, optional
        Called with how many figures are drawn, and how many there will be.
    narrow : bool
        Whether a narrow screen gets pictures of its own.
    pictures : callable
        Begins to draw a picture, see `rnnlens.views.report.pictures`.
    """

    def __init__(
        self,
        budget: int = BUDGET,
        progress: Callable[[int, int], None] | None = None,
        *,
        narrow: bool = True,
        pictures: Pictures = drawn_here,
    ) -> None:
        self._pictures = pictures
        self._left = budget
        self._progress = progress
        self._narrow = narrow
        #: drawn, and to be drawn
        self._count, self.whole = 0, 1

    def begin(
        self, name: str, chart: alt.TopLevelMixin, *, alt_text: str, caption: str, title: str = ""
    ) -> Begun:
        """Begin to draw one chart; its title is the chart's own where none is given.

        Figures are asked for in the order in which they were begun: the budget goes to the first.
        """
        begun = self._begun(name, chart, alt_text, caption)

        def drawn() -> Figure:
            figure = begun()
            self._count += 1
            if self._progress is not None:
                self._progress(min(self._count, self.whole), self.whole)
            return replace(figure, title=title) if title else figure

        return drawn

    def _begun(self, name: str, chart: alt.TopLevelMixin, alt_text: str, caption: str) -> Begun:
        spec: dict[str, Any] = chart.to_dict(validate=False)
        title, facts = _title_of(spec)
        spec["config"] = {**spec.get("config", {}), "background": None}  # the page's own paper
        wide, narrow = self._picture(spec, name, alt_text), None
        if self._narrow and ("vconcat" in spec or isinstance(spec.get("width"), int)):
            narrow = self._picture(_narrowed(spec), f"{name}-narrow", alt_text)

        def drawn() -> Figure:
            markup, small = wide(), "" if narrow is None else narrow()
            size = len(markup.encode("utf-8")) + len(small.encode("utf-8"))
            if size > self._left:
                return Figure(name, "", caption, title, facts)
            self._left -= size
            return Figure(name, markup, caption, title, facts, small)

        return drawn

    def _picture(self, spec: dict[str, Any], name: str, alt_text: str) -> Callable[[], str]:
        """Begin to draw a picture as SVG, or as PNG where that is smaller."""
        svg = self._pictures(spec)

        def drawn() -> str:
            import vl_convert

            markup = _slim(inline(svg(), name, alt_text))
            if len(markup) <= LARGEST_SVG:
                return markup
            png = vl_convert.vegalite_to_png(json.dumps(spec), scale=2)
            data = base64.b64encode(png).decode("ascii")
            return (
                f'<img alt="{escape(alt_text)}" width="{_width(markup)}" '
                f'src="data:image/png;base64,{data}">'
            )

        return drawn


def _title_of(spec: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Take a chart's title out of it: on a page it is text, which wraps and is read aloud."""
    title = spec.pop("title", "")
    for part in spec.get("vconcat", [])[:1]:  # the first of several beneath one another
        title = title or part.pop("title", "")
    if isinstance(title, str):
        return title, ()
    text, facts = title.get("text", ""), title.get("subtitle", [])
    text = " ".join(text) if isinstance(text, list) else text
    return text, tuple([facts] if isinstance(facts, str) else facts)


def _narrowed(spec: dict[str, Any]) -> dict[str, Any]:
    """Lay a chart out for a narrow screen: less wide, its legend beneath it."""
    config = dict(spec.get("config", {}))
    config["legend"] = {**config.get("legend", {}), "orient": "bottom", "columns": 2}
    config["axis"] = {**config.get("axis", {}), "labelLimit": 80}
    return {**_less_wide(spec, NARROW), "config": config}


def _less_wide(part: dict[str, Any], width: int) -> dict[str, Any]:
    """Make a chart, or each of those beneath one another, less wide, with short labels."""
    made: dict[str, Any] = {}
    for key, value in part.items():
        if key == "vconcat":
            made[key] = [_less_wide(one, width - LABELS) for one in value]
        elif key == "layer":
            made[key] = [_less_wide(one, width) for one in value]
        elif key == "width":
            made[key] = width
        elif key == "encoding":
            made[key] = {name: _short(channel) for name, channel in value.items()}
        else:
            made[key] = value
    return made


def _short(channel: Any) -> Any:
    """Let labels of an axis, and what a legend holds beside another, be short."""
    if not isinstance(channel, dict):
        return channel
    made = dict(channel)
    if isinstance(made.get("axis"), dict) and "labelLimit" in made["axis"]:
        made["axis"] = {**made["axis"], "labelLimit": LABELS}
    if isinstance(made.get("legend"), dict):
        made["legend"] = {**made["legend"], "columns": 1}
    return made


def inline(svg: str, name: str, alt_text: str) -> str:
    """Give an SVG as a part of something larger."""
    # Inside HTML an SVG needs no namespace, and ids must differ from those of other figures.
    svg = re.sub(r'\sxmlns(?::\w+)?="[^"]*"', "", svg, count=2)
    known = re.findall(r'<(?:linearGradient|radialGradient|clipPath) id="([^"]+)"', svg)
    # Vega counts on from one picture to the next, and the same page is to be the same bytes.
    for place, old in enumerate(dict.fromkeys(known)):
        svg = svg.replace(f' id="{old}"', f' id="{name}-{place}"')
        svg = svg.replace(f"url(#{old})", f"url(#{name}-{place})")
    svg = svg_text(svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt_text)}" ', 1)


def _slim(svg: str) -> str:
    """Leave out of an SVG what the page does not need, a third of its bytes."""
    # What only a reader of marks would be told, and would be told of each of thousands.
    svg = re.sub(
        r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*"|aria-hidden="true")', "", svg
    )
    svg = re.sub(r'(?<=<g) aria-label="[^"]*"', "", svg)
    svg = re.sub(r' class="(?:mark|background|foreground)[^"]*"', "", svg)
    # what Vega calls the title of a panel, which is its text in the page
    svg = re.sub(r""" aria-label="(?:Title|Subtitle) text '[^"]*"+""", "", svg)
    svg = re.sub(r' font-family="[^"]*"', "", svg)  # the page's style sets that it was measured in
    svg = re.sub(
        r'="rgb\((\d+), (\d+), (\d+)\)"',
        lambda one: '="#{:02x}{:02x}{:02x}"'.format(*map(int, one.groups())),
        svg,
    )
    return DASHES.sub(_joined, svg)


#: Many level lines behind one another, as heat maps have them, and one of these.
DASH = (
    r'<line transform="translate\(([\d.]+),([\d.]+)\)" x2="([\d.]+)" y2="0" '
    r'stroke="([^"]+)" stroke-width="([\d.]+)"/>'
)
DASHES = re.compile(r'(?:<line transform="[^"]+" x2="[\d.]+" y2="0" stroke="[^"]+" '
                    r'stroke-width="[\d.]+"/>){9,}')  # fmt: skip


def _joined(found: re.Match[str]) -> str:
    """Draw lines of one colour and thickness as one path, in a tenth of their bytes."""
    paths: dict[tuple[str, str], list[str]] = {}
    for x, y, wide, colour, thick in re.findall(DASH, found.group()):
        place = "M{:g},{:g}h{:g}".format(*(round(float(one), 2) for one in (x, y, wide)))
        paths.setdefault((colour, thick), []).append(place)
    return "".join(
        f'<path d="{"".join(places)}" stroke="{colour}" stroke-width="{thick}"/>'
        for (colour, thick), places in paths.items()
    )


def _width(svg: str) -> int:
    match = re.search(r'\bwidth="([\d.]+)"', svg)
    return round(float(match.group(1))) if match else 640
