"""Which columns a network forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.errors import ConfigError
from rnnlens.names import told
from rnnlens.series.draft.facts import Asked, Chosen, Facts, Notes
from rnnlens.series.draft.features import taken_from
from rnnlens.series.draft.look import Look
from rnnlens.series.draft.trial import Trial
from rnnlens.series.scalers.variables import variables_from
from rnnlens.series.variable import Variable

__all__ = ["chosen_targets"]

#: A correlation by which a column is told, and how far the next must lie below it.
CLEAR, APART = 0.5, 0.1


def chosen_targets(
    facts: Facts,
    chosen: Chosen,
    by_name: Mapping[str, Look],
    asked: Asked,
    trial: Trial | None,
    notes: Notes,
) -> tuple[Variable, ...]:
    """Choose the network's targets, in its order."""
    known = {variable.name: variable for variable in chosen.variables}
    names = asked.targets
    if names is None and asked.target_scaler is not None:
        names = asked.target_scaler.names
    if names is not None and len(names) == 1 and facts.targets > 1:
        return _horizons(names[0], facts.targets, known, by_name, asked, notes)
    if names is not None:
        _check_count(names, facts)
        named = told("targets: {names}, as they were named", names=", ".join(names))
        notes.say(named, sure=True)
        return _named(names, known, by_name, asked, notes)
    free = [variable for variable in chosen.variables if not variable.held]
    if facts.targets == len(chosen.variables):
        notes.say(told("targets: the features, as many as the network gives outputs"), sure=False)
        notes.comment("", "targets", told("are the outputs the features, in their order?"))
        return chosen.variables
    if len(free) == 1 and facts.targets == 1:
        only = told("target: {name}, the one feature that is not held", name=free[0].name)
        notes.say(only, sure=False)
        notes.comment("", "targets", told("is this what is forecast?"))
        return (free[0],)
    return _by_trial(facts, known, by_name, asked, trial, notes)


def _check_count(names: tuple[str, ...], facts: Facts) -> None:
    if len(names) != facts.targets:
        raise ConfigError(
            f"the network gives {facts.targets} outputs and {len(names)} targets were named "
            f"({', '.join(names)}): name one for each output, in its order"
        )


def _named(
    names: tuple[str, ...],
    known: Mapping[str, Variable],
    by_name: Mapping[str, Look],
    asked: Asked,
    notes: Notes,
) -> tuple[Variable, ...]:
    """Give targets by their names, with their own scaling or that of the feature."""
    if asked.target_scaler is not None:
        own = variables_from(asked.target_scaler, names, key="targets")
        return tuple(taken_from(each, dict(by_name), "targets", notes) for each in own)
    scaled = (
        {}
        if asked.scaler is None or asked.scaler.names is None
        else dict(zip(asked.scaler.names, variables_from(asked.scaler), strict=True))
    )
    made = []
    for name in names:
        if name not in known and name not in by_name:
            raise ConfigError(
                f"targets names {name!r}, and the table has no such column"
                f"{did_you_mean(name, by_name)}; it has {', '.join(by_name)}"
            )
        target = known.get(name) or scaled.get(name) or _guessed(name, by_name[name], notes)
        made.append(
            target if name in known else taken_from(target, dict(by_name), "targets", notes)
        )
    return tuple(made)


def _guessed(name: str, look: Look, notes: Notes) -> Variable:
    """Scale a target that is no feature by this table's numbers."""
    codes = look.codes
    values = np.zeros(1) if codes is None else codes[~np.isnan(codes)]
    spread = float(values.std()) if len(values) else 0.0
    notes.comment("targets", name, told("scaling guessed from this data"))
    notes.say(
        told("target {name}: scaled by mean and standard deviation of this table", name=name),
        sure=False,
    )
    if not spread:
        return Variable(name)
    return Variable(name, mean=float(f"{values.mean():.6g}"), scale=float(f"{spread:.6g}"))


def _by_trial(
    facts: Facts,
    known: Mapping[str, Variable],
    by_name: Mapping[str, Look],
    asked: Asked,
    trial: Trial | None,
    notes: Notes,
) -> tuple[Variable, ...]:
    """Take the columns that the outputs go with; one column for several outputs is its horizons."""
    if trial is None:
        names = [name for name, variable in known.items() if not variable.held] or list(known)
        names = (names * facts.targets)[: facts.targets]
        first = told("targets: {names}, the first features", names=", ".join(names))
        notes.say(first, sure=False)
        notes.comment("", "targets", told("what does the network forecast?"))
        return _horizons(names[0], facts.targets, known, by_name, asked, notes)
    best = trial.correlation[0].argmax(axis=1)
    names = tuple(trial.names[place] for place in best)
    one = _of_horizons(trial) if facts.targets > 1 else None
    if one is not None and len(set(names)) < len(names):
        _say_trial(trial, one, notes)
        return _horizons(trial.names[one], facts.targets, known, by_name, asked, notes)
    if len(set(names)) < len(names):
        return _horizons(names[0], facts.targets, known, by_name, asked, notes)
    for output, place in enumerate(best):
        _say_trial(trial, int(place), notes, output)
    return _named(names, known, by_name, asked, notes)


def _of_horizons(trial: Trial) -> int | None:
    """Give the column of which output k is the value k + 1 steps on, best on the whole."""
    outputs = trial.correlation.shape[1]
    if trial.correlation.shape[0] < outputs:
        return None
    diagonal = trial.correlation[np.arange(outputs), np.arange(outputs)]
    return int(diagonal.mean(axis=0).argmax())


def _horizons(
    name: str,
    count: int,
    known: Mapping[str, Variable],
    by_name: Mapping[str, Look],
    asked: Asked,
    notes: Notes,
) -> tuple[Variable, ...]:
    if count == 1:
        return _named((name,), known, by_name, asked, notes)
    scaler = asked.target_scaler
    one = replace(asked, target_scaler=scaler if scaler is not None and len(scaler) == 1 else None)
    (target,) = _named((name,), known, by_name, one, notes)
    notes.say(
        told("targets: {name}, {steps} steps one after the other", name=name, steps=count),
        sure=False,
    )
    column = replace(target.column, of=target.source)
    steps = [f"{name} t+{step}" for step in range(1, count + 1)]
    scaled = [target] * count
    if scaler is not None and len(scaler) > 1:  # one column of it for each step
        scaled = list(variables_from(scaler, steps, key="targets"))
    made = []
    for lead, (own, variable) in enumerate(zip(steps, scaled, strict=True), start=1):
        notes.comment("targets", own, told("are the outputs steps of one variable?"))
        made.append(replace(variable, name=own, column=column, lead=lead, held=False))
    return tuple(made)


def _say_trial(trial: Trial, place: int, notes: Notes, output: int = 0) -> None:
    own = trial.correlation[0, output]
    rest = np.delete(own, place)
    second = float(rest.max()) if len(rest) else 0.0
    name, best = trial.names[place], float(own[place])
    clear = best > CLEAR and best - second > APART
    notes.say(
        told(
            "target: {name}: the network's output goes best with it (correlation {best:.2f} one "
            "step on, with the next column {second:.2f})",
            name=name,
            best=best,
            second=second,
        ),
        sure=False,
    )
    question = (
        told("is {name} what is forecast?", name=name)
        if clear
        else told("is {name} what is forecast? It is not clear.", name=name)
    )
    notes.comment("", "targets", question)
    notes.comment("targets", name, question)
