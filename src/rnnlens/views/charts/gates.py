"""Chart: the gates and states of one window over its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.charts import theme
from rnnlens.views.charts.cells import gate_panels
from rnnlens.views.charts.heat import heat
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["gates"]


def gates(node: xr.Dataset, *, sample: int = 0, title: str = "") -> alt.ConcatChart:
    """Draw every gate, the cell state and the hidden state of one window, unit by unit."""
    import altair as alt

    panels, note = gate_panels(node, sample=sample)
    rows = len(set(panels[0].table["y"]))
    charts = []
    for number, panel in enumerate(panels):
        last_row = number >= len(panels) - 3
        legend = alt.Legend(gradientLength=110, gradientThickness=8, tickCount=3, format=".3~r")
        charts.append(
            heat(
                panel,
                x=say("step (0 = oldest)") if last_row else "",
                y=say("unit") if number % 3 == 0 else "",
                width=190,
                height=max(60, min(200, 7 * rows)),
                legend=legend,
            )
        )
    colours = say(
        "gates: 0 closed, 1 open; candidate and states: blue, with a dash, below zero, orange above"
    )
    missing = any(panel.table["value"].isna().any() for panel in panels)
    subtitle = [say("; ").join([colours, say("grey: missing")]) if missing else colours]
    if note:
        subtitle.append(note)
    heading = title or str(node.attrs.get("layer", "")) or say("One window")
    chart = alt.concat(
        *charts,
        columns=3,
        spacing={"row": 14, "column": 18},
        resolve={"scale": dict.fromkeys(("color", "x", "y"), "independent")},
        title=alt.TitleParams(heading, subtitle=subtitle),
    )
    return theme.dress(chart, node)
