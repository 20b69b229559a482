"""How good a forecast is, in one line, and a caution where it is none, made by fixed rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rnnlens.views.words.explanation import figure, percent
from rnnlens.views.words.language import enumerated, listed, many, marked, phrase, say
from rnnlens.views.words.origin import attribute_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.views.tables.plain import Attributes, Row

__all__ = [
    "CheckPage",
    "caution_sentence",
    "forecast_line",
    "matters_sentence",
    "place_name",
    "remedies_of",
    "remedy_text",
    "season_name",
    "verdict_sentence",
    "with_caution",
]

#: What lies between a forecast and the season before it.
SEASONS = {
    "day": marked("same hour the day before"),
    "week": marked("same day the week before"),
    "year": marked("same day the year before"),
}
#: How inputs or a forecast would be scaled, in words.
SCALINGS = {
    "none": marked("not scaled at all"),
    "standard": marked("scaled by the mean and the standard deviation of the data"),
    "min-max": marked("scaled to 0 to 1 by the minimum and the maximum of the data"),
    "min-max -1 to 1": marked("scaled to -1 to 1 by the minimum and the maximum of the data"),
    "inverse": marked("multiplied by the stated scale and not divided (scale_ of a MinMaxScaler)"),
    "min_": marked("read as value * scale + mean (scale_ and min_ of a MinMaxScaler)"),
    "twice": marked("scaled as stated twice"),
    "feature": marked("scaled as the feature of that name"),
    "stated": marked("scaled as stated"),
}
#: Share of saturated gates that is worth saying.
SATURATED = 0.5


class Figures(Protocol):
    """The numbers of a variable, as a DataArray holds them."""

    @property
    def values(self) -> NDArray[Any]: ...
    def __float__(self) -> float: ...


class CheckPage(Protocol):
    """What is read of a check here: the Dataset of `rnnlens.check`, or as much as its facts."""

    @property
    def attrs(self) -> Attributes:
        """What it is about, by name."""
        ...

    def __contains__(self, name: object, /) -> bool: ...
    def __getitem__(self, name: str, /) -> Figures: ...


def forecast_line(page: CheckPage) -> str:
    """Say in one line how good a forecast is, beside what is known without the network."""
    a = page.attrs
    if not int(a["judged"]):
        return _not_judged(a)
    error, names = _by_reference(page), _reference_names(a)
    beside = _with_errors(names, error)
    values = {
        "measure": a["measure"],
        "error": figure(error["forecast"], str(a.get("unit") or ""), digits=3),
        "beside": enumerated(beside),
        "count": int(a["judged"]),
    }
    if a["judged_on"] == "the windows":
        return say("{measure} {error}; {beside} ({count:,} forecasts)", **values)
    return say(
        "{measure} {error}; {beside} ({count:,} forecasts, judged on {where})",
        where=place_name(a["judged_on"]),
        **values,
    )


def place_name(place: object) -> str:
    """Say on what a forecast was judged, or a mean is of, as a result names it."""
    known = (marked("the background"), marked("the windows"), marked("what happened"))
    return phrase(str(place)) if place in known else str(place)


def season_name(season: object) -> str:
    """Say what lies between a forecast and the season before it; nothing where there is none."""
    return phrase(SEASONS.get(str(season), ""))


def _reference_names(a: Attributes) -> dict[str, str]:
    return {
        "persistence": say("persistence"),
        "season": season_name(a["season_of"]),
        "mean": say("mean of {where}", where=place_name(a["mean_of"])),
        "linear": say("a linear fit on the same windows"),
    }


def verdict_sentence(page: CheckPage) -> str:
    """Say what a check found where it has nothing to warn of."""
    target, verdict = page.attrs["target"], str(page.attrs["verdict"])
    if verdict == "better":
        return say(
            "The forecast of {target} is better than {beaten}.", target=target, beaten=_beaten(page)
        )
    if verdict == "no better":
        return say(
            "The forecast of {target} is not shown to be better than the best of what is known "
            "without the network.",
            target=target,
        )
    return say(
        "Whether the forecast of {target} is any good is not known; nothing about its inputs "
        "speaks against it.",
        target=target,
    )


def _beaten(page: CheckPage) -> str:
    """List what a forecast is better than, beyond noise, and say where a linear fit is not."""
    error, names = _by_reference(page), _reference_names(page.attrs)
    linear = names.pop("linear")
    known = [
        text if name == "persistence" else say("the {name}", name=text)
        for name, text in names.items()
        if np.isfinite(error[name])
    ]
    beaten = listed(known)
    if error["linear"] < error["forecast"]:
        return say(
            "{beaten}, beyond noise, but {linear} errs less, {error} against {own}",
            beaten=beaten,
            linear=linear,
            error=_short(error["linear"]),
            own=_short(error["forecast"]),
        )
    return say("{beaten}, beyond noise", beaten=beaten)


def _not_judged(a: Attributes) -> str:
    known = int(a["known"])
    if known:
        return many(
            known,
            "the forecast's error was not judged: one window is too few",
            "the forecast's error was not judged: {count} windows are too few",
        )
    return say("the forecast's error was not judged: no actuals are known")


def _by_reference(page: CheckPage) -> dict[str, float]:
    names = (str(name) for name in page["reference"].values)
    compared = page["rmse" if page.attrs["measure"] == "RMSE" else "error"]
    return dict(zip(names, map(float, compared.values), strict=True))


def _short(value: float) -> str:
    return f"{value:.3g}"


def caution_sentence(page: CheckPage) -> str:
    """Say why a forecast is none, or what would fit better; empty where nothing is to be said."""
    a = page.attrs
    if not a["cautioned"]:
        return ""
    rules = {
        "worse": _worse,
        "fits better": _fits_better,
        "leak": _leak,
        "constant": _constant,
        "misplaced": _misplaced,
    }
    return say("CAUTION: {caution}", caution=rules[str(a["verdict"])](page))


def _with_errors(names: Mapping[str, str], error: Mapping[str, float]) -> list[str]:
    """Say the error of each reference that has one, behind its name."""
    return [
        say("{name} {error}", name=text, error=_short(error[name]))
        for name, text in names.items()
        if np.isfinite(error[name])
    ]


def _worse(page: CheckPage) -> str:
    error, a = _by_reference(page), page.attrs
    names = {"persistence": say("persistence"), "mean": say("mean")}
    beside = enumerated(_with_errors(names, error))
    return say(
        "the forecast of {target} is worse than knowing nothing ({measure} {own}; {beside}); "
        "{mended}",
        target=a["target"],
        measure=a["measure"],
        own=figure(error["forecast"], str(a.get("unit") or ""), digits=3),
        beside=beside,
        mended=_mended(page),
    )


def _mended(page: CheckPage) -> str:
    named = remedies_of(page.attrs)
    if not named:
        where = misplaced_text(page)
        tried = say(
            "no other lead, scaling, unit, step or order of columns that was tried mends it"
        )
        return say("{tried}, and {where}", tried=tried, where=where) if where else tried
    return reduce(lambda text, more: say("{text}; or {more}", text=text, more=more),
                  map(_would, named))  # fmt: skip


def _would(one: Row) -> str:
    return say(
        "{remedy} the error would be {error} instead of {stated}",
        remedy=remedy_text(one),
        error=_short(one["error"]),
        stated=_short(one["stated"]),
    )


def _fits_better(page: CheckPage) -> str:
    return say(
        "something else fits the forecast of {target} better: {mended}",
        target=page.attrs["target"],
        mended=_mended(page),
    )


def _leak(page: CheckPage) -> str:
    a = page.attrs
    return say(
        "{leak} at t-{lag} holds what is to be forecast: a straight line of it leaves {left} of "
        "the spread of {target}, which nothing known at that time can; does that column come from "
        "the future?",
        leak=a["leak"],
        lag=a["leak_lag"],
        left=percent(float(a["leak_left"])),
        target=a["target"],
    )


def _constant(page: CheckPage) -> str:
    unit = str(page.attrs.get("unit") or "")
    values = {
        "target": page.attrs["target"],
        "spread": figure(float(page["forecast_spread"]), unit, digits=2),
    }
    happened = float(page["actual_spread"])
    if not np.isfinite(happened):
        return say(
            "the forecasts of {target} do not vary: their standard deviation is {spread}", **values
        )
    return say(
        "the forecasts of {target} do not vary: their standard deviation is {spread}, that of what "
        "happened {happened}; {mended}",
        happened=figure(happened, unit, digits=2),
        mended=_mended(page),
        **values,
    )


def _misplaced(page: CheckPage) -> str:
    return say(
        "the error is not known, and {where}: is this how the network was trained?",
        where=misplaced_text(page),
    )


def misplaced_text(page: CheckPage) -> str:
    """Say which inputs lie where no usual scaler puts them."""
    wrong = np.flatnonzero(page["input_misplaced"].values) if "input_misplaced" in page else []
    if not len(wrong):
        return ""
    names = [str(page["feature"].values[k]) for k in wrong]
    joined = enumerated(names[:4])
    if len(names) > 4:
        joined = say(
            "{first} and {last}", first=joined, last=say("{count} more", count=len(names) - 4)
        )
    low, high = (page[f"input_{end}"].values[wrong] for end in ("low", "high"))
    text = many(
        len(names),
        "{names} lies where no usual scaler puts them, between {low} and {high} network units",
        "{names} lie where no usual scaler puts them, between {low} and {high} network units",
        names=joined,
        low=_short(float(low.min())),
        high=_short(float(high.max())),
    )
    shares = page["saturated"].values if "saturated" in page else np.array([])
    if len(shares) and shares.max() > SATURATED:
        return say(
            "{text}, and {share} of the gates are saturated",
            text=text,
            share=percent(float(shares.max())),
        )
    return text


def remedies_of(attrs: Attributes) -> list[Row]:
    """Give the remedies that are named, the best first."""
    return list(json.loads(str(attrs.get("remedies") or "[]")))


def remedy_text(one: Row) -> str:
    """Say what would be done otherwise.

    Examples
    --------
    >>> remedy_text({"kind": "lead", "lead": 6})
    'with lead 6'
    >>> remedy_text({"kind": "units", "units": [["temp", "C", "F"]]})
    'with temp converted from C to F'
    """
    kind = one["kind"]
    if kind == "lead":
        return say("with lead {lead}", lead=one["lead"])
    if kind == "steps reversed":
        return say("with the steps of each window reversed")
    if kind == "step":
        return _step_text(one)
    if kind == "columns":
        return _columns_text(one)
    if kind == "units":
        return say("with {units}", units=_units_text(one))
    return _scaling_text(one)


def _step_text(one: Row) -> str:
    factor, lead = float(one["factor"]), one["lead"]
    values = {"number": f"{factor if factor >= 1 else 1 / factor:g}", "lead": lead}
    if factor >= 1:
        if lead is None:
            return say("with steps that are {number} rows long", **values)
        return say("with steps that are {number} rows long and lead {lead}", **values)
    if lead is None:
        return say("with {number} steps to each row", **values)
    return say("with {number} steps to each row and lead {lead}", **values)


def _columns_text(one: Row) -> str:
    order = list(one["order"])
    stated = list(one.get("features") or [])
    moved = [k for k, name in enumerate(order) if stated and stated[k] != name]
    if stated and order == stated[::-1] and len(order) > 2:
        text = say("with the columns reversed")
    elif len(moved) == 2:
        text = say("with {one} and {other} exchanged", one=order[moved[1]], other=order[moved[0]])
    else:
        text = say("with the columns in the order {order}", order=enumerated(order))
    if one["by_place"]:
        return say("{moved}, the scalings staying where they are,", moved=text)
    return text


def _units_text(one: Row) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for name, given, wanted in one["units"]:
        groups.setdefault((given, wanted), []).append(name)
    texts = [
        say(
            "{names} converted from {given} to {wanted}",
            names=enumerated(names),
            given=given,
            wanted=wanted,
        )
        for (given, wanted), names in groups.items()
    ]
    return listed(texts)


def _scaling_text(one: Row) -> str:
    inputs, output = (phrase(SCALINGS[str(one[name])]) for name in ("inputs", "output"))
    if one["inputs"] == one["output"]:
        return say("with inputs and forecast {scaled}", scaled=inputs)
    if one["output"] == "stated":
        return say("with the inputs {scaled}", scaled=inputs)
    if one["inputs"] == "stated":
        return say("with the forecast {scaled}", scaled=output)
    return say("with the inputs {inputs} and the forecast {output}", inputs=inputs, output=output)


def matters_sentence(attrs: Attributes) -> str:
    """Say how good a forecast is, and which features matter most, in order."""
    check = attribute_text(attrs, "forecast_check")
    shares = json.loads(str(attrs.get("important") or "[]"))
    if not check and not shares:
        return ""
    target = attrs.get("target") or say("the output")
    named = enumerated([
        say("{name} ({share})", name=name, share=percent(float(share))) for name, share in shares
    ])
    values = {"target": target, "check": check, "named": named}
    if not check:
        return say("The forecast of {target}: what moves it most is {named}.", **values)
    if not named:
        said = say("The forecast of {target}: {check}.", **values)
    else:
        said = say("The forecast of {target}: {check}; what moves it most is {named}.", **values)
    return with_caution(said, attrs)


def with_caution(sentence: str, attrs: Attributes) -> str:
    """Put a result's caution into a sentence that rests on the forecast being one."""
    caution = attribute_text(attrs, "caution")
    if not caution:
        return sentence
    return say("{said}; but {caution}.", said=sentence.rstrip(".。"), caution=caution)
