"""How long a network remembers, in one plain sentence a measure, and which of them to believe.

The rules, all in this file: a lag is said in steps and, where the length of a step is known, in
time. A measure that is not defined says why. The last sentence names the measures that lie
furthest apart, where their lags differ by more than `APART` times, and says which of them answers
which question.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.durations import steps_in_words
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.language import many, marked, phrase, say
from rnnlens.views.words.origin import each_text
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MEASURE_NAMES", "measure_name", "memory_sentences"]

#: What each measure is called in tables and charts.
MEASURE_NAMES = {
    "gates": marked("gate half-lives, the longest that is read"),
    "derivative": marked("derivative of the forecast"),
    "exponents": marked("Lyapunov exponent, the slowest"),
    "cut": marked("nothing before the kept steps"),
    "replaced": marked("another history before them"),
    "truncation": marked("error of shorter windows"),
    "any history": marked("any history, new windows"),
}
#: How many times as long one measure must be as another to be said to disagree.
APART = 1.5


def measure_name(measure: str) -> str:
    """Say what a measure is called."""
    return phrase(MEASURE_NAMES[measure])


def memory_sentences(tree: xr.DataTree) -> list[str]:
    """Say what each measure found, and which to believe for which question."""
    missing = each_text(tree.attrs, "not_given")
    step = str(tree.attrs.get("step", ""))
    said = [*_layers(tree, step), *_by_window(tree, step)]
    names = {
        "derivative": say("The derivative"),
        "exponents": say("The Lyapunov exponents"),
        "gates": say("Half-lives of gates"),
        "cut": say("The cut"),
        "replaced": say("The other history"),
        "truncation": say("The error of shorter windows"),
        "any history": say("The bound for new windows"),
    }
    said += [
        say("{name}: not given, for {why}.", name=names[name], why=why)
        for name, why in missing.items()
    ]
    return [*said, _which(tree, step)]


def _lags(tree: xr.DataTree, measure: str) -> tuple[float, float, float, float]:
    """Give the lags within which half and most lies, and the interval of the latter."""
    one = tree.dataset.sel(measure=measure)
    return tuple(float(one[name]) for name in ("within_half", "within_most", "low", "high"))  # type: ignore[return-value]


def _with_interval(tree: xr.DataTree, said: str, low: float, high: float) -> str:
    """Put an interval behind what is said, where there is one."""
    if math.isnan(low) or math.isnan(high) or math.isinf(low):
        return said
    level = f"{100 * (1 - float(tree.attrs['alpha'])):g}"
    if math.isinf(high):
        return say(
            "{said}, {level} % interval from {low:.3g} steps on: it is not sure that they ever do",
            said=said,
            level=level,
            low=low,
        )
    return say(
        "{said}, {level} % interval {low:.3g} to {high:.3g}",
        said=said,
        level=level,
        low=low,
        high=high,
    )


def _layers(tree: xr.DataTree, step: str) -> Iterator[str]:
    """Say what the cells keep by themselves."""
    for node in tree.subtree:
        if "half_life" not in node:
            continue
        half, read = (node.dataset[name].values for name in ("half_life", "read"))
        if not np.isnan(half).all():
            middle, longest = float(np.median(half)), float(half.max())
            values = {
                "layer": str(node.attrs["layer"]),
                "median": steps_in_words(middle, step),
                "slowest": steps_in_words(longest, step),
            }
            idle = int((~read.astype(bool) & (half > middle)).sum())
            if not idle:
                yield say(
                    "Gates of {layer}: the median unit halves what it holds in {median}, the "
                    "slowest in {slowest}.",
                    **values,
                )
            else:
                yield many(
                    idle,
                    "Gates of {layer}: the median unit halves what it holds in {median}, the "
                    "slowest in {slowest}; {count} unit remembers longer than the median and the "
                    "forecast hardly reads it.",
                    "Gates of {layer}: the median unit halves what it holds in {median}, the "
                    "slowest in {slowest}; {count} units remember longer than the median and the "
                    "forecast hardly reads it.",
                    **values,
                )
    half, most, low, high = _lags(tree, "exponents")
    if math.isnan(half):
        return
    if math.isfinite(half):
        fades = say(
            "Two states driven by the same inputs become one: half of what sets them apart is "
            "gone in {half} and 95 % in {most}",
            half=steps_in_words(half, step),
            most=steps_in_words(most, step),
        )
        yield say("{said}.", said=_with_interval(tree, fades, low, high))
        return
    yield say(
        "Two states driven by the same inputs do not become one along these data: the largest "
        "Lyapunov exponent, a step, is not below zero: {exponent}.",
        exponent=_largest_exponent(tree),
    )


def _largest_exponent(tree: xr.DataTree) -> str:
    """Give the largest exponent of all layers, with its interval."""
    layers = [node.dataset for node in tree.subtree if "lyapunov" in node]
    one = max(layers, key=lambda layer: float(layer["lyapunov"][0]))
    rate, low, high = (
        float(one[name][0]) for name in ("lyapunov", "lyapunov_low", "lyapunov_high")
    )
    return _with_interval(tree, f"{rate:.2g}", low, high)


def _by_window(tree: xr.DataTree, step: str) -> Iterator[str]:
    """Say how the forecast depends on what is long ago."""
    a = tree.attrs
    half, most, low, high = _lags(tree, "derivative")
    if not math.isnan(half):
        small = say(
            "Small changes: half of what they do to the forecast comes from the newest {half} and "
            "95 % from the newest {most}",
            half=steps_in_words(half, step),
            most=steps_in_words(most, step),
        )
        yield say("{said}.", said=_with_interval(tree, small, low, high))
    amount = with_unit(figure(float(a["tolerance"])), a.get("unit"))
    if not math.isnan(_lags(tree, "cut")[1]):
        yield _warm_up(tree, amount, step)
    most = _lags(tree, "replaced")[1]
    if most == math.inf:
        yield _too_short(tree)
    elif not math.isnan(most):
        yield say(
            "Another window's history before the newest {steps} changes the forecast by at most a "
            "twentieth of what another window changes it by.",
            steps=steps_in_words(most, step),
        )
    least = _lags(tree, "truncation")[1]
    if least == math.inf:
        yield say(
            "The forecast's error from {newest} is still more than 5 % from that of whole windows: "
            "feed whole windows.",
            newest=_newest(tree, step),
        )
    elif not math.isnan(least):
        yield say(
            "The forecast's error is within 5 % of that of whole windows from the newest {steps} "
            "on.",
            steps=steps_in_words(least, step),
        )
    if "horizon" in a:
        yield _bound(tree, amount, step)


def _too_short(tree: xr.DataTree) -> str:
    """Say that what came before the windows would still matter."""
    change = tree.dataset["replaced_change"].values[-1]
    return say(
        "Another window's history before {newest}, still changes the forecast by {amount} on "
        "average: windows of this length are shorter than what the network remembers, and what is "
        "fed before them would count.",
        newest=_newest(tree, str(tree.attrs.get("step", ""))),
        amount=with_unit(figure(float(change), digits=2), tree.attrs.get("unit")),
    )


def _warm_up(tree: xr.DataTree, amount: str, step: str) -> str:
    """Say how many newest steps serve as whole windows do, or that none that was tried does."""
    steps = float(tree.attrs["warm_up"])
    if math.isfinite(steps):
        return say(
            "Warm-up: fed with the newest {steps}, the forecast lies within {amount} of what whole "
            "windows give, on average.",
            steps=steps_in_words(steps, step),
            amount=amount,
        )
    return say(
        "Warm-up: fed with {newest}, the forecast still lies further than {amount} from what whole "
        "windows give, on average: feed whole windows.",
        newest=_newest(tree, step),
        amount=amount,
    )


def _newest(tree: xr.DataTree, step: str) -> str:
    """Say the most steps that were kept."""
    last = float(tree.dataset["kept"].values[-1])
    return say("the newest {steps}, the most that was asked", steps=steps_in_words(last, step))


def _bound(tree: xr.DataTree, amount: str, step: str) -> str:
    a = tree.attrs
    horizon = float(a["horizon"])
    last = float(tree.dataset["kept"].values[-1])
    values = {"share": f"{100 * (1 - float(a['alpha'])):g}", "amount": amount}
    if not math.isfinite(horizon):
        return say(
            "New windows: the bound on how far another history moves the forecast in {share} % of "
            "them does not fall to {amount} within the newest {kept}, the most that was asked.",
            kept=steps_in_words(last, step),
            **values,
        )
    values |= {"histories": a["histories"], "steps": steps_in_words(horizon, step)}
    if int(a["dependence"]) > int(a["block"]):
        return say(
            "New windows: in {share} % of them the forecast moves by at most {amount}, whichever "
            "of {histories} observed histories came before the newest {steps}; changes depend on "
            "one another over {dependence} windows, so that blocks of {block} may be too short: "
            "more windows make this surer.",
            dependence=a["dependence"],
            block=a["block"],
            **values,
        )
    return say(
        "New windows: in {share} % of them the forecast moves by at most {amount}, whichever of "
        "{histories} observed histories came before the newest {steps}.",
        **values,
    )


def _which(tree: xr.DataTree, step: str) -> str:
    """Say where the measures disagree, and which to believe for which question."""
    most = {str(name): _lags(tree, str(name))[1] for name in tree.dataset["measure"].values}
    known = {name: lag for name, lag in most.items() if math.isfinite(lag) and lag > 0}
    if len(known) < 2 or max(known.values()) <= APART * min(known.values()):
        return say(
            "The measures agree as far as they are defined; believe the warm-up for how much to "
            "feed, the error of shorter windows for how much the forecast is worth, the derivative "
            "for small changes, the bound for new windows, and gates and exponents for what the "
            "cells could keep."
        )
    shortest, longest = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return say(
        "The measures answer different questions: 95 % lies within {few} by {shortest} and within "
        "{most} by {longest}; believe the warm-up for how much to feed, the error of shorter "
        "windows for how much the forecast is worth, the derivative for small changes, the bound "
        "for new windows, and gates and exponents for what the cells could keep.",
        few=steps_in_words(known[shortest], step),
        shortest=measure_name(shortest),
        most=steps_in_words(known[longest], step),
        longest=measure_name(longest),
    )
