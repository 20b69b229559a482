"""What the checks of trust found, in words made from their figures by the rules of this file.

A verdict is one of four: ``holds``, ``in part``, ``fails``, ``not known``. The limits below are
conventions, stated with each verdict's figure; none of them is a theorem. No verdict says that the
network is right about the world.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnlens.views.words.explanation import figure, percent
from rnnlens.views.words.forecast import place_name, season_name
from rnnlens.views.words.language import many, marked, phrase, say
from rnnlens.views.words.origin import attribute_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "VERDICTS",
    "Finding",
    "check_name",
    "method_name",
    "trust_findings",
    "trust_sentences",
]

#: What a finding may say.
VERDICTS = (marked("holds"), marked("in part"), marked("fails"), marked("not known"))

#: Standard errors from zero at which an order is said to be better or worse than a random one.
ERRORS = 2.0
#: Relative infidelity up to which contributions follow the forecast, and follow it in part.
INFIDELITY = (0.1, 0.3)
#: How far the size of contributions may be off before it is said.
SIZE = 0.1
#: Relative change of contributions under noise that is small, and that is moderate.
SENSITIVITY = (0.1, 0.5)
#: Rank correlation with random weights that is near none, and that is moderate.
RANDOMISED = (0.2, 0.5)
#: Rank correlation between methods that is agreement, and agreement in part.
AGREEMENT = (0.8, 0.5)

#: Standard errors beyond which the difference of two forecasts' errors is no noise.
NOISE = 2.5

#: What methods are called in a sentence.
NAMES = {
    "secant": marked("secant"),
    "tree": marked("the exact tree"),
    "gradient_times_input": marked("gradient x input"),
    "occlusion": marked("occlusion"),
}


class Finding(NamedTuple):
    """One check.

    Parameters
    ----------
    check : str
        What was asked.
    verdict : str
        One of `VERDICTS`.
    figure : str
        The number it rests on.
    sentence : str
        The same in words.
    """

    check: str
    verdict: str
    figure: str
    sentence: str


def trust_findings(page: xr.Dataset) -> tuple[Finding, ...]:
    """Judge every check of a page by the rules of this file."""
    rules: tuple[Callable[[xr.Dataset], Finding], ...] = (
        lambda page: _order(page, "deletion"),
        lambda page: _order(page, "insertion"),
        _top,
        _infidelity,
        _sensitivity,
        _randomised,
        _agreement,
        _tree,
        _crowding,
        _error,
    )
    return tuple(rule(page) for rule in rules)


def trust_sentences(page: xr.Dataset) -> tuple[str, ...]:
    """Say in words what was found, one sentence a check."""
    return tuple(finding.sentence for finding in trust_findings(page))


def method_name(method: str) -> str:
    """Say what a method is called in a sentence."""
    return phrase(NAMES.get(method, method))


def check_name(check: str) -> str:
    """Say what was asked; a finding holds it as it is named in English."""
    return {
        "deletion": say("deletion"),
        "insertion": say("insertion"),
        "comprehensiveness, sufficiency": say("comprehensiveness, sufficiency"),
        "infidelity": say("infidelity"),
        "sensitivity to noise": say("sensitivity to noise"),
        "randomised weights": say("randomised weights"),
        "agreement": say("agreement"),
        "secant against the tree": say("secant against the tree"),
        "spread over steps": say("spread over steps"),
        "the forecast itself": say("the forecast itself"),
    }[check]


def _order(page: xr.Dataset, what: str) -> Finding:
    gain, error = _number(page, f"{what}_gain"), _number(page, f"{what}_gain_error")
    values = {
        "area": f"{_number(page, f'{what}_area'):.2f}",
        "random": f"{_number(page, f'{what}_area_random'):.2f}",
    }
    figures = say("area {area}, random {random}", **values)
    start = (
        say(
            "Hiding lags in the order of their contributions gives an area of {area} against "
            "{random} for random orders",
            **values,
        )
        if what == "deletion"
        else say(
            "Showing lags in the order of their contributions gives an area of {area} against "
            "{random} for random orders",
            **values,
        )
    )
    if not np.isfinite(error):
        said = say("{found}; one window is too few to judge.", found=start)
        return Finding(what, "not known", figures, said)
    if gain > ERRORS * error:
        verdict, end = "holds", say("the order finds what the forecast rests on")
    elif gain < -ERRORS * error:
        verdict, end = "fails", say("the order is worse than a random one")
    else:
        verdict, end = "in part", say("the order cannot be told from a random one")
    said = (
        say("{found} (larger is better): {end}.", found=start, end=end)
        if what == "deletion"
        else say("{found} (smaller is better): {end}.", found=start, end=end)
    )
    return Finding(what, verdict, figures, said)


def _top(page: xr.Dataset) -> Finding:
    lost, lost_random = (
        _number(page, "comprehensiveness"),
        _number(page, "comprehensiveness_random"),
    )
    left, left_random = _number(page, "sufficiency"), _number(page, "sufficiency_random")
    rank = (lost > lost_random) + (left < left_random)
    verdict = ("fails", "in part", "holds")[rank]
    sentence = many(
        int(_number(page, "top")),
        "Without the most important lag the forecast moves by {lost} of what hiding everything "
        "does as a rule ({lost_random} at random), and with it alone it is still {left} away "
        "({left_random} at random).",
        "Without the {count} most important lags the forecast moves by {lost} of what hiding "
        "everything does as a rule ({lost_random} at random), and with them alone it is still "
        "{left} away ({left_random} at random).",
        lost=percent(lost),
        lost_random=percent(lost_random),
        left=percent(left),
        left_random=percent(left_random),
    )
    return Finding("comprehensiveness, sufficiency", verdict, f"{lost:.2f}, {left:.2f}", sentence)


def _infidelity(page: xr.Dataset) -> Finding:
    value, scale = _number(page, "infidelity"), _number(page, "infidelity_scale")
    left = _number(page, "infidelity_scaled")
    if not np.isfinite(value):
        return _unknown(
            "infidelity", say("Hiding lags changes no forecast, so infidelity is not known.")
        )
    verdict = _below(value, INFIDELITY)
    said = say(
        "The sum of the contributions of randomly hidden lags misses what hiding them does by "
        "{missed}",
        missed=percent(value),
    )
    if np.isfinite(scale) and abs(scale - 1) > SIZE:
        values = {"found": said, "scale": f"{scale:.2g}", "left": percent(left)}
        said = (
            say(
                "{found}; contributions are too large: times {scale} they would miss it by {left}",
                **values,
            )
            if scale < 1
            else say(
                "{found}; contributions are too small: times {scale} they would miss it by {left}",
                **values,
            )
        )
    return Finding("infidelity", verdict, f"{value:.3f}", say("{said}.", said=said))


def _sensitivity(page: xr.Dataset) -> Finding:
    value, own = _number(page, "sensitivity"), _number(page, "forecast_sensitivity")
    if not np.isfinite(value):
        return _unknown(
            "sensitivity to noise", say("The input holds tokens, which cannot be moved a little.")
        )
    sentence = say(
        "Noise of up to {noise:.2g} standard deviations moves a window's contributions by {moved} "
        "of their size at worst, and its forecast by {own} of the usual change (means over the "
        "windows).",
        noise=_number(page, "noise"),
        moved=percent(value),
        own=percent(own),
    )
    return Finding("sensitivity to noise", _below(value, SENSITIVITY), f"{value:.3f}", sentence)


def _randomised(page: xr.Dataset) -> Finding:
    signed = page["randomised"].values
    if not len(signed) or not np.isfinite(signed[-1]):
        return _unknown(
            "randomised weights",
            say("Contributions could not be compared with those of random weights."),
        )
    last, size = float(signed[-1]), float(page["randomised_size"].values[-1])
    verdict = _below(abs(last), RANDOMISED)
    values = {
        "last": f"{last:.2f}",
        "size": f"{size:.2f}",
        "end": {
            "holds": say("they come from what was learned"),
            "in part": say("a part of them does not come from what was learned"),
            "fails": say("they say little of what was learned"),
        }[verdict],
    }
    sentence = (
        say(
            "With random weights in every layer contributions have a rank correlation of {last} "
            "with those of the trained network (their sizes alone {size}): {end}.",
            **values,
        )
        if np.isfinite(size)
        else say(
            "With random weights in every layer contributions have a rank correlation of {last} "
            "with those of the trained network: {end}.",
            **values,
        )
    )
    return Finding("randomised weights", verdict, f"{last:.2f}", sentence)


def _agreement(page: xr.Dataset) -> Finding:
    method = str(page.attrs.get("method", "secant"))
    row = page["agreement"].sel(by_method=method)
    others = {
        str(name): float(value)
        for name, value in zip(row["other_method"].values, row.values, strict=True)
        if name != method and np.isfinite(value)
    }
    if not others:
        return _unknown("agreement", say("Too few lags differ to compare the ranks of methods."))
    worst = min(others.values())
    verdict = "holds" if worst >= AGREEMENT[0] else "in part" if worst >= AGREEMENT[1] else "fails"
    sentence = say(
        "Rank correlation of {method} by lag with other methods: {said}.",
        method=method_name(method),
        said=say(", ").join(f"{method_name(name)} {value:.2f}" for name, value in others.items()),
    )
    return Finding("agreement", verdict, say("at least {worst:.2f}", worst=worst), sentence)


def _tree(page: xr.Dataset) -> Finding:
    gap, audited = _number(page, "tree_gap"), int(_number(page, "audited"))
    if not np.isfinite(gap):
        return _unknown(
            "secant against the tree", say("The exact tree gives nothing to compare with.")
        )
    sentence = many(
        audited,
        "Secant contributions differ from exact Shapley values of the lags by {gap} of their size, "
        "over {count} window.",
        "Secant contributions differ from exact Shapley values of the lags by {gap} of their size, "
        "over {count} windows.",
        gap=percent(gap),
    )
    verdict = _below(gap, INFIDELITY)
    return Finding("secant against the tree", verdict, f"{gap:.3f}", sentence)


def _crowding(page: xr.Dataset) -> Finding:
    newest, oldest = _number(page, "newest_share"), _number(page, "oldest_share")
    values = {"newest": percent(newest), "oldest": percent(oldest)}
    figures = say("newest {newest}, oldest {oldest}", **values)
    crowded = str(page.attrs.get("crowded", ""))
    if not np.isfinite(newest):
        return _unknown("spread over steps", say("Nothing contributes, so nothing is spread."))
    if not crowded:
        sentence = say(
            "The newest step has {newest} of all contribution and the oldest {oldest}: neither "
            "takes it all.",
            **values,
        )
        return Finding("spread over steps", "holds", figures, sentence)
    share, theirs = _number(page, f"{crowded}_share"), _number(page, f"{crowded}_occlusion")
    start = (
        say("Nearly everything, {share}, falls on the newest step", share=percent(share))
        if crowded == "newest"
        else say("Nearly everything, {share}, falls on the oldest step", share=percent(share))
    )
    found = {"found": start, "theirs": percent(theirs)}
    # occlusion may fall a little short of a share of contributions without contradicting it
    if theirs >= share - SIZE:
        sentence = say(
            "{found}; occlusion gives it {theirs} too, so it is the network that looks there and "
            "hardly anywhere else.",
            **found,
        )
        return Finding("spread over steps", "in part", figures, sentence)
    sentence = say(
        "{found}; occlusion gives it only {theirs}, so the method is not to be relied on here.",
        **found,
    )
    return Finding("spread over steps", "fails", figures, sentence)


def _error(page: xr.Dataset) -> Finding:
    """Judge the forecast against what is known without the network, beyond noise."""
    check, a = "the forecast itself", page.attrs
    if "error" not in page or not np.isfinite(float(page["error"].sel(reference="forecast"))):
        return _unknown(check, say("What happened is not known, so the forecast was not judged."))
    errors = _compared(page)
    own, unit = errors["forecast"], str(a.get("unit", ""))
    names = {
        "persistence": say("persistence"),
        "mean": say("the mean of {where}", where=place_name(a["mean_of"])),
        "season": _season(season_name(a["season_of"])),
    }
    better = {name: float(page["better"].sel(reference=name)) for name in names}
    known = [name for name in names if np.isfinite(errors[name])]
    said = [
        say("{error} for {name}", error=figure(errors[name], unit, digits=3), name=names[name])
        for name in known
    ]
    beside = {"error": figure(own, unit, digits=3), "beside": say(", ").join(said)}
    start = (
        say("The forecast's root mean square error is {error} against {beside}", **beside)
        if a.get("measure") == "RMSE"
        else say("The forecast's mean absolute error is {error} against {beside}", **beside)
    )
    if known and all(better[name] > NOISE for name in known):
        verdict = "holds"
        text = say(
            "{found}: what is explained is better than each of them, beyond noise", found=start
        )
    elif any(better[name] < -NOISE for name in known if name != "season"):
        verdict = "fails"
        worse = say(" and ").join(names[name] for name in known if better[name] < -NOISE)
        text = say("{found}: what is explained is worse than {worse}", found=start, worse=worse)
    else:
        verdict = "in part"
        text = say(
            "{found}: what is explained is not shown to be better than all of them", found=start
        )
    caution = attribute_text(a, "caution")
    if caution:
        verdict, text = "fails", say("{found}; {caution}", found=text, caution=caution)
    return Finding(check, verdict, figure(own, unit, digits=3), say("{said}.", said=text))


def _season(name: str) -> str:
    return say("the {name}", name=name) if name else say("the season before")


def _compared(page: xr.Dataset) -> dict[str, float]:
    """Give the errors that a check compared, by reference."""
    squared = page.attrs.get("measure") == "RMSE"
    errors = page["reference_rmse" if squared else "error"]
    return dict(zip(map(str, page["reference"].values), map(float, errors.values), strict=True))


def _below(value: float, limits: tuple[float, float]) -> str:
    return "holds" if value <= limits[0] else "in part" if value <= limits[1] else "fails"


def _unknown(check: str, sentence: str) -> Finding:
    return Finding(check, "not known", "", sentence)


def _number(page: xr.Dataset, name: str) -> float:
    return float(page[name].item())
