"""What was found, in plain sentences made from the numbers by fixed rules.

The wording claims no more than the numbers do: a share says how much of what moved this network's
forecast came from a lag, and neither proves that a lag is irrelevant nor says what causes what.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Row
from rnnlens.views.tables.summary import duration, lag_table
from rnnlens.views.words.language import listed, marked, phrase, say
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["figure", "lag_sentences", "lag_text", "percent"]

#: The part of all shares for which the sentences say how many lags carry it.
MOST = 0.9

#: Steps of one unit, by what a time series calls them.
STEP_NAMES = {
    "h": (marked("hour"), marked("hours")),
    "d": (marked("day"), marked("days")),
    "w": (marked("week"), marked("weeks")),
    "min": (marked("minute"), marked("minutes")),
    "t": (marked("minute"), marked("minutes")),
    "s": (marked("second"), marked("seconds")),
}


def percent(share: float) -> str:
    """Give a share in percent, with two significant digits and never rounded to none or all.

    Examples
    --------
    >>> percent(0.4137), percent(0.0032), percent(0.9999), percent(1e-9), percent(0.0)
    ('41 %', '0.32 %', 'over 99 %', 'under 0.001 %', '0 %')
    """
    hundred = 100 * share
    if 99.5 <= hundred < 100 - 1e-9:
        return say("over 99 %")
    if 0 < hundred < 0.001:
        return say("under 0.001 %")
    return f"{_digits(hundred)} %"


def figure(value: float | None, unit: str = "", *, digits: int = 4) -> str:
    """Give a number with its unit, for a sentence or a table; no unit is written for ``"-"``.

    Examples
    --------
    >>> figure(54.2243, "F"), figure(3.2e-13), figure(float("nan"), "F"), figure(12345.6)
    ('54.22 F', '3.2e-13', 'missing', '12,346')
    """
    if value is None or not np.isfinite(value):
        return say("missing")
    number = f"{float(value):.{digits}g}"
    if 1e3 <= abs(float(number)) < 1e7:
        # never as a power of ten, and whole from four digits on
        number = f"{float(value if digits >= 4 else number):,.0f}"
    return with_unit(number, unit)


def lag_text(row: Row) -> str:
    """Name a lag, or a group of them by its ends.

    Examples
    --------
    >>> lag_text({"lag": 3, "lag_to": 3}), lag_text({"lag": 3, "lag_to": 9})
    ('t-3', 't-3 to t-9')
    """
    first, last = row["lag"], row["lag_to"]
    return f"t-{first}" if first == last else say("t-{first} to t-{last}", first=first, last=last)


def lag_sentences(lags: xr.Dataset) -> tuple[str, str]:
    """Say in two sentences how far back a forecast looks."""
    table: list[Row] = lag_table(lags).to_dict("records")
    share = np.array([row["share"] for row in table])
    forecast = _forecast_name(lags)
    if np.isnan(share).any() or not share.sum() > 0:
        return (
            say(
                "Nothing moved {forecast} away from its baseline in these samples.",
                forecast=forecast,
            ),
            say("No lag has a share, so nothing can be said about how far back the network looks."),
        )
    if len(table) == 1:
        return _single_lag(table[0], forecast)
    return _newest(table, share, forecast, lags), _oldest(table[-1], lags)


def _single_lag(row: Row, forecast: str) -> tuple[str, str]:
    values = {"forecast": forecast, "lag": lag_text(row)}
    first = (
        say(
            "The window has a single step, so all that moved {forecast} came from it ({lag}).",
            **values,
        )
        if _alone(row)
        else say(
            "All lags were taken together, so all that moved {forecast} came from them ({lag}).",
            **values,
        )
    )
    return first, say(
        "Its share is 100 % by construction and says nothing about how much the input matters."
    )


def _newest(table: list[Row], share: np.ndarray, forecast: str, lags: xr.Dataset) -> str:
    one, _ = _step_words(lags)
    values = {
        "forecast": forecast,
        "share": percent(share[0]),
        "newest": say("the newest {step} (t-1)", step=one)
        if _alone(table[0])
        else say("the inputs from {lag}", lag=lag_text(table[0])),
        "carrying": _carrying(table, share, lags),
    }
    if np.isclose(share.max(), share[0]):
        return say(
            "Of all that moved {forecast} away from its baseline, {share} came from {newest}, and "
            "{carrying}.",
            **values,
        )
    # another lag has the largest share
    (top,) = np.nonzero(np.isclose(share, share.max()))
    names = [lag_text(table[place]) for place in top]
    values |= {"most": percent(share.max()), "lags": listed(names)}
    if len(names) == 1:
        return say(
            "Of all that moved {forecast} away from its baseline, {share} came from {newest} (the "
            "largest share, {most}, came from {lags}), and {carrying}.",
            **values,
        )
    return say(
        "Of all that moved {forecast} away from its baseline, {share} came from {newest} (the "
        "largest share, {most} each, came from {lags}), and {carrying}.",
        **values,
    )


def _carrying(table: list[Row], share: np.ndarray, lags: xr.Dataset) -> str:
    one, many = _step_words(lags)
    total = np.cumsum(share) / share.sum()
    # The sum of shares that make 90 % exactly may fall short of it by rounding.
    place = int(np.argmax(total >= MOST - 1e-12))
    count, whole = table[place]["lag_to"], table[-1]["lag_to"]
    if count == 1:
        return say("that {step} alone carries at least 90 %", step=one)
    if place < len(table) - 1:
        return say("at least 90 % came from the newest {count} {steps}", count=count, steps=many)
    if _alone(table[place]):
        return say("all {count} {steps} are needed to reach 90 %", count=whole, steps=many)
    before = table[place - 1]["lag_to"]
    return say(
        "the newest {count} {steps} carry {share}, the {older} older ones together the rest",
        count=before,
        steps=many if before > 1 else one,
        share=percent(total[place - 1]),
        older=whole - before,
    )


def _oldest(row: Row, lags: xr.Dataset) -> str:
    alone, lag = _alone(row), lag_text(row)
    if row["share"] == 0:
        if alone:
            return say(
                "The input at {lag} carries no share at all in these samples; that is what the "
                "network computed with this baseline, not yet a proof of irrelevance.",
                lag=lag,
            )
        return say(
            "The inputs from {lag} carry no share at all in these samples; that is what the "
            "network computed with this baseline, not yet a proof of irrelevance.",
            lag=lag,
        )
    target = lags.attrs.get("target") or say("the output")
    values = {"lag": lag, "share": _with_interval(row, lags), "target": target}
    if row["share"] < 0.01:
        if alone:
            return say(
                "The input at {lag} carries {share}; that is a share of what the network computed, "
                "not yet a proof that it is irrelevant.",
                **values,
            )
        return say(
            "The inputs from {lag} together carry {share}; that is a share of what the network "
            "computed, not yet a proof that they are irrelevant.",
            **values,
        )
    if alone:
        return say(
            "The input at {lag} carries {share}; that is a share of what the network computed, not "
            "of what causes {target}.",
            **values,
        )
    return say(
        "The inputs from {lag} together carry {share}; that is a share of what the network "
        "computed, not of what causes {target}.",
        **values,
    )


def _with_interval(row: Row, lags: xr.Dataset) -> str:
    """Give a share, and its interval where it has one."""
    share, low, high = percent(row["share"]), row["share_low"], row["share_high"]
    if not (np.isfinite(low) and np.isfinite(high)):
        return share
    confidence = lags.attrs.get("confidence")
    values = {"share": share, "low": _digits(100 * low), "high": _digits(100 * high)}
    if confidence:
        level = f"{100 * float(confidence):g}"
        return say("{share} ({level} % interval {low} to {high} %)", level=level, **values)
    return say("{share} (interval {low} to {high} %)", **values)


def _alone(row: Row) -> bool:
    return row["lag"] == row["lag_to"]


def _forecast_name(lags: xr.Dataset) -> str:
    target = lags.attrs.get("target") or say("the output")
    lead = lags.attrs.get("lead", "")
    if isinstance(lead, int | np.integer):
        one, many = _step_words(lags)
        lead = f"{lead} {one if lead == 1 else many}" if lead else ""
    lead = duration(lead)
    if lead:
        return say("the forecast of {target} {lead} ahead", target=target, lead=lead)
    return say("the forecast of {target}", target=target)


def _step_words(lags: xr.Dataset) -> tuple[str, str]:
    match = re.fullmatch(r"(?:1\s*)?([A-Za-z]+)", str(lags.attrs.get("step", "")).strip())
    usual = (marked("step"), marked("steps"))
    one, several = STEP_NAMES.get(match.group(1).lower(), usual) if match else usual
    return phrase(one), phrase(several)


def _digits(value: float) -> str:
    if abs(value) >= 9.95:
        return f"{value:.0f}"
    text = f"{value:.2g}"
    return f"{value:.4f}".rstrip("0").rstrip(".") if "e" in text else text
