"""Scalings that the data suggest where no scaler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

import numpy as np

from rnnlens.names import told
from rnnlens.series.draft.facts import Chosen, Facts, Notes
from rnnlens.series.draft.look import Look
from rnnlens.series.draft.trial import Trial
from rnnlens.series.variable import Limits, Variable

__all__ = ["scaled_as_guessed"]

#: How much better a scaling must let the outputs go with the data to be taken before the plainest.
CLEARLY = 0.02
KINDS = {
    "standard": told("mean and standard deviation of this table"),
    "min-max": told("smallest and largest value of this table"),
    "none": told("values as they stand"),
}
NAMES = {"standard": told("standard"), "min-max": told("min-max"), "none": told("none")}


def scaled_as_guessed(
    chosen: Chosen,
    by_name: Mapping[str, Look],
    facts: Facts,
    notes: Notes,
    trial: Callable[[tuple[Variable, ...]], Trial | None],
) -> Chosen:
    """Give every feature the scaling that lets the network's outputs go best with the data."""
    ways = {kind: _scaled(chosen.variables, by_name, kind) for kind in KINDS}
    if facts.scales_itself:
        notes.say(
            told("no scaling: the network scales its inputs by a layer of its own"), sure=True
        )
        return chosen.with_variables(ways["none"])
    worths = {kind: trial(variables) for kind, variables in ways.items()}
    usual = "none" if _looks_scaled(chosen.variables, by_name) else "standard"
    best = max(worths, key=lambda kind: _worth(worths[kind]))
    if _worth(worths[best]) < _worth(worths[usual]) + CLEARLY:
        best = usual
    notes.say(_why_scaled(best, worths), sure=False)
    for variable in ways[best]:
        notes.comment("features", variable.name, told("scaling guessed from this data"))
    return chosen.with_variables(ways[best])


def _why_scaled(best: str, worths: Mapping[str, Trial | None]) -> str:
    """Tell which scaling is taken, and what each was worth where the network could be run."""
    each = [
        told("{kind} {worth:.2f}", kind=NAMES[kind], worth=tried.worth)
        for kind, tried in worths.items()
        if tried is not None
    ]
    if not each:
        return told("no scaler was given: scaling by {scaling}", scaling=KINDS[best])
    return told(
        "no scaler was given: scaling by {scaling}: the network's outputs then go best with what "
        "comes next ({worths})",
        scaling=KINDS[best],
        worths=reduce(lambda text, more: told("{text}, {more}", text=text, more=more), each),
    )


def _worth(trial: Trial | None) -> float:
    return -1.0 if trial is None else trial.worth


def _known(variable: Variable, by_name: Mapping[str, Look]) -> np.ndarray:
    look = by_name.get(variable.source)
    values = None if look is None else look.codes
    return np.zeros(1) if values is None else values[~np.isnan(values)]


def _scaled(
    variables: tuple[Variable, ...], by_name: Mapping[str, Look], kind: str
) -> tuple[Variable, ...]:
    made = []
    for variable in variables:
        values = _known(variable, by_name)
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
        if kind == "none" or not high > low or variable.column.equals is not None:
            made.append(variable)
        elif kind == "standard":
            mean, scale = float(f"{values.mean():.6g}"), float(f"{values.std():.6g}")
            made.append(replace(variable, mean=mean, scale=scale))
        else:
            made.append(replace(variable, limits=Limits(low, high)))
    return tuple(made)


def _looks_scaled(variables: tuple[Variable, ...], by_name: Mapping[str, Look]) -> bool:
    """Tell values that are scaled already: all within 0 and 1, or of mean 0 and deviation 1."""
    every = [_known(variable, by_name) for variable in variables]
    unit = all(len(v) and v.min() >= -1e-9 and v.max() <= 1 + 1e-9 for v in every)
    standard = all(len(v) and abs(v.mean()) < 0.1 and abs(v.std() - 1) < 0.2 for v in every)
    return unit or standard
