"""A network as an ONNX file: the recurrent operators and those around them, operator set 20."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

import numpy as np

from rnnlens.errors import MissingLibrary, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.layers import Bidirectional, Embedding, Input, Recurrent
from rnnlens.network.network import Network, Node, Ref
from rnnlens.network.shapes import output_shapes
from rnnlens.writers.masks import Expression, wanted_masks
from rnnlens.writers.onnx.graph import OnnxGraphWriter
from rnnlens.writers.onnx.layers import operators
from rnnlens.writers.onnx.masked import masked_operators
from rnnlens.writers.packing import dtype_of
from rnnlens.writers.simplify import simplified
from rnnlens.writers.written import Written

__all__ = ["write"]

#: Operator set and file version: what runtimes of 2024 and later take.
OPSET, IR = 20, 9


def write(network: Network) -> Written:
    """Write a network as an ONNX file."""
    if find_spec("onnx") is None:
        raise MissingLibrary('writing .onnx needs the library onnx: pip install "rnnlens[onnx]"')
    from onnx import TensorProto, checker, helper

    _check(network)
    writer = OnnxGraphWriter()
    dtype = dtype_of(network)
    if dtype != np.float32:
        writer.notes.append(
            told(
                "the arrays are {precision} and are written as float32, for onnxruntime computes "
                "recurrent operators in float32 alone",
                precision=dtype.name,
            )
        )
    simple = simplified(network)
    shapes = output_shapes(simple)
    masks = wanted_masks(simple)
    values: dict[Ref, str] = {}
    entries = []
    for node in simple.nodes:
        if isinstance(node.layer, Input):
            if not any((node.name, 0) in other.inputs for other in simple.nodes):
                writer.notes.append(
                    told("the input {name} is left out, for nothing takes it", name=repr(node.name))
                )
                continue
            values[node.name, 0] = writer.name(node.name)
            shape = ["sample", *_sides(node.layer.shape, node.name)]
            number = TensorProto.INT64 if _tokens(simple, node.name) else TensorProto.FLOAT
            entries.append(helper.make_tensor_value_info(node.name, number, shape))
            continue
        writer.scope = node.name
        if _tokens(simple, node.inputs[0][0]):
            writer.whole.add(values[node.inputs[0]])
        _add(node, values, shapes, masks, writer)
    writer.scope = ""
    exits = []
    for number, ref in enumerate(simple.outputs):
        name = writer.name("output" if len(simple.outputs) == 1 else f"output_{number}")
        writer.nodes.append(helper.make_node("Identity", [values[ref]], [name], name=name))
        shape = ["sample", *_sides(shapes[ref[0]][ref[1]], name)]
        exits.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    graph = helper.make_graph(writer.nodes, network.name, entries, exits, writer.constants)
    model = helper.make_model(
        graph,
        producer_name="rnnlens",
        ir_version=IR,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    checker.check_model(model)
    return Written(
        model.SerializeToString(),
        tuple(writer.notes),
        reads_back=not (writer.packs or writer.scans),
    )


def _tokens(network: Network, name: str) -> bool:
    """Tell whether an input is looked up in tables and used for nothing else."""
    takers = [node.layer for node in network.nodes if (name, 0) in node.inputs]
    return bool(takers) and all(isinstance(layer, Embedding) for layer in takers)


def _sides(shape: tuple[int | None, ...], name: str) -> list[int | str]:
    """Name the sides of unknown length; every first one of an input is its steps."""
    return [f"{name}_side_{k}" if side is None else side for k, side in enumerate(shape)]


def _add(
    node: Node,
    values: dict[Ref, str],
    shapes: dict[str, tuple[tuple[int | None, ...], ...]],
    masks: Mapping[str, Expression],
    writer: OnnxGraphWriter,
) -> None:
    taken = [values[ref] for ref in node.inputs]
    sides = [shapes[name][number] for name, number in node.inputs]
    mask = masks.get(node.name)
    if mask is not None and not _as_lengths(node, mask):
        made = masked_operators(node, taken, mask, values, writer)
    else:
        writer.lengths = "" if mask is None else writer.op("Cast", [values[mask[2]]], to=6)  # int32
        made = operators(node.layer, taken, sides, writer)
        writer.lengths = ""
    values |= {(node.name, number): name for number, name in enumerate(made)}


def _as_lengths(node: Node, mask: Expression) -> bool:
    """Tell whether the operator itself knows the mask: real steps first, zeros after them."""
    layer = node.layer
    both = (layer.forward, layer.backward) if isinstance(layer, Bidirectional) else (layer,)
    plain = all(
        isinstance(side, Recurrent) and side.zero_output_for_mask == side.return_sequences
        for side in both
    )
    return mask[0] == "lengths" and not mask[-1] and plain


def _check(network: Network) -> None:
    if any(isinstance(network[name].layer, Input) for name, _ in network.outputs):
        raise UnsupportedModel(
            "the network gives one of its inputs as an output, which rnnlens does not write for "
            "ONNX; write .npz instead"
        )
