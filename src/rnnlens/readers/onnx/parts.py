"""The parts of an ONNX graph that its outputs need, taken out of the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.readers.onnx.graph.values import FixedArray
from rnnlens.readers.onnx.old_operators import of_version_7
from rnnlens.readers.onnx.proto import Branch, OnnxOperator, operators
from rnnlens.readers.onnx.tensors import tensor_values

if TYPE_CHECKING:
    import onnx

__all__ = ["DeclaredInput", "OnnxGraph", "graph_of", "version_of"]

#: Operator sets that the rules were held against.
OLDEST, NEWEST = 6, 28


@dataclass(frozen=True)
class DeclaredInput:
    """An input as the file declares it."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """The parts of the graph that its outputs need."""

    operators: list[OnnxOperator]
    fixed: dict[str, FixedArray]
    inputs: list[DeclaredInput]
    outputs: list[str]
    used: set[str]


def version_of(model: onnx.ModelProto) -> str:
    """Say which operators and which exporter a model is of."""
    opset = _opset(model)
    made = " ".join(filter(None, (model.producer_name, model.producer_version)))
    return f"opset {opset}" + (f", {made}" if made else "")


def _opset(model: onnx.ModelProto) -> int:
    versions = [each.version for each in model.opset_import if each.domain in {"", "ai.onnx"}]
    if not versions:
        raise UnreadableFile("the ONNX model states no version of its operators: it is damaged")
    return max(versions)


def graph_of(model: onnx.ModelProto, path: Path, weights: Mapping[str, ArrayLike]) -> OnnxGraph:
    """Take the parts that the outputs need out of a model."""
    opset = _opset(model)
    if not OLDEST <= opset <= NEWEST:
        raise UnsupportedModel(
            f"{path} uses version {opset} of ONNX's operators, and rnnlens reads {OLDEST} to "
            f"{NEWEST}: export the model again with one of these, such as 17"
        )
    if model.graph.sparse_initializer:
        raise UnsupportedModel(f"{path} keeps sparse tensors, which rnnlens does not read")
    nodes = operators(model.graph, path, opset)
    if opset < 7:
        nodes = [of_version_7(op) for op in nodes]
    fixed = {t.name: FixedArray(tensor_values(t, path), t.name) for t in model.graph.initializer}
    _supplied(model, weights, fixed)
    nodes, used = _needed(nodes, [each.name for each in model.graph.output])
    declared = [_declared(each) for each in model.graph.input if each.name not in fixed]
    inputs = [each for each in declared if each.name in used]
    if not inputs:
        raise UnsupportedModel(f"{path} holds a network without an input")
    return OnnxGraph(nodes, fixed, inputs, [each.name for each in model.graph.output], used)


def _supplied(
    model: onnx.ModelProto, weights: Mapping[str, ArrayLike], fixed: dict[str, FixedArray]
) -> None:
    inputs = {each.name for each in model.graph.input}
    unknown = sorted(set(weights) - inputs)
    if unknown:
        raise UnsupportedModel(
            f"weights came for {unknown[0]!r}, which is no input of the graph: it has "
            f"{', '.join(sorted(inputs)) or 'none'}"
        )
    for name, values in weights.items():
        fixed[name] = FixedArray(np.array(values, copy=True), name)


def _needed(nodes: list[OnnxOperator], outputs: list[str]) -> tuple[list[OnnxOperator], set[str]]:
    """Leave out what no output needs."""
    used = set(outputs)
    kept = []
    for op in reversed(nodes):
        if used & set(filter(None, op.outputs)):
            used |= set(filter(None, op.inputs))
            for each in op.attributes.values():
                used |= each.taken if isinstance(each, Branch) else set()
            kept.append(op)
    return kept[::-1], used


def _declared(given: onnx.ValueInfoProto) -> DeclaredInput:
    import onnx

    if not given.type.HasField("tensor_type"):
        raise UnsupportedModel(f"input {given.name!r} is not a tensor, and rnnlens reads no other")
    tensor = given.type.tensor_type
    if not tensor.HasField("shape"):
        raise UnsupportedModel(
            f"input {given.name!r} does not say how many axes it has; export the model with shapes"
        )
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in tensor.shape.dim
    )
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    except KeyError as error:
        raise UnreadableFile(
            f"input {given.name!r} is of no known type: the file is damaged"
        ) from error
    if dtype.kind not in "iuf":
        raise UnsupportedModel(
            f"input {given.name!r} is of type {dtype}, which rnnlens does not feed"
        )
    return DeclaredInput(given.name, shape, dtype)
