"""Networks walked step by step: what happens at each step, and a head after the last.

A state of the walk holds, for any number of histories at once, what every recurrent layer carries
on: two histories that differ in their last steps alone share all that came before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.cells import Ready, ready
from rnnlens.engine.forward import Run, States
from rnnlens.engine.kernels.run import packed, step_shared
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

__all__ = ["SplitNetwork", "State", "Walk", "histories_in", "joined", "select", "split_by_step"]

T = TypeVar("T", bound=np.generic)

#: By node: the states of a recurrent layer and its last output, or the last value of a sequence.
State = dict[str, tuple[Array, ...]]


@dataclass(frozen=True)
class SplitNetwork:
    """A network in two parts: what happens at each step, and what happens after the last.

    Parameters
    ----------
    each_step : tuple of Node
        What happens at each step, in order.
    head : tuple of Node
        What happens once, after the last step.
    cells : mapping of str to Ready
        The cells of the recurrent layers among the first.
    """

    each_step: tuple[Node, ...]
    head: tuple[Node, ...]
    cells: Mapping[str, Ready] = field(default_factory=dict)


_EACH_STEP_ALONE = (
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
    return isinstance(layer, _EACH_STEP_ALONE)


def _takes_the_newest(layer: Layer) -> bool:
    return isinstance(layer, Index) and layer.index == -1 and layer.axis == 1


def _can_be_walked(layer: Layer, inputs: int) -> bool:
    """Say whether a recurrent layer reads forward, from zero, and gives one kind of value."""
    return (
        isinstance(layer, Recurrent)
        and not layer.go_backwards
        and inputs == 1
        and not (layer.return_sequences and layer.return_state)
    )


def split_by_step(network: Network, of: str) -> SplitNetwork | None:
    """Split a network into what happens at each step and a head; None where that cannot be."""
    kind = {of: "sequence"}
    each_step, head = [], []
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
        if isinstance(layer, Recurrent) and _can_be_walked(layer, len(node.inputs)):
            kind[node.name] = "sequence" if layer.return_sequences else "vector"
            cells[node.name] = ready(layer.cell)
        elif takes == {"sequence"} and _takes_the_newest(layer):
            kind[node.name] = "vector"
        elif takes == {"sequence"} and _keeps_steps_apart(layer):
            kind[node.name] = "sequence"
        else:
            return None
        each_step.append(node)
    if any(kind[name] == "sequence" for name, _ in network.outputs):
        return None
    return SplitNetwork(tuple(each_step), tuple(head), cells)


@dataclass(frozen=True)
class Walk:
    """A walk over the steps of windows, with the masks that the windows have.

    Histories stand node by node, and within a node window by window.

    Parameters
    ----------
    split : SplitNetwork
        The network.
    window : Run
        The run of the windows as they are.
    of : str
        The input whose steps are walked.
    count : callable
        Told of cell evaluations as they are made.
    """

    split: SplitNetwork
    window: Run
    of: str
    count: Callable[[int], None]

    def start(self, given: States | None = None) -> State:
        """Give the state before the first step: one history a window.

        Shapes: given mapping of str to sequence of (sample, unit).
        """
        x = self.window.value((self.of, 0))
        start: State = {}
        for name, cell in self.split.cells.items():
            sizes = (*cell.cell.state_sizes, cell.cell.state_sizes[0])
            zero = tuple(np.zeros((len(x), size), x.dtype) for size in sizes)
            carried = tuple(np.asarray(s, x.dtype) for s in (given or {}).get(name, ()))
            start[name] = (*carried, *zero[len(carried) :])
        return start

    def step(self, state: State, x: Array, t: int, *, fork: bool = False) -> State:
        """Take one step with every history: x (history or input, 1, feature)."""
        histories = histories_in(state)
        wide = histories * len(x) if fork else max(histories, len(x))
        values: dict[str, Array] = {self.of: x}
        masks: dict[str, Mask] = {self.of: None}
        after = dict(state)
        for node in self.split.each_step:
            taken = tuple(values[name] for name, _ in node.inputs)
            mask = tuple(masks[name] for name, _ in node.inputs)
            if isinstance(node.layer, Recurrent):
                values[node.name] = self._advance(node, after, taken[0], mask[0], wide)
                masks[node.name] = mask[0]
            elif _takes_the_newest(node.layer):
                after[node.name] = (_spread(taken[0][:, 0], wide),)
            else:
                longest = max(len(array) for array in taken)
                even = tuple(_spread(array, longest) for array in taken)
                inner = tuple(None if one is None else _tiled(one, longest) for one in mask)
                forced = self._forced(node, t)
                forced = None if forced is None else _tiled(forced, longest)
                tape = run(node.layer, even, inner, forced)
                values[node.name] = tape.outputs[0]
                after_it = tape.masks[0]
                masks[node.name] = None if after_it is None else after_it[: len(self._windows)]
        return after

    def recurrent_input(self, wanted: Node, x: Array, t: int) -> Array:
        """Give what the first recurrent layer reads at a step.

        Shapes: x (input, 1, feature) -> (input, feature).
        """
        values: dict[str, Array] = {self.of: x}
        for node in self.split.each_step:
            if node is wanted:
                break
            taken = tuple(values[name] for name, _ in node.inputs)
            forced = self._forced(node, t)
            forced = None if forced is None else _tiled(forced, len(x))
            values[node.name] = run(node.layer, taken, (None,) * len(taken), forced).outputs[0]
        return values[wanted.inputs[0][0]][:, 0]

    @property
    def _windows(self) -> Array:
        return self.window.value((self.of, 0))

    def _forced(self, node: Node, t: int) -> Mask:
        mask = self.window.tapes[node.name].masks[0]
        return None if mask is None else mask[:, t : t + 1]

    def _advance(self, node: Node, state: State, x: Array, mask: Mask, wide: int) -> Array:
        assert isinstance(node.layer, Recurrent)
        cell = self.split.cells[node.name]
        *before, output = state[node.name]
        self.count(wide)
        weights = packed(cell.cell, x.dtype)
        if weights is not None:
            new = step_shared(weights, x[:, 0], tuple(before), wide)
        else:
            xW = cell.project(_spread(x[:, 0], wide))
            new, _ = cell.advance(xW, tuple(_tiled(one, wide) for one in before))
        if mask is None:
            state[node.name] = (*new, new[0])
        else:
            keep = _tiled(mask, wide)
            old = [_tiled(one, wide) for one in before]
            kept = tuple(np.where(keep, n, b) for n, b in zip(new, old, strict=True))
            idle = 0.0 if node.layer.zero_output_for_mask else _tiled(output, wide)
            state[node.name] = (*kept, np.where(keep, new[0], idle))
        return state[node.name][-1][:, None]

    def outputs(self, state: State) -> tuple[Array, ...]:
        """Run the head for every history: tuple of (history, ...)."""
        histories = histories_in(state)
        used = {name for node in self.split.head for name, _ in node.inputs}
        used.update(name for name, _ in self.window.network.outputs)
        values: dict[tuple[str, int], Array] = {}
        for name in used & set(self.window.network.inputs):
            values[name, 0] = _tiled(self.window.value((name, 0)), histories)
        for name, (*states, output) in state.items():
            values.update({(name, k): array for k, array in enumerate((output, *states))})
        for node in self.split.head:
            taken = tuple(values[ref] for ref in node.inputs)
            tape = run(node.layer, taken, (None,) * len(taken), None)
            values.update({(node.name, k): array for k, array in enumerate(tape.outputs)})
        return tuple(values[ref] for ref in self.window.network.outputs)


def _spread(array: Array, count: int) -> Array:
    """Give each row to as many histories in a row as it stands for."""
    if len(array) == 1:
        return np.broadcast_to(array, (count, *array.shape[1:]))
    return array if len(array) == count else np.repeat(array, count // len(array), axis=0)


def _tiled(array: NDArray[T], count: int) -> NDArray[T]:
    """Give the rows over and over."""
    if len(array) == 1:
        return np.broadcast_to(array, (count, *array.shape[1:]))
    return (
        array
        if len(array) == count
        else np.tile(array, (count // len(array), *(1,) * (array.ndim - 1)))
    )


def histories_in(state: State) -> int:
    """Count the histories of a state."""
    return len(next(iter(state.values()))[0]) if state else 1


def joined(one: State, other: State) -> State:
    """Give one state with the histories of two."""
    return {
        name: tuple(np.concatenate(pair) for pair in zip(arrays, other[name], strict=True))
        for name, arrays in one.items()
    }


def select(state: State, nodes: NDArray[np.int64], windows: int) -> State:
    """Take the histories of some nodes."""

    def taken(array: Array) -> Array:
        by_unit = array.T.reshape(array.shape[1], -1, windows)[:, nodes]
        return by_unit.reshape(array.shape[1], -1).T

    return {name: tuple(taken(array) for array in arrays) for name, arrays in state.items()}
