"""Chart: norms and radii of two networks' recurrent kernels, gate by gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.charts import theme
from rnnlens.views.words.inside.weights import gate_of, layer_nodes
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["compared_weights"]

#: What is drawn of both networks.
DRAWN = {
    "recurrent_frobenius": marked("Frobenius norm of the recurrent kernel"),
    "spectral_radius": marked("Spectral radius of the recurrent kernel"),
    "saturated": marked("Share of steps at which gates are saturated"),
}


def compared_weights(tree: xr.DataTree) -> alt.VConcatChart:
    """Draw each gate of both networks: a ring for the first, a dot for the second."""
    import altair as alt

    nodes = layer_nodes(tree)
    panels = [_panel(nodes, name) for name in DRAWN if name in nodes[0]]
    return theme.dress(alt.vconcat(*panels, spacing=22), tree.dataset)


def _table(nodes: list[xr.Dataset], name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([
        {
            "gate": gate_of(node, str(gate)),
            "first": float(node[name].sel(gate=gate).values[0]),
            "second": float(node[name].sel(gate=gate).values[1]),
        }
        for node in nodes
        for gate in node["gate"].values
    ])


def _panel(nodes: list[xr.Dataset], name: str) -> alt.LayerChart:
    import altair as alt

    table = _table(nodes, name)
    base = alt.Chart(table).encode(
        y=alt.Y("gate:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    )
    x = alt.X("first:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=8))
    tips = [
        alt.Tooltip("gate:N", title=say("gate")),
        alt.Tooltip("first:Q", title=say("first"), format=".3g"),
        alt.Tooltip("second:Q", title=say("second"), format=".3g"),
    ]
    rule = base.mark_rule(color=theme.MAIN, strokeWidth=2).encode(x=x, x2="second:Q")
    ring = base.mark_point(color=theme.MAIN, filled=False, size=50).encode(x=x, tooltip=tips)
    dot = base.mark_point(color=theme.MAIN, filled=True, size=70).encode(
        x=alt.X("second:Q", title=None), tooltip=tips
    )
    title = alt.TitleParams(phrase(DRAWN[name]), subtitle=say("ring: first network; dot: second"))
    return alt.LayerChart(
        layer=[rule, ring, dot], title=title, width=theme.WIDTH, height=22 * len(table) + 8
    )
