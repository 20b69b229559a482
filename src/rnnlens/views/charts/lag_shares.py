"""Chart: which share of all that moved the forecast came from which lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.language import say
from rnnlens.views.words.origin import attribute_text

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["lag_shares"]


def lag_shares(lags: xr.Dataset) -> alt.LayerChart:
    """Draw the share of each lag with its interval."""
    import altair as alt

    table = summary.lag_table(lags)
    target, unit = summary.target_and_unit(lags)
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
            title=say("share of all that moved the forecast"),
            axis=alt.Axis(format="%", tickCount=6),
            scale=alt.Scale(zero=True, nice=True),
        ),
        color=alt.condition("datum.grouped", alt.value("#9dbfd8"), alt.value(theme.MAIN)),
        tooltip=[
            alt.Tooltip("label:N", title=say("lag")),
            alt.Tooltip("share:Q", format=".2%"),
            alt.Tooltip("share_low:Q", format=".2%"),
            alt.Tooltip("share_high:Q", format=".2%"),
            alt.Tooltip(
                "mean_contribution:Q",
                format="+.3~g",
                title=say("mean contribution to {target}{unit}", target=target, unit=unit),
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

    target = lags.attrs.get("target") or say("the output")
    facts = []
    if "samples" in lags.attrs:
        facts.append(say("{count:,} windows", count=int(lags.attrs["samples"])))
    if with_interval:
        confidence = lags.attrs.get("confidence")
        facts.append(
            say("line: {level} % interval of the share", level=f"{100 * float(confidence):g}")
            if confidence
            else say("line: interval of the share")
        )
    if lags.attrs.get("baseline"):
        facts.append(say("baseline: {baseline}", baseline=attribute_text(lags.attrs, "baseline")))
    facts += filter(None, [summary.far_off_text(lags)])
    return alt.TitleParams(
        say("How far back the forecast of {target} looks", target=target),
        subtitle=say("; ").join(facts),
    )
