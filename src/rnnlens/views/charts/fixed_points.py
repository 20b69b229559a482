"""Chart: the eigenvalues of every fixed point or cycle about the unit circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.words.durations import time_constant_in_words
from rnnlens.views.words.language import many, say

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["fixed_points"]


def fixed_points(found: xr.Dataset) -> alt.LayerChart:
    """Draw the eigenvalues of each point: inside the circle a deviation dies, outside it grows."""
    import altair as alt
    import pandas as pd

    step = str(found.attrs.get("step", ""))
    angle = np.linspace(0, 2 * np.pi, 181)
    circle = pd.DataFrame({"real": np.cos(angle), "imag": np.sin(angle), "order": range(181)})
    rows = [
        {
            "real": float(one["eigenvalue_real"][j]),
            "imag": float(one["eigenvalue_imag"][j]),
            "point": str(k),
            "kind": _kind(int(one["unstable"])),
            "time": time_constant_in_words(float(one["time_constant"][j]), step),
        }
        for k in range(found.sizes["point"])
        for one in [found.isel(point=k)]
        for j in range(found.sizes["eigenvalue"])
    ]
    table = pd.DataFrame(rows, columns=["real", "imag", "point", "kind", "time"])
    # both axes span the same, so that the circle is round
    far = 1.05 * max([1.0, *(abs(one) for row in rows for one in (row["real"], row["imag"]))])
    plane = alt.Scale(domain=[-far, far], nice=False, zero=False)
    x = alt.X("real:Q", title=say("eigenvalue, real part"), scale=plane)
    y = alt.Y("imag:Q", title=say("eigenvalue, imaginary part"), scale=plane)
    line = (
        alt
        .Chart(circle)
        .mark_line(color=theme.INK, strokeWidth=1)
        .encode(x=x, y=y, order="order:Q")
    )
    marks = (
        alt
        .Chart(table)
        .mark_point(filled=True, opacity=0.7)
        .encode(
            x=x,
            y=y,
            color=alt.Color("kind:N", title=say("point")),
            shape=alt.Shape("kind:N", title=say("point")),
            tooltip=[
                alt.Tooltip("point:N", title=say("point")),
                alt.Tooltip("kind:N", title=say("stability")),
                alt.Tooltip("time:N", title=say("time constant")),
            ],
        )
    )
    count = found.sizes["point"]
    title = (
        many(count, "Eigenvalues of {count} fixed point and the unit circle",
             "Eigenvalues of {count} fixed points and the unit circle")
        if found.sizes["phase"] == 1
        else many(count, "Eigenvalues of {count} cycle and the unit circle",
                  "Eigenvalues of {count} cycles and the unit circle")
    )  # fmt: skip
    return theme.dress(
        alt.LayerChart(layer=[line, marks], title=title, width=320, height=320), found
    )


def _kind(unstable: int) -> str:
    if unstable < 0:
        return say("stability not proven")
    if unstable == 0:
        return say("stable")
    return many(unstable, "unstable in {count} direction", "unstable in {count} directions")
