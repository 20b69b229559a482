"""Windows that differ from one another in a step, or a few: what came before them is run once.

Hiding one step of a window leaves all older ones as they are, so that the run begins from the state
that the whole window has there; and what follows reads the same input, whichever step was hidden:
all runs go on together, one batched cell step at a time. Windows of T steps so cost T^2 / 2 cells
instead of T^2, and what the input puts into a step is worked out once for all of them. Where
several steps that follow one another are hidden, runs go on by themselves until the last of these.
A run whose state has come back to that of the whole window, to the last bit, ends there: nothing is
left of what was hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array, run
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.stepwise.narrow import Changed, narrow_after, narrow_share, only_layer
from rnnlens.engine.stepwise.states import State, histories_in, joined, some_histories
from rnnlens.engine.stepwise.walk import Walk

__all__ = ["Fork", "changes_by_fork"]

#: Runs that go on together at the most; beyond them those of older steps are ended first.
MOST_RUNS = 1 << 13
#: Steps after which it is looked whether runs have come back.
LOOKED_AFTER = 16


class Fork(NamedTuple):
    """What a step, or some that follow one another, hold instead, in one or more ways.

    Parameters
    ----------
    step : int
        The first step, or row of an array that holds several inputs.
    ways : int
        How many ways there are.
    inputs : callable
        Gives what one of the steps holds in each way: (way, 1, ...).
    steps : int
        How many steps there are.
    changed : Changed, optional
        The one feature in which each way differs, where it differs in one.
    """

    step: int
    ways: int
    inputs: Callable[[int], Array]
    steps: int = 1
    changed: Changed | None = None

    @property
    def last(self) -> int:
        """The last step."""
        return self.step + self.steps - 1


def changes_by_fork(
    walk: Walk,
    x: Array,
    forks: Sequence[Fork],
    value: Callable[[tuple[Array, ...]], Array],
) -> Array:
    """Give what the value of a window loses by each way of each fork.

    Steps of forks rise, and no step is part of two.

    Shapes: x (1, step, ...) -> (way of all forks,).
    """
    state, at = walk.start(), 0
    lost = [np.zeros(0)]
    with one_round():
        for group in _groups(forks):
            state = _alone(walk, x, state, at, group[0].step)
            at = group[0].step
            lost.append(_group(walk, x, group, state, value))
    return np.concatenate(lost)


def _groups(forks: Sequence[Fork]) -> Iterator[list[Fork]]:
    """Put forks together whose runs can go on at once."""
    group: list[Fork] = []
    ways = 0
    for fork in forks:
        if group and ways + fork.ways > MOST_RUNS:
            yield group
            group, ways = [], 0
        group.append(fork)
        ways += fork.ways
    if group:
        yield group


def _group(
    walk: Walk,
    x: Array,
    forks: Sequence[Fork],
    state: State,
    value: Callable[[tuple[Array, ...]], Array],
) -> Array:
    """Run some forks to the end: the whole window is the first of the runs, and goes with them."""
    waiting, ways = list(forks[::-1]), 0
    ended: dict[int, State] = {}  # by the step after which runs go on with all others
    runs = np.array([-1])  # which way each run is
    t, steps = forks[0].step, x.shape[1]
    while t < steps:
        if waiting and waiting[-1].step == t:
            fork = waiting.pop()
            ended[fork.last] = _through(walk, fork, x, state)
        if len(runs) == 1:
            until = min([steps, *ended, *(fork.step for fork in waiting[-1:])])
            state = _alone(walk, x, state, t, until)
            t = until
            if t not in ended:
                continue
        state = walk.step(state, x[:, t, None], t)
        if t in ended:
            begun = ended.pop(t)
            count = histories_in(begun)
            state = joined(state, begun)
            runs = np.concatenate([runs, np.arange(ways, ways + count)])
            ways += count
        if t % LOOKED_AFTER == 0 and len(runs) > 1:
            apart = _apart(state)
            if not apart.all():
                state = some_histories(state, apart)
                runs = runs[apart]
        t += 1
    lost = np.zeros(ways)
    values = value(walk.outputs(state))
    lost[runs[1:]] = values[0] - values[1:]
    return lost


def _alone(walk: Walk, x: Array, state: State, begin: int, end: int) -> State:
    """Take the whole window, the only run there is, from one step to another."""
    only = only_layer(walk.split, walk.of)
    if only is None or end - begin < 2:
        for t in range(begin, end):
            state = walk.step(state, x[:, t, None], t)
        return state
    *before, _ = state[only.name]
    taken = (x[:, begin:end], *before)
    after = run(only.layer, taken, (None,) * len(taken), None).saved.finals[: len(before)]
    walk.count(end - begin)
    return {only.name: (*after, after[0])}


def _through(walk: Walk, fork: Fork, x: Array, state: State) -> State:
    """Take all ways of a fork through its steps, from the state of the whole window."""
    own, only = x[0, fork.step : fork.last + 1], only_layer(walk.split, walk.of)
    narrow = fork.steps > 1 and fork.changed is not None and narrow_share(own.shape[-1]) < 1
    if only is not None and fork.changed is not None and narrow:
        *before, _ = _first(state, 1)[only.name]
        after = narrow_after(only, tuple(before), own, fork.changed)
        walk.count(fork.ways * fork.steps)
        return {only.name: (*after, after[0])}
    through = _first(state, fork.ways)
    for t in range(fork.step, fork.last + 1):
        through = walk.step(through, fork.inputs(t), t)
    return through


def _first(state: State, times: int) -> State:
    """Take the first history of a state so many times."""
    return {
        name: tuple(np.repeat(array[:1], times, axis=0) for array in arrays)
        for name, arrays in state.items()
    }


def _apart(state: State) -> NDArray[np.bool_]:
    """Say which histories have another state than the first, which is kept."""
    apart = np.zeros(histories_in(state), bool)
    apart[0] = True
    for arrays in state.values():
        for array in arrays:
            apart |= (array != array[:1]).any(axis=1)
    return apart
