"""Chart: what a record of a training says, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.errors import DataError
from rnnlens.views.charts import theme
from rnnlens.views.tables.inside.gate_names import gate_name
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

__all__ = ["record"]

#: The ends of columns, and what they say.
PANELS = {
    "/mean": (marked("Mean value of the gates"), marked("mean value")),
    "/saturated": (marked("Gates that are saturated"), marked("share of steps")),
    "steps": (marked("How far back memory reaches"), marked("steps")),
}


def record(table: pd.DataFrame) -> alt.VConcatChart:
    """Draw the CSV file of a record, read as it is: means of gates, saturation, and memory."""
    import altair as alt
    import xarray as xr

    names = [str(name) for name in getattr(table, "columns", ())]
    columns = {end: [name for name in names if _of(name) == end] for end in PANELS}
    if "step" not in names or not any(columns.values()):
        raise DataError(
            "the table is no record of a training: read the file that rnnlens.record wrote, as in "
            "pandas.read_csv('gates.csv')"
        )
    panels = [_panel(table, end, own) for end, own in columns.items() if own]
    chart = alt.vconcat(*panels, spacing=22).resolve_scale(color="independent")
    return theme.dress(chart, xr.Dataset())  # a file of numbers says nothing of what is assumed


def _of(name: str) -> str:
    """Say which panel a column belongs to; nowhere where none."""
    if name in {"k50", "k95"} or "/half_life/" in name:
        return "steps"
    return next((end for end in PANELS if name.endswith(end)), "")


def _text(column: str) -> str:
    """Say what a column is of: a gate of a layer, the half-life of its memory, or its own name."""
    layer, _, which = column.partition("/half_life/")
    layer = layer.replace("/", " ")
    if which == "median":
        return say("{layer} half-life median", layer=layer)
    if which == "longest":
        return say("{layer} half-life longest", layer=layer)
    own, _, gate = column.rpartition("/")
    return say("{layer} {gate}", layer=own.replace("/", " "), gate=gate_name(gate)) if own else gate


def _panel(table: pd.DataFrame, end: str, names: list[str]) -> alt.Chart:
    import altair as alt
    import numpy as np

    long = table.melt("step", names, "what", "value").replace([np.inf, -np.inf], np.nan).dropna()
    long["what"] = [_text(name.removesuffix(end)) for name in long["what"]]
    title, quantity = map(phrase, PANELS[end])
    axis = alt.Axis(format="%") if end == "/saturated" else alt.Axis()
    return (
        alt
        .Chart(long)
        .mark_line(point=len(table) < 40)
        .encode(
            x=alt.X("step:Q", title=say("step of training")),
            y=alt.Y("value:Q", title=quantity, axis=axis),
            color=alt.Color("what:N", sort=None, title=None, legend=alt.Legend(labelLimit=220)),
            tooltip=[
                alt.Tooltip("step:Q", title=say("step of training")),
                alt.Tooltip("what:N", title=say("what")),
                alt.Tooltip("value:Q", title=quantity, format=".3g"),
            ],
        )
        .properties(width=theme.WIDTH, height=150, title=title)
    )
