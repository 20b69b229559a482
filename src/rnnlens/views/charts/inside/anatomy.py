"""Chart: the layers of a network, what each holds, and what flows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnlens.views.charts import theme
from rnnlens.views.words.language import many, say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

__all__ = ["anatomy"]

#: Height of a layer and of the gap below it, in rows; pixels of a row.
BOX, GAP, ROW = 2.0, 1.0, 25


#: An axis that is not drawn.
BARE: dict[str, Any] = {"labels": False, "ticks": False, "grid": False, "domain": False}


def anatomy(description: Mapping[str, Any]) -> alt.LayerChart:
    """Draw a box a layer, from the inputs at the top to the outputs."""
    import altair as alt
    import pandas as pd
    import xarray as xr

    boxes, arrows = _laid_out(description["layers"])
    table = pd.DataFrame(boxes)
    lanes = float(table["right"].to_numpy().max())
    depth = float(table["bottom"].to_numpy().max())
    x = alt.Scale(domain=[0, lanes], nice=False)
    y = alt.Scale(domain=[0, depth], nice=False, reverse=True)
    none = alt.Axis(**BARE)
    places = {
        "x": alt.X("left:Q", title=None, scale=x, axis=none),
        "y": alt.Y("top:Q", title=None, scale=y, axis=none),
    }
    rules = (
        alt
        .Chart(pd.DataFrame(arrows, columns=["left", "top", "to_x", "to_y"]))
        .mark_rule(color=theme.QUIET, strokeWidth=1.3)
        .encode(**places, x2="to_x:Q", y2="to_y:Q")
    )
    heads = (
        alt
        .Chart(pd.DataFrame(arrows, columns=["from_x", "from_y", "left", "top"]))
        .mark_point(shape="triangle-down", filled=True, size=50, color=theme.QUIET, opacity=1)
        .encode(**places)
    )
    filled = {"recurrent": theme.SEQUENTIAL[1], "weights": theme.SEQUENTIAL[0], "none": "#ffffff"}
    rects = (
        alt
        .Chart(table)
        .mark_rect(stroke=theme.OUTLINE, cornerRadius=4)
        .encode(
            **places,
            x2="right:Q",
            y2="bottom:Q",
            color=alt.Color(
                "fill:N",
                legend=None,
                scale=alt.Scale(domain=list(filled), range=list(filled.values())),
            ),
            tooltip=["name:N", "kind:N", "facts:N"],
        )
    )
    title = alt.TitleParams(
        say("What {network} is made of", network=description.get("name") or say("the network")),
        subtitle=_facts(description),
    )
    return theme.dress(
        alt.LayerChart(
            layer=[rules, rects, heads, *_texts(table, x, y)],
            title=title,
            width=max(theme.WIDTH - 260, round(240 * lanes)),
            height=round(ROW * depth),
        ),
        xr.Dataset(attrs={}),  # what is assumed of a network, its description says itself
    )


def _texts(table: pd.DataFrame, x: alt.Scale, y: alt.Scale) -> list[alt.Chart]:
    """Write in each box what it is called, and beneath it what it gives."""
    import altair as alt

    heading, facts = (
        alt
        .Chart(table)
        .mark_text(align="left", baseline="middle", color=colour)
        .encode(
            x=alt.X("text:Q", scale=x, axis=alt.Axis(**BARE), title=None),
            y=alt.Y(f"{line}:Q", scale=y, axis=alt.Axis(**BARE), title=None),
            text=alt.Text(f"{words}:N"),
        )
        for line, words, colour in (
            ("first", "heading", theme.INK),
            ("second", "facts", theme.QUIET),
        )
    )
    heading["mark"]["fontWeight"] = 600
    return [heading, facts]


def _facts(description: Mapping[str, Any]) -> list[str]:
    kind = " ".join(str(description[key]) for key in ("format", "version") if description.get(key))
    count = description.get("parameters")
    parts = [kind] if kind else []
    if count is not None:
        parts.append(say("{count} parameters", count=f"{int(count):,}"))
    notes = [say("blue: layers with weights; darker: recurrent")]
    return ["; ".join(parts), *notes] if parts else notes


def _laid_out(
    layers: Sequence[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[tuple[float, float, float, float]]]:
    """Give each layer its place, below those that it reads, and the arrows between them."""
    depth: dict[str, int] = {}
    for layer in layers:
        # a layer may be called several times, and then it is named once for each call
        read = [depth[name] for name in layer.get("inputs") or () if name in depth]
        depth[str(layer["name"])] = 1 + max(read, default=-1)
    lanes: dict[int, int] = {}
    boxes, centres = [], {}
    for layer in layers:
        name = str(layer["name"])
        row = depth[name]
        lane = lanes[row] = lanes.get(row, -1) + 1
        top = row * (BOX + GAP)
        boxes.append({
            "name": name,
            "left": lane + 0.03,
            "right": lane + 0.97,
            "text": lane + 0.07,
            "top": top,
            "bottom": top + BOX,
            "first": top + 0.62,
            "second": top + 1.4,
            "kind": str(layer["kind"]),
            "heading": f"{name} ({layer['kind']})",
            "facts": _layer_facts(layer),
            "fill": _fill(layer),
        })
        centres[name] = (lane + 0.5, top)
    arrows = [
        (centres[read][0], centres[read][1] + BOX, *_above(centres[str(layer["name"])]))
        for layer in layers
        for read in layer.get("inputs") or ()
        if read in centres
    ]
    return boxes, arrows


def _above(centre: tuple[float, float]) -> tuple[float, float]:
    """Give the place of an arrow's head, just above a box."""
    return centre[0], centre[1] - 0.12


def _fill(layer: Mapping[str, Any]) -> str:
    if any(array.get("gate") for array in layer.get("arrays") or ()):
        return "recurrent"
    return "weights" if layer.get("parameters") else "none"


def _layer_facts(layer: Mapping[str, Any]) -> str:
    """Say what a layer gives, and how many parameters it holds."""
    shape = layer.get("output_shape") or ()
    parts = []
    if len(shape) == 2:
        steps, features = (say("any") if size is None else str(size) for size in shape)
        parts.append(say("gives {steps} steps of {features}", steps=steps, features=features))
    elif len(shape) == 1:
        parts.append(many(int(shape[0] or 0), "gives {count} number", "gives {count} numbers"))
    elif shape:
        parts.append(say("gives {shape}", shape=" × ".join(str(size) for size in shape)))
    activation = (layer.get("options") or {}).get("activation")
    if activation:
        parts.append(str(activation))
    if layer.get("parameters"):
        parts.append(say("{count} parameters", count=f"{int(layer['parameters']):,}"))
    return ", ".join(parts)
