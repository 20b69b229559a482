"""Chart: what a lag is proven not to exceed, beside what it was seen to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.language import many, marked, phrase, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.rounding import rounded_up
from rnnlens.views.words.verdicts import verdict_text

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["certificates"]

BOUND, ATTAINED = marked("proven not to exceed"), marked("attained")


def certificates(certified: xr.Dataset, *, sample: int | None = None) -> alt.LayerChart:
    """Draw the bound on the change of the forecast by lag, beside the change that was attained."""
    import altair as alt

    table = _table(certified, sample)
    target, unit = summary.target_and_unit(certified)
    tolerance = float(certified.attrs["tolerance"])
    ticks = _ticks(float(table["change"].to_numpy().max()), tolerance)
    x = alt.X(
        "label:O",
        sort=summary.lag_labels(certified.sortby("lag", ascending=False)),
        title=theme.lag_axis_title(certified),
        axis=alt.Axis(labelAngle=0, labelOverlap=True, domain=False),
    )
    y = alt.Y(
        "change:Q",
        title=[
            say("change of the forecast of {target}{unit}", target=target, unit=unit),
            say("nearly logarithmic"),
        ],
        scale=alt.Scale(type="symlog", constant=tolerance, zero=True, nice=False),
        axis=alt.Axis(values=ticks, format="~g"),
    )
    colour = alt.Color(
        "what:N",
        title=None,
        scale=_colours(table),
        legend=alt.Legend(orient="top", offset=2),
    )
    tooltip = [
        alt.Tooltip("label:N", title=say("lag")),
        alt.Tooltip("what:N", title=say("change")),
        alt.Tooltip("shown:N", title=say("size")),
        alt.Tooltip("verdicts:N", title=say("verdict")),
    ]
    chart = alt.Chart(table).encode(x=x, y=y, color=colour, tooltip=tooltip)
    bars = chart.transform_filter(alt.datum.what == phrase(ATTAINED)).mark_bar(opacity=1)
    marks = chart.transform_filter(alt.datum.what == phrase(BOUND)).mark_tick(
        thickness=3, size=18, opacity=1
    )
    line = (
        alt
        .Chart(table.head(1))
        .mark_rule(color=theme.QUIET, strokeDash=[4, 4])
        .encode(y=alt.datum(tolerance))
    )
    title = _title(certified, sample, tolerance)
    layers = [bars, marks, line]
    return theme.dress(
        alt.LayerChart(layer=layers, title=title, width=theme.WIDTH - 110, height=260),
        certified,
    )


def _colours(table: pd.DataFrame) -> alt.Scale:
    """Give the colours of what is shown: where no bound was sought there is no mark to tell."""
    import altair as alt

    colours = {phrase(ATTAINED): theme.MAIN, phrase(BOUND): theme.ACCENT}
    there = set(table["what"])
    shown = [what for what in colours if what in there]
    return alt.Scale(domain=shown, range=[colours[what] for what in shown])


def _table(certified: xr.Dataset, sample: int | None) -> pd.DataFrame:
    import pandas as pd

    if sample is not None and not 0 <= sample < certified.sizes["sample"]:
        raise DataError(
            f"there is no window {sample}: the result has {certified.sizes['sample']}, counted "
            "from 0"
        )
    if sample is None:
        bound, attained = certified["largest_bound"].values, certified["largest_attained"].values
        verdicts = [_tally(certified.isel(lag=k)) for k in range(certified.sizes["lag"])]
    else:
        one = certified.isel(sample=sample)
        bound, attained = one["bound"].values, one["attained"].values
        verdicts = [verdict_text(str(verdict)) for verdict in one["verdict"].values]
    labels = summary.lag_labels(certified)
    table = pd.DataFrame({
        "label": labels * 2,
        "what": [phrase(BOUND)] * len(labels) + [phrase(ATTAINED)] * len(labels),
        "change": np.concatenate([bound, attained]),
        "shown": [rounded_up(float(d)) if np.isfinite(d) else "" for d in bound]
        + [f"{float(d):.3g}" for d in attained],
        "verdicts": verdicts * 2,
    })
    # of what was not asked no bound is known
    return table.loc[np.isfinite(table["change"].to_numpy())]


def _tally(one: xr.Dataset) -> str:
    names = ("structural", "proven", "refuted", "undecided", "not_asked")
    counts = {verdict_text(name): int(one[name]) for name in names if name in one}
    return say(", ").join(f"{name} {count}" for name, count in counts.items() if count)


def _ticks(largest: float, tolerance: float) -> list[float]:
    """Give zero, and one, two and five of every power of ten from the tolerance up."""
    power = int(np.floor(np.log10(tolerance)))
    steps = [
        digit * 10.0**k
        for k in range(power, int(np.ceil(np.log10(max(largest, tolerance)))) + 1)
        for digit in (1, 2, 5)
    ]
    kept = [step for step in steps if tolerance <= step <= 1.05 * max(largest, tolerance)]
    if len(kept) < 3:  # most lies below the tolerance, where the axis is linear
        kept = [tolerance / 4, tolerance / 2, *kept]
    return [0.0, *(kept if len(kept) <= 9 else kept[::3])]


def _title(certified: xr.Dataset, sample: int | None, tolerance: float) -> alt.TitleParams:
    import altair as alt

    target = certified.attrs.get("target") or say("the output")
    unit = str(certified.attrs.get("unit", ""))
    count = certified.sizes["sample"]
    if sample is not None:
        which = summary.time_text(certified, sample)
    else:
        which = many(count, "one window", "the largest of {count} windows")
    return alt.TitleParams(
        say(
            "How far one lag can move the forecast of {target}, {which}",
            target=target,
            which=which,
        ),
        subtitle=[
            attribute_text(certified.attrs, "range"),
            say(
                "dashed: the change that does not matter, {tolerance}",
                tolerance=figure(tolerance, unit),
            ),
        ],
    )
