"""Chart: which share of all that moved the forecast came from which lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.tables import summary

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["lag_shares"]


def lag_shares(lags: xr.Dataset) -> alt.LayerChart:
    """Draw the share of each lag with its interval."""
    import altair as alt

    table = summary.lag_table(lags)
    table["grouped"] = table["lag_to"] > table["lag"]
    base = alt.Chart(table).encode(
        x=alt.X(
            "label:O",
            sort=list(table["label"][::-1]),
            title=theme.lag_axis_title(lags),
            axis=alt.Axis(labelAngle=0, labelOverlap=True),
        )
    )
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        y=alt.Y(
            "share:Q",
            title="share of all that moved the forecast",
            axis=alt.Axis(format="%", tickCount=6),
            scale=alt.Scale(zero=True, nice=True),
        ),
        color=alt.condition("datum.grouped", alt.value("#9dbfd8"), alt.value(theme.MAIN)),
        tooltip=[
            alt.Tooltip("label:N", title="lag"),
            alt.Tooltip("share:Q", format=".2%"),
            alt.Tooltip("share_low:Q", format=".2%"),
            alt.Tooltip("share_high:Q", format=".2%"),
            alt.Tooltip(
                "mean_contribution:Q",
                format="+.3~g",
                title=summary.quantity(lags, "mean contribution to"),
            ),
        ],
    )
    layers: list[alt.Chart] = [bars]
    if np.isfinite(table["share_low"].to_numpy()).any():
        interval = base.encode(y=alt.Y("share_low:Q"), y2="share_high:Q")
        layers.append(interval.mark_rule(color=theme.INK, strokeWidth=1.5))
    title = _title(lags, with_interval=len(layers) > 1)
    return theme.dress(
        alt.LayerChart(layer=layers, title=title, width=theme.WIDTH, height=240), lags
    )


def _title(lags: xr.Dataset, *, with_interval: bool) -> alt.TitleParams:
    import altair as alt

    target = lags.attrs.get("target") or "the output"
    facts = []
    if "samples" in lags.attrs:
        facts.append(f"{int(lags.attrs['samples']):,} windows")
    if with_interval:
        confidence = lags.attrs.get("confidence")
        level = f"{100 * float(confidence):g} % " if confidence else ""
        facts.append(f"line: {level}interval of the share")
    if lags.attrs.get("baseline"):
        facts.append(f"baseline: {lags.attrs['baseline']}")
    facts += filter(None, [summary.far_off_text(lags)])
    return alt.TitleParams(
        f"How far back the forecast of {target} looks", subtitle="; ".join(facts)
    )
