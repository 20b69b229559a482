"""How long a network remembers, in one plain sentence a measure, and which of them to believe.

The rules, all in this file: a lag is said in steps and, where the length of a step is known, in
time. A measure that is not defined says why. The last sentence names the measures that lie
furthest apart, where their lags differ by more than `APART` times, and says which of them answers
which question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.durations import steps_in_words
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MEASURE_NAMES", "memory_sentences"]

#: What each measure is called in tables and charts.
MEASURE_NAMES = {
    "gates": "gate half-lives, the longest that is read",
    "derivative": "derivative of the forecast",
    "exponents": "Lyapunov exponent, the slowest",
    "cut": "nothing before the kept steps",
    "replaced": "another history before them",
    "truncation": "error of shorter windows",
    "any history": "any history, new windows",
}
#: How many times as long one measure must be as another to be said to disagree.
APART = 1.5


def memory_sentences(tree: xr.DataTree) -> list[str]:
    """Say what each measure found, and which to believe for which question."""
    missing = json.loads(str(tree.attrs.get("not_given") or "{}"))
    step = str(tree.attrs.get("step", ""))
    said = [*_layers(tree, step), *_by_window(tree, step)]
    names = {
        "derivative": "The derivative", "exponents": "The Lyapunov exponents",
        "gates": "Half-lives of gates", "cut": "The cut", "replaced": "The other history",
        "truncation": "The error of shorter windows", "any history": "The bound for new windows",
    }  # fmt: skip
    said += [f"{names[name]}: not given, for {why}." for name, why in missing.items()]
    return [*said, _which(tree, step)]


def _lags(tree: xr.DataTree, measure: str) -> tuple[float, float, float, float]:
    """Give the lags within which half and most lies, and the interval of the latter."""
    one = tree.dataset.sel(measure=measure)
    return tuple(float(one[name]) for name in ("within_half", "within_most", "low", "high"))  # type: ignore[return-value]


def _interval(tree: xr.DataTree, low: float, high: float) -> str:
    if math.isnan(low) or math.isnan(high) or math.isinf(low):
        return ""
    level = f"{100 * (1 - float(tree.attrs['alpha'])):g} %"
    if math.isinf(high):
        return f", {level} interval from {low:.3g} steps on: it is not sure that they ever do"
    return f", {level} interval {low:.3g} to {high:.3g}"


def _layers(tree: xr.DataTree, step: str) -> Iterator[str]:
    """Say what the cells keep by themselves."""
    for node in tree.subtree:
        if "half_life" not in node:
            continue
        half, read = (node.dataset[name].values for name in ("half_life", "read"))
        layer = str(node.attrs["layer"])
        if not np.isnan(half).all():
            middle, longest = float(np.median(half)), float(half.max())
            text = (
                f"Gates of {layer}: the median unit halves what it holds in "
                f"{steps_in_words(middle, step)}, the slowest in {steps_in_words(longest, step)}"
            )
            idle = int((~read.astype(bool) & (half > middle)).sum())
            if idle:
                units = "unit remembers" if idle == 1 else "units remember"
                text += f"; {idle} {units} longer than the median and the forecast hardly reads it"
            yield f"{text}."
    half, most, low, high = _lags(tree, "exponents")
    if not math.isnan(half):
        ends = _interval(tree, low, high)
        fades = (
            f"Two states driven by the same inputs become one: half of what sets them apart is "
            f"gone in {steps_in_words(half, step)} and 95 % in {steps_in_words(most, step)}{ends}."
        )
        lasting = (
            "Two states driven by the same inputs do not become one along these data: the largest "
            f"Lyapunov exponent, a step, is not below zero: {_largest_exponent(tree)}."
        )
        yield fades if math.isfinite(half) else lasting


def _largest_exponent(tree: xr.DataTree) -> str:
    """Give the largest exponent of all layers, with its interval."""
    layers = [node.dataset for node in tree.subtree if "lyapunov" in node]
    one = max(layers, key=lambda layer: float(layer["lyapunov"][0]))
    rate, low, high = (
        float(one[name][0]) for name in ("lyapunov", "lyapunov_low", "lyapunov_high")
    )
    return f"{rate:.2g}{_interval(tree, low, high)}"


def _by_window(tree: xr.DataTree, step: str) -> Iterator[str]:
    """Say how the forecast depends on what is long ago."""
    a = tree.attrs
    half, most, low, high = _lags(tree, "derivative")
    if not math.isnan(half):
        yield (
            f"Small changes: half of what they do to the forecast comes from the newest "
            f"{steps_in_words(half, step)} and 95 % from the newest "
            f"{steps_in_words(most, step)}{_interval(tree, low, high)}."
        )
    amount = with_unit(figure(float(a["tolerance"])), a.get("unit"))
    if not math.isnan(_lags(tree, "cut")[1]):
        yield _warm_up(tree, amount, step)
    most = _lags(tree, "replaced")[1]
    if most == math.inf:
        yield _too_short(tree)
    elif not math.isnan(most):
        yield (
            f"Another window's history before the newest {steps_in_words(most, step)} changes the "
            "forecast by at most a twentieth of what another window changes it by."
        )
    least = _lags(tree, "truncation")[1]
    if least == math.inf:
        yield (
            f"The forecast's error from {_newest(tree, step)} is still more than 5 % from that of "
            "whole windows: feed whole windows."
        )
    elif not math.isnan(least):
        yield (
            "The forecast's error is within 5 % of that of whole windows from the newest "
            f"{steps_in_words(least, step)} on."
        )
    if "horizon" in a:
        yield _bound(tree, amount, step)


def _too_short(tree: xr.DataTree) -> str:
    """Say that what came before the windows would still matter."""
    change = tree.dataset["replaced_change"].values[-1]
    amount = with_unit(figure(float(change), digits=2), tree.attrs.get("unit"))
    last = _newest(tree, str(tree.attrs.get("step", "")))
    return (
        f"Another window's history before {last}, still "
        f"changes the forecast by {amount} on average: windows of this length are shorter than "
        "what the network remembers, and what is fed before them would count."
    )


def _warm_up(tree: xr.DataTree, amount: str, step: str) -> str:
    """Say how many newest steps serve as whole windows do, or that none that was tried does."""
    steps = float(tree.attrs["warm_up"])
    if math.isfinite(steps):
        return (
            f"Warm-up: fed with the newest {steps_in_words(steps, step)}, the forecast lies within "
            f"{amount} of what whole windows give, on average."
        )
    return (
        f"Warm-up: fed with {_newest(tree, step)}, the forecast still lies further than {amount} "
        "from what whole windows give, on average: feed whole windows."
    )


def _newest(tree: xr.DataTree, step: str) -> str:
    """Say the most steps that were kept."""
    last = float(tree.dataset["kept"].values[-1])
    return f"the newest {steps_in_words(last, step)}, the most that was asked"


def _bound(tree: xr.DataTree, amount: str, step: str) -> str:
    a = tree.attrs
    share = f"{100 * (1 - float(a['alpha'])):g} %"
    horizon = float(a["horizon"])
    last = float(tree.dataset["kept"].values[-1])
    if not math.isfinite(horizon):
        kept = steps_in_words(last, step)
        return (
            f"New windows: the bound on how far another history moves the forecast in {share} of "
            f"them does not fall to {amount} within the newest {kept}, the most that was asked."
        )
    text = (
        f"New windows: in {share} of them the forecast moves by at most {amount}, whichever of "
        f"{a['histories']} observed histories came before the newest "
        f"{steps_in_words(horizon, step)}"
    )
    if int(a["dependence"]) > int(a["block"]):
        text += (
            f"; changes depend on one another over {a['dependence']} windows, so that blocks of "
            f"{a['block']} may be too short: more windows make this surer"
        )
    return f"{text}."


def _which(tree: xr.DataTree, step: str) -> str:
    """Say where the measures disagree, and which to believe for which question."""
    most = {str(name): _lags(tree, str(name))[1] for name in tree.dataset["measure"].values}
    known = {name: lag for name, lag in most.items() if math.isfinite(lag) and lag > 0}
    believe = (
        "believe the warm-up for how much to feed, the error of shorter windows for how much the "
        "forecast is worth, the derivative for small changes, the bound for new windows, and gates "
        "and exponents for what the cells could keep"
    )
    if len(known) < 2 or max(known.values()) <= APART * min(known.values()):
        return f"The measures agree as far as they are defined; {believe}."
    shortest, longest = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return (
        f"The measures answer different questions: 95 % lies within "
        f"{steps_in_words(known[shortest], step)} by {MEASURE_NAMES[shortest]} and within "
        f"{steps_in_words(known[longest], step)} by {MEASURE_NAMES[longest]}; {believe}."
    )
