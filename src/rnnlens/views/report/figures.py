"""Charts as pictures inside the page, within a budget of bytes."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import altair as alt

__all__ = ["Figure", "Figures", "inline"]

#: An SVG larger than this is embedded as a PNG, which a heat map of many cells is smaller as.
LARGEST_SVG = 400_000
#: What the figures of one report may take together, so that the file stays below 2 MB.
BUDGET = 1_800_000


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
    """

    name: str
    markup: str
    caption: str


class Figures:
    """Draw the figures of one page, and keep count of their bytes.

    Parameters
    ----------
    budget : int
        How many bytes all figures may take together.
    progress : callable, optional
        Called with how many figures are drawn, and how many there will be.
    """

    def __init__(
        self, budget: int = BUDGET, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self._left = budget
        self._progress = progress
        #: drawn, and to be drawn
        self._count, self.whole = 0, 1

    def draw(self, name: str, chart: alt.TopLevelMixin, *, alt_text: str, caption: str) -> Figure:
        """Draw one chart, and say so."""
        figure = self._drawn(name, chart, alt_text, caption)
        self._count += 1
        if self._progress is not None:
            self._progress(min(self._count, self.whole), self.whole)
        return figure

    def _drawn(self, name: str, chart: alt.TopLevelMixin, alt_text: str, caption: str) -> Figure:
        import vl_convert

        spec: dict[str, Any] = chart.to_dict()
        markup = inline(vl_convert.vegalite_to_svg(json.dumps(spec)), name, alt_text)
        if len(markup) > LARGEST_SVG:
            png = vl_convert.vegalite_to_png(json.dumps(spec), scale=2)
            data = base64.b64encode(png).decode("ascii")
            width = _width(markup)
            markup = (
                f'<img alt="{escape(alt_text)}" width="{width}" src="data:image/png;base64,{data}">'
            )
        size = len(markup.encode("utf-8"))
        if size > self._left:
            return Figure(name, "", caption)
        self._left -= size
        return Figure(name, markup, caption)


def inline(svg: str, name: str, alt_text: str) -> str:
    """Give an SVG as a part of something larger."""
    # Inside HTML an SVG needs no namespace, and ids must differ from those of other figures.
    svg = re.sub(r'\sxmlns(?::\w+)?="[^"]*"', "", svg, count=2)
    for known in re.findall(r'<(?:linearGradient|radialGradient|clipPath) id="([^"]+)"', svg):
        svg = svg.replace(f' id="{known}"', f' id="{name}-{known}"')
        svg = svg.replace(f"url(#{known})", f"url(#{name}-{known})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt_text)}" ', 1)


def _width(svg: str) -> int:
    match = re.search(r'\bwidth="([\d.]+)"', svg)
    return round(float(match.group(1))) if match else 640
