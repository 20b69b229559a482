"""Windows that follow one another share their newest steps: runs from every place of the series.

From each place of the series one run goes on from the state of every history, and gives the
forecast of the window that ends k steps later with its k newest steps kept, for every k up to the
last. Places are taken in chunks whose states fit the cache, shared among the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.series import Series
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.threads import each, one_blas_thread, threads
from rnnlens.engine.stepwise.split import SplitNetwork
from rnnlens.engine.stepwise.states import State, histories_in
from rnnlens.engine.stepwise.walk import Walk

__all__ = ["Progress", "from_every_place", "states_after"]

#: Bytes that the states of one thread's places may take.
STATES = 1 << 21
#: Share of the places that must have come to the end of their series before they are let go.
ENDED = 0.2
Progress = Callable[[int, int], None]


@one_blas_thread()
def states_after(question: MemoryQuestion, split: SplitNetwork) -> tuple[Walk, State]:
    """Give the state that each history ends in, and last the state of none: (history + 1, unit)."""
    inputs = inputs_of(question.inputs, question.histories)
    walk = Walk(split, forward(question.network, inputs), question.of, lambda cells: None)
    state = walk.start()
    for t in range(question.steps):
        state = walk.step(state, inputs[question.of][:, t : t + 1], t)
    ended = {
        name: tuple(np.concatenate([one, np.zeros_like(one[:1])]) for one in state[name])
        for name in split.cells
    }
    one = forward(question.network, inputs_of(question.inputs, slice(0, 1)))
    return Walk(split, one, question.of, lambda cells: None), ended


def from_every_place(
    question: MemoryQuestion,
    split: SplitNetwork,
    series: Series,
    full: Array,
    progress: Progress | None,
) -> tuple[Array, Array, Array]:
    """Give the largest and the mean change over histories, and the forecast with none.

    Shapes: full (sample,) -> three of (kept, sample), NaN where a window has no place.
    """
    walk, states = states_after(question, split)
    runs, places = len(question.histories) + 1, len(series.starts)
    apiece = runs * sum(one.shape[1] * one.itemsize for kept in states.values() for one in kept)
    size = max(1, min(STATES // apiece, -(-places // threads())))
    largest, mean, short = (np.full((len(question.kept), len(full)), np.nan) for _ in range(3))
    wanted = {int(k): row for row, k in enumerate(question.kept)}
    done = 0

    def part(begin: int, end: int) -> None:
        # no two places give the same window the same number of kept steps
        for k, there, values in _from_places(question, walk, states, series, slice(begin, end)):
            if k in wanted:
                moved = np.abs(values[:-1] - full[there])
                place = wanted[k], there
                largest[place], mean[place] = moved.max(axis=0), moved.mean(axis=0)
                short[place] = values[-1]

    def finished(piece: tuple[int, int]) -> None:
        nonlocal done
        done += piece[1] - piece[0]
        if progress is not None:
            progress(done, places)

    pieces = [(begin, min(begin + size, places)) for begin in range(0, places, size)]
    with one_blas_thread():
        each(part, pieces, finished)
    return largest, mean, short


def _from_places(
    question: MemoryQuestion, walk: Walk, state: State, series: Series, places: slice
) -> Iterator[tuple[int, NDArray[np.int64], Array]]:
    """Run on from some places: gives k, the windows that end there, and (history + 1, window)."""
    starts, ends = series.starts[places], series.ends[places]
    runs = histories_in(state)
    for k in range(1, int(question.kept[-1]) + 1):
        going = starts + k - 1 <= ends
        if not going.any():
            return
        if k > 1 and going.mean() <= 1 - ENDED:
            state = _of_places(state, np.flatnonzero(going), runs)
            starts, ends = starts[going], ends[going]
            going = going[going]
        rows = np.minimum(starts + k - 1, ends)
        x = series.rows[rows][:, None]
        # the first step shares the states of all places; later ones stand place by place
        x = x if k == 1 else np.repeat(x, runs, axis=0)
        state = walk.step(state, x, 0, fork=k == 1)
        known = np.flatnonzero(going & (series.window[rows] >= 0))
        if len(known):
            first, last = known[0], known[-1] + 1
            near = _between(state, first * runs, last * runs)
            values = question.value(walk.outputs(near)).reshape(-1, runs).T
            yield k, series.window[rows[known]], values[:, known - first]


def _between(state: State, first: int, last: int) -> State:
    return {name: tuple(one[first:last] for one in arrays) for name, arrays in state.items()}


def _of_places(state: State, places: NDArray[np.int64], runs: int) -> State:
    """Take the histories of some places: they stand place by place."""
    rows = (places[:, None] * runs + np.arange(runs)).ravel()
    return {
        name: tuple(np.ascontiguousarray(one.T[:, rows]).T for one in arrays)
        for name, arrays in state.items()
    }
