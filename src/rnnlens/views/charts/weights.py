"""Chart: the weights of one recurrent layer, gate by gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.views.charts import theme
from rnnlens.views.charts.cells import Panel, weight_panels
from rnnlens.views.charts.heat import heat
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["weights"]

TITLES = {
    "W": marked("Input kernels: from each feature to each unit"),
    "U": marked("Recurrent kernels: from each unit one step ago to each unit"),
    "b": marked("Biases: one number a unit"),
}
ROWS = {"W": marked("feature"), "U": marked("from unit"), "b": ""}


def weights(
    node: xr.Dataset, *, kind: str = "W", carried: xr.Dataset | None = None
) -> alt.ConcatChart:
    """Draw one kind of a layer's weights, one heat map a gate, all on one scale.

    Units are ordered by what they carried, a result of ``gate_contributions``, where it is given.
    """
    import altair as alt

    if carried is not None:
        node = _by_influence(node, carried)
    panels, note = weight_panels(node, kind=kind)
    if not panels:
        raise DataError(
            f"layer {node.attrs.get('layer', '')!r} has no array of the kind {kind!r}: "
            f"it has {', '.join(str(name) for name in node.data_vars) or 'none'}"
        )
    columns = 1 if kind == "b" else 2
    width = 600 if kind == "b" else 275
    charts = []
    for number, panel in enumerate(panels):
        charts.append(
            heat(
                panel,
                x=say("unit") if number >= len(panels) - columns else "",
                y=phrase(ROWS[kind]) if number % columns == 0 else "",
                width=width,
                height=_height(panel, kind),
                legend=alt.Legend(
                    gradientLength=120, gradientThickness=10, tickCount=5, format=".3~r"
                ),
            )
        )
    subtitle = [say("weight: blue, with a dash, below zero, orange above; no unit")]
    if note:
        subtitle.append(note)
    if carried is not None:
        subtitle.append(
            say(
                "units by influence: the mean size of what each carried of the forecast of "
                "{target}, largest first",
                target=carried.attrs.get("target") or say("the output"),
            )
        )
    layer = str(node.attrs.get("layer", ""))
    heading = phrase(TITLES[kind])
    if layer:
        heading = say("{title}, layer {layer}", title=heading, layer=layer)
    chart = alt.concat(
        *charts,
        columns=columns,
        spacing={"row": 16, "column": 24},
        resolve={"scale": {"color": "shared", "x": "independent", "y": "independent"}},
        title=alt.TitleParams(heading, subtitle=subtitle),
    )
    return theme.dress(chart, node)


def _by_influence(node: xr.Dataset, carried: xr.Dataset) -> xr.Dataset:
    """Order the units of a layer, where they are read and where they write."""
    layer, own = str(carried.attrs.get("layer", "")), str(node.attrs.get("layer", ""))
    if layer != own or carried.sizes["unit"] != node.sizes["unit"]:
        raise DataError(
            f"carried is of the layer {layer!r}, and the weights are of {own!r}: call "
            f"rnnlens.gate_contributions(net, X, layer={own!r})"
        )
    sizes = abs(carried["contribution"].sum(("lag", "gate"))).mean("sample").values
    order = np.argsort(-sizes, kind="stable")
    # labels of units are their places in the file, in whatever order they are drawn
    named = node.assign_coords(unit=np.arange(node.sizes["unit"]))
    ordered = named.isel(unit=order)
    if "from_unit" in node.dims:
        ordered = ordered.assign_coords(from_unit=np.arange(node.sizes["from_unit"]))
        ordered = ordered.isel(from_unit=order)
    return ordered


def _height(panel: Panel, kind: str) -> int:
    rows = len(set(panel.table["y"]))
    return max(40, min(260, (15 if kind == "W" else 20 if kind == "b" else 7) * rows))
