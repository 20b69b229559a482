"""Chart: signed contributions by lag, each bar built from its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["lag_contributions"]


def lag_contributions(
    explanation: xr.Dataset, *, sample: int | None = None, named: list[str] | None = None
) -> alt.LayerChart:
    """Draw signed contributions by lag, of one window or as means over all.

    Named are the features that have colours of their own, in their order; the largest where not
    given.
    """
    import altair as alt

    table = summary.lag_contributions(explanation, sample=sample, named=named)
    by_feature = bool(table["feature"].to_numpy().all())
    x = alt.X(
        "label:O",
        sort=summary.lag_labels(explanation.sortby("lag", ascending=False)),
        title=theme.lag_axis_title(explanation),
        axis=alt.Axis(labelAngle=0, labelOverlap=True, domain=False),
    )
    target, unit = summary.target_and_unit(explanation)
    title = (
        say("contribution to {target}{unit}", target=target, unit=unit)
        if sample is not None
        else say("mean contribution to {target}{unit}", target=target, unit=unit)
    )
    colour = _feature_colour(table, explanation) if by_feature else alt.value(theme.MAIN)
    bars = (
        alt
        .Chart(table)
        .mark_bar(stroke=theme.OUTLINE, strokeWidth=0.4)
        .encode(
            x=x,
            y=alt.Y("contribution:Q", title=title, stack="zero", scale=alt.Scale(zero=True)),
            color=colour,
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("label:N", title=say("lag")),
                alt.Tooltip("feature:N"),
                alt.Tooltip("contribution:Q", format="+.3~g", title=title),
            ],
        )
    )
    zero = alt.Chart(table.head(1)).mark_rule(color=theme.QUIET).encode(y=alt.datum(0))
    layers = [bars, zero]
    if by_feature:
        layers.append(_sums(table, x))
    title = _title(explanation, sample)
    return theme.dress(
        alt.LayerChart(layer=layers, title=title, width=theme.WIDTH - 110, height=260),
        explanation,
    )


def _feature_colour(table: pd.DataFrame, explanation: xr.Dataset) -> alt.Color:
    import altair as alt

    names = list(table.sort_values("rank", kind="stable")["feature"].unique())
    named = [name for name in names if name != summary.others()]
    features = [str(name) for name in explanation["feature"].values]
    by_name = {summary.others(): theme.REST, **theme.feature_colours(features, named)}
    scale = alt.Scale(domain=names, range=[by_name[name] for name in names])
    return alt.Color("feature:N", title=say("feature"), sort=names, scale=scale)


def _sums(table: pd.DataFrame, x: alt.X) -> alt.Chart:
    import altair as alt

    sums = table.groupby("label", sort=False, as_index=False)[["contribution"]].agg(
        lambda part: part.sum(skipna=False)
    )
    return (
        alt
        .Chart(sums)
        .mark_point(shape="diamond", size=34, filled=True, opacity=1)
        .encode(
            x=x,
            y="contribution:Q",
            color=alt.value(theme.INK),
            stroke=alt.value("white"),
            strokeWidth=alt.value(0.8),
            tooltip=[alt.Tooltip("contribution:Q", format="+.3~g", title=say("sum of the lag"))],
        )
    )


def _title(explanation: xr.Dataset, sample: int | None) -> alt.TitleParams:
    import altair as alt

    unit = str(explanation.attrs.get("unit", ""))
    target = explanation.attrs.get("target") or say("the output")
    chosen = explanation.mean("sample") if sample is None else explanation.isel(sample=sample)
    start, end = (float(chosen[name]) for name in ("baseline_forecast", "forecast"))
    when = (
        say("mean over {count:,} windows", count=explanation.sizes["sample"])
        if sample is None
        else summary.time_text(explanation, sample)
    )
    ends = {"base": figure(start, unit), "forecast": figure(end, unit)}
    return alt.TitleParams(
        say(
            "From the baseline forecast to the forecast of {target}, {when}",
            target=target,
            when=when,
        ),
        subtitle=[
            say("mean baseline forecast {base}, mean forecast {forecast}", **ends)
            if sample is None
            else say("baseline forecast {base}, forecast {forecast}", **ends),
            say("all bars together are the difference; diamond: sum of the lag")
            if "feature" in explanation["contribution"].dims
            else say("all bars together are the difference"),
            *filter(None, [summary.far_off_text(explanation)]),
        ],
    )
