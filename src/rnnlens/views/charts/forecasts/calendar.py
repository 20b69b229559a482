"""Chart: contributions over calendar time, each bar built from its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.clock import clock_times
from rnnlens.views.words.language import many, say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["calendar"]

#: How many bars stand beside each other at most.
BARS = 120


def calendar(explanation: xr.Dataset) -> alt.LayerChart:
    """Draw contributions summed over lags, over the time that the forecasts are for."""
    import altair as alt

    bars, sums, together, dated = _tables(explanation)
    kind = "T" if dated else "Q"
    scale = alt.Scale(type="utc") if dated else alt.Scale(zero=False)
    title = say("time that the forecast is for") if dated else say("window")
    axis = alt.Axis(labelOverlap=True, tickCount=8)
    line = (
        alt
        .Chart(sums)
        .mark_line(color=theme.INK, strokeWidth=1.4, interpolate="linear")
        .encode(x=alt.X(f"middle:{kind}", scale=scale), y="contribution:Q")
    )
    zero = alt.Chart(sums.head(1)).mark_rule(color=theme.QUIET).encode(y=alt.datum(0))
    x = alt.X(f"time:{kind}", title=title, scale=scale, axis=axis)
    target = explanation.attrs.get("target") or say("the output")
    facts = [
        many(together, "each bar is a window", "each bar is the mean of {count} windows"),
        say("line: forecast less baseline forecast"),
        *filter(None, [summary.far_off_text(explanation)]),
    ]
    heading = alt.TitleParams(
        say("What moved the forecasts of {target}, over time", target=target), subtitle=facts
    )
    layers = [_bars(bars, explanation, x), zero, line]
    return theme.dress(
        alt.LayerChart(layer=layers, title=heading, width=theme.WIDTH, height=260), explanation
    )


def _bars(table: pd.DataFrame, explanation: xr.Dataset, x: alt.X) -> alt.Chart:
    import altair as alt

    target, unit = summary.target_and_unit(explanation)
    quantity = say("contribution to {target}{unit}", target=target, unit=unit)
    return (
        alt
        .Chart(table)
        .mark_rect()
        .encode(
            x=x,
            x2="until",
            y=alt.Y("low:Q", title=quantity, scale=alt.Scale(zero=True)),
            y2="high:Q",
            color=_colour(explanation, list(dict.fromkeys(table["feature"]))),
            tooltip=["time", "feature:N", alt.Tooltip("contribution:Q", format="+.3~g")],
        )
    )


def _colour(explanation: xr.Dataset, names: list[str]) -> alt.Color | dict[str, str]:
    import altair as alt

    if names == [""]:
        return {"value": theme.MAIN}
    features = [str(name) for name in explanation["feature"].values]
    named = [name for name in names if name != summary.others()]
    by_name = {summary.others(): theme.REST, **theme.feature_colours(features, named)}
    scale = alt.Scale(domain=names, range=[by_name[name] for name in names])
    return alt.Color("feature:N", title=say("feature"), sort=names, scale=scale)


def _tables(explanation: xr.Dataset) -> tuple[pd.DataFrame, pd.DataFrame, int, bool]:
    """Give a row a part of a bar, a row a sum, the windows in a bar, whether there are times."""
    import pandas as pd

    values, names = _by_feature(explanation)
    order, times, dated = _times(explanation)
    together = -(-len(order) // BARS)
    starts = np.arange(0, len(order), together)
    means = np.add.reduceat(values[order], starts, axis=0)
    means /= np.diff(np.append(starts, len(order)))[:, None]
    start, until = _spans(times[order], starts, together, dated=dated)
    # what raises is laid upon what raises, from zero up, and what lowers from zero down
    raising, lowering = (np.cumsum(part, axis=1) for part in (means.clip(0), means.clip(max=0)))
    ends = np.where(means > 0, raising, lowering)
    parts = [
        pd.DataFrame({
            "time": start,
            "until": until,
            "feature": name,
            "contribution": means[:, k],
            "low": np.minimum(ends[:, k], ends[:, k] - means[:, k]),
            "high": np.maximum(ends[:, k], ends[:, k] - means[:, k]),
        })
        for k, name in enumerate(names)
    ]
    sums = _line(start, until, means.sum(1))
    return pd.concat(parts, ignore_index=True), sums, together, dated


def _line(start: pd.Index, until: pd.Index, sums: np.ndarray) -> pd.DataFrame:
    """Give the middle of each bar and its sum, and nothing where windows are missing."""
    import pandas as pd

    middle = start + (until - start) / 2
    table = pd.DataFrame({"middle": middle, "contribution": sums})
    missing = np.asarray(start[1:] > until[:-1] + (until - start)[:-1])
    stops = until[:-1][missing]
    if not len(stops):
        return table
    gaps = pd.DataFrame({"middle": stops, "contribution": np.nan})
    return pd.concat([table, gaps]).sort_values("middle", ignore_index=True)


def _spans(
    times: np.ndarray, starts: np.ndarray, together: int, *, dated: bool
) -> tuple[pd.Index, pd.Index]:
    """Give where bars begin and end: as wide as their windows are apart, so that gaps stay open."""
    import pandas as pd

    usual = np.median(np.diff(times).astype("int64")) if len(times) > 1 else 1
    width = max(1, int(usual) * together)
    first = times[starts]
    if not dated:
        return pd.Index(first), pd.Index(first + width)
    start = pd.to_datetime(first, utc=True)
    return start, start + pd.Timedelta(width, "ns")


def _by_feature(explanation: xr.Dataset) -> tuple[np.ndarray, list[str]]:
    """Give contributions (sample, feature), the small ones summed, and their names."""
    contribution = explanation["contribution"]
    if "feature" not in contribution.dims:
        return contribution.sum("lag").values[:, None], [""]
    named = summary.named_features(explanation)
    summed = contribution.sum("lag").transpose("sample", "feature")
    features = [str(name) for name in summed["feature"].values]
    by_name = dict(zip(features, summed.values.T, strict=True))
    columns = [by_name[name] for name in named]
    if len(named) < len(features):
        columns.append(np.sum([by_name[name] for name in set(features) - set(named)], axis=0))
        named = [*named, summary.others()]
    return np.stack(columns, axis=1), named


def _times(explanation: xr.Dataset) -> tuple[np.ndarray, np.ndarray, bool]:
    """Give the order of windows in time, their times, and whether these are known."""
    count = explanation.sizes["sample"]
    if "time" not in explanation.coords:
        return np.arange(count), np.arange(count), False
    times = clock_times(explanation["time"])
    dated = np.issubdtype(times.dtype, np.datetime64)
    times = times.astype("datetime64[ns]") if dated else times.astype("int64")
    return np.argsort(times, kind="stable"), times, bool(dated)
