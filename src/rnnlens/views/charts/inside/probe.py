"""Chart: how well a concept is read off each state, beside its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.charts import theme
from rnnlens.views.words.inside.probe import control_text, state_nodes, state_text
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["probe"]


def probe(tree: xr.DataTree) -> alt.VConcatChart:
    """Draw the R2 of each state and of its controls, and beneath them the selectivities."""
    import altair as alt

    chart = alt.vconcat(_beside(tree), _selectivity(tree), spacing=22)
    return theme.dress(chart, tree.dataset)


def _names(tree: xr.DataTree) -> list[str]:
    return [state_text(node) for node in state_nodes(tree)]


def _beside(tree: xr.DataTree) -> alt.LayerChart:
    import altair as alt
    import pandas as pd

    rows = []
    for name, node in zip(_names(tree), state_nodes(tree), strict=True):
        rows.append((name, say("trained network"), float(node["r2"])))
        pairs = zip(node["control"].values, node["control_r2"].values, strict=True)
        rows += [(name, control_text(str(kind)), float(value)) for kind, value in pairs]
    # what reads worse than the mean reads nothing
    table = pd.DataFrame(rows, columns=["state", "what", "r2"]).assign(
        shown=lambda frame: frame.r2.clip(lower=0)
    )
    order = list(dict.fromkeys(table["what"]))
    base = alt.Chart(table).encode(
        y=alt.Y("state:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
        yOffset=alt.YOffset("what:N", sort=order),
    )
    bars = base.mark_bar().encode(
        x=alt.X("shown:Q", title=say("R2 in blocks not seen"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color(
            "what:N", sort=order, title=None, legend=alt.Legend(orient="top", columns=4)
        ),
        tooltip=[
            alt.Tooltip("state:N", title=say("state")),
            alt.Tooltip("what:N", title=say("what")),
            alt.Tooltip("r2:Q", title="R2", format=".3f"),
        ],
    )
    title = alt.TitleParams(
        say("How well the concept is read, beside what needs no training"),
        subtitle=say("R2 below 0, worse than the mean, is drawn as 0"),
    )
    height = 16 * len(table)
    return alt.LayerChart(layer=[bars], title=title, width=theme.WIDTH, height=height)


def _selectivity(tree: xr.DataTree) -> alt.LayerChart:
    import altair as alt
    import pandas as pd

    columns = ("selectivity", "selectivity_low", "selectivity_high")
    table = pd.DataFrame([
        {"state": name, **{one: float(node[one]) for one in columns}}
        for name, node in zip(_names(tree), state_nodes(tree), strict=True)
    ])
    base = alt.Chart(table).encode(
        y=alt.Y("state:N", sort=None, title=None, axis=alt.Axis(labelLimit=220))
    )
    rule = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=theme.QUIET)
    ends = base.mark_rule(color=theme.MAIN, strokeWidth=2).encode(
        x=alt.X("selectivity_low:Q", title=say("selectivity: R2 less that of the best control")),
        x2="selectivity_high:Q",
    )
    points = base.mark_point(color=theme.MAIN, filled=True, size=70).encode(
        x="selectivity:Q",
        tooltip=[
            alt.Tooltip("state:N", title=say("state")),
            alt.Tooltip("selectivity:Q", title=say("selectivity"), format=".3f"),
            alt.Tooltip("selectivity_low:Q", title=say("at least"), format=".3f"),
            alt.Tooltip("selectivity_high:Q", title=say("at most"), format=".3f"),
        ],
    )
    return alt.LayerChart(
        layer=[rule.encode(x="zero:Q"), ends, points],
        width=theme.WIDTH,
        height=28 * len(table) + 10,
    )
