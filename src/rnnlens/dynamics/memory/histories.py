"""What the forecast does when everything older than its newest steps is another window's, or gone.

The newest k steps of a window stay, and what came before is replaced by each of m histories that
were observed elsewhere (m + 1 with none at all: the network starts at zero). Three ways, told by
the network and the windows:

``series``   windows that follow one another step by step, in a network that reads them step by
             step: one run of K steps from each history at each place of the series gives every k
             to K, for windows share their newest steps with those after them. m K N cells. A
             history is a whole other window (`rnnlens.dynamics.memory.along`).
``suffix``   a network that reads step by step: the newest k steps are run from each history's
             state, for each k anew.
``windows``  any other network: whole windows whose older steps are those of another window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnnlens.dynamics.memory.along import Progress, from_every_place, states_after
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.series import Series, series_of
from rnnlens.engine.forward import forward, inputs_of, outputs
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.plan import gathered
from rnnlens.engine.stepwise.split import SplitNetwork, split_by_step
from rnnlens.engine.stepwise.states import State
from rnnlens.names import told
from rnnlens.network.layers import Input
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Network

__all__ = [
    "HistoryChanges",
    "history_changes",
    "series_of_windows",
    "shorter",
    "way_of",
    "why_not_shorter",
]


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
    split, series = _walked(question), series_of_windows(question)
    if split is not None and series is not None:
        changes = from_every_place(question, split, series, full, progress)
        return HistoryChanges("series", *changes, full)
    return _each_window(question, split, full, progress)


def way_of(question: MemoryQuestion) -> str:
    """Say which way a question goes."""
    if _walked(question) is None:
        return "windows"
    return "suffix" if series_of_windows(question) is None else "series"


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
    beside = any(isinstance(node.layer, Unjoin) for node in network.nodes)
    if len(network.inputs) > 1 or beside:
        return None, told("the network takes other inputs beside the windows")
    if split is None or not split.cells:
        why = told(
            "the network does not read its windows step by step, from the oldest to the newest"
        )
        return None, why
    if split.picked:
        return None, told("the forecast reads the network's outputs at other steps than the newest")
    if any(len(network[name].inputs) > 1 for name in split.cells):
        return None, told("a recurrent layer starts from a state that the network makes")
    return split, ""


def series_of_windows(question: MemoryQuestion) -> Series | None:
    """Lay the windows out as a series, where they follow one another and no step is masked.

    None too where the network does not read them step by step.
    """
    if _walked(question) is None:
        return None
    run = forward(question.network, inputs_of(question.inputs, slice(0, 1)))
    if any(mask is not None for tape in run.tapes.values() for mask in tape.masks):
        return None
    return series_of(question.x, int(question.kept[-1]))


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
    states = None if split is None else states_after(question, split)[1]
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
