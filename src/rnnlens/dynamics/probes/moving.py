"""Whether the forecast uses what is read: the reading is held, or brought to another window's.

What a probe reads need not be used. So the state is moved after each step, before anything reads
it. *Erased* (after Elazar et al. 2021, "Amnesic probing"): until the reading is its mean, along
the direction in which it changes most for the least change of units, each in its own standard
deviation. Random directions that leave the reading as it is are moved along as far, for any large
change of a state changes a forecast. *Patched*: until the reading is what it is in another window
after the same step, along the direction in which states go with it over the data (the pattern of a
reading, Haufe et al. 2014). Failure: erasing moves one direction, and the concept may be held in
others too; patching moves whatever goes with the concept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnlens.dynamics.probes.question import ProbeQuestion
from rnnlens.dynamics.probes.ridge import Reading
from rnnlens.dynamics.probes.states import newest_step
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.engine.interventions.intervention import LayerIntervention, intervene, states_after
from rnnlens.engine.interventions.move import Move, Push
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.engine.schedule.cost import cost
from rnnlens.engine.schedule.plan import chunks, evenly
from rnnlens.engine.schedule.threads import one_blas_thread

__all__ = ["DIRECTIONS", "Moved", "moved"]

#: Random directions.
DIRECTIONS = 39
#: Operations that all runs of one state may take, and windows that are moved at least.
OPERATIONS, WINDOWS = 2e9, 16


@dataclass(frozen=True, eq=False)
class Moved:
    """What moving a state does to forecasts.

    Parameters
    ----------
    erased, patched : float
        Mean size of the change.
    pushed : array (direction,)
        The same along random directions, as far as in erasing; none where there is one unit.
    p_value : float
        Share of these, erasing among them, that change the forecast as much; NaN without any.
    per_concept : float
        Change of the forecast for one more of the concept.
    windows : int
        How many were moved.
    """

    erased: float
    patched: float
    pushed: Array
    p_value: float
    per_concept: float
    windows: int


def moved(
    question: ProbeQuestion, place: LayerLocation, state: str, reading: Reading, columns: Array
) -> Moved:
    """Move one state along what is read off it: columns (row, unit)."""
    chosen = evenly(len(question.concept), _fitting(question))
    if not (reading.scale * reading.weights).any():  # nothing is read, so there is no direction
        return Moved(0.0, 0.0, np.zeros(0), np.nan, np.nan, len(chosen))
    inputs = inputs_of(question.inputs, chosen)
    number = place.layer.cell.states.index(state)
    told = _readings(question, inputs, place, number, reading)
    # the partner is half of all windows away
    towards = np.roll(told, len(told) // 2, axis=0)
    varies = columns.std(axis=0) > 0
    pushes = _directions(reading.scale * varies, reading.scale * reading.weights, question.rng(3))
    acts = _acts(place, number, reading, _pattern(reading, columns), towards, pushes)
    change = np.concatenate(
        [
            _changes(question, inputs_of(inputs, chunk), place, acts, chunk)
            for chunk in chunks(question.network, inputs, runs=3)
        ],
        axis=1,
    )
    erased, patched, *pushed = np.abs(change).mean(axis=1)
    apart = (towards - told)[:, newest_step(place, told.shape[1])]
    there = float(apart @ apart)
    as_much = 1 + np.sum(np.array(pushed) >= erased)
    return Moved(
        erased=float(erased),
        patched=float(patched),
        pushed=np.array(pushed),
        p_value=float(as_much / (1 + len(pushed))) if pushed else np.nan,
        per_concept=float(change[1] @ apart) / there if there > 0 else np.nan,
        windows=len(chosen),
    )


def _pattern(reading: Reading, columns: Array) -> Array:
    """Give how states differ where the reading is one more: (unit,)."""
    apart = columns - reading.centre
    told = apart @ reading.weights
    return told @ apart / (told @ told)


def _acts(
    place: LayerLocation,
    number: int,
    reading: Reading,
    pattern: Array,
    towards: Array,
    pushes: Array,
) -> list[LayerIntervention]:
    """Give what is done: the reading erased, then patched, then as far along each direction."""
    steps, units = np.ones(towards.shape[1], dtype=bool), np.ones(len(reading.weights), dtype=bool)
    along = reading.scale**2 * reading.weights
    along = along / (along @ reading.weights)
    # how far erasing moves each state, which the pushes after it then are
    size = np.empty_like(towards)

    def move(by: Array, to: Array, taken_down: Array) -> Move:
        return Move(
            place, steps, units, number, reading.centre, reading.weights, by, to, taken_down
        )

    return [
        move(along, np.zeros((1, len(steps))), size),
        move(pattern, towards, np.empty_like(towards)),
        *(Push(place, steps, units, number, push, size) for push in pushes),
    ]


def _fitting(question: ProbeQuestion) -> int:
    work = cost(question.network, question.inputs).work * (DIRECTIONS + 3)
    return max(WINDOWS, int(OPERATIONS / max(work, 1.0)))


def _directions(scale: Array, along: Array, rng: np.random.Generator) -> Array:
    """Draw directions at right angles to one, as long as it, in units' own standard deviations.

    Shapes: scale (unit,) 0 where a unit never changes, along (unit,) -> (direction, unit).
    """
    if np.count_nonzero(scale) < 2:
        return np.zeros((0, len(scale)))
    drawn = rng.normal(size=(DIRECTIONS, len(scale))) * (scale > 0)
    ahead = along / np.sqrt(along @ along)
    drawn -= np.outer(drawn @ ahead, ahead)
    length = np.sqrt((drawn**2).sum(axis=1, keepdims=True))
    # one of the reading is 1 / |along| of such standard deviations
    return scale * drawn / (length * np.sqrt(along @ along))


@one_blas_thread()
def _readings(
    question: ProbeQuestion,
    inputs: dict[str, Array],
    place: LayerLocation,
    number: int,
    reading: Reading,
) -> Array:
    """Give what is read after each step of a layer: (sample, step)."""
    parts = []
    for chunk in chunks(question.network, inputs, runs=3):
        run = forward(question.network, inputs_of(inputs, chunk))
        states = states_after(run, place)[number]
        parts.append((states - reading.centre) @ reading.weights)
    return np.concatenate(parts)


@one_blas_thread()
def _changes(
    question: ProbeQuestion,
    inputs: dict[str, Array],
    place: LayerLocation,
    acts: Sequence[LayerIntervention],
    chunk: slice,
) -> Array:
    """Give the change of each forecast by each act: (act, sample)."""
    clean = forward(question.network, inputs)
    before = question.value(intervene(clean, {place.name: ()}).outputs)
    changed = [
        question.value(intervene(clean, {place.name: [act.of_samples(chunk)]}).outputs) - before
        for act in acts
    ]
    return np.stack(changed)
