"""Chart: the points of rest along one input, by their forecast or one number of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.words.language import marked, phrase, say
from rnnlens.views.words.units import in_brackets

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["bifurcations"]

KINDS = (marked("stable"), marked("unstable"), marked("stability not proven"))


def bifurcations(moved: xr.Dataset) -> alt.LayerChart:
    """Draw every branch over the input that is moved; grey bands hold the changes.

    Its height is the forecast at rest, or where none is known the number of the state that differs
    most. Of a cycle the first step is drawn.
    """
    import altair as alt

    table, height = _rows(moved)
    attrs = moved.attrs
    x = f"{attrs['feature']}{in_brackets(attrs.get('feature_unit'))}"
    bands, kinds = _bands(moved), [phrase(kind) for kind in KINDS]
    band = (
        alt
        .Chart(bands)
        .mark_rect(color=theme.OTHER, opacity=0.6, stroke=theme.OTHER)
        .encode(x=alt.X("low:Q", title=x).scale(zero=False), x2="high:Q")
    )
    line = (
        alt
        .Chart(table)
        .mark_line(strokeWidth=1, color=theme.QUIET)
        .encode(x="value:Q", y=alt.Y("height:Q", title=height).scale(zero=False), detail="branch:N")
    )
    marks = (
        alt
        .Chart(table)
        .mark_point(filled=True, size=40, opacity=1)
        .encode(
            x="value:Q",
            y="height:Q",
            color=alt.Color("kind:N", title=say("point")).scale(
                domain=kinds, range=[theme.MAIN, theme.ACCENT, theme.MISSING]
            ),
            shape=alt.Shape("kind:N", title=say("point")).scale(
                domain=kinds, range=["circle", "cross", "diamond"]
            ),
            tooltip=[
                alt.Tooltip("branch:N", title=say("branch")),
                alt.Tooltip("value:Q", title=x),
                alt.Tooltip("height:Q", title=height),
                alt.Tooltip("kind:N", title=say("stability")),
            ],
        )
    )
    feature = attrs["feature"]
    title = (
        say("Fixed points as {feature} is moved", feature=feature)
        if moved.sizes["phase"] == 1
        else say("Cycles as {feature} is moved", feature=feature)
    )
    return theme.dress(
        alt.LayerChart(layer=[band, line, marks], title=title, width=theme.WIDTH, height=320), moved
    )


def _rows(moved: xr.Dataset) -> tuple[pd.DataFrame, str]:
    """Give a row a point, and the name of its height."""
    import pandas as pd

    if "forecast" in moved:
        heights = moved["forecast"].values[..., 0]
        name = say(
            "{target}{unit} at rest",
            target=moved.attrs["target"],
            unit=in_brackets(moved.attrs.get("unit")),
        )
    else:
        first = moved["location"].values[:, :, 0]
        at = first.reshape(-1, first.shape[-1])
        at = at[np.isfinite(at).all(axis=1)]
        widest = int(np.ptp(at, axis=0).argmax()) if len(at) else 0
        heights, name = first[..., widest], str(moved["state"].values[widest])
    rows = [
        {
            "value": float(moved["value"].values[k]),
            "height": float(heights[k, branch]),
            "branch": str(branch),
            "kind": phrase(KINDS[2 if unstable < 0 else int(unstable > 0)]),
        }
        for k, branch in np.argwhere(moved["there"].values)
        for unstable in [int(moved["unstable"].values[k, branch])]
    ]
    return pd.DataFrame(rows, columns=["value", "height", "branch", "kind"]), name


def _bands(moved: xr.Dataset) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"low": moved["change_low"].values, "high": moved["change_high"].values})
