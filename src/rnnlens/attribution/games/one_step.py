"""Parts of a window that are hidden one at a time; those of some steps share what came before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.engine.forward import Run
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.coalitions import Game, alone
from rnnlens.engine.stepwise.forks import Fork, changes_by_fork
from rnnlens.engine.stepwise.narrow import Changed
from rnnlens.engine.stepwise.replaced import Replaced, changes_by_stretch
from rnnlens.engine.stepwise.stretches import Stretches, stretches

__all__ = ["FEWEST_STEPS", "Parts", "changes_of_steps"]

#: Steps from which on going step by step, which windows do one after the other, is the quicker.
FEWEST_STEPS = 128


@dataclass(frozen=True)
class Parts:
    """Spans of steps, features, or every feature of every span: never all of them as masks.

    Parameters
    ----------
    steps, features : int
        Of a window.
    spans : tuple of tuple of int
        The first step of each span and the one after its last, rising; no two overlap.
    by_feature : bool
        Whether each feature of a span is a part; parts stand span by span.
    """

    steps: int
    features: int
    spans: tuple[tuple[int, int], ...]
    by_feature: bool

    @property
    def count(self) -> int:
        """How many there are."""
        return self.each_span * len(self.spans)

    @property
    def each_span(self) -> int:
        """How many lie in each span."""
        return self.features if self.by_feature else 1

    @property
    def worth_sharing(self) -> bool:
        """Whether spans are parts of windows that are long enough."""
        return len(self.spans) > 1 and self.steps >= FEWEST_STEPS

    def masks(self, some: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark some parts: (part, step, feature), of which the last axis may be 1."""
        span, feature = np.divmod(some, self.each_span)
        first, end = np.array(self.spans)[span].T[:, :, None, None]
        step = np.arange(self.steps)[:, None]
        by_step = (first <= step) & (step < end)
        if not self.by_feature:
            return by_step
        return by_step & (feature[:, None, None] == np.arange(self.features))

    def in_span(self) -> NDArray[np.bool_]:
        """Mark the parts of any one span: (part, feature)."""
        size = self.features
        return np.eye(size, dtype=bool) if self.by_feature else np.ones((1, size), bool)


def changes_of_steps(
    run: Run, of: str, x0: Array, parts: Parts, value: Callable[[tuple[Array, ...]], Array]
) -> Array | None:
    """Give what each part takes from each window's value; None where a layer needs whole sequences.

    Shapes: x0 (sample, step, feature) -> (sample, part).
    """
    x = run.value((of, 0))
    together = None
    if x.dtype.kind == "f" and not run.masked:
        together = stretches(run.network, of, x.dtype)
    if together is not None and (not parts.by_feature or together.lowest is not None):
        return _by_stretch(together, x, x0.reshape(x.shape), parts, value)
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


def _by_stretch(
    net: Stretches,
    x: Array,
    x0: Array,
    parts: Parts,
    value: Callable[[tuple[Array, ...]], Array],
) -> Array:
    """Give what each part takes from each window's value: few runs of each, of many windows."""
    change, asked = np.zeros((len(x), parts.count)), []
    for first, end in parts.spans:
        steps = slice(first, end)
        differs = x[:, steps] != x0[:, steps]
        if parts.by_feature:
            which, columns = np.nonzero(differs.any(axis=1))
        else:
            which, columns = np.flatnonzero(differs.reshape(len(x), -1).any(axis=1)), None
        values = partial(_instead, x0, steps, which, columns)
        asked.append(Replaced(first, end - first, which, values, columns))
    for number, gained in enumerate(changes_by_stretch(net, x, asked, value)):
        which, columns = asked[number].which, asked[number].columns
        part = number if columns is None else number * parts.each_span + columns
        change[which, part] = -gained
    return change


def _instead(
    x0: Array,
    steps: slice,
    which: NDArray[np.int64],
    columns: NDArray[np.int64] | None,
    rows: NDArray[np.int64],
) -> Array:
    """Give what steps of some rows hold instead: (row, step, ...), or (row, step) of a feature."""
    if columns is None:
        return x0[which[rows], steps]
    every = np.arange(steps.start, steps.stop)
    return x0[which[rows, None], every, columns[rows, None]]


def _forks(x: Array, x0: Array, parts: Parts) -> tuple[list[Fork], NDArray[np.int64]]:
    """Give a window's forks, and which parts they are: those that differ from their baseline."""
    each, hidden = parts.each_span, parts.in_span().reshape(-1, *x.shape[1:])
    alone = parts.by_feature and x.ndim == 2
    differs, forks, which = x != x0, [], []
    for number, (first, end) in enumerate(parts.spans):
        apart = hidden & differs[first:end].any(axis=0)
        moved = np.flatnonzero(apart.reshape(each, -1).any(axis=1))
        if len(moved):
            inputs = partial(_hidden, x, x0, hidden[moved])
            changed = Changed(moved, x0[first:end, moved]) if alone else None
            forks.append(Fork(first, len(moved), inputs, end - first, changed))
            which.append(number * each + moved)
    return forks, np.concatenate(which) if which else np.zeros(0, np.int64)


def _hidden(x: Array, x0: Array, hidden: NDArray[np.bool_], t: int) -> Array:
    """Give a step with each of some parts hidden: hidden (part, ...) -> (part, 1, ...)."""
    return np.where(hidden, x0[t], x[t])[:, None]
