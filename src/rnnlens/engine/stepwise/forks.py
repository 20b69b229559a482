"""Windows that differ from one another in a single step: what came before it is run once.

Hiding one step of a window leaves all older ones as they are, so that the run begins from the state
that the whole window has there; and what follows reads the same input, whichever step was hidden:
all runs go on together, one batched cell step at a time. Windows of T steps so cost T^2 / 2 cells
instead of T^2, and what the input puts into a step is worked out once for all of them. A run whose
state has come back to that of the whole window, to the last bit, ends there: nothing is left of
what was hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.stepwise.states import State, histories_in, joined, some_histories
from rnnlens.engine.stepwise.walk import Walk

__all__ = ["Fork", "changes_by_fork"]

#: Runs that go on together at the most; beyond them those of older steps are ended first.
MOST_RUNS = 1 << 13
#: Steps after which it is looked whether runs have come back.
LOOKED_AFTER = 16


class Fork(NamedTuple):
    """What a step holds instead, in one or more ways.

    Parameters
    ----------
    step : int
        Which step, or row of an array that holds several inputs.
    inputs : array (way, 1, ...)
        What it holds in each way.
    """

    step: int
    inputs: Array


def changes_by_fork(
    walk: Walk,
    x: Array,
    forks: Sequence[Fork],
    value: Callable[[tuple[Array, ...]], Array],
) -> Array:
    """Give what the value of a window loses by each way of each fork, forks with steps rising.

    Shapes: x (1, step, ...) -> (way of all forks,).
    """
    state, at = walk.start(), 0
    lost = [np.zeros(0)]
    with one_round():
        for group in _groups(forks):
            for t in range(at, group[0].step):
                state = walk.step(state, x[:, t, None], t)
            at = group[0].step
            lost.append(_group(walk, x, group, state, value))
    return np.concatenate(lost)


def _groups(forks: Sequence[Fork]) -> Iterator[list[Fork]]:
    """Put forks together whose runs can go on at once."""
    group: list[Fork] = []
    ways = 0
    for fork in forks:
        if group and ways + len(fork.inputs) > MOST_RUNS:
            yield group
            group, ways = [], 0
        group.append(fork)
        ways += len(fork.inputs)
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
    by_step = {fork.step: fork.inputs for fork in forks}
    ways = 0
    runs = np.array([-1])  # which way each run is
    for t in range(forks[0].step, x.shape[1]):
        after = walk.step(state, x[:, t, None], t)
        if t in by_step:
            count = len(by_step[t])
            after = joined(after, walk.step(_first(state, count), by_step[t], t))
            runs = np.concatenate([runs, np.arange(ways, ways + count)])
            ways += count
        state = after
        if t % LOOKED_AFTER == 0 and len(runs) > 1:
            apart = _apart(state)
            if not apart.all():
                state = some_histories(state, apart)
                runs = runs[apart]
    lost = np.zeros(ways)
    values = value(walk.outputs(state))
    lost[runs[1:]] = values[0] - values[1:]
    return lost


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
