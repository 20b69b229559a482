"""Charts: what several baselines, or several methods, say of the same windows, by lag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.views.charts import theme
from rnnlens.views.tables import summary
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["baselines", "methods"]


def baselines(compared: xr.Dataset) -> alt.Chart:
    """Draw the mean contributions by lag, a line a baseline."""
    names = [str(name) for name in compared["baseline"].values]
    means = compared["contribution"].mean("sample").transpose("baseline", "lag").values
    table = _table(names, [summary.lag_labels(compared)] * len(names), means)
    unit = str(compared.attrs.get("unit", ""))
    starts = compared["baseline_forecast"].mean("sample").values
    said = ", ".join(
        f"{name} {figure(float(start), unit)}" for name, start in zip(names, starts, strict=True)
    )
    target = compared.attrs.get("target") or say("the output")
    title = (
        say("Contributions to the forecast of {target} under several baselines", target=target),
        [
            _over(compared.sizes["sample"]),
            say("mean baseline forecasts: {all}", all=said),
            say(
                "the baselines' forecasts differ, so the sums of the lines do: each is the "
                "forecast less its own"
            ),
        ],
    )
    return _lines(table, names, compared, title)


def methods(explanations: Mapping[str, xr.Dataset]) -> alt.Chart:
    """Draw the mean contributions by lag, features summed, a line a method."""
    _check_same(explanations)
    ends = _shared_ends(explanations.values())
    firsts = [1, *(end + 1 for end in ends[:-1])]
    labels = [f"{a}" if a == b else f"{a}–{b}" for a, b in zip(firsts, ends, strict=True)]
    names, means = [], []
    for name, one in explanations.items():
        shows = str(one.attrs.get("shows") or "contribution")
        values = one[shows].sum("feature") if "feature" in one[shows].dims else one[shows]
        sums = shows == "contribution"
        names.append(name if sums else say("{method} (does not sum)", method=name))
        by_lag = values.mean("sample").values
        groups = np.searchsorted(ends, _last_lags(one))
        means.append([float(by_lag[groups == k].sum()) for k in range(len(ends))])
    first = next(iter(explanations.values()))
    target = first.attrs.get("target") or say("the output")
    title = (
        say("What several methods say of the forecast of {target}", target=target),
        [_over(first.sizes["sample"])],
    )
    return _lines(_table(names, [labels] * len(names), means), names, first, title)


def _last_lags(one: xr.Dataset) -> np.ndarray:
    return one["lag_to" if "lag_to" in one.coords else "lag"].values.astype(int)


def _shared_ends(explanations: Iterable[xr.Dataset]) -> list[int]:
    """Give the last lags of the groups that every result can be summed into."""
    each = [set(_last_lags(one).tolist()) for one in explanations]
    return sorted(set.intersection(*each))


def _over(count: int) -> str:
    return say("mean over {count} windows, features summed", count=count)


def _check_same(explanations: Mapping[str, xr.Dataset]) -> None:
    """Refuse results about other windows, another target, or numbers of another kind."""
    (first, one), *others = explanations.items()
    for name, other in others:
        for what in ("target", "unit"):
            if one.attrs.get(what) != other.attrs.get(what):
                raise DataError(
                    f"{first!r} is about the {what} {one.attrs.get(what)!r} and {name!r} about "
                    f"{other.attrs.get(what)!r}: call rnnlens.explain with the same for both"
                )
        same = one.sizes["sample"] == other.sizes["sample"] and np.allclose(
            one["forecast"].values, other["forecast"].values, rtol=1e-6, atol=1e-9
        )
        if not same:
            raise DataError(
                f"{first!r} and {name!r} are about other windows, for their forecasts differ: call "
                "rnnlens.explain with the same windows for both"
            )


def _table(names: list[str], labels: list[list[str]], means: object) -> pd.DataFrame:
    import pandas as pd

    parts = [
        pd.DataFrame({"series": name, "label": own, "contribution": values})
        for name, own, values in zip(names, labels, list(means), strict=True)  # type: ignore[call-overload]
    ]
    return pd.concat(parts, ignore_index=True)


def _lines(
    table: pd.DataFrame, names: list[str], of: xr.Dataset, title: tuple[str, list[str]]
) -> alt.Chart:
    import altair as alt

    order = sorted(set(table["label"]), key=_first_lag, reverse=True)
    legend = alt.Legend(orient="top", symbolSize=70, columns=4, labelLimit=300)
    by = {
        "color": (alt.Color, theme.CATEGORIES[:6]),  # a pale line is none
        "strokeDash": (alt.StrokeDash, theme.DASHES),
        "shape": (alt.Shape, theme.SHAPES),
    }
    channels = {
        name: channel(
            "series:N",
            title=None,
            sort=names,
            scale=alt.Scale(
                domain=names, range=[ranges[k % len(ranges)] for k in range(len(names))]
            ),
            # a dash would hide the mark of the legend
            legend=None if name == "strokeDash" else legend,
        )
        for name, (channel, ranges) in by.items()
    }
    chart = (
        alt
        .Chart(table, title=alt.TitleParams(title[0], subtitle=title[1]))
        .mark_line(point=alt.OverlayMarkDef(filled=True, size=36))
        .encode(
            x=alt.X(
                "label:O",
                sort=order,
                title=theme.lag_axis_title(of),
                axis=alt.Axis(labelAngle=0, labelOverlap=True),
            ),
            y=alt.Y(
                "contribution:Q",
                title=_quantity(of),
                scale=alt.Scale(zero=True),
            ),
            tooltip=[
                alt.Tooltip("series:N"),
                alt.Tooltip("label:N", title=say("lag")),
                alt.Tooltip("contribution:Q", format="+.3~g"),
            ],
            **channels,
        )
        .properties(width=theme.WIDTH, height=260)
    )
    return theme.dress(chart, of)


def _first_lag(label: str) -> int:
    return int(label.lstrip("~").split("–")[0])


def _quantity(of: xr.Dataset) -> str:
    target, unit = summary.target_and_unit(of)
    return say("mean contribution to {target}{unit}", target=target, unit=unit)
