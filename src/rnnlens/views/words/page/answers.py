"""The answers that a page opens with, in a forecaster's words, made from numbers by fixed rules.

Each claims no more than the evidence behind it, which stands in the page's sections: *yes* only of
a forecast that is better than every simple one beyond noise, *the newest n* only of what the test
of all older inputs together has shown, and *the same network* only where both were run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.explanation import figure, percent
from rnnlens.views.words.lags import span
from rnnlens.views.words.language import many, paragraph, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.rounding import rounded_up
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "Answer",
    "error_sentences",
    "fidelity_answer",
    "forecast_answer",
    "inputs_answer",
    "lags_answer",
    "trust_answer",
]

#: The part of all shares for which the answer says how many lags carry it.
MOST = 0.9
#: Characters of a name that an answer has room for.
LONGEST = 40
#: Part of the change of a forecast that is rounding.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Answer:
    """One question of a reader, and what is answered.

    Parameters
    ----------
    section : str
        Where in the page the evidence stands.
    question, short, text : str
        What is asked, the answer in a few words, and what it rests on.
    mood : {"good", "care", "open"}
        Whether it speaks for the forecast, against it, or nothing is known.
    """

    section: str
    question: str
    short: str
    text: str
    mood: str


def forecast_answer(check: xr.Dataset | None, target: str) -> Answer:
    """Say whether the forecast is any good."""
    question = say("Is the forecast any good?")
    if check is None:
        return Answer("forecast", question, say("Not judged."), "", "open")
    text = paragraph(error_sentences(check))
    shorts = {
        "better": (say("Yes, better than what is known without the network."), "good"),
        "no better": (say("Not shown to be better than what is known without it."), "care"),
        "worse": (say("No. It is worse than knowing nothing."), "care"),
        "fits better": (say("Doubtful. Read in another way, it would fit better."), "care"),
        "leak": (say("Doubtful. An input holds what is to be forecast."), "care"),
        "constant": (say("No. Its forecasts do not vary."), "care"),
        "misplaced": (say("Doubtful. Inputs lie where training had none."), "care"),
    }
    short, mood = shorts.get(str(check.attrs["verdict"]), (say("Not known."), "open"))
    unknown = say("Too little is known of what happened to {target} to tell.", target=target)
    return Answer("forecast", question, short, text or unknown, mood)


def error_sentences(check: xr.Dataset) -> list[str]:
    """Say how far the forecast errs on average, and how far what is known without it does."""
    if not int(check.attrs["judged"]):
        return []
    squared = check.attrs["measure"] == "RMSE"
    unit = str(check.attrs.get("unit") or "")
    names = [str(name) for name in check["reference"].values]
    errors = check["rmse" if squared else "error"].values
    by = {name: float(error) for name, error in zip(names, errors, strict=True)}
    texts = {name: figure(error, unit, digits=3) for name, error in by.items()}
    said = [
        say("Its error is {error} (root mean square).", error=texts["forecast"])
        if squared
        else say("It errs by {error} on average.", error=texts["forecast"])
    ]
    seasons = {
        "day": say("The same hour of the day before errs by {error}.", error=texts["season"]),
        "week": say("The same day of the week before errs by {error}.", error=texts["season"]),
        "year": say("The same day of the year before errs by {error}.", error=texts["season"]),
    }
    others = {
        "persistence": say(
            "To say that nothing will change errs by {error}.", error=texts["persistence"]
        ),
        "season": seasons.get(str(check.attrs["season_of"]), ""),
    }
    said += [text for name, text in others.items() if text and np.isfinite(by[name])]
    if by["linear"] < by["forecast"]:
        said.append(
            say(
                "A straight line through the same windows errs by less, {error}.",
                error=texts["linear"],
            )
        )
    return said


def fidelity_answer(fidelity: xr.Dataset | None) -> Answer:
    """Say whether what is explained is the network that its owner has."""
    question = say("Is it the same network?")
    if fidelity is None:
        text = say(
            "It was not run against its source, so nothing here shows that the file was read right."
        )
        return Answer("same", question, say("Not checked."), text, "open")
    a = fidelity.attrs
    text = many(
        int(a.get("samples", 0)),
        "In {count} window its output differs from that of {source} by {largest} at most.",
        "In {count:,} windows its outputs differ from those of {source} by {largest} at most.",
        source=attribute_text(a, "against") or say("its source"),
        largest=figure(a.get("largest", float(fidelity["largest_difference"].max())), digits=2),
    )
    if a.get("agrees"):
        return Answer("same", question, say("Yes."), text, "good")
    return Answer("same", question, say("No. It does not compute what its source does."), text,
                  "care")  # fmt: skip


def inputs_answer(explanation: xr.Dataset) -> Answer:
    """Say what the network uses most."""
    question = say("What does it use?")
    shares = json.loads(str(explanation.attrs.get("important") or "[]"))
    if "feature" not in explanation["contribution"].dims:
        text = say("This method tells lags apart, and not inputs.")
        return Answer("uses", question, say("Not asked."), text, "open")
    if not shares:
        text = say("No input has a twentieth of what moved its forecasts.")
        return Answer("uses", question, say("Nothing stands out."), text, "open")
    names = [_short(str(name)) for name, _ in shares]
    short = (
        say("Mostly {name}.", name=names[0])
        if len(names) == 1 or shares[0][1] > 3 * shares[1][1]
        else say("Mostly {one} and {other}.", one=names[0], other=names[1])
    )
    each = zip(names, shares, strict=True)
    listed = say(", ").join(f"{name} {percent(float(share))}" for name, (_, share) in each)
    text = say("Of all that moved its forecasts: {listed}.", listed=listed)
    return Answer("uses", question, short, text, "good")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def lags_answer(lags: xr.Dataset, evidence: xr.Dataset | None) -> Answer:
    """Say how far back the forecast looks: what a test showed, else where most comes from."""
    question, step = say("How far back does it look?"), str(lags.attrs.get("step", ""))
    most = _most_of(lags, step)
    if evidence is not None and "looks_back" in evidence.attrs:
        a = evidence.attrs
        far, steps, step = int(a["looks_back"]), int(a["steps"]), str(a.get("step", ""))
        if far == steps:
            short = say("Not settled within its window of {span}.", span=span(steps, step))
            text = say("No test could show that any of it is without use.")
            return Answer("memory", question, short, paragraph([text, most]), "open")
        least = with_unit(rounded_up(float(a["margin"]), 2), a.get("loss_unit", ""))
        short = say("{span}.", span=span(far, step)) if far else say("Nowhere.")
        text = (
            say(
                "To hide everything older changes its mean error by less than {least}, which "
                "counts as nothing.",
                least=least,
            )
            if far
            else say(
                "To hide all of its window changes its mean error by less than {least}, which "
                "counts as nothing.",
                least=least,
            )
        )
        return Answer("memory", question, short, paragraph([text, most]), "good")
    untested = say("Whether older inputs matter was not tested.")
    if not most:
        return Answer("memory", question, say("Not known."), untested, "open")
    if lags.sizes["lag"] == 1:
        return Answer("memory", question, say("It has one lag."), most, "open")
    last = int(lags["lag_to" if "lag_to" in lags else "lag"].values.max())
    short = (
        say("Not settled within its window of {span}.", span=span(last, step))
        if _needed(lags) == lags.sizes["lag"]  # the newest alone do not carry it
        else say("Mostly at what is newest.")
    )
    return Answer("memory", question, short, paragraph([most, untested]), "open")


def _most_of(lags: xr.Dataset, step: str) -> str:
    """Say how many of the newest steps carry most of what moved the forecasts."""
    ordered = lags.sortby("lag")
    share = ordered["share"].values
    if not np.isfinite(share).all() or not share.sum() > 0:
        return ""
    last, place = ordered["lag_to" if "lag_to" in ordered else "lag"].values, _needed(lags) - 1
    return say(
        "The newest {span} carry {share} of all that moved its forecasts.",
        span=span(int(last[place]), step),
        share=percent(float(share[: place + 1].sum() / share.sum())),
    )


def _needed(lags: xr.Dataset) -> int:
    """Count the newest lags that carry most of what moved the forecasts."""
    share = lags.sortby("lag")["share"].values
    # the sum of shares that make it exactly may fall short of it by rounding
    return int(np.argmax(np.cumsum(share) / share.sum() >= MOST - 1e-12)) + 1


def trust_answer(warnings: list[str], residual: float, change: float, unit: str) -> Answer:
    """Say whether anything speaks against the answers.

    `change` is how far forecasts lie from their baseline, of which `residual` is unexplained.
    """
    question = say("Can I trust that?")
    sums = (
        say("The contributions of every window sum to its forecast.")
        if residual <= ROUNDING * change
        else say(
            "The contributions of every window sum to its forecast, to {most}.",
            most=figure(residual, unit, digits=2),
        )
    )
    if not warnings:
        short = say("Nothing that was checked speaks against it.")
        return Answer("trust", question, short, sums, "good")
    short = many(len(warnings), "With {count} warning.", "With {count} warnings.")
    return Answer("trust", question, short, paragraph(warnings), "care")
