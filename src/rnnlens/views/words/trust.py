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
from rnnlens.views.words.forecast import SEASONS

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["VERDICTS", "Finding", "trust_findings", "trust_sentences"]

#: What a finding may say.
VERDICTS = ("holds", "in part", "fails", "not known")

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
    "secant": "secant",
    "tree": "the exact tree",
    "gradient_times_input": "gradient x input",
    "occlusion": "occlusion",
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


def _order(page: xr.Dataset, what: str) -> Finding:
    gain, error = _number(page, f"{what}_gain"), _number(page, f"{what}_gain_error")
    area, random = _number(page, f"{what}_area"), _number(page, f"{what}_area_random")
    done = "Hiding" if what == "deletion" else "Showing"
    figures = f"area {area:.2f}, random {random:.2f}"
    start = (
        f"{done} lags in the order of their contributions gives an area of {area:.2f} against "
        f"{random:.2f} for random orders"
    )
    wanted = "larger is better" if what == "deletion" else "smaller is better"
    if not np.isfinite(error):
        return Finding(what, "not known", figures, f"{start}; one window is too few to judge.")
    if gain > ERRORS * error:
        verdict, end = "holds", "the order finds what the forecast rests on"
    elif gain < -ERRORS * error:
        verdict, end = "fails", "the order is worse than a random one"
    else:
        verdict, end = "in part", "the order cannot be told from a random one"
    return Finding(what, verdict, figures, f"{start} ({wanted}): {end}.")


def _top(page: xr.Dataset) -> Finding:
    lost, lost_random = (
        _number(page, "comprehensiveness"),
        _number(page, "comprehensiveness_random"),
    )
    left, left_random = _number(page, "sufficiency"), _number(page, "sufficiency_random")
    count = int(_number(page, "top"))
    lags = "the most important lag" if count == 1 else f"the {count} most important lags"
    rank = (lost > lost_random) + (left < left_random)
    verdict = ("fails", "in part", "holds")[rank]
    sentence = (
        f"Without {lags} the forecast moves by {percent(lost)} of what hiding everything does as a "
        f"rule ({percent(lost_random)} at random), and with {_alone(count)} alone it is still "
        f"{percent(left)} away ({percent(left_random)} at random)."
    )
    return Finding("comprehensiveness, sufficiency", verdict, f"{lost:.2f}, {left:.2f}", sentence)


def _alone(count: int) -> str:
    return "it" if count == 1 else "them"


def _infidelity(page: xr.Dataset) -> Finding:
    value, scale = _number(page, "infidelity"), _number(page, "infidelity_scale")
    left = _number(page, "infidelity_scaled")
    if not np.isfinite(value):
        return _unknown(
            "infidelity", "Hiding lags changes no forecast, so infidelity is not known."
        )
    verdict = _below(value, INFIDELITY)
    start = (
        f"The sum of the contributions of randomly hidden lags misses what hiding them does by "
        f"{percent(value)}"
    )
    if np.isfinite(scale) and abs(scale - 1) > SIZE:
        size = "too large" if scale < 1 else "too small"
        start += (
            f"; contributions are {size}: times {scale:.2g} they would miss it by {percent(left)}"
        )
    return Finding("infidelity", verdict, f"{value:.3f}", f"{start}.")


def _sensitivity(page: xr.Dataset) -> Finding:
    value, own = _number(page, "sensitivity"), _number(page, "forecast_sensitivity")
    noise = _number(page, "noise")
    if not np.isfinite(value):
        return _unknown(
            "sensitivity to noise", "The input holds tokens, which cannot be moved a little."
        )
    sentence = (
        f"Noise of up to {noise:.2g} standard deviations moves a window's contributions by "
        f"{percent(value)} of their size at worst, and its forecast by {percent(own)} of the usual "
        "change (means over the windows)."
    )
    return Finding("sensitivity to noise", _below(value, SENSITIVITY), f"{value:.3f}", sentence)


def _randomised(page: xr.Dataset) -> Finding:
    signed = page["randomised"].values
    if not len(signed) or not np.isfinite(signed[-1]):
        return _unknown(
            "randomised weights",
            "Contributions could not be compared with those of random weights.",
        )
    last, size = float(signed[-1]), float(page["randomised_size"].values[-1])
    verdict = _below(abs(last), RANDOMISED)
    end = {
        "holds": "they come from what was learned",
        "in part": "a part of them does not come from what was learned",
        "fails": "they say little of what was learned",
    }[verdict]
    kept = f" (their sizes alone {size:.2f})" if np.isfinite(size) else ""
    sentence = (
        f"With random weights in every layer contributions have a rank correlation of {last:.2f} "
        f"with those of the trained network{kept}: {end}."
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
        return _unknown("agreement", "Too few lags differ to compare the ranks of methods.")
    worst = min(others.values())
    said = ", ".join(f"{NAMES.get(name, name)} {value:.2f}" for name, value in others.items())
    verdict = "holds" if worst >= AGREEMENT[0] else "in part" if worst >= AGREEMENT[1] else "fails"
    sentence = f"Rank correlation of {NAMES.get(method, method)} by lag with other methods: {said}."
    return Finding("agreement", verdict, f"at least {worst:.2f}", sentence)


def _tree(page: xr.Dataset) -> Finding:
    gap, audited = _number(page, "tree_gap"), int(_number(page, "audited"))
    if not np.isfinite(gap):
        return _unknown("secant against the tree", "The exact tree gives nothing to compare with.")
    windows = "1 window" if audited == 1 else f"{audited} windows"
    sentence = (
        f"Secant contributions differ from exact Shapley values of the lags by {percent(gap)} of "
        f"their size, over {windows}."
    )
    verdict = _below(gap, INFIDELITY)
    return Finding("secant against the tree", verdict, f"{gap:.3f}", sentence)


def _crowding(page: xr.Dataset) -> Finding:
    newest, oldest = _number(page, "newest_share"), _number(page, "oldest_share")
    figures = f"newest {percent(newest)}, oldest {percent(oldest)}"
    crowded = str(page.attrs.get("crowded", ""))
    if not np.isfinite(newest):
        return _unknown("spread over steps", "Nothing contributes, so nothing is spread.")
    if not crowded:
        sentence = (
            f"The newest step has {percent(newest)} of all contribution and the oldest "
            f"{percent(oldest)}: neither takes it all."
        )
        return Finding("spread over steps", "holds", figures, sentence)
    share, theirs = _number(page, f"{crowded}_share"), _number(page, f"{crowded}_occlusion")
    start = f"Nearly everything, {percent(share)}, falls on the {crowded} step"
    # occlusion may fall a little short of a share of contributions without contradicting it
    if theirs >= share - SIZE:
        verdict = "in part"
        end = (
            f"occlusion gives it {percent(theirs)} too, so it is the network that looks there and "
            "hardly anywhere else"
        )
    else:
        verdict = "fails"
        end = (
            f"occlusion gives it only {percent(theirs)}, so the method is not to be relied on here"
        )
    return Finding("spread over steps", verdict, figures, f"{start}; {end}.")


def _error(page: xr.Dataset) -> Finding:
    """Judge the forecast against what is known without the network, beyond noise."""
    check, a = "the forecast itself", page.attrs
    if "error" not in page or not np.isfinite(float(page["error"].sel(reference="forecast"))):
        return _unknown(check, "What happened is not known, so the forecast was not judged.")
    of, errors = _compared(page)
    own, unit = errors["forecast"], str(a.get("unit", ""))
    names = {
        "persistence": "persistence",
        "mean": f"the mean of {a['mean_of']}",
        "season": f"the {SEASONS.get(str(a['season_of']), 'season before')}",
    }
    better = {name: float(page["better"].sel(reference=name)) for name in names}
    known = [name for name in names if np.isfinite(errors[name])]
    said = [f"{figure(errors[name], unit, digits=3)} for {names[name]}" for name in known]
    start = (
        f"The forecast's {of} is {figure(own, unit, digits=3)} against {', '.join(said)}: what is "
        "explained is"
    )
    if known and all(better[name] > NOISE for name in known):
        verdict, end = "holds", "better than each of them, beyond noise."
    elif any(better[name] < -NOISE for name in known if name != "season"):
        worse = [names[name] for name in known if better[name] < -NOISE]
        verdict, end = "fails", f"worse than {' and '.join(worse)}."
    else:
        verdict, end = "in part", "not shown to be better than all of them."
    caution = str(a.get("caution") or "")
    if caution:
        verdict, end = "fails", f"{end.removesuffix('.')}; {caution}."
    return Finding(check, verdict, figure(own, unit, digits=3), f"{start} {end}")


def _compared(page: xr.Dataset) -> tuple[str, dict[str, float]]:
    """Give the errors that a check compared, by reference, and what they are called."""
    squared = page.attrs.get("measure") == "RMSE"
    errors = page["reference_rmse" if squared else "error"]
    named = dict(zip(map(str, page["reference"].values), map(float, errors.values), strict=True))
    return "root mean square error" if squared else "mean absolute error", named


def _below(value: float, limits: tuple[float, float]) -> str:
    return "holds" if value <= limits[0] else "in part" if value <= limits[1] else "fails"


def _unknown(check: str, sentence: str) -> Finding:
    return Finding(check, "not known", "", sentence)


def _number(page: xr.Dataset, name: str) -> float:
    return float(page[name].item())
