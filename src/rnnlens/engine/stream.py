"""Networks walked step by step: cut into what happens at each step, and a head after the last.

A state of the walk holds, for any number of histories at once, what every recurrent layer carries
on: two histories that differ in their last steps alone share all that came before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rnnlens.engine.cells import Ready, ready
from rnnlens.engine.forward import Run
from rnnlens.engine.operations.registry import Array, Mask, run
from rnnlens.network.axes import Index
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Dense,
    Embedding,
    Identity,
    Input,
    Layer,
    LayerNormalization,
    Masking,
    Multiply,
    Recurrent,
    Rescaling,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node

__all__ = ["State", "Stream", "Walk", "cut", "rows"]

#: By node: the states of a recurrent layer and its last output, or the last value of a sequence.
State = dict[str, tuple[Array, ...]]


@dataclass(frozen=True)
class Stream:
    """A network cut in two.

    Parameters
    ----------
    stepwise : tuple of Node
        What happens at each step, in order.
    head : tuple of Node
        What happens once, after the last step.
    cells : mapping of str to Ready
        The cells of the recurrent layers among the first.
    """

    stepwise: tuple[Node, ...]
    head: tuple[Node, ...]
    cells: Mapping[str, Ready] = field(default_factory=dict)


_ALONE = (
    Activate,
    Add,
    Average,
    Concatenate,
    Dense,
    Embedding,
    Identity,
    Masking,
    Multiply,
    Rescaling,
    Subtract,
    TimeDistributed,
)


def _keeps_steps_apart(layer: Layer) -> bool:
    if isinstance(layer, BatchNormalization | Concatenate):
        return layer.axis in {-1, 2}
    if isinstance(layer, LayerNormalization):
        return all(axis in {-1, 2} for axis in layer.axes)
    if isinstance(layer, Standardization):
        return layer.mean.ndim < 2 or layer.mean.shape[-2] == 1
    if isinstance(layer, Activate) and layer.activation.axis_wise:
        return layer.activation["axis"] in {-1.0, 2.0}
    return isinstance(layer, _ALONE)


def _takes_the_newest(layer: Layer) -> bool:
    return isinstance(layer, Index) and layer.index == -1 and layer.axis == 1


def _walks(layer: Layer, inputs: int) -> bool:
    """Say whether a recurrent layer reads forward, from zero, and gives one kind of value."""
    return (
        isinstance(layer, Recurrent)
        and not layer.go_backwards
        and inputs == 1
        and not (layer.return_sequences and layer.return_state)
    )


def cut(network: Network, of: str) -> Stream | None:
    """Cut a network into steps and head.

    Parameters
    ----------
    network : Network
        The network.
    of : str
        The input whose steps are walked.

    Returns
    -------
    Stream or None
        None where a layer needs a whole sequence at once.
    """
    kind = {of: "sequence"}
    stepwise, head = [], []
    cells: dict[str, Ready] = {}
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Input):
            kind.setdefault(node.name, "constant")
            continue
        takes = {kind[name] for name, _ in node.inputs}
        if takes <= {"constant", "vector"}:
            kind[node.name] = "vector"
            head.append(node)
            continue
        if isinstance(layer, Recurrent) and _walks(layer, len(node.inputs)):
            kind[node.name] = "sequence" if layer.return_sequences else "vector"
            cells[node.name] = ready(layer.cell)
        elif takes == {"sequence"} and _takes_the_newest(layer):
            kind[node.name] = "vector"
        elif takes == {"sequence"} and _keeps_steps_apart(layer):
            kind[node.name] = "sequence"
        else:
            return None
        stepwise.append(node)
    if any(kind[name] == "sequence" for name, _ in network.outputs):
        return None
    return Stream(tuple(stepwise), tuple(head), cells)


@dataclass(frozen=True)
class Walk:
    """A walk over the steps of one window, with the masks that the window has.

    Parameters
    ----------
    stream : Stream
        The network, cut.
    window : Run
        The run of the window alone, one sample.
    of : str
        The input whose steps are walked.
    count : callable
        Told of cell evaluations as they are made.
    """

    stream: Stream
    window: Run
    of: str
    count: Callable[[int], None]

    def start(self) -> State:
        """Give the state before the first step, of one history.

        Returns
        -------
        State
            Zero states.
        """
        return {
            name: (*cell.start(1), np.zeros((1, cell.cell.state_sizes[0])))
            for name, cell in self.stream.cells.items()
        }

    def step(self, state: State, x: Array, t: int) -> State:
        """Take one step with every history.

        Parameters
        ----------
        state : State
            Before the step; it is left as it is.
        x : array (1, 1, feature)
            The input of the step.
        t : int
            Its number.

        Returns
        -------
        State
            After the step.
        """
        values: dict[str, Array] = {self.of: x}
        masks: dict[str, Mask] = {self.of: None}
        after = dict(state)
        histories = rows(state)
        for node in self.stream.stepwise:
            taken = tuple(values[name] for name, _ in node.inputs)
            mask = tuple(masks[name] for name, _ in node.inputs)
            if isinstance(node.layer, Recurrent):
                values[node.name] = self._advance(node, after, taken[0], mask[0])
                masks[node.name] = mask[0]
            elif _takes_the_newest(node.layer):
                newest = taken[0][:, 0]
                after[node.name] = (np.broadcast_to(newest, (histories, *newest.shape[1:])),)
            else:
                wide = max(len(array) for array in taken)
                even = tuple(np.broadcast_to(a, (wide, *a.shape[1:])) for a in taken)
                tape = run(node.layer, even, mask, self._forced(node, t))
                values[node.name], masks[node.name] = tape.outputs[0], tape.masks[0]
        return after

    def _forced(self, node: Node, t: int) -> Mask:
        mask = self.window.tapes[node.name].masks[0]
        return None if mask is None else mask[:, t : t + 1]

    def _advance(self, node: Node, state: State, x: Array, mask: Mask) -> Array:
        assert isinstance(node.layer, Recurrent)
        cell = self.stream.cells[node.name]
        *before, output = state[node.name]
        self.count(len(output))
        new, _ = cell.advance(cell.project(x[:, 0]), tuple(before))
        if mask is None:
            state[node.name] = (*new, new[0])
        else:
            keep = np.broadcast_to(mask, (1, 1))
            kept = tuple(np.where(keep, n, b) for n, b in zip(new, before, strict=True))
            idle = 0.0 if node.layer.zero_output_for_mask else output
            state[node.name] = (*kept, np.where(keep, new[0], idle))
        return state[node.name][-1][:, None]

    def outputs(self, state: State) -> tuple[Array, ...]:
        """Run the head for every history.

        Parameters
        ----------
        state : State
            After the last step.

        Returns
        -------
        tuple of array (history, ...)
            The network's outputs.
        """
        histories = rows(state)
        values: dict[tuple[str, int], Array] = {}
        for name in self.window.network.inputs:
            array = self.window.value((name, 0))
            values[name, 0] = np.broadcast_to(array, (histories, *array.shape[1:]))
        for name, (*states, output) in state.items():
            values.update({(name, k): array for k, array in enumerate((output, *states))})
        for node in self.stream.head:
            taken = tuple(values[ref] for ref in node.inputs)
            tape = run(node.layer, taken, (None,) * len(taken), None)
            values.update({(node.name, k): array for k, array in enumerate(tape.outputs)})
        return tuple(values[ref] for ref in self.window.network.outputs)


def rows(state: State) -> int:
    """Count the histories of a state.

    Parameters
    ----------
    state : State
        Any state.

    Returns
    -------
    int
        One where nothing is carried on yet.
    """
    return len(next(iter(state.values()))[0]) if state else 1
