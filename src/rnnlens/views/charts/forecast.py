"""Chart: the forecast beside what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.language import phrase, say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["forecast"]


def forecast(explanation: xr.Dataset, *, most: int = 504) -> alt.Chart:
    """Draw the forecasts beside what happened and beside the baseline's forecast."""
    import altair as alt

    table = summary.forecast_series(explanation, most=most)
    dated = np.issubdtype(table["time"].to_numpy().dtype, np.datetime64)
    if dated:
        # Said to be UTC and drawn as UTC, so that no clock change moves or merges hours.
        table["time"] = table["time"].dt.tz_localize("UTC")
    styles = {
        say("what happened"): ("#8d98a3", [1, 0], 2.4),
        say("forecast"): (theme.MAIN, [1, 0], 1.4),
        say("baseline forecast"): (theme.ACCENT, [4, 3], 1.2),
    }
    shown = [name for name in styles if name in set(table["series"])]
    legend = alt.Legend(orient="top", symbolType="stroke", symbolStrokeWidth=3, symbolSize=260)
    total = explanation.sizes["sample"]
    count = (
        say("the newest {most:,} of {total:,} windows", most=most, total=total)
        if total > most
        else say("{count:,} windows", count=total)
    )
    if dated:
        first, last = (
            f"{moment:%Y-%m-%d %H:%M}" for moment in (table.time.min(), table.time.max())
        )
        count = say("{windows}, {first} to {last}", windows=count, first=first, last=last)
    target = explanation.attrs.get("target") or say("the output")
    chart = (
        alt
        .Chart(
            table,
            title=alt.TitleParams(say("The forecast of {target}", target=target), subtitle=count),
        )
        .mark_line(interpolate="linear", strokeJoin="round")
        .encode(
            x=alt.X(
                "time:T" if dated else "time:Q",
                title=_time_title(explanation, dated=dated),
                axis=_time_axis(table, dated=dated),
                scale=alt.Scale(type="utc") if dated else alt.Scale(zero=False),
            ),
            y=alt.Y(
                "value:Q", title=summary.quantity(explanation, ""), scale=alt.Scale(zero=False)
            ),
            color=_styled(alt.Color, styles, shown, 0, legend),
            strokeDash=_styled(alt.StrokeDash, styles, shown, 1, legend),
            strokeWidth=_styled(alt.StrokeWidth, styles, shown, 2, None),
            tooltip=["time", "series", alt.Tooltip("value", format=".4~g")],
        )
        .properties(width=theme.WIDTH, height=240)
    )
    return theme.dress(chart, explanation)


def _styled(channel: type, styles: dict, shown: list[str], place: int, legend: Any) -> Any:
    import altair as alt

    scale = alt.Scale(domain=shown, range=[styles[name][place] for name in shown])
    return channel("series:N", title=None, sort=shown, scale=scale, legend=legend)


def _time_axis(table: pd.DataFrame, *, dated: bool) -> alt.Axis:
    import altair as alt

    if not dated:
        return alt.Axis(labelOverlap=True, tickCount=8)
    days = (table["time"].max() - table["time"].min()).total_seconds() / 86_400
    form = say("%d %b %H:%M") if days < 4 else say("%d %b") if days < 300 else say("%b %Y")
    return alt.Axis(labelOverlap=True, labelFlush=False, tickCount=8, format=form)


def _time_title(explanation: xr.Dataset, *, dated: bool) -> str:
    if "time" not in explanation:
        return say("sample")
    usual = say("time") if dated else say("sample")
    return phrase(str(explanation["time"].attrs.get("long_name", usual)))
