"""Parts of a window that are hidden one at a time; those of one step share what came before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.engine.forward import Run
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.coalitions import Game, alone
from rnnlens.engine.stepwise.forks import Fork, changes_by_fork

__all__ = ["FEWEST_STEPS", "Parts", "changes_of_steps"]

#: Steps from which on going step by step, which windows do one after the other, is the quicker.
FEWEST_STEPS = 128


@dataclass(frozen=True)
class Parts:
    """Every step, every feature, or every feature of every step: never all of them as masks.

    Parameters
    ----------
    steps, features : int
        Of a window.
    by_step, by_feature : bool
        Whether a part is one step, and one feature; parts of both stand step by step.
    """

    steps: int
    features: int
    by_step: bool
    by_feature: bool

    @property
    def count(self) -> int:
        """How many there are."""
        return self.each_step * (self.steps if self.by_step else 1)

    @property
    def each_step(self) -> int:
        """How many lie in each step."""
        return self.features if self.by_feature else 1

    @property
    def worth_sharing(self) -> bool:
        """Whether each lies in one step, of windows that are long enough."""
        return self.by_step and self.steps >= FEWEST_STEPS

    def masks(self, some: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark some parts: (part, step, feature), of which an axis may be 1."""
        step, feature = np.divmod(some, self.each_step)
        by_step = step[:, None, None] == np.arange(self.steps)[:, None]
        by_feature = feature[:, None, None] == np.arange(self.features)
        if self.by_step and self.by_feature:
            return by_step & by_feature
        return by_step if self.by_step else by_feature

    def in_step(self) -> NDArray[np.bool_]:
        """Mark the parts of any one step: (part, feature)."""
        size = self.features
        return np.eye(size, dtype=bool) if self.by_feature else np.ones((1, size), bool)


def changes_of_steps(
    run: Run, of: str, x0: Array, parts: Parts, value: Callable[[tuple[Array, ...]], Array]
) -> Array | None:
    """Give what each part takes from each window's value; None where a layer needs whole sequences.

    Shapes: x0 (sample, step, feature) -> (sample, part).
    """
    x = run.value((of, 0))
    change = np.zeros((len(x), parts.count))

    def game(w: int) -> Game:
        return Game(alone(run, w), x0[w : w + 1].reshape(1, *x.shape[1:]), of, value)

    if not len(x) or game(0).walk is None:
        return None if len(x) else change

    def work(w: int) -> None:
        walk = game(w).walk
        assert walk is not None, "whether a network can be walked does not depend on the window"
        forks, which = _forks(x[w], x0[w].reshape(x.shape[1:]), parts)
        change[w, which] = changes_by_fork(walk, x[w : w + 1], forks, value)

    # a step of one window is little work to share, and windows are many
    with one_round():
        each(work, [(w,) for w in range(len(x))])
    return change


def _forks(x: Array, x0: Array, parts: Parts) -> tuple[list[Fork], NDArray[np.int64]]:
    """Give a window's forks, and which parts they are: those that differ from their baseline."""
    each, hidden = parts.each_step, parts.in_step().reshape(-1, *x.shape[1:])
    forks, which = [], []
    for t in range(len(x)):
        moved = np.flatnonzero((hidden & (x[t] != x0[t])).reshape(each, -1).any(axis=1))
        if len(moved):
            forks.append(Fork(t, np.where(hidden[moved], x0[t], x[t])[:, None]))
            which.append(t * each + moved)
    return forks, np.concatenate(which) if which else np.zeros(0, np.int64)
