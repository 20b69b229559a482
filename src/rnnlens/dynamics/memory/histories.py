"""What the forecast does when everything older than its newest steps is another window's, or gone.

The newest k steps of a window stay, and what came before is replaced by each of m histories that
were observed elsewhere (m + 1 with none at all: the network starts at zero). Three ways, told by
the network and the windows:

``series``   windows that follow one another step by step, in a network that reads them step by
             step: one run of K steps from each history at each place of the series gives every k
             to K, for windows share their newest steps with those after them. m K N cells. A
             history is a whole other window.
``suffix``   a network that reads step by step: the newest k steps are run from each history's
             state, for each k anew.
``windows``  any other network: whole windows whose older steps are those of another window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.series import Series, series_of
from rnnlens.engine.forward import forward, inputs_of, outputs
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.plan import gathered
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.engine.stepwise.split import SplitNetwork, split_by_step
from rnnlens.engine.stepwise.states import State, histories_in
from rnnlens.engine.stepwise.walk import Walk
from rnnlens.network.layers import Input
from rnnlens.network.network import Network

__all__ = ["HistoryChanges", "history_changes", "way_of", "why_not_shorter", "work_of"]

#: Bytes that the states of histories may take at once.
STATES = 1 << 25
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class HistoryChanges:
    """How far forecasts move, window by window; NaN where a window was not asked.

    Parameters
    ----------
    way : str
        ``series``, ``suffix`` or ``windows``.
    largest, mean : array (kept, sample)
        Largest and mean size of the change over the histories.
    short : array (kept, sample) or None
        The forecast where nothing comes before; None where the network takes no shorter window.
    full : array (sample,)
        The forecast of the whole window.
    """

    way: str
    largest: Array
    mean: Array
    short: Array | None
    full: Array

    @property
    def cut(self) -> Array | None:
        """The size of the change where nothing comes before, (kept, sample)."""
        return None if self.short is None else np.abs(self.short - self.full)


def history_changes(
    question: MemoryQuestion, full: Array, progress: Progress | None = None
) -> HistoryChanges:
    """Replace what is older than the newest steps of every window: full (sample,) forecasts."""
    split = _walked(question)
    series = None if split is None else _series(question)
    if split is not None and series is not None:
        return _along(question, split, series, full, progress)
    return _each_window(question, split, full, progress)


def way_of(question: MemoryQuestion) -> str:
    """Say which way a question goes."""
    if _walked(question) is None:
        return "windows"
    return "suffix" if _series(question) is None else "series"


def why_not_shorter(question: MemoryQuestion) -> str:
    """Say why a network is not fed with the newest steps alone; nothing where it is."""
    return _split(question)[1]


def _walked(question: MemoryQuestion) -> SplitNetwork | None:
    """Split a network that reads one input step by step from zero; None where it is another."""
    return _split(question)[0]


def _split(question: MemoryQuestion) -> tuple[SplitNetwork | None, str]:
    """Split such a network, or say why it is none."""
    network = question.network
    split = split_by_step(network, question.of)
    if split is None or not split.cells:
        why = "the network does not read its windows step by step, from the oldest to the newest"
        return None, why
    if split.picked:
        return None, "the forecast reads the network's outputs at other steps than the newest"
    if len(network.inputs) > 1 or split.joined:
        return None, "the network takes other inputs beside the windows"
    if any(len(network[name].inputs) > 1 for name in split.cells):
        return None, "a recurrent layer starts from a state that the network makes"
    return split, ""


def _series(question: MemoryQuestion) -> Series | None:
    """Lay the windows out as a series, where they follow one another and no step is masked."""
    run = forward(question.network, inputs_of(question.inputs, slice(0, 1)))
    if any(mask is not None for tape in run.tapes.values() for mask in tape.masks):
        return None
    return series_of(question.x, int(question.kept[-1]))


@one_blas_thread()
def _states(question: MemoryQuestion, split: SplitNetwork) -> tuple[Walk, State]:
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


def _along(
    question: MemoryQuestion,
    split: SplitNetwork,
    series: Series,
    full: Array,
    progress: Progress | None,
) -> HistoryChanges:
    """Run from every history at every place of the series."""
    walk, states = _states(question, split)
    runs = len(question.histories) + 1
    wide = sum(one.shape[1] for arrays in states.values() for one in arrays)
    size = max(1, STATES // (runs * wide * 8))
    shape = (len(question.kept), len(full))
    largest, mean, short = (np.full(shape, np.nan) for _ in range(3))
    wanted = {int(k): row for row, k in enumerate(question.kept)}
    for begin in range(0, len(series.starts), size):
        places = slice(begin, begin + size)
        for k, there, values in _from_places(question, walk, states, series, places):
            if k in wanted:
                place = wanted[k], there
                moved = np.abs(values[:-1] - full[there])
                largest[place], mean[place] = moved.max(axis=0), moved.mean(axis=0)
                short[place] = values[-1]
        if progress is not None:
            progress(min(begin + size, len(series.starts)), len(series.starts))
    return HistoryChanges("series", largest, mean, short, full)


def _from_places(
    question: MemoryQuestion, walk: Walk, state: State, series: Series, places: slice
) -> Iterator[tuple[int, NDArray[np.int64], Array]]:
    """Run on from some places: gives k, the windows that end there, and (history + 1, window)."""
    starts, ends = series.starts[places], series.ends[places]
    runs = histories_in(state)
    for k in range(1, int(question.kept[-1]) + 1):
        rows = np.minimum(starts + k - 1, ends)
        x = series.rows[rows][:, None]
        # the first step shares the states of all places; later ones stand place by place
        x = x if k == 1 else np.repeat(x, runs, axis=0)
        state = walk.step(state, x, 0, fork=k == 1)
        known = (starts + k - 1 <= ends) & (series.window[rows] >= 0)
        if known.any():
            values = question.value(walk.outputs(state)).reshape(-1, runs).T
            yield k, series.window[rows][known], values[:, known]


def _each_window(
    question: MemoryQuestion,
    split: SplitNetwork | None,
    full: Array,
    progress: Progress | None,
) -> HistoryChanges:
    """Run every window with every history, for each number of kept steps anew."""
    shape = (len(question.kept), len(full))
    largest, mean = np.zeros(shape), np.zeros(shape)
    short = None if split is None else np.zeros(shape)
    states = None if split is None else _states(question, split)[1]
    for row, k in enumerate(question.kept.tolist()):
        if states is not None and short is not None:
            *values, short[row] = _from_states(question, states, k)
        else:
            values = _whole(question, k)
        moved = np.abs(np.stack(values) - full)
        largest[row], mean[row] = moved.max(axis=0), moved.mean(axis=0)
        if progress is not None:
            progress(row + 1, len(question.kept))
    return HistoryChanges("windows" if split is None else "suffix", largest, mean, short, full)


def shorter(network: Network, of: str, steps: int) -> Network:
    """Give the network as it takes windows of fewer steps."""
    nodes = [
        replace(node, layer=replace(node.layer, shape=(steps, *node.layer.shape[1:])))
        if node.name == of and isinstance(node.layer, Input)
        else node
        for node in network.nodes
    ]
    return replace(network, nodes=tuple(nodes))


def _from_states(question: MemoryQuestion, states: State, k: int) -> list[Array]:
    """Run the newest steps from every history's state: gives (sample,) each."""
    network = shorter(question.network, question.of, k)
    newest = {question.of: question.x[:, -k:]}
    runs = len(question.histories) + 1

    def part(chunk: slice) -> tuple[Array]:
        x = newest[question.of][chunk]
        moved = np.empty((len(x), runs))
        for number in range(runs):
            begun = {
                name: [np.broadcast_to(s[number], (len(x), s.shape[1])) for s in arrays[:-1]]
                for name, arrays in states.items()
            }
            given = outputs(network, {question.of: x}, initial_state=begun)
            moved[:, number] = question.value(given)
        return (moved,)

    (values,) = gathered(part, network, newest, passes=runs)
    return list(values.T)


def _whole(question: MemoryQuestion, k: int) -> list[Array]:
    """Run whole windows whose older steps are another's: gives (sample,) each."""

    def part(chunk: slice) -> tuple[Array]:
        inputs = inputs_of(question.inputs, chunk)
        moved = []
        for number in question.histories.tolist():
            x = inputs[question.of].copy()
            older = x.shape[1] - k
            x[:, :older] = question.x[number, :older]
            moved.append(question.value(outputs(question.network, {**inputs, question.of: x})))
        return (np.stack(moved, axis=1),)

    passes = len(question.histories)
    (values,) = gathered(part, question.network, question.inputs, passes=passes)
    return list(values.T)


def work_of(way: str, steps: int, kept: NDArray[np.int64]) -> float:
    """Count the steps of cells that one history takes for one window, of so many steps."""
    if way == "series":
        return float(kept[-1])
    return float(kept.sum() if way == "suffix" else len(kept) * steps)
