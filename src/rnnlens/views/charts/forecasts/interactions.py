"""Chart: what lags do alone and in pairs, as a heat map with its numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.charts.heat import dashes
from rnnlens.views.tables import summary
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["interactions"]

#: Beyond so many lags the numbers within the cells would not be legible.
NUMBERED = 12
#: A cell's size in pixels.
CELL = 38


def interactions(readings: xr.Dataset, *, sample: int | None = None) -> alt.LayerChart:
    """Draw pairs of lags, of one window or as means over all; alone, on the diagonal."""
    import altair as alt

    labels = summary.lag_labels(readings)
    table, largest = _table(readings, sample, labels)
    x = alt.X(
        "with:O",
        sort=labels[::-1],
        title=theme.lag_axis_title(readings),
        axis=alt.Axis(labelAngle=0, domain=False),
    )
    y = alt.Y("lag:O", sort=labels, title=say("with lag"), axis=alt.Axis(domain=False))
    base = alt.Chart(table).encode(x=x, y=y)
    target, unit = summary.target_and_unit(readings)
    quantity = say("part of the forecast of {target}{unit}", target=target, unit=unit)
    cells = base.mark_rect(stroke="white", strokeWidth=0.5).encode(
        color=alt.Color(
            "value:Q",
            title=[_key(len(labels)), quantity],
            scale=theme.diverging(largest),
            legend=alt.Legend(
                orient="top", gradientLength=180, tickCount=5, format=".2~r", titleLimit=400
            ),
        ),
        tooltip=["lag:O", "with:O", alt.Tooltip("value:Q", format="+.3~g", title=quantity)],
    )
    layers = [cells]
    if len(labels) > NUMBERED:
        layers.append(dashes(base, largest, wide=CELL, high=CELL))
    else:
        dark = f"abs(datum.value) > {0.72 * largest}"
        shade = alt.condition(dark, alt.value("white"), alt.value(theme.INK))
        layers.append(base.mark_text(fontSize=10).encode(text="shown:N", color=shade))
    size = CELL * len(labels)
    return theme.dress(
        alt.LayerChart(
            layer=layers,
            title=_title(readings, sample),
            width=max(size, 280),
            height=max(size - 60, 160),
        ),
        readings,
    )


def _key(lags: int) -> str:
    if lags <= NUMBERED:
        return say("blue lowers, orange raises")
    return say("blue, with a dash, lowers; orange raises")


def _table(
    readings: xr.Dataset, sample: int | None, labels: list[str]
) -> tuple[pd.DataFrame, float]:
    """Give a row a pair, and the largest size."""
    import pandas as pd

    pairs = readings["interaction"]
    pairs = pairs.mean("sample") if sample is None else pairs.isel(sample=sample)
    values = pairs.transpose("lag", "with_lag").values
    largest = float(np.abs(values).max())
    # two digits of the largest; what is nothing beside it has no number
    decimals = max(0, 1 - math.floor(math.log10(largest))) if largest > 0 else 0
    least = max(0.5 * 10.0**-decimals, 0.01 * largest)
    table = pd.DataFrame({
        "lag": np.repeat(labels, len(labels)),
        "with": np.tile(labels, len(labels)),
        "value": values.ravel(),
    })
    table["shown"] = [
        f"{value:+.{decimals}f}".replace("-", "\u2212") if abs(value) >= least else ""
        for value in table["value"]
    ]
    return table, largest


def _title(readings: xr.Dataset, sample: int | None) -> alt.TitleParams:
    import altair as alt

    target = readings.attrs.get("target") or say("the output")
    when = (
        say("mean over {count} windows", count=readings.sizes["sample"])
        if sample is None
        else summary.time_text(readings, sample)
    )
    return alt.TitleParams(
        say("What lags do alone and in pairs to the forecast of {target}", target=target),
        subtitle=[
            say("{when}; on the diagonal: the lag alone", when=when),
            say("each row sums to the contribution of its lag"),
        ],
    )
