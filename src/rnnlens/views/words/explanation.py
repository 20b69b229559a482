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
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["figure", "lag_sentences", "lag_text", "percent"]

#: The part of all shares for which the sentences say how many lags carry it.
MOST = 0.9

#: Steps of one unit, by what a time series calls them.
STEP_NAMES = {
    "h": "hour",
    "d": "day",
    "w": "week",
    "min": "minute",
    "t": "minute",
    "s": "second",
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
        return "over 99 %"
    if 0 < hundred < 0.001:
        return "under 0.001 %"
    return f"{_digits(hundred)} %"


def figure(value: float | None, unit: str = "", *, digits: int = 4) -> str:
    """Give a number with its unit, for a sentence or a table; no unit is written for ``"-"``.

    Examples
    --------
    >>> figure(54.2243, "F"), figure(3.2e-13), figure(float("nan"), "F"), figure(12345.6)
    ('54.22 F', '3.2e-13', 'missing', '12,346')
    """
    if value is None or not np.isfinite(value):
        return "missing"
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
    return f"t-{first}" if first == last else f"t-{first} to t-{last}"


def lag_sentences(lags: xr.Dataset) -> tuple[str, str]:
    """Say in two sentences how far back a forecast looks."""
    table: list[Row] = lag_table(lags).to_dict("records")
    share = np.array([row["share"] for row in table])
    forecast = _forecast_name(lags)
    if np.isnan(share).any() or not share.sum() > 0:
        return (
            f"Nothing moved {forecast} away from its baseline in these samples.",
            "No lag has a share, so nothing can be said about how far back the network looks.",
        )
    if len(table) == 1:
        return _single_lag(table[0], forecast)
    return _newest(table, share, forecast, lags), _oldest(table[-1], lags)


def _single_lag(row: Row, forecast: str) -> tuple[str, str]:
    if row["lag_to"] == row["lag"]:
        which = f"The window has a single step, so all that moved {forecast} came from it"
    else:
        which = f"All lags were taken together, so all that moved {forecast} came from them"
    return (
        f"{which} ({lag_text(row)}).",
        "Its share is 100 % by construction and says nothing about how much the input matters.",
    )


def _newest(table: list[Row], share: np.ndarray, forecast: str, lags: xr.Dataset) -> str:
    one, _ = _step_words(lags)
    start = f"Of all that moved {forecast} away from its baseline, {percent(share[0])} came from"
    newest = f"the newest {one} (t-1)" if _alone(table[0]) else _inputs(table[0])
    return f"{start} {newest}{_largest(table, share)}, and {_carrying(table, share, lags)}."


def _largest(table: list[Row], share: np.ndarray) -> str:
    """Say which lag has the largest share where the newest does not."""
    if np.isclose(share.max(), share[0]):
        return ""
    (top,) = np.nonzero(np.isclose(share, share.max()))
    names = [lag_text(table[place]) for place in top]
    joined = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    each = "" if len(names) == 1 else " each"
    return f" (the largest share, {percent(share.max())}{each}, came from {joined})"


def _carrying(table: list[Row], share: np.ndarray, lags: xr.Dataset) -> str:
    one, many = _step_words(lags)
    total = np.cumsum(share) / share.sum()
    # The sum of shares that make 90 % exactly may fall short of it by rounding.
    place = int(np.argmax(total >= MOST - 1e-12))
    count, whole = table[place]["lag_to"], table[-1]["lag_to"]
    if count == 1:
        return f"that {one} alone carries at least 90 %"
    if place < len(table) - 1:
        return f"at least 90 % came from the newest {count} {many}"
    if _alone(table[place]):
        return f"all {whole} {many} are needed to reach 90 %"
    before = table[place - 1]["lag_to"]
    return (
        f"the newest {before} {many if before > 1 else one} carry {percent(total[place - 1])}, "
        f"the {whole - before} older ones together the rest"
    )


def _oldest(row: Row, lags: xr.Dataset) -> str:
    alone = _alone(row)
    subject = _inputs(row).capitalize()
    if row["share"] == 0:
        return (
            f"{subject} {'carries' if alone else 'carry'} no share at all in these samples; that "
            "is what the network computed with this baseline, not yet a proof of irrelevance."
        )
    verb = "carries" if alone else "together carry"
    start = f"{subject} {verb} {percent(row['share'])}{_interval(row, lags)}"
    if row["share"] < 0.01:
        end = f"not yet a proof that {'it is' if alone else 'they are'} irrelevant"
    else:
        end = f"not of what causes {lags.attrs.get('target') or 'the output'}"
    return f"{start}; that is a share of what the network computed, {end}."


def _interval(row: Row, lags: xr.Dataset) -> str:
    low, high = row["share_low"], row["share_high"]
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    confidence = lags.attrs.get("confidence")
    level = f"{100 * float(confidence):g} % interval" if confidence else "interval"
    return f" ({level} {_digits(100 * low)} to {_digits(100 * high)} %)"


def _alone(row: Row) -> bool:
    return row["lag"] == row["lag_to"]


def _inputs(row: Row) -> str:
    return f"the input at {lag_text(row)}" if _alone(row) else f"the inputs from {lag_text(row)}"


def _forecast_name(lags: xr.Dataset) -> str:
    target = lags.attrs.get("target") or "the output"
    lead = lags.attrs.get("lead", "")
    if isinstance(lead, int | np.integer):
        one, many = _step_words(lags)
        lead = f"{lead} {one if lead == 1 else many}" if lead else ""
    lead = duration(lead)
    return f"the forecast of {target} {lead} ahead" if lead else f"the forecast of {target}"


def _step_words(lags: xr.Dataset) -> tuple[str, str]:
    match = re.fullmatch(r"(?:1\s*)?([A-Za-z]+)", str(lags.attrs.get("step", "")).strip())
    name = STEP_NAMES.get(match.group(1).lower(), "step") if match else "step"
    return name, f"{name}s"


def _digits(value: float) -> str:
    if abs(value) >= 9.95:
        return f"{value:.0f}"
    text = f"{value:.2g}"
    return f"{value:.4f}".rstrip("0").rstrip(".") if "e" in text else text
