"""Cells that ONNX has no operator for, as its Scan: a graph of one step, run over the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.names import GATE_LETTERS
from rnnlens.network.cells import LSTM
from rnnlens.network.layers import DescribedRecurrent, Layer, Recurrent
from rnnlens.network.shapes import Shape, shapes_after
from rnnlens.writers.onnx.graph import OnnxGraphWriter
from rnnlens.writers.packing import packed, summed_bias
from rnnlens.writers.written import refuse

if TYPE_CHECKING:
    import onnx

__all__ = ["described", "projected"]

#: Writes one layer: its inputs and their shapes give its outputs.
WriteLayer = Callable[[Layer, Sequence[str], Sequence[Shape], OnnxGraphWriter], list[str]]
#: Writes one step: rows and states before it give states after it.
WriteStep = Callable[[list[str], list[str]], list[str]]

FLOAT = 1  # onnx.TensorProto.FLOAT


def described(
    layer: DescribedRecurrent,
    inputs: Sequence[str],
    shapes: Sequence[Shape],
    writer: OnnxGraphWriter,
    write_layer: WriteLayer,
) -> list[str]:
    """Write a cell that is described by its own graph."""
    sequences, shared = inputs[: layer.sequences], inputs[layer.sequences :][: layer.shared]
    given = inputs[layer.sequences + layer.shared :]
    states = list(given) or [_zeros(inputs[0], size, writer) for size in layer.sizes]

    def step(rows: list[str], before: list[str]) -> list[str]:
        values = {("state", k): name for k, name in enumerate(before)}
        values |= {("input", k): name for k, name in enumerate([*rows, *shared])}
        known: dict[tuple[str, int], Shape] = {
            ("state", k): (size,) for k, size in enumerate(layer.sizes)
        }
        known |= {
            ("input", k): shape[1:] if k < layer.sequences else shape
            for k, shape in enumerate(shapes)
        }
        scope = writer.scope
        for node in layer.nodes:
            writer.scope = f"{scope}/{node.name}"
            taken = [known[ref] for ref in node.inputs]
            made = write_layer(node.layer, [values[ref] for ref in node.inputs], taken, writer)
            values |= {(node.name, k): name for k, name in enumerate(made)}
            known |= {(node.name, k): one for k, one in enumerate(shapes_after(node.layer, taken))}
        writer.scope = scope
        return [values[ref] for ref in layer.after]

    last, every = _scan(sequences, states, step, writer, backwards=layer.go_backwards)
    return [every[0], *last, *every[1:]]


def projected(
    layer: Recurrent, cell: LSTM, inputs: Sequence[str], writer: OnnxGraphWriter
) -> list[str]:
    """Write an LSTM that projects its hidden state: its equations, step after step."""
    for phi in (cell.activation, cell.recurrent_activation):
        if OnnxGraphWriter().activated("x", phi) is None:
            why = f"ONNX has no operator for its activation {phi}; write .npz instead"
            refuse(writer.scope, layer, why)
    order = list(GATE_LETTERS["LSTM"])
    arrays = {
        "W": writer.constant(packed(cell, order, "W"), "W"),
        "U": writer.constant(packed(cell, order, "U"), "U"),
        "b": writer.constant(summed_bias(cell, order), "b"),
        "P": writer.constant(np.asarray(cell.projection), "P"),
    }
    for letter, gate in zip("ifgo", cell.gates.values(), strict=True):
        if gate.V is not None:
            arrays[f"V_{letter}"] = writer.constant(gate.V, f"V_{letter}")

    def step(rows: list[str], before: list[str]) -> list[str]:
        return _projected_step(cell, arrays, rows[0], before, writer)

    states = list(inputs[1:]) or [_zeros(inputs[0], size, writer) for size in cell.state_sizes]
    last, every = _scan(inputs[:1], states, step, writer, backwards=layer.go_backwards)
    first = every[0] if layer.return_sequences else last[0]
    return [first, *last] if layer.return_state else [first]


def _projected_step(
    cell: LSTM, arrays: Mapping[str, str], x: str, before: Sequence[str], writer: OnnxGraphWriter
) -> list[str]:
    """Write the equations of one step (`rnnlens.engine.step.lstm`); give both states after it."""
    h, c = before
    products = [writer.op("MatMul", [x, arrays["W"]]), writer.op("MatMul", [h, arrays["U"]])]
    a = writer.op("Add", [writer.op("Add", products), arrays["b"]])
    a_i, a_f, a_g, a_o = writer.ops("Split", [a], 4, axis=-1, num_outputs=4)

    def gate(letter: str, a: str, seen: str) -> str:
        if f"V_{letter}" in arrays:
            a = writer.op("Add", [a, writer.op("Mul", [seen, arrays[f"V_{letter}"]])])
        return _known(writer.activated(a, cell.recurrent_activation))

    kept = writer.op("Mul", [gate("f", a_f, c), c])
    g = _known(writer.activated(a_g, cell.activation))
    c = writer.op("Add", [kept, writer.op("Mul", [gate("i", a_i, c), g])])
    phi_c = _known(writer.activated(c, cell.activation))
    whole = writer.op("Mul", [gate("o", a_o, c), phi_c])
    return [writer.op("MatMul", [whole, arrays["P"]]), c]


def _known(made: str | None) -> str:
    assert made is not None, "functions are checked before"
    return made


def _zeros(x: str, size: int, writer: OnnxGraphWriter) -> str:
    """Give states of zero, (sample, size), for as many samples as there are."""
    samples = writer.op("Shape", [x], start=0, end=1)
    shape = writer.op("Concat", [samples, writer.constant(np.array([size]), "size")], axis=0)
    return writer.op("ConstantOfShape", [shape])


def _scan(
    sequences: Sequence[str],
    states: Sequence[str],
    step: WriteStep,
    writer: OnnxGraphWriter,
    *,
    backwards: bool,
) -> tuple[list[str], list[str]]:
    """Add the operator; give each state after the last step, and after every step in that order.

    Shapes: sequences (sample, step, ...), states (sample, unit) -> (sample, unit) each, and
    (sample, step, unit) each.
    """
    from onnx import helper

    outer, writer.nodes = writer.nodes, []
    rows, before = [writer.name("row") for _ in sequences], [writer.name("before") for _ in states]
    made = step(list(rows), list(before))
    after = [writer.op("Identity", [one]) for one in made]
    kept = [writer.op("Identity", [one]) for one in made]
    inner, writer.nodes = writer.nodes, outer

    def told(names: Sequence[str]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, FLOAT, None) for name in names]

    body = helper.make_graph(
        inner, writer.name("step"), told([*before, *rows]), told([*after, *kept])
    )
    found = writer.ops(
        "Scan", [*states, *sequences], 2 * len(states), body=body,
        num_scan_inputs=len(sequences), scan_input_axes=[1] * len(sequences),
        scan_input_directions=[int(backwards)] * len(sequences), scan_output_axes=[1] * len(states),
    )  # fmt: skip
    writer.scans = True
    return found[: len(states)], found[len(states) :]
