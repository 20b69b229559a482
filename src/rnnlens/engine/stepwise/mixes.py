"""Many windows each step of which is a window's own or what stands in for it, run together.

Whatever is mixed, a step reads one of two rows: what a step puts into the lowest layer is worked
out once for each of them, and all mixes take it from there. A mix whose first steps are all its
window's own, or all stand-ins, begins with the stretch in which that ends, from the state of the
run of that kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.states import State, joined, some_histories
from rnnlens.engine.stepwise.stretches import (
    AT_ONCE,
    LENGTH,
    Rows,
    Stretches,
    Value,
    rows_of_a_table,
)

__all__ = ["values_of_mixes"]

#: Mixes that a thread follows together, about: few enough that it gets several shares of them, and
#: that what they read of a stretch stays in the cache.
TOGETHER = 256


def values_of_mixes(
    net: Stretches, x: Array, x0: Array, hidden: NDArray[np.bool_], value: Value
) -> Array:
    """Give the values of windows of which sets of steps hold what stands in for them.

    Shapes: x, x0 (sample, step, feature), hidden (sample, variant, step) -> (sample, variant).
    """
    found = np.zeros(hidden.shape[:2])
    size = max(1, TOGETHER // max(hidden.shape[1], 1))

    def follow(first: int, end: int) -> None:
        some = slice(first, end)
        found[some] = _Mixes(net, x[some], x0[some], hidden[some]).values(value)

    with one_round():
        each(follow, [(k, min(k + size, len(x))) for k in range(0, len(x), size)])
    return found


@dataclass(frozen=True, eq=False)
class _Order:
    """The runs that are made: each window's own, all of its stand-in, then mixes as they begin.

    Parameters
    ----------
    window : array (run,) of int
        The window of each.
    hidden : array (run, step) of bool
        The steps that stand-ins hold.
    begins : array (run,) of int
        The first step that is not of the kind of step 0; 0 for those that are no mixes.
    run_of : array (window, variant) of int
        The run that gives each variant's value.
    """

    window: Rows
    hidden: NDArray[np.bool_]
    begins: Rows
    run_of: Rows


def _ordered(hidden: NDArray[np.bool_]) -> _Order:
    """Say what is run for variants of windows: hidden (window, variant, step)."""
    windows, variants, steps = hidden.shape
    flat = hidden.reshape(-1, steps)
    window = np.repeat(np.arange(windows), variants)
    other = flat != flat[:, :1]
    mixed, begins = other.any(axis=1), other.argmax(axis=1)
    places = np.flatnonzero(mixed)
    places = places[np.argsort(begins[places], kind="stable")]
    # what is no mix is the window's own run or that of its stand-in
    run_of = np.where(flat[:, 0], windows, 0) + window
    run_of[places] = 2 * windows + np.arange(len(places))
    pure = np.repeat([False, True], windows)[:, None]
    return _Order(
        np.concatenate([np.arange(windows), np.arange(windows), window[places]]),
        np.concatenate([np.broadcast_to(pure, (2 * windows, steps)), flat[places]]),
        np.concatenate([np.zeros(2 * windows, np.int64), begins[places]]),
        run_of.reshape(windows, variants),
    )


class _Mixes:
    """Mixes of a few windows on their way."""

    def __init__(self, net: Stretches, x: Array, x0: Array, hidden: NDArray[np.bool_]) -> None:
        self.net, self.both = net, np.stack([x, x0])
        self.order = _ordered(hidden)
        self.state = net.start(2 * len(x), x.dtype)

    def values(self, value: Value) -> Array:
        """Follow all of them to the end: (window, variant)."""
        order, steps, runs = self.order, self.both.shape[2], 2 * self.both.shape[1]
        result = np.zeros(len(order.window))
        for first in range(0, steps, LENGTH):
            end = min(first + LENGTH, steps)
            begun = int(np.searchsorted(order.begins, end))
            self._begin(runs, begun)
            runs = begun
            self._advance(first, end, (value, result) if end == steps else None)
        return result[order.run_of]

    def _begin(self, runs: int, begun: int) -> None:
        """Let more runs begin from the states of those of which they are so far."""
        if begun > runs:
            windows = self.both.shape[1]
            new = slice(runs, begun)
            like = self.order.window[new] + windows * self.order.hidden[new, 0]
            self.state = joined(self.state, some_histories(self.state, like))

    def _advance(self, first: int, end: int, last: tuple[Value, Array] | None) -> None:
        """Take all runs that have begun to the end of a stretch; after the last, note values."""
        order, windows = self.order, self.both.shape[1]
        rows = self.net.rows(self.both[:, :, first:end])
        runs, length = len(next(iter(self.state.values()))[0]), end - first
        after: list[State] = []
        for k in range(0, runs, AT_ONCE):
            some = slice(k, min(k + AT_ONCE, runs))
            source = order.window[some, None] + windows * order.hidden[some, first:end]
            which = source * length + np.arange(length)
            before = some_histories(self.state, some)
            made, found = self.net.advance(rows_of_a_table(rows, which), before)
            after.append(made)
            if last is not None:
                value, result = last
                result[some] = value(self.net.outputs(found))
        self.state = after[0]
        for more in after[1:]:
            self.state = joined(self.state, more)
