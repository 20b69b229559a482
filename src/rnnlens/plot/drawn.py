"""How a public chart is made: its result is checked, its language set, its width fitted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rnnlens.arguments import NAME, number

if TYPE_CHECKING:
    import altair as alt

    Chart = TypeVar("Chart", bound=alt.TopLevelMixin)

__all__ = ["Look", "drawn"]

#: The narrowest and the widest figure that is laid out, in millimetres.
NARROWEST, WIDEST = 40.0, 1000.0


@dataclass(frozen=True)
class Look:
    """How a chart is to look: the width of the whole figure in millimetres, typeface, language."""

    width: float | None
    font: str | None
    language: str

    def __post_init__(self) -> None:
        from rnnlens.views.words.language import check_language

        if self.width is not None:
            number(least=NARROWEST, most=WIDEST).check("width, in millimetres,", self.width)
        if self.font is not None:
            NAME.check("font", self.font)
        check_language(self.language)


def drawn(look: Look, draw: Callable[[], Chart]) -> Chart:
    """Draw a chart in its language, and fit it to its width."""
    from rnnlens.views.charts import theme
    from rnnlens.views.charts.papers.fitted import POINTS_A_MM, fitted, in_typeface
    from rnnlens.views.words.language import language

    lines = nullcontext() if look.width is None else theme.unbroken()
    with language(look.language), lines:
        chart = draw()
    if look.font is not None:
        chart = in_typeface(chart, look.font)
    return chart if look.width is None else fitted(chart, look.width * POINTS_A_MM)
