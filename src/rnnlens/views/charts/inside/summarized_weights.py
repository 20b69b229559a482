"""Chart: singular values of recurrent kernels by gate, and how open the gates are over data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.names import CANDIDATES
from rnnlens.views.charts import theme
from rnnlens.views.words.inside.weights import gate_of, gate_text, layer_nodes
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["summarized_weights"]

#: What a gate may be at a step, from shut to open.
STATES = (marked("closed (below 0.1)"), marked("between"), marked("open (above 0.9)"))


def summarized_weights(tree: xr.DataTree) -> alt.VConcatChart:
    """Draw each layer's singular values, and beneath them the shares of steps of its gates."""
    import altair as alt

    nodes = layer_nodes(tree)
    panels: list[alt.Chart] = [_singular_values(node) for node in nodes]
    if "saturated" in nodes[0]:
        panels.append(_shares(nodes))
    chart = alt.vconcat(*panels, spacing=22).resolve_scale(color="independent")
    return theme.dress(chart, tree.dataset)


def _singular_values(node: xr.Dataset) -> alt.Chart:
    import altair as alt
    import pandas as pd

    values = node["recurrent_singular_value"]
    table = pd.DataFrame([
        {"gate": gate_text(str(gate)), "place": place + 1, "value": float(value)}
        for gate in values["gate"].values
        for place, value in enumerate(values.sel(gate=gate).values)
    ])
    return (
        alt
        .Chart(table)
        .mark_line(point=len(table) < 200)
        .encode(
            x=alt.X(
                "place:Q",
                title=say("place by size"),
                axis=alt.Axis(tickMinStep=1, format="d"),
                scale=alt.Scale(domain=[1, max(2, len(values["recurrent_rank"]))], nice=False),
            ),
            y=alt.Y("value:Q", title=say("singular value"), scale=alt.Scale(zero=True)),
            color=alt.Color("gate:N", sort=None, title=None, legend=alt.Legend(orient="top")),
            tooltip=[
                alt.Tooltip("gate:N", title=say("gate")),
                alt.Tooltip("place:Q", title=say("place by size")),
                alt.Tooltip("value:Q", title=say("singular value"), format=".3g"),
            ],
        )
        .properties(
            width=theme.WIDTH,
            height=150,
            title=say("Recurrent kernels of {layer}", layer=node.attrs["layer"]),
        )
    )


def _shares(nodes: list[xr.Dataset]) -> alt.Chart:
    import altair as alt
    import pandas as pd

    rows, states = [], [phrase(state) for state in STATES]
    for node in nodes:
        for gate in node["gate"].values:
            one = node.sel(gate=gate)
            name = gate_of(node, str(gate))
            high = float(one["saturated"].mean())
            low = 0.0
            if str(gate) not in CANDIDATES:
                low, high = float(one["closed"].mean()), float(one["open"].mean())
            pairs = zip(states, (low, 1 - low - high, high), strict=True)
            rows += [(name, state, place, share) for place, (state, share) in enumerate(pairs)]
    table = pd.DataFrame(rows, columns=["gate", "state", "place", "share"])
    title = alt.TitleParams(
        say("How open the gates are"),
        subtitle=say("a candidate counts as open where its size is above 0.9"),
    )
    return (
        alt
        .Chart(table)
        .mark_bar()
        .encode(
            y=alt.Y("gate:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X(
                "share:Q",
                title=say("share of steps"),
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "state:N",
                sort=states,
                title=None,
                scale=alt.Scale(
                    domain=states, range=[theme.CATEGORIES[0], theme.OTHER, theme.ACCENT]
                ),
                legend=alt.Legend(orient="top"),
            ),
            order="place:Q",
            tooltip=[
                alt.Tooltip("gate:N", title=say("gate")),
                alt.Tooltip("state:N", title=say("state")),
                alt.Tooltip("share:Q", title=say("share of steps"), format=".2%"),
            ],
        )
        .properties(width=theme.WIDTH, height=20 * len(rows) / len(STATES), title=title)
    )
