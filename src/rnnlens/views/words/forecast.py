"""How good a forecast is, in one line, and a caution where it is none, made by fixed rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.explanation import figure, percent

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.views.tables.plain import Attributes, Row

__all__ = [
    "caution_sentence",
    "forecast_line",
    "matters_sentence",
    "remedies_of",
    "remedy_text",
    "verdict_sentence",
    "with_caution",
]

#: What lies between a forecast and the season before it.
SEASONS = {
    "day": "same hour the day before",
    "week": "same day the week before",
    "year": "same day the year before",
}
#: How inputs or a forecast would be scaled, in words.
SCALINGS = {
    "none": "not scaled at all",
    "standard": "scaled by the mean and the standard deviation of the data",
    "min-max": "scaled to 0 to 1 by the minimum and the maximum of the data",
    "min-max -1 to 1": "scaled to -1 to 1 by the minimum and the maximum of the data",
    "inverse": "multiplied by the stated scale and not divided (scale_ of a MinMaxScaler)",
    "min_": "read as value * scale + mean (scale_ and min_ of a MinMaxScaler)",
    "twice": "scaled as stated twice",
    "feature": "scaled as the feature of that name",
    "stated": "scaled as stated",
}
#: Share of saturated gates that is worth saying.
SATURATED = 0.5


def forecast_line(page: xr.Dataset) -> str:
    """Say in one line how good a forecast is, beside what is known without the network."""
    a = page.attrs
    if not int(a["judged"]):
        return _not_judged(a)
    error, names = _by_reference(page), _reference_names(a)
    beside = [f"{text} {_short(error[name])}" for name, text in names.items()
              if np.isfinite(error[name])]  # fmt: skip
    line = f"{a['measure']} {figure(error['forecast'], str(a.get('unit') or ''), digits=3)}"
    where = "" if a["judged_on"] == "the windows" else f", judged on {a['judged_on']}"
    return f"{line}; {', '.join(beside)} ({int(a['judged']):,} forecasts{where})"


def _reference_names(a: Attributes) -> dict[str, str]:
    return {
        "persistence": "persistence",
        "season": SEASONS.get(str(a["season_of"]), ""),
        "mean": f"mean of {a['mean_of']}",
        "linear": "a linear fit on the same windows",
    }


def verdict_sentence(page: xr.Dataset) -> str:
    """Say what a check found where it has nothing to warn of."""
    target = page.attrs["target"]
    if page.attrs["verdict"] == "better":
        return f"The forecast of {target} is better than {_beaten(page)}."
    return {
        "no better": f"The forecast of {target} is not shown to be better than the best of what is "
        "known without the network.",
    }.get(
        str(page.attrs["verdict"]),
        f"Whether the forecast of {target} is any good is not known; nothing about its inputs "
        "speaks against it.",
    )


def _beaten(page: xr.Dataset) -> str:
    """List what a forecast is better than, beyond noise, and say where a linear fit is not."""
    error, names = _by_reference(page), _reference_names(page.attrs)
    linear = names.pop("linear")
    listed = [
        text if name == "persistence" else f"the {text}"
        for name, text in names.items()
        if np.isfinite(error[name])
    ]
    beaten = " and ".join(filter(None, [", ".join(listed[:-1]), listed[-1]]))
    if error["linear"] < error["forecast"]:
        return (
            f"{beaten}, beyond noise, but {linear} errs less, {_short(error['linear'])} "
            f"against {_short(error['forecast'])}"
        )
    return f"{beaten}, beyond noise"


def _not_judged(a: Attributes) -> str:
    known = int(a["known"])
    if known:
        number = "one window is" if known == 1 else f"{known} windows are"
        return f"the forecast's error was not judged: {number} too few"
    return "the forecast's error was not judged: no actuals are known"


def _by_reference(page: xr.Dataset) -> dict[str, float]:
    names = (str(name) for name in page["reference"].values)
    compared = page["rmse" if page.attrs["measure"] == "RMSE" else "error"]
    return dict(zip(names, map(float, compared.values), strict=True))


def _short(value: float) -> str:
    return f"{value:.3g}"


def caution_sentence(page: xr.Dataset) -> str:
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
    return f"CAUTION: {rules[str(a['verdict'])](page)}"


def _worse(page: xr.Dataset) -> str:
    error = _by_reference(page)
    unit = str(page.attrs.get("unit") or "")
    beside = ", ".join(
        f"{name} {_short(error[name])}"
        for name in ("persistence", "mean")
        if np.isfinite(error[name])
    )
    own = figure(error["forecast"], unit, digits=3)
    return (
        f"the forecast of {page.attrs['target']} is worse than knowing nothing "
        f"({page.attrs['measure']} {own}; "
        f"{beside}); {_mended(page)}"
    )


def _mended(page: xr.Dataset) -> str:
    named = remedies_of(page.attrs)
    if not named:
        where = misplaced_text(page)
        tried = "no other lead, scaling, unit, step or order of columns that was tried mends it"
        return f"{tried}, and {where}" if where else tried
    return "; or ".join(_would(one) for one in named)


def _would(one: Row) -> str:
    return (
        f"{remedy_text(one)} the error would be {_short(one['error'])} instead of "
        f"{_short(one['stated'])}"
    )


def _fits_better(page: xr.Dataset) -> str:
    return f"something else fits the forecast of {page.attrs['target']} better: {_mended(page)}"


def _leak(page: xr.Dataset) -> str:
    a = page.attrs
    return (
        f"{a['leak']} at t-{a['leak_lag']} holds what is to be forecast: a straight line of it "
        f"leaves {percent(float(a['leak_left']))} of the spread of {a['target']}, which nothing "
        "known at that time can; does that column come from the future?"
    )


def _constant(page: xr.Dataset) -> str:
    unit = str(page.attrs.get("unit") or "")
    start = (
        f"the forecasts of {page.attrs['target']} do not vary: their standard deviation is "
        f"{figure(float(page['forecast_spread']), unit, digits=2)}"
    )
    happened = float(page["actual_spread"])
    if not np.isfinite(happened):
        return start
    spread = figure(happened, unit, digits=2)
    return f"{start}, that of what happened {spread}; {_mended(page)}"


def _misplaced(page: xr.Dataset) -> str:
    return (
        f"the error is not known, and {misplaced_text(page)}: is this how the network was trained?"
    )


def misplaced_text(page: xr.Dataset) -> str:
    """Say which inputs lie where no usual scaler puts them."""
    wrong = np.flatnonzero(page["input_misplaced"].values) if "input_misplaced" in page else []
    if not len(wrong):
        return ""
    names = [str(page["feature"].values[k]) for k in wrong]
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    low, high = (page[f"input_{end}"].values[wrong] for end in ("low", "high"))
    lie = "lies" if len(names) == 1 else "lie"
    text = (
        f"{listed} {lie} where no usual scaler puts them, between {_short(float(low.min()))} and "
        f"{_short(float(high.max()))} network units"
    )
    shares = page["saturated"].values if "saturated" in page else np.array([])
    if len(shares) and shares.max() > SATURATED:
        text += f", and {percent(float(shares.max()))} of the gates are saturated"
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
        return f"with lead {one['lead']}"
    if kind == "steps reversed":
        return "with the steps of each window reversed"
    if kind == "step":
        return _step_text(one)
    if kind == "columns":
        return _columns_text(one)
    if kind == "units":
        return f"with {_units_text(one)}"
    return _scaling_text(one)


def _step_text(one: Row) -> str:
    factor = float(one["factor"])
    if factor >= 1:
        text = f"with steps that are {factor:g} rows long"
    else:
        text = f"with {1 / factor:g} steps to each row"
    return text if one["lead"] is None else f"{text} and lead {one['lead']}"


def _columns_text(one: Row) -> str:
    order = list(one["order"])
    stay = ", the scalings staying where they are," if one["by_place"] else ""
    stated = list(one.get("features") or [])
    moved = [k for k, name in enumerate(order) if stated and stated[k] != name]
    if stated and order == stated[::-1] and len(order) > 2:
        return f"with the columns reversed{stay}"
    if len(moved) == 2:
        return f"with {order[moved[1]]} and {order[moved[0]]} exchanged{stay}"
    return f"with the columns in the order {', '.join(order)}{stay}"


def _units_text(one: Row) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for name, given, wanted in one["units"]:
        groups.setdefault((given, wanted), []).append(name)
    return " and ".join(
        f"{', '.join(names)} converted from {given} to {wanted}"
        for (given, wanted), names in groups.items()
    )


def _scaling_text(one: Row) -> str:
    inputs, output = str(one["inputs"]), str(one["output"])
    if inputs == output:
        return f"with inputs and forecast {SCALINGS[inputs]}"
    if output == "stated":
        return f"with the inputs {SCALINGS[inputs]}"
    if inputs == "stated":
        return f"with the forecast {SCALINGS[output]}"
    return f"with the inputs {SCALINGS[inputs]} and the forecast {SCALINGS[output]}"


def matters_sentence(attrs: Attributes) -> str:
    """Say how good a forecast is, and which features matter most, in order."""
    check = str(attrs.get("forecast_check") or "")
    shares = json.loads(str(attrs.get("important") or "[]"))
    if not check and not shares:
        return ""
    target = attrs.get("target") or "the output"
    named = ", ".join(f"{name} ({percent(float(share))})" for name, share in shares)
    most = f"what moves it most is {named}" if named else ""
    good = f"{check}" if check else ""
    start = f"The forecast of {target}"
    if not good:
        return f"{start}: {most}."
    return with_caution(f"{start}: {'; '.join(filter(None, [good, most]))}.", attrs)


def with_caution(sentence: str, attrs: Attributes) -> str:
    """Put a result's caution into a sentence that rests on the forecast being one."""
    caution = str(attrs.get("caution") or "")
    if not caution:
        return sentence
    return f"{sentence.removesuffix('.')}; but {caution}."
