"""What the evidence on lags says, in two plain sentences made by fixed rules.

The rules, all in this file:

- *looks back*: only what the test of all older lags together has shown, at its family-wise level.
- *is used*: only a lag whose own test says so; the oldest of them is named.
- *at most by*: only a certificate's bound, rounded up, with the number of windows it holds in.
- *proven*: only of certificates. Where they freed one feature at a time, the sentence says so.
- *in n draws none*: only of rows in which no draw exceeded the tolerance; with the share that this
  leaves, rounded up, and its confidence. It never makes anything *proven*.
- *irrelevant*: only on a positive claim: all older lags tested together, or each lag proven, or
  weights that are zero. Never because nothing was found.
- *most when issued in ...*: only where, among at least `FEWEST` windows of a season and part of the
  day, the median change by plain runs is `TIMES` that of all other windows or more, and three of
  four windows there lie above that median. Seasons are three months, parts of the day six hours by
  the clocks that the series states, UTC where it states none: which season is a winter depends on
  the place, which the data do not say.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.lag_rows import evidence_rows
from rnnlens.views.tables.plain import Row
from rnnlens.views.words.clock import clock_name, clock_times
from rnnlens.views.words.explanation import figure, lag_text
from rnnlens.views.words.forecast import with_caution
from rnnlens.views.words.rounding import rounded_up
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["evidence_sentences", "p_text", "share_text", "span", "when_used"]

#: Windows that a season, or a part of the day, must have before it is named.
FEWEST = 20
#: How many times as large as elsewhere the changes there must be, by the medians.
TIMES = 1.5
#: A season's months, and a part of the day's hours.
SEASONS = {
    "December to February": (12, 1, 2),
    "March to May": (3, 4, 5),
    "June to August": (6, 7, 8),
    "September to November": (9, 10, 11),
}
PARTS = {"00 to 06 h": 0, "06 to 12 h": 6, "12 to 18 h": 12, "18 to 24 h": 18}
#: Verdicts that say that an input does not matter.
IRRELEVANT = {"structural", "proven", "bounded", "equivalent"}
#: Units of a step, in seconds.
SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def evidence_sentences(table: xr.Dataset) -> tuple[str, str]:
    """Say in two sentences how far back a forecast looks, and which inputs matter."""
    a = table.attrs
    still = "input" in a and "lag" not in table.dims and int(a.get("steps", 1)) == 1
    if still or "ahead" in table.dims:
        return _without_lags(table), with_caution(_by_name(table), a)
    far = _looks_back(table)
    last = _by_lag(table) if a.get("by", "lag") == "lag" else _by_name(table)
    bounded = int(a.get("looks_back", a.get("steps", 1))) < int(a.get("steps", 1))
    if bounded:  # some of the window is said to be irrelevant
        far = with_caution(far, a)
    if bounded or set(evidence_rows(table)["verdict"]) & IRRELEVANT:
        last = with_caution(last, a)
    return far, last


def span(steps: int, step: str) -> str:
    """Give a number of steps as a length of time, or as steps where they have none.

    Examples
    --------
    >>> span(7, "1h"), span(6, "15 min"), span(3, "1d"), span(1, ""), span(2, "")
    ('7 h', '90 min', '3 d', '1 step', '2 steps')
    """
    length = step_length(step)
    if length is None:
        return f"{steps} step{'' if steps == 1 else 's'}"
    count, unit = steps * length[0], length[1]
    for larger in ("min", "h", "d"):
        ratio = SECONDS[larger] / SECONDS[unit]
        if ratio > 1 and count % ratio == 0 and count >= 2 * ratio:
            return span(int(count / ratio), f"1{larger}")
    return f"{count} {unit}"


def step_length(step: str) -> tuple[int, str] | None:
    """Take the length of a step apart into a number and its unit; None where it has none.

    Examples
    --------
    >>> step_length("15 min"), step_length("")
    ((15, 'min'), None)
    """
    match = re.fullmatch(r"(\d+) ?([a-z]+)", step)
    if match is None or match.group(2) not in SECONDS:
        return None
    return int(match.group(1)), match.group(2)


def p_text(p: float) -> str:
    """Give a p-value as it is printed.

    Examples
    --------
    >>> p_text(0.0471), p_text(0.0), p_text(0.32)
    ('p = 0.047', 'p < 0.001', 'p = 0.32')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def share_text(table: xr.Dataset) -> str:
    """Say how many of all pairs of a window and an observed value may exceed the tolerance."""
    none = table["observed_exceeded"].values == 0
    limit = float(table["observed_share"].values[none].max())
    confidence = 100 * float(table.attrs["replacements_confidence"])
    percent = math.ceil(limit * 1e5 - 1e-9) / 1e3
    return f"with {confidence:g} % confidence at most {percent:g} % do"


def when_used(moved: np.ndarray, issued: np.ndarray, clock: str = "UTC") -> str:
    """Name the season, the part of the day, or both, in which an input moves forecasts most.

    Shapes: moved (window,), issued (window,) of datetime64 by the clock that is named.
    """
    months = issued.astype("datetime64[M]").astype(int) % 12 + 1
    hours = issued.astype("datetime64[h]").astype(int) % 24
    seasons = {f"in {name}": np.isin(months, which) for name, which in SEASONS.items()}
    parts = {
        f"from {name} {clock}": (hours >= start) & (hours < start + 6)
        for name, start in PARTS.items()
    }
    both = {f"{a}, {b[5:]}": x & y for a, x in seasons.items() for b, y in parts.items()}
    best, name = TIMES, ""
    for text, inside in {**seasons, **parts, **both}.items():
        if inside.sum() < FEWEST or (~inside).sum() < FEWEST:
            continue
        elsewhere = float(np.median(moved[~inside]))
        ratio = float(np.median(moved[inside])) / max(elsewhere, 1e-300)
        if ratio >= best and np.quantile(moved[inside], 0.25) > elsewhere:
            best, name = ratio, text
    return name


def _looks_back(table: xr.Dataset) -> str:
    a = table.attrs
    name = _forecast(table)
    if "looks_back" not in a:
        return f"How far back {name} looks was not tested."
    far, steps, step = int(a["looks_back"]), int(a["steps"]), str(a.get("step", ""))
    what = "moves it" if a.get("blind") else f"changes its mean {_loss(table)} error"
    within = f"by less than {_amount(a['margin'], a.get('loss_unit', ''))}"
    level = f"at {100 * float(a['alpha']):g} % family-wise"
    stopped = str(a.get("looks_back_stopped") or "")
    end = f". The test stops at t-{far}: {stopped}." if stopped else "."
    if far == steps:
        return (
            f"How far back {name} looks is not bounded within its window of {span(steps, step)}: "
            f"not even for t-{steps} alone could the test show that hiding it {what} {within}, "
            f"{level}{end}"
        )
    if far == 0:
        return f"{_upper(name)} uses none of its window: hiding all of it {what} {within}, {level}."
    return (
        f"{_upper(name)} looks back {span(far, step)}: hiding everything older than t-{far} "
        f"together {what} {within}, {level}{end}"
    )


def _without_lags(table: xr.Dataset) -> str:
    """Say of an input that looks back nowhere what it is."""
    name = table.attrs.get("input", "the input")
    if "ahead" in table.dims:
        return f"Input {name} is known beforehand: its steps lie after the newest, and are no lags."
    return f"Input {name} does not change in time, and has no lags."


def _by_lag(table: xr.Dataset) -> str:
    rows = _rows(table)
    start = _used(table, rows)
    end = _older(table, rows)
    return f"{start}; {end}." if end else f"{start}."


def _used(table: xr.Dataset, rows: list[Row]) -> str:
    """Name the oldest lag that is used, when, and how far it moves the forecast at most."""
    used = [row for row in rows if row["verdict"] == "used"]
    if not used:
        return "No lag was shown to be used by itself" if _tested(table) else "No lag was tested"
    row = used[-1]
    start = f"The input at {lag_text(row)} is"
    start = f"{start} used" if len(used) == 1 else f"{start} the oldest that is used"
    when = ""
    if "moved" in table:
        lag = table["moved"].sel(lag=row["lag"]).values
        issued = table["tried_issued"]
        when = when_used(lag, clock_times(issued), clock_name(issued))
    when = f", most when issued {when}" if when else ""
    bound = row.get("largest_bound", np.nan)
    if not np.isfinite(bound):
        return f"{start} ({p_text(row['p_used'])}){when}"
    each = "" if _whole(table, row) else ", one feature at a time"
    comma = "," if when or len(used) > 1 else ""
    return (
        f"{start}{when}{comma} at most by {_bound(bound, table)}{each} "
        f"(proven in all {_windows(table)} tried)"
    )


def _older(table: xr.Dataset, rows: list[Row]) -> str:
    """Say from where on the past is irrelevant, and what shows it."""
    far = int(table.attrs.get("looks_back", -1))
    last = rows[-1]["lag_to"]
    if 0 <= far < last:
        older = [row for row in rows if row["lag"] > far]
        shown = _shown(table, older)
        fits = "" if table.attrs.get("sampler_fits", 1) else ", by a sampler that does not fit"
        p = f"({p_text(float(table.attrs['looks_back_p']))}{fits})"
        if older and all(row["verdict"] == "structural" for row in older):
            return (
                f"older than t-{far} it is irrelevant: no weight leads from there to the forecast"
            )
        where = f"older than t-{far} it is irrelevant" if far else "all of it is irrelevant"
        proof = f"{shown}, and " if shown and all(_whole(table, row) for row in older) else ""
        said = f"{where}: {proof}equivalent over the data set {p}{_never(table, older)}"
        return said if proof or not shown else f"{said}, where {shown}"
    return _each(table, rows)


def _never(table: xr.Dataset, older: list[Row]) -> str:
    """Say that observed values of no older lag moved the forecast, where that is so."""
    if not older or any(row.get("observed_exceeded", -1) != 0 for row in older):
        return ""
    a = table.attrs
    each = "it" if len(older) == 1 else "each of them"
    most = f"{figure(a['tolerance'], str(a.get('unit') or ''), digits=2)}"
    if a["replacements_all"]:
        return f", observed values of {each} never move it by more than {most}"
    return (
        f", in {int(a['replacements']):,} draws of observed values of {each} none moved it by more "
        f"than {most} ({share_text(table)})"
    )


def _each(table: xr.Dataset, rows: list[Row]) -> str:
    """Say which lags are irrelevant each by itself, where they were not tested together."""
    k = len(rows)
    while k and rows[k - 1]["verdict"] in {"structural", "proven"}:
        k -= 1
    if k < len(rows):
        older = rows[k:]
        where = f"older than t-{older[0]['lag'] - 1} each lag" if k else "each lag"
        if all(row["verdict"] == "structural" for row in older):
            return f"{where} is irrelevant: no weight leads from there to the forecast"
        return f"{where} is irrelevant for the windows tried: {_shown(table, older)}"
    for verdict in ("bounded", "equivalent"):
        alone = [row for row in rows if row["verdict"] == verdict]
        if alone:
            return (
                f"{len(alone)} of {len(rows)} lags are {verdict} each by itself, which does not "
                "make them irrelevant together"
            )
    return "no lag was shown to be irrelevant"


def _shown(table: xr.Dataset, older: list[Row]) -> str:
    """Say what certificates hold for older lags, if there are any."""
    bounds = [row.get("largest_bound", np.nan) for row in older]
    if not older or not np.isfinite(bounds).all():
        return ""
    most, windows = _bound(max(bounds), table), _windows(table)
    if all(_whole(table, row) for row in older):
        each = "each lag " if len(older) > 1 else ""
        return f"proven {each}within {most} in all {windows} tried"
    return f"one feature of one lag moves it by at most {most} (proven in all {windows} tried)"


def _by_name(table: xr.Dataset) -> str:
    """Say which features, or features at lags, are used and which are irrelevant."""
    rows = _rows(table)
    order = ("used", "structural", "proven", "bounded", "equivalent", "refuted", "undecided")
    words = {verdict: [row for row in rows if row["verdict"] == verdict] for verdict in order}
    texts = {
        "used": "used",
        "structural": "irrelevant by the weights",
        "proven": "proven irrelevant for the windows tried",
        "bounded": "bounded by draws of observed values",
        "equivalent": "equivalent over the data set",
        "refuted": "able to move the forecast, with no verdict over the data set",
        "undecided": "undecided",
    }
    said = [
        f"{_listed(some)} {'is' if len(some) == 1 else 'are'} {texts[verdict]}"
        for verdict, some in words.items()
        if some
    ]
    return f"Of its inputs, {'; '.join(said)}." if said else "All of its inputs are held."


def _listed(rows: list[Row]) -> str:
    names = [row["name"] for row in rows]
    if len(names) > 6:
        names = [*names[:5], f"{len(names) - 5} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _rows(table: xr.Dataset) -> list[Row]:
    return evidence_rows(table).to_dict("records")


def _tested(table: xr.Dataset) -> bool:
    return "p_used" in table


def _whole(table: xr.Dataset, row: Row) -> bool:
    return bool(table.attrs.get("whole")) and row["lag"] == row["lag_to"]


def _windows(table: xr.Dataset) -> str:
    count = int(table.attrs["certified"])
    return f"{count:,} window{'' if count == 1 else 's'}"


def _bound(value: float, table: xr.Dataset) -> str:
    return with_unit(rounded_up(float(value)), table.attrs.get("unit"))


def _amount(value: float, unit: str) -> str:
    return with_unit(rounded_up(float(value), 2), unit)


def _loss(table: xr.Dataset) -> str:
    return str(table.attrs["loss"])


def _forecast(table: xr.Dataset) -> str:
    return f"the forecast of {table.attrs.get('target') or 'the output'}"


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
