"""One heat map of cells, from which the charts of gates and of weights are made.

Colours tell signs apart by their hue, which a grey print and some eyes do not have, so a dash
crosses every cell below zero that is not as pale as none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.charts import theme
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt

    from rnnlens.views.charts.cells import Panel

__all__ = ["dashes", "heat", "some"]

#: A dash ends before its cell does where cells are as wide, in pixels: in narrower ones the dashes
#: of neighbours are one line.
WIDE = 4.0
#: How thick a dash is, as a part of its cell's height, and at most, in pixels.
THICK, THICKEST = 0.16, 1.6
#: Part of the largest size below which a cell is as pale as none, and has no dash.
LEAST = 0.01


def heat(
    panel: Panel, *, x: str, y: str, width: int, height: int, legend: alt.Legend | None
) -> alt.LayerChart:
    """Draw one panel of cells."""
    import altair as alt

    scale = theme.sequential(1.0) if panel.valve else theme.diverging(panel.largest)
    columns, rows = (list(dict.fromkeys(panel.table[axis])) for axis in ("x", "y"))
    wide, high = max(1, round(width / len(columns))), max(1, round(height / len(rows)))
    # places stand in the order of the table: Altair copies what lists them with every layer
    base = alt.Chart(panel.table).encode(
        x=alt.X(
            "x:O",
            sort=None,
            title=x or None,
            axis=alt.Axis(values=some(columns, 6), labelAngle=0, labelOverlap=True, domain=False),
        ),
        y=alt.Y(
            "y:O",
            sort=None,
            title=y or None,
            axis=alt.Axis(values=some(rows, max(3, height // 14)), domain=False),
        ),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("value:Q", title=None, scale=scale, legend=legend),
        tooltip=[
            alt.Tooltip("x:O", title=x or say("column")),
            alt.Tooltip("y:O", title=y or say("row")),
            alt.Tooltip("value:Q", format=".4~g"),
        ],
    )
    marks = [] if panel.valve else [dashes(base, panel.largest, wide=wide, high=high)]
    return alt.LayerChart(
        layer=[cells, *marks],
        title=alt.TitleParams(panel.name, fontSize=12, offset=6),
        width=len(columns) * wide,
        height=len(rows) * high,
        view=alt.ViewConfig(fill=theme.MISSING),
    )


def dashes(base: alt.Chart, largest: float, *, wide: float, high: float) -> alt.Chart:
    """Draw a dash in every cell below zero, of a chart whose places are named and not numbers."""
    import altair as alt

    column = base["encoding"]["x"]
    left, right = (0.22, 0.78) if wide >= WIDE else (0, 1)
    begins = column.copy()
    begins["bandPosition"] = left
    return (
        base
        .transform_filter(f"datum.value < {-LEAST * largest}")
        .mark_rule(strokeWidth=round(max(0.6, min(THICKEST, THICK * high)), 2))
        .encode(
            x=begins,
            x2=alt.X2(column["shorthand"].partition(":")[0], bandPosition=right),
            stroke=alt.Stroke("value:Q", scale=theme.dashed(largest), legend=None),
        )
    )


def some(labels: list, most: int) -> list:
    """Choose evenly spaced labels, from the first on.

    Examples
    --------
    >>> some(list(range(24)), 4)
    [0, 10, 20]
    """
    for apart in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if len(labels) <= apart * most:
            return labels[::apart]
    return labels[:1]
