"""A first sidecar for a network and a table: what content says, and guesses to be checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

import numpy as np

from rnnlens.names import told
from rnnlens.series.draft.clock_found import ClockFound, clock_of
from rnnlens.series.draft.facts import Asked, Chosen, Facts, Notes, Run
from rnnlens.series.draft.features import chosen_features
from rnnlens.series.draft.held import with_held
from rnnlens.series.draft.look import Look, looked_at
from rnnlens.series.draft.scalings import scaled_as_guessed
from rnnlens.series.draft.targets import chosen_targets
from rnnlens.series.draft.trial import Trial, tried
from rnnlens.series.draft.writing import Speak, commented
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.variable import Variable

__all__ = ["Draft", "draft"]

#: Steps of a window where the network takes any number.
USUAL_WINDOW = 24


@dataclass(frozen=True)
class Draft:
    """A first sidecar, to be checked.

    Parameters
    ----------
    sidecar : Sidecar
        What was found and guessed.
    text : str
        The same as a file, with a comment at each line that a person must check.
    notes : tuple of str
        What was found, what guessed, and how sure each is.
    checks : int
        Lines of the text that are to be checked.
    write : callable
        Writes the text and counts those lines; what comments tell is put into words by the
        function that it is given.
    """

    sidecar: Sidecar
    text: str
    notes: tuple[str, ...]
    checks: int
    write: Callable[[Speak], tuple[str, int]] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.text

    def text_by(self, speak: Speak) -> str:
        """Give the text with its comments as a function puts what is told into words."""
        return self.write(speak)[0]


def draft(facts: Facts, data: Any, asked: Asked, run: Run | None = None) -> Draft:
    """Write a first sidecar; `run` runs the network, and tells by its outputs what it forecasts."""
    looks, index = looked_at(data)
    by_name = {look.name: look for look in looks}
    notes = Notes()
    clock = clock_of(looks, index)
    base = _of_times(clock, facts, asked, notes)
    chosen = chosen_features(facts, looks, clock, asked, notes)
    chosen = with_held(chosen, by_name, clock, notes)

    def trial(variables: tuple[Variable, ...]) -> Trial | None:
        sidecar = Sidecar(features=variables, **base)
        return tried(_columns(looks, index, clock), sidecar, looks, clock, run)

    if not chosen.scaled:
        chosen = scaled_as_guessed(chosen, by_name, facts, notes, trial)
    for sentence in () if asked.scaler is None else asked.scaler.notes:
        notes.said.append(sentence)
    final = None if asked.targets is not None else trial(chosen.variables)
    targets = chosen_targets(facts, chosen, by_name, asked, final, notes)
    sidecar = Sidecar(
        features=chosen.variables, targets=targets, test_from=_unseen(chosen, clock, notes), **base
    )
    write = partial(commented, sidecar, notes.comments)
    text, checks = write()
    return Draft(sidecar, text, tuple(notes.said), checks, write)


def _columns(looks: Sequence[Look], index: Any, clock: ClockFound | None) -> Mapping[str, object]:
    held: dict[str, object] = {
        look.name: look.cells if look.numbers is None else look.numbers for look in looks
    }
    if index is not None and clock is not None:
        held[clock.clock.columns[0]] = np.asarray(index)
    return held


def _of_times(clock: ClockFound | None, facts: Facts, asked: Asked, notes: Notes) -> dict[str, Any]:
    """Say what is known of times, of the window and of the lead."""
    window = asked.window or facts.window or USUAL_WINDOW
    if asked.window is None and facts.window is None:
        notes.comment("", "window", told("the network takes any number: what did training give?"))
        any_number = told("window: {steps} steps, for the network takes any number", steps=window)
        notes.say(any_number, sure=False)
    elif asked.window is None:
        notes.say(told("window: {steps} steps, as the network takes", steps=window), sure=True)
    lead = 1 if asked.lead is None else asked.lead
    if asked.lead is None:
        notes.comment("", "lead", told("no file says how far ahead the network forecasts"))
        notes.say(
            told("lead: 1 step, for no file says how far ahead the network forecasts"), sure=False
        )
    base: dict[str, Any] = {"window": window, "lead": lead}
    if clock is None:
        notes.say(told("no column of times was found: rows are counted"), sure=False)
        return base
    columns = clock.clock.columns
    base |= {"time": columns[0] if len(columns) == 1 else columns, "step": clock.step}
    notes.say(
        told("times: {columns}", columns=reduce(_both, columns)), sure=clock.clock.format is None
    )
    if clock.clock.format is not None:
        base["time_format"] = clock.clock.format
        notes.comment("", "time_format", _asked_of_days(clock.rivals))
    if clock.group is not None:
        base["group"] = clock.group
        notes.comment("", "group", told("times rise within each of these alone"))
        notes.say(
            told("group: {column}, within which alone times rise", column=clock.group), sure=False
        )
    _say_step(clock, notes)
    return base


def _asked_of_days(rivals: Sequence[str]) -> str:
    """Ask whether times are written so, or in another way in which they can be read."""
    if not rivals:
        return told("is the day where it belongs?")
    return told("is the day where it belongs?, or {others}", others=reduce(_either, rivals))


def _both(first: str, last: str) -> str:
    return told("{first} and {last}", first=first, last=last)


def _either(one: str, other: str) -> str:
    return told("{one} or {other}", one=one, other=other)


def _say_step(clock: ClockFound, notes: Notes) -> None:
    if clock.step == "1 row":
        question = told("rows are not at one distance: do they follow each other?")
        notes.comment("", "step", question)
        notes.say(told("step: rows are counted, for they are not at one distance"), sure=False)
        return
    share = 100 * clock.regular
    notes.say(
        told(
            "step: {step} ({share:.4g} % of the rows), with {gaps:,} gaps that no window crosses",
            step=clock.step,
            share=share,
            gaps=clock.gaps,
        )
        if clock.gaps
        else told("step: {step} ({share:.4g} % of the rows)", step=clock.step, share=share),
        sure=True,
    )


def _unseen(chosen: Chosen, clock: ClockFound | None, notes: Notes) -> np.datetime64 | int | None:
    """Give the first time after the rows that the scaler was fitted on."""
    if chosen.share == 1 or clock is None:
        return None
    at = min(round(chosen.share * len(clock.times)), len(clock.times) - 1)
    question = told("the scaler was fitted on the rows before; was the network?")
    notes.comment("", "test_from", question)
    notes.say(told("test_from: the first row that the scaler was not fitted on"), sure=False)
    return clock.times[at]
