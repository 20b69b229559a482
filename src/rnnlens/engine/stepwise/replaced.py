"""Many windows of which some neighbouring steps are replaced, run in stretches of steps.

A window of which one step is replaced is its own window up to there, and reads what its own window
reads from there on. So runs begin from the window's own state at the stretch in which the
replacement begins; all runs of many windows go through a stretch together
(`rnnlens.engine.stepwise.stretches`); and a run whose state has come back to that of its own
window, to within the rounding that every step makes, ends: nothing is left of what was replaced.
For one step in each of T in turn that is half of the cell evaluations of whole windows, and far
fewer in a network that soon forgets.

`rnnlens.engine.stepwise.forks` does the same step by step for one window at a time, for networks
that need more than a stretch at a time: several inputs, masks, static vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

import numpy as np

from rnnlens.engine.kernels.products import Products
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.states import State, some_histories
from rnnlens.engine.stepwise.stretches import AT_ONCE, Rows, Stretches, Value, rows_of_a_table

__all__ = ["OwnRun", "Replaced", "changes_by_stretch", "own_run"]

#: Runs of the windows that one thread follows together, about. Where that is less than so many
#: pieces there are so many, of no fewer runs of each replacement than that, so that all threads end
#: about together.
MOST_RUNS, PIECES, FEWEST = 1 << 13, 16, 128
#: Steps of runs that take as long as following their windows to where a replacement begins: fewer
#: begin before it.
WORTH = 800
#: Differences of a state, in roundings of its numbers or of one, that count as none: each step of
#: any run rounds as much.
ROUNDINGS = 4


@dataclass(frozen=True, eq=False)
class Replaced:
    """What some neighbouring steps hold instead, in some windows.

    Parameters
    ----------
    first : int
        The first of these steps.
    count : int
        How many they are.
    which : array (row,) of int
        The windows, in rising order; one may come several times.
    values : callable
        Gives what the steps hold: from rows (row,) of int to (row, count, ...).
    columns : array (row,) of int, optional
        The one feature that is replaced in each, where one is; values are (row, count) then.
    """

    first: int
    count: int
    which: Rows
    values: Callable[[Rows], Array]
    columns: Rows | None = None


@dataclass(frozen=True, eq=False)
class OwnRun:
    """What windows themselves come to.

    Parameters
    ----------
    states : tuple of State
        Before each stretch.
    values : array (sample,)
        After the last.
    """

    states: tuple[State, ...]
    values: Array

    def of(self, windows: Rows) -> OwnRun:
        """Give that of some windows."""
        states = tuple(some_histories(state, windows) for state in self.states)
        return OwnRun(states, self.values[windows])


def own_run(net: Stretches, x: Array, value: Value) -> OwnRun:
    """Follow windows themselves: x (sample, step, ...)."""
    size, pieces = AT_ONCE, range(0, len(x), AT_ONCE)
    found: dict[int, OwnRun] = {}

    def follow(first: int) -> None:
        found[first] = _own_run(net, x[first : first + size], value)

    with one_round():
        each(follow, [(first,) for first in pieces])
    made = [found[first] for first in pieces]
    states = [
        {
            name: tuple(
                np.concatenate(ones) for ones in zip(*(s[name] for s in those), strict=True)
            )
            for name in those[0]
        }
        for those in zip(*(one.states for one in made), strict=True)
    ]
    return OwnRun(tuple(states), np.concatenate([one.values for one in made]))


def _own_run(net: Stretches, x: Array, value: Value) -> OwnRun:
    states, found = [net.start(len(x), x.dtype)], {}
    steps = x.shape[1]
    length = net.length(steps)
    for first in range(0, steps, length):
        after, found = net.advance(net.read(x[:, first : first + length]), states[-1])
        states.append(after)
    return OwnRun(tuple(states[:-1]), value(net.outputs(found)))


def changes_by_stretch(
    net: Stretches,
    x: Array,
    asked: Sequence[Replaced],
    value: Value,
    own: OwnRun | None = None,
    progress: Progress | None = None,
) -> list[Array]:
    """Give what the value gains by each replacement: (row,) of each that is asked for.

    Windows are shared among the threads, as many together as do not depend on how many there are.
    Their own run is made where it is not given.

    Shapes: x (sample, step, ...).
    """
    changes = [np.zeros(len(one.which)) for one in asked]
    replaced = np.zeros(len(x), bool)
    for one in asked:
        replaced[one.which] = True
    places, done = np.flatnonzero(replaced), 0
    windows, runs = len(places), sum(len(one.which) for one in asked)
    # each replacement is some work by itself in every piece
    more = min(PIECES, runs // (FEWEST * max(1, len(asked))))
    size = max(1, ceil(windows / max(1, ceil(runs / MOST_RUNS), more)))
    order = sorted(range(len(asked)), key=lambda k: asked[k].first)

    def follow(first: int, end: int) -> None:
        some = places[first:end]
        ends = some[0], some[-1] + 1
        rows = [np.arange(*np.searchsorted(one.which, ends)) for one in asked]
        there, some_x = [k for k in order if len(rows[k])], x[some]
        parts = [_Part(asked[k], rows[k], some, some_x) for k in there]
        known = _own_run(net, some_x, value) if own is None else own.of(some)
        gained = _Followed(net, some_x, parts, known).gained(value)
        at = 0
        for k in there:
            changes[k][rows[k]] = gained[at : at + len(rows[k])]
            at += len(rows[k])

    def told(piece: tuple[int, int]) -> None:
        nonlocal done
        done += piece[1] - piece[0]
        if progress:
            progress(done, windows)

    with one_round():
        pieces = [(k, min(k + size, windows)) for k in range(0, windows, size)]
        each(follow, pieces, told)
    return changes


def _slices(pieces: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, slice]]:
    """Give the step from which on some runs go, and which they are: those of a layer's call.

    Pieces that go from the same step are one.
    """
    for begin, same in groupby(pieces, key=lambda piece: piece[2]):
        own = list(same)
        for k in range(own[0][0], own[-1][1], AT_ONCE):
            yield begin, slice(k, min(k + AT_ONCE, own[-1][1]))


class _Part:
    """One replacement in the windows that are followed together."""

    def __init__(self, asked: Replaced, rows: Rows, windows: Rows, x: Array) -> None:
        self.first, self.end = asked.first, asked.first + asked.count
        self.which = np.searchsorted(windows, asked.which[rows])
        values = np.asarray(asked.values(rows), x.dtype)
        self.columns = None if asked.columns is None else asked.columns[rows]
        shape = x.shape[2:] if self.columns is None else ()
        self.values = values.reshape(len(rows), asked.count, *shape)


class _Followed:
    """Windows with replacements on their way, first steps rising: numbered in that order."""

    def __init__(self, net: Stretches, x: Array, parts: Sequence[_Part], own: OwnRun) -> None:
        self.net, self.x, self.parts, self.own = net, x, parts, own
        counts = [len(part.which) for part in parts]
        self.edges = np.cumsum([0, *counts])
        self.number = self.window = np.zeros(0, np.int64)
        self.state = net.start(0, x.dtype)
        self.spans = np.array([(part.first, part.end) for part in parts]).reshape(-1, 2).T
        # the step after which each reads its own window
        self.ends = np.repeat(self.spans[1], counts)

    def gained(self, value: Value) -> Array:
        """Follow all to the end, and give what each replacement adds to the value."""
        begun, result, steps = 0, np.zeros(self.edges[-1]), self.x.shape[1]
        length = self.net.length(steps)
        for stretch, first in enumerate(range(0, steps, length)):
            end = min(first + length, steps)
            more = begun
            while more < len(self.parts) and self.parts[more].first < end:
                more += 1
            pieces = [(0, len(self.window), first)]
            if more > begun:
                pieces += self._begin(begun, more, self.own.states[stretch], first)
            begun = more
            values = self._advance(pieces, end, value if end == steps else None)
            if values is None:
                self._leave_out(end, self.own.states[stretch + 1])
            else:
                result[self.number] = values - self.own.values[self.window]
        return result

    def _begin(self, begun: int, more: int, own: State, first: int) -> list[tuple[int, int, int]]:
        """Let replacements begin from their windows' own states.

        Gives the runs that begin together, from and to which, and the step from which on.
        """
        pieces, states, at = [], [self.state], first
        count = len(self.window)
        for part in self.parts[begun:more]:
            if len(part.which) * (part.first - at) >= WORTH:
                own = self._own_after(own, at, part.first)
                at = part.first
            states.append(some_histories(own, part.which))
            pieces.append((count, count + len(part.which), at))
            count += len(part.which)
        new = [part.which for part in self.parts[begun:more]]
        numbers = np.arange(self.edges[begun], self.edges[more])
        self.window = np.concatenate([self.window, *new])
        self.number = np.concatenate([self.number, numbers])
        self.state = {
            name: tuple(
                np.concatenate(ones) for ones in zip(*(one[name] for one in states), strict=True)
            )
            for name in self.state
        }
        return pieces

    def _own_after(self, own: State, first: int, end: int) -> State:
        """Follow the windows themselves for some steps of a stretch."""
        return self.net.advance(self.net.read(self.x[:, first:end]), own)[0]

    def _advance(
        self, pieces: Sequence[tuple[int, int, int]], end: int, value: Value | None
    ) -> Array | None:
        """Take all runs to the end of a stretch; after the last, give their values."""
        after = {
            name: tuple(np.empty_like(one) for one in arrays) for name, arrays in self.state.items()
        }
        values = None if value is None else np.empty(len(self.window))
        for first, some in _slices(pieces):
            before = some_histories(self.state, some)
            made, found = self.net.advance(self._inputs(some, first, end), before)
            for name, arrays in made.items():
                for whole, part in zip(after[name], arrays, strict=True):
                    whole[some] = part
            if value is not None and values is not None:
                values[some] = value(self.net.outputs(found))
        self.state = after
        return values

    def _inputs(self, some: slice, first: int, end: int) -> Array | Products:
        """Give what some of the runs read in a stretch: (run, step, ...), or products of that."""
        window = self.window[some]
        if self.net.lowest is not None:
            return self._products(window, some, first, end)
        x = self.x[window, first:end]
        for part, runs, rows, begin, stop in self._replaced(some, first, end):
            new = part.values[rows, begin - part.first : stop - part.first]
            steps = slice(begin - first, stop - first)
            if part.columns is None:
                x[runs, steps] = new
            else:
                every = np.arange(runs.start, runs.stop)[:, None]
                x[every, np.arange(steps.start, steps.stop), part.columns[rows, None]] = new
        return x

    def _replaced(
        self, some: slice, first: int, end: int
    ) -> Iterator[tuple[_Part, slice, Rows, int, int]]:
        """Give what is replaced in a stretch: a part, its runs and rows, and from and to where."""
        number = self.number[some]
        firsts, ends = self.spans
        for k in np.flatnonzero((firsts < end) & (ends > first)).tolist():
            low, high = np.searchsorted(number, self.edges[k : k + 2])
            if high > low:
                part, rows = self.parts[k], number[low:high] - self.edges[k]
                yield part, slice(low, high), rows, max(part.first, first), min(part.end, end)

    def _products(self, window: Rows, some: slice, first: int, end: int) -> Products:
        """Give the products of what runs read in a stretch: those of each window once."""
        own, place = np.unique(window, return_inverse=True)
        length = end - first
        which = place[:, None] * length + np.arange(length)
        tables, count = [self.net.rows(self.x[own, first:end])], len(own) * length
        columns = np.zeros(len(window), np.int64)
        away: Array | None = None
        for part, runs, rows, begin, stop in self._replaced(some, first, end):
            new = part.values[rows, begin - part.first : stop - part.first]
            steps = slice(begin - first, stop - first)
            if part.columns is None:
                tables.append(self.net.rows(new))
                added = len(tables[-1])
                which[runs, steps] = np.arange(count, count + added).reshape(len(rows), -1)
                count += added
            else:
                away = np.zeros((len(window), length), self.x.dtype) if away is None else away
                columns[runs] = part.columns[rows]
                every = np.arange(begin, stop)
                away[runs, steps] = new - self.x[window[runs, None], every, columns[runs, None]]
        return rows_of_a_table(np.concatenate(tables), which, columns, away)

    def _leave_out(self, end: int, own: State) -> None:
        """End the runs that have come back to their window's own state."""
        apart = self.ends[self.number] > end
        for name, arrays in self.state.items():
            for one, of_own in zip(arrays, own[name], strict=True):
                left = np.flatnonzero(~apart)
                known = of_own[self.window[left]]
                near = ROUNDINGS * np.finfo(one.dtype).eps * np.maximum(1, np.abs(known))
                # what is no number is never near
                apart[left] = ~(np.abs(one[left] - known) <= near).all(axis=1)
        if apart.all():
            return
        self.window, self.number = self.window[apart], self.number[apart]
        self.state = some_histories(self.state, apart)
