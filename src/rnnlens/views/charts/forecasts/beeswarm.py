"""Chart: the contributions of every window, a point each, in a row a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["beeswarm"]

#: How many points one figure has at most, and how many rows.
MOST, ROWS = 4000, 12
#: Places along the axis within which points are laid beside each other.
PLACES = 100


def beeswarm(explanation: xr.Dataset, X: object | None = None) -> alt.LayerChart:
    """Draw contributions summed over lags, or by lag where there are no features."""
    import altair as alt

    table, rows, facts = _table(explanation, X)
    target, unit = summary.target_and_unit(explanation)
    quantity = say("contribution to {target}{unit}", target=target, unit=unit)
    y = alt.Y("row:N", sort=rows, title=None, axis=alt.Axis(domain=False, labelLimit=220))
    zero = alt.Chart(table.head(1)).mark_rule(color=theme.QUIET).encode(x=alt.datum(0))
    low, high = say("lowest"), say("highest")
    colour = alt.value(theme.MAIN)
    if "value" in table:
        colour = alt.Color(
            "value:Q",
            title=say("newest value of the feature"),
            scale=alt.Scale(
                domain=[0, 0.5, 1], range=["#16304f", "#3c9a8f", "#f0d264"], interpolate="lab"
            ),
            legend=alt.Legend(
                orient="top",
                gradientLength=120,
                values=[0, 1],
                labelExpr=f"datum.value == 0 ? {low!r} : {high!r}",
            ),
        )
    points = (
        alt
        .Chart(table)
        .mark_circle(size=14, opacity=0.85)
        .encode(
            x=alt.X("contribution:Q", title=quantity, axis=alt.Axis(grid=True, tickCount=8)),
            y=y,
            yOffset=alt.YOffset("offset:Q", scale=alt.Scale(domain=[-1.15, 1.15])),
            color=colour,
            tooltip=["row:N", alt.Tooltip("contribution:Q", format="+.3~g"), "window:N"],
        )
    )
    target = explanation.attrs.get("target") or say("the output")
    title = alt.TitleParams(
        say("What moved the forecasts of {target}, window by window", target=target),
        subtitle=facts,
    )
    return theme.dress(
        alt.LayerChart(
            layer=[zero, points], title=title, width=theme.WIDTH - 90, height=42 * len(rows)
        ),
        explanation,
    )


def _table(explanation: xr.Dataset, X: object | None) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Give a row a point, the rows of the figure, and what is said of what was left out."""
    import pandas as pd

    values, names = _rows_of(explanation)
    colours = _newest(explanation, X)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")
    shown = order[:ROWS]
    count = len(values)
    most = max(1, MOST // len(shown))
    windows = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
    span = float(np.ptp(values[:, shown])) or 1.0
    parts = []
    for place in shown:
        own = values[windows, place]
        part = pd.DataFrame({
            "row": names[place],
            "contribution": own,
            "offset": _offsets(own, span),
            "window": [summary.time_text(explanation, int(window)) for window in windows],
        })
        if colours is not None:
            part["value"] = _places(colours[:, place])[windows]
        parts.append(part)
    facts = [
        say("a point a window: {drawn} of {count}, evenly spaced", drawn=len(windows), count=count)
        if len(windows) < count
        else say("a point a window: {count}", count=count)
    ]
    if len(shown) < len(order):
        facts.append(say("the {shown} largest of {count} rows", shown=len(shown), count=len(order)))
    facts += filter(None, [summary.far_off_text(explanation)])
    return pd.concat(parts, ignore_index=True), [names[place] for place in shown], facts


def _rows_of(explanation: xr.Dataset) -> tuple[np.ndarray, list[str]]:
    contribution = explanation["contribution"]
    if "feature" in contribution.dims:
        by_feature = contribution.sum("lag").transpose("sample", "feature").values
        return by_feature, [str(name) for name in contribution["feature"].values]
    names = [say("lag {lag}", lag=label) for label in summary.lag_labels(explanation)]
    return contribution.transpose("sample", "lag").values, names


def _newest(explanation: xr.Dataset, X: object | None) -> np.ndarray | None:
    """Give each feature's newest value (sample, feature), in the user's units where known."""
    if X is None:
        return None
    if "feature" not in explanation["contribution"].dims:
        raise DataError(
            "X colours features, and these contributions are by lag alone: leave X out, or explain "
            "with method='secant'"
        )
    array = np.asarray(getattr(X, "original", X), dtype=np.float64)
    wanted = (explanation.sizes["sample"], explanation.sizes["feature"])
    if array.ndim != 3 or (array.shape[0], array.shape[2]) != wanted:
        raise DataError(
            f"X must be the windows that were explained, {wanted[0]} samples of {wanted[1]} "
            f"features, not an array of shape {array.shape}: give what rnnlens.explain was given"
        )
    return array[:, -1]


def _places(values: np.ndarray) -> np.ndarray:
    """Give the place of each value among all, from 0 for the lowest to 1 for the highest."""
    order = np.unique(values, return_inverse=True)[1].reshape(-1)
    return order / max(1, int(order.max()))


def _offsets(values: np.ndarray, span: float) -> np.ndarray:
    """Lay points that fall on the same place beside each other, the first in the middle."""
    places = np.floor(PLACES * (values - values.min()) / span).astype(int)
    offsets = np.zeros(len(values))
    for place in np.unique(places):
        (own,) = np.nonzero(places == place)
        beside = np.arange(1, len(own) + 1) // 2 * np.where(np.arange(len(own)) % 2, 1.0, -1.0)
        offsets[own] = beside
    largest = np.abs(offsets).max()
    return offsets / max(largest, 8.0)  # few points stay near their row
