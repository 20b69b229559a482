"""Many windows of which some neighbouring steps are replaced, run in stretches of steps.

A window of which one step is replaced is its own window up to there, and reads what its own window
reads from there on. So runs begin from the window's own state at the stretch in which the
replacement begins; all runs of many windows go through a stretch together, each layer in one call
of its kernel; and a run whose state has come back to that of its own window, to within the rounding
that every step makes, ends: nothing is left of what was replaced. For one step in each of T in turn
that is half of the cell evaluations of whole windows, and far fewer in a network that soon forgets.

`rnnlens.engine.stepwise.forks` does the same step by step for one window at a time, for networks
that need more than a stretch at a time: several inputs, masks, static vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.device.choice import chosen
from rnnlens.engine.kernels.run import packed
from rnnlens.engine.operations.registry import Array, Tape, run
from rnnlens.engine.schedule.context import by_equations, one_round
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.split import SplitNetwork, split_by_step
from rnnlens.engine.stepwise.states import State, joined, some_histories
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network, Node, Ref

__all__ = ["OwnRun", "Replaced", "Stretches", "changes_by_stretch", "own_run", "stretches"]

Rows = NDArray[np.int64]
Value = Callable[[tuple[Array, ...]], Array]

#: Steps of a stretch: a run goes through half of one more than it needs, and no more calls are made
#: than that.
LENGTH = 16
#: Runs that a layer takes at once: what they hold within a stretch fits the cache.
AT_ONCE = 512
#: Runs of the windows that one thread follows together, about.
MOST_RUNS = 1 << 13
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
    """

    first: int
    count: int
    which: Rows
    values: Callable[[Rows], Array]


@dataclass(frozen=True, eq=False)
class Stretches:
    """A network each layer of which goes through a stretch of steps at once.

    Parameters
    ----------
    network : Network
        The network.
    of : str
        Its only input.
    split : SplitNetwork
        What happens at each step, and after the last.
    """

    network: Network
    of: str
    split: SplitNetwork

    def start(self, windows: int, dtype: np.dtype) -> State:
        """Give the states before the first step."""
        return {
            name: tuple(np.zeros((windows, size), dtype) for size in cell.cell.state_sizes)
            for name, cell in self.split.cells.items()
        }

    def numbers(self, shape: tuple[int, ...]) -> int:
        """Count the numbers of all windows' own states: shape (sample, step, ...)."""
        sizes = sum(sum(cell.cell.state_sizes) for cell in self.split.cells.values())
        return shape[0] * -(-shape[1] // LENGTH) * sizes

    def advance(self, x: Array, state: State) -> tuple[State, dict[Ref, Array]]:
        """Go through a stretch, and give the states after it and what each layer made of it.

        Shapes: x (run, step, ...).
        """
        values: dict[Ref, Array] = {(self.of, 0): x}
        after: State = {}
        for node in self.split.each_step:
            taken = tuple(values[ref] for ref in node.inputs)
            if node.name in self.split.cells:
                taken = (*taken, *state[node.name])
            tape = _run(node, taken)
            if node.name in self.split.cells:
                after[node.name] = tape.saved.finals[: len(state[node.name])]
            values |= {(node.name, k): array for k, array in enumerate(tape.outputs)}
        return after, values

    def outputs(self, values: dict[Ref, Array]) -> tuple[Array, ...]:
        """Run the head on what the last stretch made: tuple of (run, ...)."""
        for node in self.split.head:
            tape = _run(node, tuple(values[ref] for ref in node.inputs))
            values |= {(node.name, k): array for k, array in enumerate(tape.outputs)}
        return tuple(values[ref] for ref in self.network.outputs)


def _run(node: Node, taken: tuple[Array, ...]) -> Tape:
    """Run a layer on what is real everywhere."""
    return run(node.layer, taken, (None,) * len(taken), None)


def stretches(network: Network, of: str, dtype: np.dtype) -> Stretches | None:
    """Say how a network goes through stretches; None where `Stretches` is not for it."""
    split = split_by_step(network, of)
    if split is None or by_equations() or chosen() or len(network.inputs) > 1:
        return None
    if split.joined or split.static or split.picked or split.held - {of}:
        return None
    for node in split.each_step:
        layer = node.layer
        if isinstance(layer, Recurrent) and (len(node.inputs) > 1 or not packed(layer.cell, dtype)):
            return None
    return Stretches(network, of, split) if split.cells else None


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
    for first in range(0, x.shape[1], LENGTH):
        after, found = net.advance(x[:, first : first + LENGTH], states[-1])
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
    size = max(1, ceil(MOST_RUNS * windows / max(runs, 1)))
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


class _Part:
    """One replacement in the windows that are followed together."""

    def __init__(self, asked: Replaced, rows: Rows, windows: Rows, x: Array) -> None:
        self.first, self.end = asked.first, asked.first + asked.count
        self.which = np.searchsorted(windows, asked.which[rows])
        values = np.asarray(asked.values(rows), x.dtype)
        self.values = values.reshape(len(rows), asked.count, *x.shape[2:])


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
        for stretch, first in enumerate(range(0, steps, LENGTH)):
            end = min(first + LENGTH, steps)
            more = begun
            while more < len(self.parts) and self.parts[more].first < end:
                more += 1
            if more > begun:
                self._begin(begun, more, self.own.states[stretch])
            begun = more
            values = self._advance(first, end, value if end == steps else None)
            if values is None:
                self._leave_out(end, self.own.states[stretch + 1])
            else:
                result[self.number] = values - self.own.values[self.window]
        return result

    def _begin(self, begun: int, more: int, own: State) -> None:
        """Let replacements begin from their windows' own states."""
        new = np.concatenate([part.which for part in self.parts[begun:more]])
        numbers = np.arange(self.edges[begun], self.edges[more])
        self.window = np.concatenate([self.window, new])
        self.number = np.concatenate([self.number, numbers])
        self.state = joined(self.state, some_histories(own, new))

    def _advance(self, first: int, end: int, value: Value | None) -> Array | None:
        """Take all runs through a stretch; after the last, give their values."""
        count = len(self.window)
        after = {
            name: tuple(np.empty_like(one) for one in arrays) for name, arrays in self.state.items()
        }
        values = None if value is None else np.empty(count)
        for k in range(0, count, AT_ONCE):
            some = slice(k, min(k + AT_ONCE, count))
            before = some_histories(self.state, some)
            made, found = self.net.advance(self._inputs(some, first, end), before)
            for name, arrays in made.items():
                for whole, part in zip(after[name], arrays, strict=True):
                    whole[some] = part
            if value is not None and values is not None:
                values[some] = value(self.net.outputs(found))
        self.state = after
        return values

    def _inputs(self, some: slice, first: int, end: int) -> Array:
        """Give what some of the runs read in a stretch: (run, step, ...)."""
        x = self.x[self.window[some], first:end]
        number = self.number[some]
        firsts, ends = self.spans
        for k in np.flatnonzero((firsts < end) & (ends > first)).tolist():
            part = self.parts[k]
            low, high = np.searchsorted(number, self.edges[k : k + 2])
            if high > low:
                begin, stop = max(part.first, first), min(part.end, end)
                rows = number[low:high] - self.edges[k]
                new = part.values[rows, begin - part.first : stop - part.first]
                x[low:high, begin - first : stop - first] = new
        return x

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
