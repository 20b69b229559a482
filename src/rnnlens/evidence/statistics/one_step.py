"""What a network forecasts where one step of its windows is replaced, for many steps at once.

Windows that differ from one in a single step share what came before it, and every run goes on with
all others (`rnnlens.engine.stepwise.forks`): each window is followed once, from its oldest step on,
and runs branch off where a part begins. A run that has come back to the window's own state changes
nothing, to the last bit. Cost: half of the cell evaluations of whole windows at the most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.one_step import FEWEST_STEPS
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.stepwise.coalitions import Game
from rnnlens.engine.stepwise.forks import Fork, changes_by_fork
from rnnlens.evidence.statistics.parts import Part
from rnnlens.evidence.statistics.replacement import Replacement

__all__ = ["StepValues", "changes_of_steps", "step_of", "worth_sharing"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StepValues:
    """What one step holds instead, in some windows.

    Parameters
    ----------
    step : int
        Which step.
    which : array (row,) of int
        The windows, in rising order; one may come several times.
    values : callable
        Gives what the step holds: from rows (row,) of int to (row, feature).
    """

    step: int
    which: Rows
    values: Callable[[Rows], Array]


def step_of(part: Part) -> int | None:
    """Give the step that all of a part lies in; None where it lies in several."""
    steps = np.flatnonzero(part.hidden.any(axis=1))
    return int(steps[0]) if len(steps) == 1 else None


def worth_sharing(replacement: Replacement, parts: Sequence[Part]) -> bool:
    """Say whether each part lies in one step, of windows that are long enough."""
    asked = replacement.question
    if replacement.x.shape[1] < FEWEST_STEPS or asked.initial_state:
        return False
    if len(parts) < 2 or any(step_of(part) is None for part in parts):
        return False
    game = _game(replacement, 0)
    # what is replaced may be padding, or none any more: whole windows are run to see
    return real_steps(game.windows, asked.of) is None and game.walk is not None


def changes_of_steps(
    replacement: Replacement, asked: Sequence[StepValues], progress: Progress | None = None
) -> list[Array]:
    """Give what each replaced step adds to the forecast: (row,) of each that is asked for."""
    changes = [np.zeros(len(one.which)) for one in asked]
    order = sorted(range(len(asked)), key=lambda k: asked[k].step)
    windows = len(replacement.x)
    for w in range(windows):
        rows = [np.arange(*np.searchsorted(one.which, [w, w + 1])) for one in asked]
        game, forks, places = _game(replacement, w), [], []
        for k in order:
            if len(rows[k]):
                inputs = asked[k].values(rows[k]).astype(game.x.dtype)
                if forks and forks[-1].step == asked[k].step:
                    before = forks.pop().inputs
                    inputs = np.concatenate([before.reshape(-1, inputs.shape[1]), inputs])
                forks.append(Fork(asked[k].step, inputs.reshape(-1, 1, *game.x.shape[2:])))
                places.append(k)
        if forks:
            assert game.walk is not None, "what is asked for was found worth sharing"
            lost, at = changes_by_fork(game.walk, game.x, forks, replacement.picked), 0
            for k in places:
                changes[k][rows[k]] = -lost[at : at + len(rows[k])]
                at += len(rows[k])
        if progress is not None:
            progress(w + 1, windows)
    return changes


def _game(replacement: Replacement, w: int) -> Game:
    """Give the run of one window by itself, whose steps can be taken one by one."""
    asked = replacement.question
    own = np.array([w])
    inputs = inputs_of(replacement.inputs(own, replacement.x[own]), slice(0, 1))
    run = forward(asked.network, inputs)
    return Game(run, inputs[asked.of], asked.of, replacement.picked)
