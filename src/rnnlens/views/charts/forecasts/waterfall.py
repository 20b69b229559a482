"""Chart: one forecast, step by step from the baseline's forecast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.arguments import word
from rnnlens.errors import DataError
from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.language import many, say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["waterfall"]

#: How many contributions have a bar of their own.
LARGEST = 9
#: The baseline's forecast and the forecast; what raised it; what lowered it.
KINDS = ("end", "raised", "lowered")


def waterfall(
    explanation: xr.Dataset, *, sample: int, by: str | None = None, largest: int = LARGEST
) -> alt.LayerChart:
    """Draw the contributions of one window as bars, each beginning where the last one ended."""
    import altair as alt

    table = _table(explanation, sample, by, largest)
    rows = list(table["row"])
    y = alt.Y(
        "row:N", sort=rows, title=None, axis=alt.Axis(labelLimit=240, domain=False, labelPadding=8)
    )
    base = alt.Chart(table).encode(y=y)
    both = table[["start", "end"]].to_numpy()
    reach = [float(both.min()), float(both.max())]
    room = 0.14 * (reach[1] - reach[0] or 1.0)  # for the numbers at the ends of the bars
    x = alt.X(
        "start:Q",
        title=summary.quantity(explanation, ""),
        scale=alt.Scale(domain=[reach[0] - room, reach[1] + room], nice=False, zero=False),
        axis=alt.Axis(grid=True, tickCount=6),
    )
    scale = alt.Scale(domain=list(KINDS), range=[theme.INK, theme.ACCENT, theme.MAIN])
    bars = (
        base
        .transform_filter("datum.kind != 'end'")
        .mark_bar(height={"band": 0.7})
        .encode(
            x=x,
            x2="end:Q",
            color=alt.Color("kind:N", scale=scale, legend=None),
            tooltip=[
                alt.Tooltip("row:N", title=say("what")),
                alt.Tooltip("shown:N", title=_quantity(explanation)),
                alt.Tooltip("end:Q", format=".4~g", title=say("forecast with it")),
            ],
        )
    )
    ends = (
        base
        .transform_filter("datum.kind == 'end'")
        .mark_tick(thickness=3, color=theme.INK, bandSize=20, opacity=1)
        .encode(x=alt.X("end:Q"))
    )
    links = (
        alt
        .Chart(_links(table))
        .mark_rule(color=theme.QUIET, strokeDash=[2, 2])
        .encode(x="at:Q", y=alt.Y("row:N", sort=rows), y2="next:N")
    )
    texts = [
        base
        .transform_filter(f"datum.right == {str(right).lower()}")
        .mark_text(align="left" if right else "right", dx=5 if right else -5, color=theme.INK)
        .encode(x=alt.X("beside:Q"), text="shown:N")
        for right in (True, False)
    ]
    return theme.dress(
        alt.LayerChart(
            layer=[links, bars, ends, *texts],
            title=_title(explanation, sample),
            width=theme.WIDTH - 150,
            height=26 * len(rows),
        ),
        explanation,
    )


def _table(explanation: xr.Dataset, sample: int, by: str | None, largest: int) -> pd.DataFrame:
    """Give a row a bar: where it starts and ends, and its number."""
    import pandas as pd

    one = explanation.isel(sample=sample)
    names, values = _parts(one, by)
    order = np.argsort(-np.abs(values), kind="stable")
    # what was held, or cannot reach the forecast, contributes exactly nothing
    order = order[values[order] != 0]
    kept = order if len(order) <= largest + 1 else order[:largest]
    left = order[len(kept) :]
    rows = [(names[place], float(values[place])) for place in kept]
    if len(left):
        others = many(len(left), "{count} other", "{count} others")
        rows.append((others, float(values[left].sum())))
    # as many decimals for all as show three digits of the largest
    top = max((abs(value) for _, value in rows), default=0.0)
    decimals = max(0, 2 - math.floor(math.log10(top))) if top > 0 else 0
    at = start = float(one["baseline_forecast"])
    end = float(one["forecast"])
    made = [(say("baseline forecast"), start, start, "end", f"{start:.4g}")]
    for name, value in rows:
        made.append((name, at, at + value, KINDS[1 if value > 0 else 2], f"{value:+.{decimals}f}"))
        at += value
    made.append((say("forecast"), end, end, "end", f"{end:.4g}"))
    table = pd.DataFrame(made, columns=["row", "start", "end", "kind", "shown"])
    table["shown"] = table["shown"].str.replace("-", "\u2212")
    table["right"] = table["end"] >= table["start"]
    table["beside"] = table["end"]
    return table


def _parts(one: xr.Dataset, by: str | None) -> tuple[list[str], np.ndarray]:
    """Give the names and values of one window's contributions, summed as is asked."""
    values = one["contribution"]
    has_features = "feature" in values.dims
    if by is not None:
        word("feature", "lag", "both").check("by", by)
    if by in {"feature", "both"} and not has_features:
        raise DataError(
            f"these contributions, made by {one.attrs.get('method', 'their method')!r}, are by lag "
            "alone: leave by out, or explain with method='secant' to see them by feature"
        )
    lags = [say("lag {lag}", lag=label) for label in summary.lag_labels(one)]
    if by == "lag" or not has_features:
        return lags, values.sum("feature").values if has_features else values.values
    features = [str(name) for name in values["feature"].values]
    if by == "both":
        cells = values.transpose("lag", "feature").values
        pairs = [
            say("{feature}, {lag}", feature=name, lag=lag) for lag in lags for name in features
        ]
        return pairs, cells.ravel()
    return features, values.sum("lag").values


def _links(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = list(table["row"])
    return pd.DataFrame({"at": table["end"].iloc[:-1], "row": rows[:-1], "next": rows[1:]})


def _title(explanation: xr.Dataset, sample: int) -> alt.TitleParams:
    import altair as alt

    unit = str(explanation.attrs.get("unit", ""))
    target = explanation.attrs.get("target") or say("the output")
    one = explanation.isel(sample=sample)
    start, end = (figure(float(one[name]), unit) for name in ("baseline_forecast", "forecast"))
    return alt.TitleParams(
        say(
            "How the forecast of {target} is made, {when}",
            target=target,
            when=summary.time_text(explanation, sample),
        ),
        subtitle=[
            say(
                "from the baseline forecast, {start}, to the forecast, {end}", start=start, end=end
            ),
            *filter(None, [summary.far_off_text(explanation)]),
        ],
    )


def _quantity(explanation: xr.Dataset) -> str:
    target, unit = summary.target_and_unit(explanation)
    return say("contribution to {target}{unit}", target=target, unit=unit)
