"""One heat map of cells, from which the charts of gates and of weights are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.charts import theme
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt

    from rnnlens.views.charts.cells import Panel

__all__ = ["heat", "some"]


def heat(
    panel: Panel, *, x: str, y: str, width: int, height: int, legend: alt.Legend | None
) -> alt.Chart:
    """Draw one panel of cells."""
    import altair as alt

    scale = theme.sequential(1.0) if panel.valve else theme.diverging(panel.largest)
    columns, rows = (list(dict.fromkeys(panel.table[axis])) for axis in ("x", "y"))
    return (
        alt
        .Chart(panel.table, title=alt.TitleParams(panel.name, fontSize=12, offset=6))
        .mark_rect()
        .encode(
            x=alt.X(
                "x:O",
                sort=columns,
                title=x or None,
                axis=alt.Axis(
                    values=some(columns, 6), labelAngle=0, labelOverlap=True, domain=False
                ),
            ),
            y=alt.Y(
                "y:O",
                sort=rows,
                title=y or None,
                axis=alt.Axis(values=some(rows, max(3, height // 14)), domain=False),
            ),
            color=alt.Color("value:Q", title=None, scale=scale, legend=legend),
            tooltip=[
                alt.Tooltip("x:O", title=x or say("column")),
                alt.Tooltip("y:O", title=y or say("row")),
                alt.Tooltip("value:Q", format=".4~g"),
            ],
        )
        .properties(
            width=len(columns) * max(1, round(width / len(columns))),
            height=len(rows) * max(1, round(height / len(rows))),
            view=alt.ViewConfig(fill=theme.MISSING),
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
