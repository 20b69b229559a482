"""What a view shows of a result: small tables and plain dicts, made from its Dataset.

Charts, the terminal and the report all draw from these, so that they show the same numbers. The
heat maps of gates and weights have theirs in `rnnlens.views.charts.cells`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.views.tables.plain import Row, plain, plain_attributes
from rnnlens.views.words.clock import clock_times
from rnnlens.views.words.language import say
from rnnlens.views.words.units import in_brackets

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "duration",
    "explanation_summary",
    "far_off",
    "far_off_text",
    "forecast_series",
    "is_dated",
    "lag_contributions",
    "lag_feature_means",
    "lag_labels",
    "lag_table",
    "lags_summary",
    "named_features",
    "others",
    "pick_window",
    "quantity",
    "target_and_unit",
    "time_text",
]

#: Mean difference from exact values, in their mean size, beyond which numbers are marked.
FAR = 0.2


def others() -> str:
    """Name what the less important features are shown as together."""
    return say("all others")


def lag_labels(dataset: xr.Dataset) -> list[str]:
    """Name the lags of a result, a group of lags by its first and last; mark the inexact ones."""
    first = [int(value) for value in dataset["lag"].values]
    last = [int(value) for value in dataset["lag_to"].values] if "lag_to" in dataset else first
    names = [f"{a}" if a == b else f"{a}–{b}" for a, b in zip(first, last, strict=True)]
    marks = ["~" if far else "" for far in far_off(dataset)]
    return [f"{mark}{name}" for mark, name in zip(marks, names, strict=True)]


def far_off(dataset: xr.Dataset) -> list[bool]:
    """Say of each lag whether its number is far from exact: it was found by secant, which is."""
    last = dataset["lag_to" if "lag_to" in dataset else "lag"].values
    if float(dataset.attrs.get("audit_share", 0.0)) <= FAR:
        return [False] * len(last)
    return [bool(lag > int(dataset.attrs.get("exact_lags", 0))) for lag in last]


def far_off_text(dataset: xr.Dataset) -> str:
    """Say what the mark of inexact numbers means; empty where there is none."""
    if "lag" not in dataset or not any(far_off(dataset)):
        return ""
    return say(
        "~: approximate; an audit found them off exact values by {share:.0f} % of their size",
        share=100 * float(dataset.attrs["audit_share"]),
    )


def lag_table(lags: xr.Dataset) -> pd.DataFrame:
    """Give the evidence on each lag, newest first."""
    import pandas as pd

    columns = {"lag": lags["lag"].values.astype(int)}
    columns["lag_to"] = lags["lag_to"].values.astype(int) if "lag_to" in lags else columns["lag"]
    table = pd.DataFrame({**columns, "label": lag_labels(lags)})
    for name in ("share", "share_low", "share_high", "mean_contribution"):
        table[name] = lags[name].values if name in lags else np.nan
    return table.sort_values("lag", ignore_index=True)


def lags_summary(lags: xr.Dataset) -> Row:
    """Give a result of ``lags`` as a plain dict, ready for JSON."""
    rows = lag_table(lags).drop(columns="label").to_dict("records")
    attributes = plain_attributes(lags.attrs)
    return {**attributes, "lags": [{str(k): plain(v) for k, v in row.items()} for row in rows]}


def explanation_summary(explanation: xr.Dataset) -> Row:
    """Give the figures of an explanation that a reader needs to judge it."""
    summary: Row = plain_attributes(explanation.attrs)
    summary["samples"] = int(explanation.sizes["sample"])
    summary["mean_forecast"] = float(explanation["forecast"].mean())
    summary["mean_baseline_forecast"] = float(explanation["baseline_forecast"].mean())
    summary["max_residual"] = float(abs(explanation["residual"]).max())
    if "actual" in explanation:
        missed = explanation["forecast"] - explanation["actual"]
        summary["rmse"] = plain(float(np.sqrt((missed**2).mean())))
    return summary


def lag_feature_means(explanation: xr.Dataset) -> pd.DataFrame:
    """Give the mean size and the mean of the contributions by lag and feature."""
    contribution = explanation["contribution"]
    if "feature" not in contribution.dims:
        raise DataError(
            f"these contributions, made by {explanation.attrs.get('method', 'their method')!r}, "
            "are by lag alone: explain with method='secant' to see them by feature"
        )
    size = abs(contribution).mean("sample", skipna=False)
    mean = contribution.mean("sample", skipna=False)
    table = _by_lag_and_feature(explanation, size, "size")
    table["mean"] = _by_lag_and_feature(explanation, mean, "mean")["mean"]
    return table


def named_features(explanation: xr.Dataset, *, largest: int = 6) -> list[str]:
    """Name the features that get colours of their own, the most important over all windows first.

    The others are shown together. Where every chart is given these, one feature has one colour.
    """
    if "feature" not in explanation["contribution"].dims:
        return []
    size = abs(explanation["contribution"].sum("lag")).mean("sample").values
    order = np.argsort(-np.nan_to_num(size), kind="stable")
    ranked = [str(name) for name in explanation["feature"].values[order]]
    # One feature alone is never hidden behind "all others".
    return ranked if len(ranked) <= largest + 1 else ranked[:largest]


def lag_contributions(
    explanation: xr.Dataset,
    *,
    sample: int | None = None,
    largest: int = 6,
    named: list[str] | None = None,
) -> pd.DataFrame:
    """Give signed contributions by lag and feature, of one window or as means over all.

    Named are the features asked for, or else the largest; the others are summed.
    """
    contribution = explanation["contribution"]
    if sample is None:
        values = contribution.mean("sample", skipna=False)
    else:
        values = contribution.isel(sample=sample)
    if "feature" not in values.dims:
        values = values.expand_dims(feature=[""], axis=-1)
    table = _by_lag_and_feature(explanation, values, "contribution")
    if named is None or "feature" not in contribution.dims:
        # by all windows, so that the same are named, in the same order, whichever is shown
        named = named_features(explanation, largest=largest) or [""]
    table["feature"] = table["feature"].where(table["feature"].isin(named), others())
    summed = (
        table
        .groupby(["lag", "label", "feature"], sort=False)["contribution"]
        .apply(lambda part: part.sum(skipna=False))
        .reset_index()
    )
    rank = {name: place for place, name in enumerate(named)}
    summed["rank"] = [rank.get(name, len(named)) for name in summed["feature"]]
    return summed


def forecast_series(explanation: xr.Dataset, *, most: int = 504) -> pd.DataFrame:
    """Give the forecasts beside what happened, the newest windows of the result."""
    import pandas as pd

    newest = explanation.isel(sample=slice(-most, None))
    time = clock_times(newest["time"]) if "time" in newest else np.arange(newest.sizes["sample"])
    order = np.argsort(time, kind="stable")
    series = {"actual": say("what happened"), "forecast": say("forecast")}
    series["baseline_forecast"] = say("baseline forecast")
    parts = [
        pd.DataFrame({"time": time, "series": text, "value": newest[name].values}).iloc[order]
        for name, text in series.items()
        if name in newest
    ]
    return pd.concat([_with_gaps(part) for part in parts], ignore_index=True)


def pick_window(explanation: xr.Dataset) -> tuple[int, str]:
    """Choose the window to show in full: the one whose forecast moved most from its baseline.

    Where it is known of some windows what happened, it is one of those.
    """
    change = np.abs((explanation["forecast"] - explanation["baseline_forecast"]).values)
    last = len(change) - 1
    if "actual" in explanation:
        known = np.isfinite(explanation["actual"].values)
        if known.any():
            last = int(np.flatnonzero(known)[-1])
            change = np.where(known, change, np.nan)
    if not np.isfinite(change).any() or np.nanmax(change) == 0:
        return last, say("the last window")
    furthest = say("the window whose forecast moved furthest from its baseline")
    return int(np.nanargmax(change)), furthest


def duration(text: str) -> str:
    """Give a length of time as it is written in a sentence.

    Examples
    --------
    >>> duration("1h"), duration("15 min"), duration("")
    ('1 h', '15 min', '')
    """
    return re.sub(r"(?<=\d)(?=[^\d.\s])", " ", str(text))


def quantity(dataset: xr.Dataset, what: str) -> str:
    """Name a quantity of a result with its target and its unit, for an axis."""
    target, unit = target_and_unit(dataset)
    return f"{what} {target}".strip() + unit


def target_and_unit(dataset: xr.Dataset) -> tuple[str, str]:
    """Give the target of a result, and its unit as it stands behind a name."""
    target = str(dataset.attrs.get("target", "")) or say("the output")
    return target, in_brackets(dataset.attrs.get("unit"))


def is_dated(explanation: xr.Dataset, of: str = "time") -> bool:
    """Say whether windows have times by the clock."""
    if of not in explanation.coords:
        return False
    return bool(np.issubdtype(explanation[of].dtype, np.datetime64))


def time_text(explanation: xr.Dataset, sample: int, *, of: str = "time") -> str:
    """Say when a window is, and of which group."""
    if of not in explanation.coords:
        return say("sample {number}", number=sample)
    value = clock_times(explanation[of])[sample]
    text = say("sample {number}", number=value)
    if np.issubdtype(np.asarray(value).dtype, np.datetime64):
        known = not np.isnat(value)
        text = str(np.datetime_as_string(value, unit="m")) if known else say("a time not known yet")
    group = f", {explanation['group'].values[sample]}" if "group" in explanation.coords else ""
    return text.replace("T", " ", 1 if text[:1].isdecimal() else 0) + group


def _by_lag_and_feature(explanation: xr.Dataset, values: xr.DataArray, name: str) -> pd.DataFrame:
    import pandas as pd

    ordered = values.transpose("lag", "feature")
    lags, features = ordered.shape
    return pd.DataFrame({
        "lag": np.repeat(explanation["lag"].values.astype(int), features),
        "label": np.repeat(lag_labels(explanation), features),
        "feature": np.tile([str(feature) for feature in ordered["feature"].values], lags),
        name: ordered.values.ravel(),
    })


def _with_gaps(part: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    time = part["time"].to_numpy()
    if len(time) < 3:
        return part
    steps = np.diff(time)
    usual = np.median(steps.astype("int64")).astype("int64")
    after = np.flatnonzero(steps.astype("int64") > 1.5 * usual)
    if not len(after):
        return part
    breaks = part.iloc[after].copy()
    breaks["time"] = time[after] + np.asarray(usual).astype(steps.dtype)
    breaks["value"] = np.nan
    return pd.concat([part, breaks]).sort_values("time", kind="stable", ignore_index=True)
