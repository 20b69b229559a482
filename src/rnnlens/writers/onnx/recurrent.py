"""Recurrent layers as the operators LSTM, GRU and RNN of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.readers.layouts import ONNX, ONNX_PEEPHOLES
from rnnlens.writers.onnx.graph import OnnxGraphWriter
from rnnlens.writers.onnx.scanned import projected
from rnnlens.writers.packing import has, packed
from rnnlens.writers.written import refuse

__all__ = ["bidirectional", "last_states", "merged_sides", "operator", "recurrent", "turned"]

#: Operators by kind of cell.
OPERATORS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}

#: Functions that the operators take, and what they call their parameters.
FUNCTIONS: dict[str, str] = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "softsign": "Softsign",
    "softplus": "Softplus",
}


def recurrent(layer: Recurrent, inputs: Sequence[str], writer: OnnxGraphWriter) -> list[str]:
    """Write a recurrent layer."""
    cell = layer.cell
    if isinstance(cell, LSTM) and _projects(layer) and not writer.lengths:
        return projected(layer, cell, inputs, writer)
    x = writer.op("Transpose", [inputs[0]], perm=[1, 0, 2])
    outputs, states = operator([layer], x, list(inputs[1:]), writer)
    if not layer.return_sequences:
        first = _without_direction(states[0], writer)
        return _with_states(layer, first, states, writer)
    y = writer.op("Transpose", [_without_direction(outputs, writer, axis=1)], perm=[1, 0, 2])
    if layer.go_backwards:  # ONNX gives it in the order of the input, Keras newest first
        y = turned(y, writer)
    return _with_states(layer, y, states, writer)


def bidirectional(
    layer: Bidirectional, inputs: Sequence[str], writer: OnnxGraphWriter
) -> list[str]:
    """Write two directions over the same steps, as one operator where they are alike."""
    sides = (layer.forward, layer.backward)
    alike = _alike(layer) and not _projects(layer.forward) and not _projects(layer.backward)
    if not alike or layer.merge_mode != "concat" or len(inputs) > 1 or layer.forward.return_state:
        return _apart(layer, inputs, writer)
    x = writer.op("Transpose", [inputs[0]], perm=[1, 0, 2])
    y, states = operator(list(sides), x, [], writer)
    width = 2 * layer.forward.cell.units
    if layer.forward.return_sequences:  # (step, direction, sample, unit)
        y = writer.op("Transpose", [y], perm=[2, 0, 1, 3])
        shape = writer.constant(np.array([0, 0, width]), "shape")
    else:  # (direction, sample, unit)
        y = writer.op("Transpose", [states[0]], perm=[1, 0, 2])
        shape = writer.constant(np.array([0, width]), "shape")
    return [writer.op("Reshape", [y, shape])]


def _projects(layer: Recurrent) -> bool:
    return isinstance(layer.cell, LSTM) and layer.cell.projection is not None


def _alike(layer: Bidirectional) -> bool:
    first, second = layer.forward.cell, layer.backward.cell
    options = ("activation", "recurrent_activation", "reset_after")
    return (
        not layer.forward.go_backwards
        and (first.kind, first.units) == (second.kind, second.units)
        and all(getattr(first, name, None) == getattr(second, name, None) for name in options)
    )


def _apart(layer: Bidirectional, inputs: Sequence[str], writer: OnnxGraphWriter) -> list[str]:
    half = (len(inputs) - 1) // 2
    given = (inputs[1 : 1 + half], inputs[1 + half :])
    ways = [
        recurrent(side, [inputs[0], *states], writer)
        for side, states in zip((layer.forward, layer.backward), given, strict=True)
    ]
    return merged_sides(layer, ways, writer)


def merged_sides(
    layer: Bidirectional, ways: Sequence[Sequence[str]], writer: OnnxGraphWriter
) -> list[str]:
    """Merge what two directions give, each its outputs and then its states."""
    sequences = [way[0] for way in ways]
    states = [*ways[0][1:], *ways[1][1:]]
    if layer.forward.return_sequences:  # Keras turns the second round, whichever reads newest first
        sequences[1] = turned(sequences[1], writer)
    if layer.merge_mode is None:
        return [*sequences, *states]
    if layer.merge_mode == "concat":
        return [writer.op("Concat", sequences, axis=-1), *states]
    merged = writer.op("Mul" if layer.merge_mode == "mul" else "Add", sequences)
    if layer.merge_mode == "ave":
        merged = writer.op("Mul", [merged, writer.constant(0.5, "half")])
    return [merged, *states]


def _without_direction(value: str, writer: OnnxGraphWriter, axis: int = 0) -> str:
    return writer.op("Squeeze", [value, writer.constant(np.array([axis]), "axis")])


def turned(value: str, writer: OnnxGraphWriter) -> str:
    """Turn the steps round."""
    bounds = {"start": [-1], "end": [-(2**63) + 1], "axis": [1], "step": [-1]}
    places = [writer.constant(np.array(values), name) for name, values in bounds.items()]
    return writer.op("Slice", [value, *places])


def last_states(states: Sequence[str], writer: OnnxGraphWriter) -> list[str]:
    """Take the axis of directions off final states."""
    return [_without_direction(state, writer) for state in states]


def _with_states(
    layer: Recurrent, first: str, states: list[str], writer: OnnxGraphWriter
) -> list[str]:
    return [first, *last_states(states, writer)] if layer.return_state else [first]


def operator(
    sides: list[Recurrent], x: str, states: list[str], writer: OnnxGraphWriter
) -> tuple[str, list[str]]:
    """Add the operator; give Y (step, direction, sample, unit) and the final states."""
    cells = [side.cell for side in sides]
    cell = cells[0]
    for side in sides:
        _check(writer.scope, side)
    order = ONNX[cell.kind].gates
    arrays = {
        "W": np.stack([packed(each, order, "W").T for each in cells]),
        "R": np.stack([packed(each, order, "U").T for each in cells]),
    }
    if any(has(each, "b") or has(each, "b_r") for each in cells):
        halves = [[packed(each, order, "b"), packed(each, order, "b_r")] for each in cells]
        arrays["B"] = np.stack([np.concatenate(half) for half in halves])
    inputs = [x, *(writer.constant(values, name) for name, values in arrays.items())]
    inputs += [""] * (4 - len(inputs))
    inputs.append(writer.lengths)
    direction = np.array([0])
    inputs += [writer.op("Unsqueeze", [s, writer.constant(direction, "axis")]) for s in states]
    if any(has(each, "V") for each in cells):
        peepholes = np.stack([packed(each, ONNX_PEEPHOLES, "V") for each in cells])
        inputs += [""] * (7 - len(inputs))
        inputs.append(writer.constant(peepholes, "P"))
    while inputs[-1] == "":
        inputs.pop()
    way = "bidirectional" if len(sides) == 2 else "reverse" if sides[0].go_backwards else "forward"
    attributes: dict[str, Any] = {"hidden_size": cell.units, "direction": way}
    if isinstance(cell, GRU):
        attributes["linear_before_reset"] = int(cell.reset_after)
    attributes |= _functions(cells, writer)
    y, *final = writer.ops(OPERATORS[cell.kind], inputs, 1 + len(cell.states), **attributes)
    return y, final


def _check(name: str, layer: Recurrent) -> None:
    if _projects(layer):
        refuse(
            name,
            layer,
            "ONNX projects no hidden states where steps are masked; write .npz, which holds it",
        )
    for activation in _of(layer.cell):
        known = activation.name in FUNCTIONS or activation.name in {"hard_sigmoid", "linear", "elu"}
        usual = activation.parameters == Activation(activation.name).parameters
        leaky = activation.name == "relu" and activation.parameters == {
            **Activation("relu").parameters,
            "negative_slope": activation["negative_slope"],
        }
        if not known or (activation.name == "relu" and not usual and not leaky):
            refuse(
                name,
                layer,
                f"the operators of ONNX have no function {activation}; they have "
                f"{', '.join(sorted(FUNCTIONS))}, hard_sigmoid, elu and linear: write .npz instead",
            )


def _of(cell: Cell) -> list[Activation]:
    """Give the functions of a cell in ONNX's order: f, g (, h)."""
    activation: Activation = cell.activation  # type: ignore[attr-defined]
    if isinstance(cell, LSTM):
        return [cell.recurrent_activation, activation, activation]
    return [cell.recurrent_activation, activation] if isinstance(cell, GRU) else [activation]


def _functions(cells: list[Cell], writer: OnnxGraphWriter) -> dict[str, Any]:
    names, alphas, betas = [], [], []
    for cell in cells:
        for activation in _of(cell):
            name, alpha, beta = _stated(activation)
            names.append(name)
            alphas += [] if alpha is None else [alpha]
            betas += [] if beta is None else [beta]
    stated: dict[str, Any] = {"activations": names}
    if alphas:
        stated["activation_alpha"] = alphas
    if betas:
        stated["activation_beta"] = betas
    return stated


def _stated(activation: Activation) -> tuple[str, float | None, float | None]:
    """Give ONNX's name of a function, and its alpha and beta where it takes them."""
    if activation.name == "hard_sigmoid":
        return "HardSigmoid", activation["slope"], 0.5
    if activation.name == "linear":
        return "Affine", 1.0, 0.0
    if activation.name == "elu":
        return "Elu", activation["alpha"], None
    if activation.name == "relu" and activation["negative_slope"]:
        return "LeakyRelu", activation["negative_slope"], None
    return FUNCTIONS[activation.name], None, None
