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
from rnnlens.views.words.language import listed, many, marked, paragraph, phrase, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.rounding import rounded_down, rounded_up
from rnnlens.views.words.units import with_unit
from rnnlens.views.words.verdicts import verdict_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["evidence_sentences", "p_text", "share_text", "span", "when_used"]

#: Windows that a season, or a part of the day, must have before it is named.
FEWEST = 20
#: How many times as large as elsewhere the changes there must be, by the medians.
TIMES = 1.5
#: A season's months, and a part of the day's hours.
SEASONS = {
    marked("December to February"): (12, 1, 2),
    marked("March to May"): (3, 4, 5),
    marked("June to August"): (6, 7, 8),
    marked("September to November"): (9, 10, 11),
}
PARTS = {
    marked("00 to 06 h"): 0,
    marked("06 to 12 h"): 6,
    marked("12 to 18 h"): 12,
    marked("18 to 24 h"): 18,
}
#: What an error is the mean of.
LOSSES = {"absolute": marked("absolute"), "squared": marked("squared")}
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
        return many(steps, "{count} step", "{count} steps")
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
    return say(
        "with {confidence:g} % confidence at most {percent:g} % do",
        confidence=confidence,
        percent=percent,
    )


def when_used(moved: np.ndarray, issued: np.ndarray, clock: str = "UTC") -> str:
    """Name the season, the part of the day, or both, in which an input moves forecasts most.

    Shapes: moved (window,), issued (window,) of datetime64 by the clock that is named.
    """
    months = issued.astype("datetime64[M]").astype(int) % 12 + 1
    hours = issued.astype("datetime64[h]").astype(int) % 24
    by_season = {phrase(name): np.isin(months, which) for name, which in SEASONS.items()}
    by_part = {
        phrase(name): (hours >= start) & (hours < start + 6) for name, start in PARTS.items()
    }
    seasons = {say("in {season}", season=name): inside for name, inside in by_season.items()}
    parts = {
        say("from {part} {clock}", part=name, clock=clock): inside
        for name, inside in by_part.items()
    }
    both = {
        say("in {season}, {part} {clock}", season=a, part=b, clock=clock): x & y
        for a, x in by_season.items()
        for b, y in by_part.items()
    }
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
    target = _target(table)
    if "looks_back" not in a:
        return say("How far back the forecast of {target} looks was not tested.", target=target)
    far, steps, step = int(a["looks_back"]), int(a["steps"]), str(a.get("step", ""))
    values = {
        "target": target,
        "far": far,
        "span": span(far, step),
        "whole": span(steps, step),
        "hidden": _hidden(table),
        "level": f"{100 * float(a['alpha']):g}",
    }
    if far == 0:
        return say(
            "The forecast of {target} uses none of its window: hiding all of it {hidden}, at "
            "{level} % family-wise.",
            **values,
        )
    said = (
        say(
            "How far back the forecast of {target} looks is not bounded within its window of "
            "{whole}: not even for t-{far} alone could the test show that hiding it {hidden}, at "
            "{level} % family-wise.",
            **values,
        )
        if far == steps
        else say(
            "The forecast of {target} looks back {span}: hiding everything older than t-{far} "
            "together {hidden}, at {level} % family-wise.",
            **values,
        )
    )
    stopped = attribute_text(a, "looks_back_stopped")
    if not stopped:
        return said
    stop = say("The test stops at t-{far}: {reason}.", far=far, reason=stopped)
    return paragraph([said, stop])


def _hidden(table: xr.Dataset) -> str:
    """Say what hiding an input does at the most, as a clause."""
    a = table.attrs
    amount = _amount(a["margin"], a.get("loss_unit", ""))
    if a.get("blind"):
        return say("moves it by less than {amount}", amount=amount)
    return say(
        "changes its mean {loss} error by less than {amount}",
        loss=phrase(LOSSES.get(_loss(table), _loss(table))),
        amount=amount,
    )


def _without_lags(table: xr.Dataset) -> str:
    """Say of an input that looks back nowhere what it is."""
    name = table.attrs.get("input", say("the input"))
    if "ahead" in table.dims:
        return say(
            "Input {name} is known beforehand: its steps lie after the newest, and are no lags.",
            name=name,
        )
    return say("Input {name} does not change in time, and has no lags.", name=name)


def _by_lag(table: xr.Dataset) -> str:
    rows = _rows(table)
    start = _used(table, rows)
    end = _older(table, rows)
    if not end:
        return say("{used}.", used=start)
    return say("{used}; {older}.", used=start, older=end)


def _used(table: xr.Dataset, rows: list[Row]) -> str:
    """Name the oldest lag that is used, when, and how far it moves the forecast."""
    used = [row for row in rows if row["verdict"] == "used"]
    if not used:
        if _tested(table):
            return say("No lag was shown to be used by itself")
        return say("No lag was tested")
    row = used[-1]
    start = (
        say("The input at {lag} is used", lag=lag_text(row))
        if len(used) == 1
        else say("The input at {lag} is the oldest that is used", lag=lag_text(row))
    )
    when = ""
    if "moved" in table:
        lag = table["moved"].sel(lag=row["lag"]).values
        issued = table["tried_issued"]
        when = when_used(lag, clock_times(issued), clock_name(issued))
    how = _moved_by(table, row)
    if not how:
        tested = say("{used} ({p})", used=start, p=p_text(row["p_used"]))
        return say("{used}, most when issued {when}", used=tested, when=when) if when else tested
    if when:
        start = say("{used}, most when issued {when}", used=start, when=when)
    if when or len(used) > 1:
        return say("{used}, {how}", used=start, how=how)
    return say("{used} {how}", used=start, how=how)


def _moved_by(table: xr.Dataset, row: Row) -> str:
    """Say what certificates hold of a row: its bound, or what was attained where it has none."""
    bound, attained = (row.get(name, np.nan) for name in ("largest_bound", "largest_attained"))
    if not np.isfinite(bound) and not attained > 0:
        return ""
    windows, whole = _windows(table), _whole(table, row)
    if np.isfinite(bound):
        most = _bound(bound, table)
        if whole:
            return say(
                "at most by {bound} (proven in all {windows} tried)", bound=most, windows=windows
            )
        return say(
            "at most by {bound}, one feature at a time (proven in all {windows} tried)",
            bound=most,
            windows=windows,
        )
    most = _attained(attained, table)
    if whole:
        return say("by as much as {attained} ({windows} tried)", attained=most, windows=windows)
    return say(
        "by as much as {attained}, one feature at a time ({windows} tried)",
        attained=most,
        windows=windows,
    )


def _older(table: xr.Dataset, rows: list[Row]) -> str:
    """Say from where on the past is irrelevant, and what shows it."""
    far = int(table.attrs.get("looks_back", -1))
    last = rows[-1]["lag_to"]
    if not 0 <= far < last:
        return _each(table, rows)
    older = [row for row in rows if row["lag"] > far]
    shown = _shown(table, older)
    p = p_text(float(table.attrs["looks_back_p"]))
    if not table.attrs.get("sampler_fits", 1):
        p = say("{p}, by a sampler that does not fit", p=p)
    if older and all(row["verdict"] == "structural" for row in older):
        return say(
            "older than t-{far} it is irrelevant: no weight leads from there to the forecast",
            far=far,
        )
    where = (
        say("older than t-{far} it is irrelevant", far=far)
        if far
        else say("all of it is irrelevant")
    )
    never = _never(table, older)
    if shown and _all_bounded(older) and all(_whole(table, row) for row in older):
        said = say(
            "{where}: {shown}, and equivalent over the data set ({p})",
            where=where,
            shown=shown,
            p=p,
        )
        return say("{said}, {never}", said=said, never=never) if never else said
    said = say("{where}: equivalent over the data set ({p})", where=where, p=p)
    said = say("{said}, {never}", said=said, never=never) if never else said
    return say("{said}, where {shown}", said=said, shown=shown) if shown else said


def _never(table: xr.Dataset, older: list[Row]) -> str:
    """Say that observed values of no older lag moved the forecast, where that is so."""
    if not older or any(row.get("observed_exceeded", -1) != 0 for row in older):
        return ""
    a = table.attrs
    most = f"{figure(a['tolerance'], str(a.get('unit') or ''), digits=2)}"
    if a["replacements_all"]:
        return many(
            len(older),
            "observed values of it never move it by more than {most}",
            "observed values of each of them never move it by more than {most}",
            most=most,
        )
    return many(
        len(older),
        "in {draws:,} draws of observed values of it none moved it by more than {most} ({share})",
        "in {draws:,} draws of observed values of each of them none moved it by more than {most} "
        "({share})",
        draws=int(a["replacements"]),
        most=most,
        share=share_text(table),
    )


def _each(table: xr.Dataset, rows: list[Row]) -> str:
    """Say which lags are irrelevant each by itself, where they were not tested together."""
    k = len(rows)
    while k and rows[k - 1]["verdict"] in {"structural", "proven"}:
        k -= 1
    if k < len(rows):
        older = rows[k:]
        where = (
            say("older than t-{far} each lag is irrelevant", far=older[0]["lag"] - 1)
            if k
            else say("each lag is irrelevant")
        )
        if all(row["verdict"] == "structural" for row in older):
            return say("{where}: no weight leads from there to the forecast", where=where)
        return say(
            "{where} for the windows tried: {shown}", where=where, shown=_shown(table, older)
        )
    for verdict in ("bounded", "equivalent"):
        alone = [row for row in rows if row["verdict"] == verdict]
        if alone:
            return say(
                "{count} of {whole} lags are {verdict} each by itself, which does not make them "
                "irrelevant together",
                count=len(alone),
                whole=len(rows),
                verdict=verdict_text(verdict),
            )
    return say("no lag was shown to be irrelevant")


def _shown(table: xr.Dataset, older: list[Row]) -> str:
    """Say what certificates hold for older lags, if there are any."""
    if not older or not _all_bounded(older):
        return _attained_by(table, older)
    most, windows = _bound(max(row["largest_bound"] for row in older), table), _windows(table)
    if all(_whole(table, row) for row in older):
        return many(
            len(older),
            "proven within {most} in all {windows} tried",
            "proven each lag within {most} in all {windows} tried",
            most=most,
            windows=windows,
        )
    return say(
        "one feature of one lag moves it by at most {most} (proven in all {windows} tried)",
        most=most,
        windows=windows,
    )


def _all_bounded(rows: list[Row]) -> bool:
    """Say whether certificates bound every one of some rows."""
    return all(np.isfinite(row.get("largest_bound", np.nan)) for row in rows)


def _attained_by(table: xr.Dataset, older: list[Row]) -> str:
    """Say how far one of the older lags was seen to move the forecast, if it was."""
    attained = [row.get("largest_attained", np.nan) for row in older]
    if not older or not np.nanmax([0.0, *attained]) > 0:
        return ""
    most, windows = _attained(float(np.nanmax(attained)), table), _windows(table)
    if all(_whole(table, row) for row in older):
        return say(
            "a value of one lag was found that moves it by {most} ({windows} tried)",
            most=most,
            windows=windows,
        )
    return say(
        "a value of one feature of one lag was found that moves it by {most} ({windows} tried)",
        most=most,
        windows=windows,
    )


def _by_name(table: xr.Dataset) -> str:
    """Say which features, or features at lags, are used and which are irrelevant."""
    rows = _rows(table)
    order = ("used", "structural", "proven", "bounded", "equivalent", "refuted", "undecided")
    by = {verdict: [row for row in rows if row["verdict"] == verdict] for verdict in order}
    said = [_verdict_on(verdict, some) for verdict, some in by.items() if some]
    if not said:
        return say("All of its inputs are held.")
    return say("Of its inputs, {said}.", said=say("; ").join(said))


def _verdict_on(verdict: str, rows: list[Row]) -> str:
    """Say one verdict on some inputs, as a clause."""
    n, names = len(rows), _listed(rows)
    return {
        "used": many(n, "{names} is used", "{names} are used", names=names),
        "structural": many(
            n,
            "{names} is irrelevant by the weights",
            "{names} are irrelevant by the weights",
            names=names,
        ),
        "proven": many(
            n,
            "{names} is proven irrelevant for the windows tried",
            "{names} are proven irrelevant for the windows tried",
            names=names,
        ),
        "bounded": many(
            n,
            "{names} is bounded by draws of observed values",
            "{names} are bounded by draws of observed values",
            names=names,
        ),
        "equivalent": many(
            n,
            "{names} is equivalent over the data set",
            "{names} are equivalent over the data set",
            names=names,
        ),
        "refuted": many(
            n,
            "{names} is able to move the forecast, with no verdict over the data set",
            "{names} are able to move the forecast, with no verdict over the data set",
            names=names,
        ),
        "undecided": many(n, "{names} is undecided", "{names} are undecided", names=names),
    }[verdict]


def _listed(rows: list[Row]) -> str:
    names = [row["name"] for row in rows]
    if len(names) > 6:
        names = [*names[:5], say("{count} more", count=len(names) - 5)]
    return listed(names)


def _rows(table: xr.Dataset) -> list[Row]:
    return evidence_rows(table).to_dict("records")


def _tested(table: xr.Dataset) -> bool:
    return "p_used" in table


def _whole(table: xr.Dataset, row: Row) -> bool:
    return bool(table.attrs.get("whole")) and row["lag"] == row["lag_to"]


def _windows(table: xr.Dataset) -> str:
    return many(int(table.attrs["certified"]), "{count:,} window", "{count:,} windows")


def _bound(value: float, table: xr.Dataset) -> str:
    return with_unit(rounded_up(float(value)), table.attrs.get("unit"))


def _attained(value: float, table: xr.Dataset) -> str:
    return with_unit(rounded_down(float(value)), table.attrs.get("unit"))


def _amount(value: float, unit: str) -> str:
    return with_unit(rounded_up(float(value), 2), unit)


def _loss(table: xr.Dataset) -> str:
    return str(table.attrs["loss"])


def _target(table: xr.Dataset) -> str:
    return str(table.attrs.get("target") or say("the output"))
