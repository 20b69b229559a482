"""Chart: how much each feature at each lag moved the forecast, as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["lag_feature"]


def lag_feature(explanation: xr.Dataset) -> alt.Chart:
    """Draw the mean size of the contributions by lag and feature."""
    import altair as alt

    table = summary.lag_feature_means(explanation)
    features = list(dict.fromkeys(table["feature"]))
    labels = summary.lag_labels(explanation.sortby("lag", ascending=False))
    facts = [say("mean over {count:,} windows", count=explanation.sizes["sample"])]
    if np.isnan(table["size"].to_numpy()).any():
        facts.append(say("grey: missing"))
    facts += filter(None, [summary.far_off_text(explanation)])
    target = explanation.attrs.get("target") or say("the output")
    chart = (
        alt
        .Chart(
            table,
            title=alt.TitleParams(
                say("What moved the forecast of {target}, and when", target=target),
                subtitle=say("; ").join(facts),
            ),
        )
        .mark_rect(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X(
                "label:O",
                sort=labels,
                title=theme.lag_axis_title(explanation),
                axis=alt.Axis(labelAngle=0, labelOverlap=True, domain=False),
            ),
            y=alt.Y("feature:N", sort=features, title=None, axis=alt.Axis(domain=False)),
            color=alt.Color(
                "size:Q",
                title=_legend_title(explanation),
                scale=theme.sequential(float(np.nanmax(table["size"].to_numpy(), initial=0.0))),
                legend=alt.Legend(gradientLength=150, format=".3~r", tickCount=5),
            ),
            tooltip=[
                alt.Tooltip("label:N", title=say("lag")),
                alt.Tooltip("feature:N"),
                alt.Tooltip("size:Q", format=".3~g", title=say("mean size")),
                alt.Tooltip("mean:Q", format="+.3~g", title=say("mean, signed")),
            ],
        )
        .properties(
            width=theme.WIDTH - 90,
            height=max(60, 26 * len(features)),
            view=alt.ViewConfig(fill=theme.MISSING),
        )
    )
    return theme.dress(chart, explanation)


def _legend_title(explanation: xr.Dataset) -> list[str]:
    target, unit = summary.target_and_unit(explanation)
    whole = say("mean size of\ncontribution\nto {target}{unit}", target=target, unit=unit)
    return whole.split("\n")
