"""The parts of an ONNX file, opened with care: tensors, attributes, data beside the model.

A file is hostile until shown otherwise: declared sizes are checked against the bytes that are
there before memory is taken, and data outside the file is read from the model's own folder alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import MissingLibrary, UnreadableFile, UnsupportedModel
from rnnlens.readers.hardening.protobuf import varint
from rnnlens.readers.onnx.tensors import tensor_values

if TYPE_CHECKING:
    import onnx

__all__ = [
    "Attributes",
    "Branch",
    "OnnxOperator",
    "attributes_of",
    "looks_like_model",
    "operators",
    "parse",
    "tensor_values",
]

#: Attributes of a node by name: int, float, str, lists of these, arrays.
Attributes = dict[str, Any]

#: Fields of ModelProto by number (onnx/onnx.proto): True where the field holds bytes.
MODEL_FIELDS = {1: False, 2: True, 3: True, 4: True, 5: False, 6: True, 7: True, 8: True, 14: True}
MODEL_FIELDS |= {20: True, 25: True, 26: True}
IR_VERSION, GRAPH, OPSETS = 1, 7, 8

#: No graph of more nodes than this is read, counted after functions are written out.
LARGEST_GRAPH = 50_000


@dataclass(frozen=True, eq=False)
class OnnxOperator:
    """One node of the graph, its attributes taken out."""

    kind: str
    #: The node's own name, or empty.
    name: str
    #: Tensor names; empty where an optional one is left out.
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    #: By name: int, float, str, list of these, or an array.
    attributes: Attributes
    #: The version of the operator set.
    opset: int

    def label(self, usual: str) -> str:
        """Give what a layer made of the node would like to be called."""
        numbered = self.name.startswith("node_")
        return usual if numbered else self.name.strip("/") or usual

    @property
    def text(self) -> str:
        """The node in words, for messages."""
        named = self.name or next((name for name in self.outputs if name), "")
        return f"{named!r} ({self.kind})"


@dataclass(frozen=True, eq=False)
class Branch:
    """A graph within a node, which takes what it needs from the graph around it."""

    operators: tuple[OnnxOperator, ...]
    fixed: dict[str, np.ndarray]
    outputs: tuple[str, ...]

    @property
    def taken(self) -> set[str]:
        """The names that it takes, those it makes itself among them."""
        within = (
            name
            for op in self.operators
            for each in op.attributes.values()
            if isinstance(each, Branch)
            for name in each.taken
        )
        given = (name for op in self.operators for name in op.inputs if name)
        return {*self.outputs, *given, *within}


def looks_like_model(head: bytes, size: int) -> bool:
    """Tell by its first bytes whether a file is an ONNX model: the format has no magic number."""
    try:
        seen = _fields(head)
    except ValueError:
        return False
    return GRAPH in seen and bool({IR_VERSION, OPSETS} & seen) and size > 8


def _fields(head: bytes) -> set[int]:
    """Give the fields of a message up to its graph; anything else than a ModelProto raises."""
    seen: set[int] = set()
    at = 0
    while at < len(head) and GRAPH not in seen:
        tag, at = varint(head, at)
        field, wire = tag >> 3, tag & 7
        if field not in MODEL_FIELDS or wire != (2 if MODEL_FIELDS[field] else 0):
            raise ValueError
        value, at = varint(head, at)
        if field == IR_VERSION and not 0 < value < 100:
            raise ValueError
        seen.add(field)
        at += value if MODEL_FIELDS[field] else 0
    return seen


def parse(path: Path) -> onnx.ModelProto:
    """Parse a file."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise MissingLibrary(
            f'{path} is an ONNX model, and onnx is not installed: pip install "rnnlens[onnx]"'
        ) from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except (DecodeError, ValueError) as error:
        raise UnreadableFile(
            f"{path} begins like an ONNX model, but it is truncated or damaged; copy or download "
            "it again"
        ) from error
    if not all(isinstance(name, str) and name.isprintable() for name in _names(model)):
        raise UnreadableFile(f"{path} holds a name that is no text: the file is damaged")
    if len(model.graph.node) > LARGEST_GRAPH:
        raise UnreadableFile(
            f"{path} holds {len(model.graph.node)} nodes, more than {LARGEST_GRAPH}, which no "
            "forecaster needs; the file is damaged or hostile"
        )
    return _without_functions(model, path) if model.functions else model


def _names(model: onnx.ModelProto) -> Iterator[object]:
    """Give every name in a model; those that are not UTF-8 come as bytes."""
    yield from (model.producer_name, model.producer_version, model.graph.name)
    yield from (each.name for each in model.functions)
    yield from _names_in(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _names_of(node)


def _names_in(graph: onnx.GraphProto) -> Iterator[object]:
    yield from (each.name for each in (*graph.input, *graph.output, *graph.initializer))
    for node in graph.node:
        yield from _names_of(node)


def _names_of(node: onnx.NodeProto) -> Iterator[object]:
    yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
    for each in node.attribute:
        yield each.name
        for graph in (each.g, *each.graphs):
            yield from _names_in(graph)


def _without_functions(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """Write the model's own functions out, once it is known that they come to an end."""
    import onnx
    from onnx import inliner

    bodies = {(each.domain, each.name): each.node for each in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: Iterable[onnx.NodeProto], within: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in within or total > LARGEST_GRAPH or len(within) > 64:
                return LARGEST_GRAPH + 1
            if key in bodies and key not in sizes:
                sizes[key] = size(bodies[key], (*within, key))
            total += sizes.get(key, 1)
            for each in node.attribute:
                for graph in (each.g, *each.graphs):
                    total += size(graph.node, within)
        return total

    if size(model.graph.node, ()) > LARGEST_GRAPH:
        raise UnreadableFile(
            f"{path} holds functions that write out to more than {LARGEST_GRAPH} nodes or without "
            "end; the file is damaged or hostile"
        )
    try:
        whole = inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
        raise UnreadableFile(
            f"{path} holds functions that onnx cannot write out; the file is damaged"
        ) from error
    return whole


def operators(graph: onnx.GraphProto, path: Path, opset: int) -> list[OnnxOperator]:
    """Take the nodes of a graph out of the message."""
    listed = []
    for node in graph.node:
        if node.domain not in {"", "ai.onnx"}:
            raise UnsupportedModel(
                f"node {node.name or node.op_type!r} is the operator {node.op_type} of the "
                f"domain {node.domain}, which is not standard ONNX; export the model without "
                "quantisation or vendor operators"
            )
        if node.op_type in {"Loop", "Scan"}:
            raise UnsupportedModel(
                f"node {node.name or node.op_type!r} is a {node.op_type}: the recurrence is "
                "written out as a loop instead of an LSTM, GRU or RNN node, and rnnlens does not "
                "guess which gate is which; export from the source framework so that the "
                "recurrent layer stays whole, or read the source model itself"
            )
        op = OnnxOperator(
            node.op_type,
            node.name,
            tuple(node.input),
            tuple(node.output),
            _branches_of(node, path, opset) if node.op_type == "If" else attributes_of(node, path),
            opset,
        )
        listed.append(op)
    return listed


def _branches_of(node: onnx.NodeProto, path: Path, opset: int) -> Attributes:
    """Give the graphs that an ``If`` chooses between."""
    values: Attributes = {}
    for each in node.attribute:
        graph = each.g
        if graph.input or graph.sparse_initializer or each.graphs:
            raise UnreadableFile(
                f"node {node.name or node.op_type!r} is an If whose graphs have inputs of their "
                "own, which no exporter writes: the file is damaged"
            )
        fixed = {one.name: tensor_values(one, path) for one in graph.initializer}
        outputs = tuple(one.name for one in graph.output)
        values[each.name] = Branch(tuple(operators(graph, path, opset)), fixed, outputs)
    return values


def attributes_of(node: onnx.NodeProto, path: Path) -> Attributes:
    """Give the attributes of a node."""
    import onnx

    kinds = onnx.AttributeProto
    values: Attributes = {}
    for each in node.attribute:
        if each.type == kinds.TENSOR:
            values[each.name] = tensor_values(each.t, path)
        elif each.type == kinds.STRING:
            values[each.name] = each.s.decode("utf-8", errors="replace")
        elif each.type == kinds.STRINGS:
            values[each.name] = [s.decode("utf-8", errors="replace") for s in each.strings]
        elif each.type in {kinds.INT, kinds.FLOAT}:
            values[each.name] = each.i if each.type == kinds.INT else each.f
        elif each.type in {kinds.INTS, kinds.FLOATS}:
            values[each.name] = list(each.ints if each.type == kinds.INTS else each.floats)
        else:
            raise UnsupportedModel(
                f"node {node.name or node.op_type!r} is the operator {node.op_type} with a graph "
                f"or another object in its attribute {each.name}, which rnnlens does not read"
            )
    return values
