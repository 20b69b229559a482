"""The recurrent operations of PyTorch: whole layers, and cells called once a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.network.axes import ExpandDims, Index, Lengths
from rnnlens.network.cells import Cell
from rnnlens.network.layers import Bidirectional
from rnnlens.network.network import Ref, Source
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.lengths import padded_with_zeros
from rnnlens.readers.torch.graph.values import Result, StackedStates, TorchValue
from rnnlens.readers.torch.recurrent import Level, cell_of, kind_of, level_of

if TYPE_CHECKING:
    import torch

__all__: list[str] = []

#: Names of the arrays of one layer and direction in the order in which a call lists them.
LISTED = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@operation("lstm.input", "gru.input", "rnn_tanh.input", "rnn_relu.input")
def _layers(call: TorchCall) -> tuple[Result, ...]:
    value = call.unfolded(call.value("input"))
    if value.rank != 3 or value.batch != (0 if call["batch_first"] else 1):
        raise call.refuse(
            "it takes (step, sample, feature), or (sample, step, feature) with batch_first=True, "
            "and the samples of the example stand elsewhere",
            wrong_axis=True,
        )
    if call["train"] and call["dropout"]:
        raise call.refuse("its code asks for dropout also where the model only predicts")
    layers, ways = call["num_layers"], 2 if call["bidirectional"] else 1
    masked = isinstance(call.builder.node(value.ref).layer, Lengths)
    levels = _levels(call, layers, ways, masked=masked)
    starts = _starts(call, levels)
    ref, states = value.ref, []
    for number, level in enumerate(levels):
        label = f"{call.label}_l{number}"
        ref = call.builder.add(label, level.layer, ref, *starts[number], sources=level.sources)
        states += [(ref[0], k + 1) for k in range(sum(len(c.states) for c in level.cells))]
    steps = value.shape[0]
    output = TorchValue(ref, (steps, levels[-1].width), value.batch)
    kinds = len(levels[0].cells[0].states)
    final = [
        StackedStates(_refs(states[kind::kinds]), levels[0].cells[0].state_sizes[kind])
        for kind in range(kinds)
    ]
    return (output, *final)


def _refs(refs: list[Ref]) -> np.ndarray:
    """Put references into an array of objects, which NumPy would otherwise take apart."""
    array = np.empty(len(refs), dtype=object)
    for number, ref in enumerate(refs):
        array[number] = ref
    return array


def _levels(call: TorchCall, layers: int, ways: int, *, masked: bool) -> list[Level]:
    nodes = call.raw["params"]
    each = len(nodes) // (layers * ways)
    roles = LISTED[: 4 if call["has_biases"] else 2]
    roles = (*roles, "weight_hr") if each == len(roles) + 1 else roles
    levels = []
    for number in range(layers):
        first = number * ways * each
        mine = nodes[first : first + ways * each]
        level = call.shared(["level", *mine], lambda mine=mine: _level(call, mine, roles))
        levels.append(padded_with_zeros(call, mine, level) if masked else level)
    return levels


def _level(call: TorchCall, nodes: list[torch.fx.Node], roles: tuple[str, ...]) -> Level:
    made = []
    for start in range(0, len(nodes), len(roles)):
        mine = nodes[start : start + len(roles)]
        made.append(_cell(call, dict(zip(roles, mine, strict=True))))
    return level_of(made, return_state=True)


def _cell(call: TorchCall, nodes: dict[str, torch.fx.Node]) -> tuple[Cell, dict[str, Source]]:
    arrays = {role: call.array(node) for role, node in nodes.items()}
    kind = kind_of(call.label, {role: array.values.shape for role, array in arrays.items()})
    return cell_of(kind, arrays, "relu" if "relu" in call.kind else "tanh")


def _starts(call: TorchCall, levels: list[Level]) -> list[tuple[Ref, ...]]:
    """Give each layer's initial states, in the order in which it takes them; none where zero."""
    raw = call.raw["hx"]
    cells = [cell for level in levels for cell in level.cells]
    states = [
        _state(call, node, [cell.state_sizes[kind] for cell in cells])
        for kind, node in enumerate(raw if isinstance(raw, list | tuple) else [raw])
    ]
    if all(state is None for state in states):
        return [()] * len(levels)
    whole = [
        state or [_zeros(call, cell.state_sizes[kind]) for cell in cells]
        for kind, state in enumerate(states)
    ]
    by_cell = [tuple(state[number] for state in whole) for number in range(len(cells))]
    ways = len(levels[0].cells)
    grouped = [by_cell[k : k + ways] for k in range(0, len(by_cell), ways)]
    return [tuple(ref for refs in group for ref in refs) for group in grouped]


def _zeros(call: TorchCall, size: int) -> Ref:
    return call.builder.constant(f"{call.function}_zeros", np.zeros(size))


def _state(call: TorchCall, node: torch.fx.Node, sizes: list[int]) -> list[Ref] | None:
    initial = call.results[node]
    if isinstance(initial, StackedStates):
        return list(initial.parts.ravel())
    if isinstance(initial, TorchValue):
        value = call.unfolded(initial)
        return [
            call.builder.add(f"{call.function}_start", Index(number, 1), value.ref)
            for number in range(len(sizes))
        ]
    if not bool(initial.any()):
        return None
    array = call.per_sample(initial, 1)
    return [call.builder.constant(f"{node.name}_{k}", row) for k, row in enumerate(array)]


@operation("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def _one_step(call: TorchCall) -> Result | tuple[Result, ...]:
    value = call.unfolded(call.value("input"))
    if value.rank != 2 or value.batch != 0:
        raise call.refuse("it takes (sample, feature)")
    nodes = {
        role: call.raw[name]
        for role, name in zip(LISTED, ("w_ih", "w_hh", "b_ih", "b_hh"), strict=True)
        if call.raw.get(name) is not None
    }
    level = call.shared(
        ["cell", *nodes.values()], lambda: level_of([_cell(call, nodes)], return_state=True)
    )
    assert not isinstance(level.layer, Bidirectional)
    raw = call.raw["hx"]
    starts = _cell_starts(
        call, list(raw) if isinstance(raw, list | tuple) else [raw], level.cells[0]
    )
    one = call.builder.add(f"{call.function}_step", ExpandDims(1), value.ref)
    ref = call.builder.add(call.label, level.layer, one, *starts, sources=level.sources)
    states = [
        TorchValue((ref[0], number + 1), (size,), 0)
        for number, size in enumerate(level.cells[0].state_sizes)
    ]
    return tuple(states) if len(states) > 1 else states[0]


def _cell_starts(call: TorchCall, nodes: list[torch.fx.Node], cell: Cell) -> list[Ref]:
    initial = [call.results[node] for node in nodes]
    if not any(isinstance(one, TorchValue) or bool(one.any()) for one in initial):
        return []
    return [
        _zeros(call, size)
        if not isinstance(one, TorchValue) and not bool(one.any())
        else call.as_value(node).ref
        for node, one, size in zip(nodes, initial, cell.state_sizes, strict=True)
    ]
