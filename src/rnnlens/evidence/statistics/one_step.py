"""What a network forecasts where some neighbouring steps of its windows are replaced.

Windows that differ from one in a single step share what came before it, and every run goes on with
all others: of many windows together, stretch by stretch (`rnnlens.engine.stepwise.replaced`), or
step by step, a window at a time, where a network needs that (`rnnlens.engine.stepwise.forks`). A
run that has come back to the window's own state changes nothing. Cost: half of the cell evaluations
of whole windows at the most.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.one_step import FEWEST_STEPS
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.coalitions import Game
from rnnlens.engine.stepwise.forks import Fork, changes_by_fork
from rnnlens.engine.stepwise.replaced import OwnRun, Replaced, changes_by_stretch, own_run
from rnnlens.engine.stepwise.stretches import Stretches, stretches
from rnnlens.evidence.statistics.parts import Part
from rnnlens.evidence.statistics.replacement import SINGLE, Replacement

__all__ = [
    "FEWEST_STRETCHED",
    "changes_of_steps",
    "own_run_of",
    "step_of",
    "stretched",
    "worth_sharing",
]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Steps from which on going on from a window's own states is quicker than running whole windows,
#: where many windows go together.
FEWEST_STRETCHED = 16
#: Numbers of the windows' own states that are kept for whoever asks often: 256 MB at the most.
KEPT = 32_000_000


def step_of(part: Part) -> int | None:
    """Give the step that all of a part lies in; None where it lies in several."""
    first, count = part.span
    return first if count == 1 else None


def worth_sharing(replacement: Replacement, parts: Sequence[Part]) -> bool:
    """Say whether runs that share what is not replaced are the quicker."""
    asked, steps = replacement.question, replacement.x.shape[1]
    if steps < min(FEWEST_STEPS, FEWEST_STRETCHED) or asked.initial_state:
        return False
    # nothing is shared by what is replaced from the first step to the last
    if any(part.span[1] == steps for part in parts):
        return False
    if stretched(replacement) is not None:
        return True
    if steps < FEWEST_STEPS or len(parts) < 2 or any(step_of(part) is None for part in parts):
        return False
    game = _game(replacement, 0)
    # what is replaced may be padding, or none any more: whole windows are run to see
    return real_steps(game.windows, asked.of) is None and game.walk is not None


def stretched(replacement: Replacement) -> Stretches | None:
    """Say how windows go through stretches of steps together, where they can."""
    asked = replacement.question
    if replacement.masks or asked.initial_state:
        return None
    dtype = np.dtype(SINGLE if replacement.single else np.float64)
    return stretches(asked.network, asked.of, dtype)


def own_run_of(replacement: Replacement) -> OwnRun | None:
    """Follow the windows themselves, for whoever asks often; None where that is not worth it."""
    together = stretched(replacement)
    if together is None or together.numbers(replacement.x.shape) > KEPT:
        return None
    return own_run(together, _x(replacement), replacement.picked)


def changes_of_steps(
    replacement: Replacement,
    asked: Sequence[Replaced],
    progress: Progress | None = None,
    own: OwnRun | None = None,
) -> list[Array]:
    """Give what replaced steps add to the forecast: (row,) of each that is asked for."""
    together = stretched(replacement)
    if together is not None:
        x = _x(replacement)
        return changes_by_stretch(together, x, asked, replacement.picked, own, progress)
    changes = [np.zeros(len(one.which)) for one in asked]
    order = sorted(range(len(asked)), key=lambda k: asked[k].first)
    windows, done = len(replacement.x), 0

    def follow(w: int, _: int) -> None:
        rows = [np.arange(*np.searchsorted(one.which, [w, w + 1])) for one in asked]
        there = [k for k in order if len(rows[k])]
        if there:
            lost, at = _lost(replacement, w, [(asked[k], rows[k]) for k in there]), 0
            for k in there:
                changes[k][rows[k]] = -lost[at : at + len(rows[k])]
                at += len(rows[k])

    def told(_: tuple[int, int]) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, windows)

    with one_round():
        each(follow, list(pairwise(range(windows + 1))), told)
    return changes


def _x(replacement: Replacement) -> Array:
    """Give the windows as they are run."""
    every = np.arange(len(replacement.x))
    return replacement.inputs(every, replacement.x)[replacement.question.of]


def _lost(replacement: Replacement, w: int, asked: Sequence[tuple[Replaced, Rows]]) -> Array:
    """Give what one window's forecast loses by replacements of a step each, steps rising."""
    game, forks = _game(replacement, w), []
    by_step: dict[int, list[Array]] = {}
    for one, rows in asked:
        inputs = one.values(rows).astype(game.x.dtype)
        by_step.setdefault(one.first, []).append(inputs.reshape(-1, 1, *game.x.shape[2:]))
    for step, some in by_step.items():
        forks.append(Fork(step, sum(map(len, some)), partial(_whichever, np.concatenate(some))))
    assert game.walk is not None, "what is asked for was found worth sharing"
    return changes_by_fork(game.walk, game.x, forks, replacement.picked)


def _whichever(inputs: Array, _: int) -> Array:
    """Give what the only step of a fork holds in each way."""
    return inputs


def _game(replacement: Replacement, w: int) -> Game:
    """Give the run of one window by itself, whose steps can be taken one by one."""
    asked = replacement.question
    own = np.array([w])
    inputs = inputs_of(replacement.inputs(own, replacement.x[own]), slice(0, 1))
    run = forward(asked.network, inputs)
    return Game(run, inputs[asked.of], asked.of, replacement.picked)
