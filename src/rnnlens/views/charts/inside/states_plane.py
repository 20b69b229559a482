"""Chart: points of rest and cycles in a plane of the states, with the ways of windows.

The plane is a projection for the eye: that of the first two principal components of the states that
are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.views.charts import theme
from rnnlens.views.words.language import many, say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["states_plane"]

#: How many windows' ways are drawn.
WAYS = 20


def states_plane(found: xr.Dataset, traced: xr.DataTree | None = None) -> alt.LayerChart:
    """Draw every point by its stability, every cycle as a closed line, over the ways of windows."""
    import altair as alt

    points = found["location"].transpose("point", "phase", "state").values
    ways = None if traced is None else _ways(found, traced)
    project, shares = _plane(points, ways)
    x, y = (
        alt.X("x:Q", title=_axis(say("first"), shares[0]), scale=alt.Scale(zero=False)),
        alt.Y("y:Q", title=_axis(say("second"), shares[1]), scale=alt.Scale(zero=False)),
    )
    layers = [] if ways is None else _way_layers(project(ways), x, y)
    table = _points(found, project(points))
    looks = {
        say("stable"): (theme.INK, "circle"),
        say("unstable"): (theme.ACCENT, "triangle-up"),
        say("stability not proven"): (theme.MISSING, "diamond"),
    }
    kinds = [kind for kind in looks if kind in set(table["kind"])]
    scale = alt.Scale(domain=kinds, range=[looks[kind][0] for kind in kinds])
    shape = alt.Scale(domain=kinds, range=[looks[kind][1] for kind in kinds])
    legend = alt.Legend(orient="top", symbolSize=90)
    base = alt.Chart(table)
    if found.sizes["phase"] > 1:
        layers.append(
            base.mark_line(color=theme.INK, strokeWidth=1).encode(
                x=x, y=y, detail="point:N", order="turn:Q"
            )
        )
    layers.append(
        base.mark_point(filled=True, size=110, opacity=1, stroke="white", strokeWidth=0.8).encode(
            x=x,
            y=y,
            color=alt.Color("kind:N", title=None, sort=kinds, scale=scale, legend=legend),
            shape=alt.Shape("kind:N", title=None, sort=kinds, scale=shape, legend=legend),
            tooltip=["point:N", "turn:Q", "kind:N"],
        )
    )
    return theme.dress(
        alt.LayerChart(layer=layers, title=_title(found, ways), width=420, height=340), found
    )


def _title(found: xr.Dataset, ways: np.ndarray | None) -> alt.TitleParams:
    import altair as alt

    count = found.sizes["point"]
    heading = (
        many(count, "{count} fixed point in a plane of the states",
             "{count} fixed points in a plane of the states")
        if found.sizes["phase"] == 1
        else many(count, "{count} cycle in a plane of the states",
                  "{count} cycles in a plane of the states")
    )  # fmt: skip
    facts = []
    if ways is not None:
        facts.append(
            many(
                len(ways),
                "line: the way of the newest window, from its first step (ring) to its last",
                "lines: the ways of the newest {count} windows, each from its first step (ring) "
                "to its last",
            )
        )
    facts.append(say("the plane shows two directions of {count}", count=found.sizes["state"]))
    return alt.TitleParams(heading, subtitle=facts)


def _axis(which: str, share: float) -> str:
    return say(
        "{which} principal component ({share} % of the variance)",
        which=which,
        share=f"{100 * share:.0f}",
    )


def _ways(found: xr.Dataset, traced: xr.DataTree) -> np.ndarray:
    """Give the states (window, step, state) that were traced, ordered as the points' states."""
    nodes = {
        str(node.attrs.get("layer", node.path.strip("/"))): node.to_dataset()
        for node in traced.subtree
        if "hidden" in node.data_vars
    }
    columns = []
    names = ("state_layer", "state_kind", "state_unit")
    for layer, kind, unit in zip(*(found[name].values for name in names), strict=True):
        node = nodes.get(str(layer))
        if node is None or str(kind) not in node or node.sizes["unit"] <= int(unit):
            raise DataError(
                f"the points have a state {kind} of the layer {str(layer)!r} that was not traced: "
                "call rnnlens.trace of the network whose points these are"
            )
        values = node[str(kind)].transpose("sample", "step", "unit").values
        columns.append(values[-WAYS:, :, int(unit)])
    return np.stack(columns, axis=-1)


def _plane(points: np.ndarray, ways: np.ndarray | None) -> tuple:
    """Give the projection on the plane, and the share of the variance along either axis."""
    of = points if ways is None else ways
    flat = of.reshape(-1, of.shape[-1])
    centre = flat.mean(axis=0)
    _, sizes, directions = np.linalg.svd(flat - centre, full_matrices=False)
    rank = int(np.count_nonzero(sizes > 1e-9 * max(float(sizes.max(initial=0.0)), 1e-300)))
    if ways is None and rank < 2:
        raise DataError(
            f"{len(flat)} point{'s' if len(flat) > 1 else ''} of rest span no plane: give the "
            "states of windows too, as in traced=rnnlens.trace(net, X)"
        )
    both = np.zeros((2, flat.shape[1]))
    both[: min(2, len(directions))] = directions[:2]
    # the sign of a component is arbitrary: its largest part is made positive
    both *= np.where(np.take_along_axis(both, np.abs(both).argmax(1)[:, None], 1) < 0, -1.0, 1.0)
    squares = np.zeros(2)
    squares[: min(2, len(sizes))] = sizes[:2] ** 2
    return lambda states: (states - centre) @ both.T, squares / max((sizes**2).sum(), 1e-300)


def _points(found: xr.Dataset, placed: np.ndarray) -> pd.DataFrame:
    """Give a row a point and phase; a cycle ends where it began."""
    import pandas as pd

    words = (say("stability not proven"), say("stable"), say("unstable"))
    phases = placed.shape[1]
    rows = [
        {
            "point": str(k),
            "turn": turn,
            "x": float(placed[k, turn % phases, 0]),
            "y": float(placed[k, turn % phases, 1]),
            "kind": words[0 if unstable < 0 else 1 if unstable == 0 else 2],
        }
        for k, unstable in enumerate(found["unstable"].values)
        for turn in range(phases + (phases > 1))
    ]
    return pd.DataFrame(rows)


def _way_layers(placed: np.ndarray, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    import altair as alt
    import pandas as pd

    windows, steps, _ = placed.shape
    table = pd.DataFrame({
        "window": np.repeat(np.arange(windows), steps).astype(str),
        "step": np.tile(np.arange(steps), windows),
        "x": placed[..., 0].ravel(),
        "y": placed[..., 1].ravel(),
    })
    base = alt.Chart(table).encode(x=x, y=y)
    lines = base.mark_line(color=theme.MAIN, strokeWidth=1, opacity=0.45).encode(
        detail="window:N", order="step:Q"
    )
    starts = base.transform_filter("datum.step == 0").mark_point(
        color=theme.MAIN, filled=False, size=30
    )
    return [lines, starts]
