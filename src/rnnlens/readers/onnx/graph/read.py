"""An ONNX graph read into the canonical network, whatever its batch axis.

ONNX does not say which axis of an input holds the samples: exporters leave it anywhere. Every
place is tried, and a graph that treats it as something else (a recurrent node with its samples
along another axis, a product along it) rules it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path

import numpy as np

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.check import check
from rnnlens.network.layers import Bidirectional, DescribedRecurrent, Layer, Recurrent
from rnnlens.network.network import Network, Node, Origin
from rnnlens.network.unique import unique_name
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.onnx.branches import Undecided, chosen
from rnnlens.readers.onnx.graph import axes as onnx_axes
from rnnlens.readers.onnx.graph import between as onnx_between
from rnnlens.readers.onnx.graph import convolution as onnx_convolution
from rnnlens.readers.onnx.graph import layers as onnx_layers
from rnnlens.readers.onnx.graph import products as onnx_products
from rnnlens.readers.onnx.graph import slicing as onnx_slicing
from rnnlens.readers.onnx.graph.activations import POINTWISE
from rnnlens.readers.onnx.graph.builder import OnnxGraphBuilder
from rnnlens.readers.onnx.graph.constant_folding import FOLDED, fold_constants
from rnnlens.readers.onnx.graph.heads import of_heads
from rnnlens.readers.onnx.graph.recurrent import KINDS, recurrent
from rnnlens.readers.onnx.graph.unrolled import refuse_unrolled
from rnnlens.readers.onnx.graph.values import (
    BATCH,
    Dim,
    FixedArray,
    Length,
    OnnxTensor,
    OnnxValue,
)
from rnnlens.readers.onnx.parts import OnnxGraph, graph_of, version_of
from rnnlens.readers.onnx.proto import OnnxOperator, parse
from rnnlens.readers.refusals import WrongSampleAxis
from rnnlens.readers.rerolled.reroll import reroll

__all__ = ["OnnxReading", "TensorLayout", "read_graph"]

#: What comes of an option of the wrong type or an array of the wrong shape, in a damaged file.
DAMAGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
#: No more placings of the batch axes than this are tried.
MOST_PLACINGS = 2000

#: What nodes of fixed numbers gave, by their places.
Folded = dict[tuple[int, ...], list[FixedArray]]

#: Operators that treat every row alike: rows of samples and steps may stand in one axis.
ROW_BY_ROW = frozenset(POINTWISE) | {"Add", "Cast", "Div", "Dropout", "Gemm", "Identity"}
ROW_BY_ROW |= {"MatMul", "Mul", "Sub"}

RULES = onnx_axes.RULES | onnx_slicing.RULES | onnx_layers.RULES | onnx_convolution.RULES
RULES |= onnx_between.RULES | onnx_products.RULES
#: Operators that a cell may apply to its first state.
OF_STATES = (frozenset(RULES) - frozenset(FOLDED)) | {"MatMul"}


@dataclass(frozen=True)
class TensorLayout:
    """An input or output of the file."""

    name: str
    #: The axis of the samples.
    batch: int
    #: How many the file is made for, where it says.
    samples: int | None
    #: The number type in NumPy's words.
    dtype: str


@dataclass(frozen=True, eq=False)
class OnnxReading:
    """A network, and how the file's axes meet it."""

    network: Network
    #: In the network's order.
    inputs: tuple[TensorLayout, ...]
    outputs: tuple[TensorLayout, ...]


def read_graph(
    path: Path,
    *,
    weights: Mapping[str, np.ndarray] | None = None,
    batch_axes: Mapping[str, int] | None = None,
) -> OnnxReading:
    """Read a file."""
    model = parse(path)
    graph = graph_of(model, path, dict(weights or {}))
    axes, builder, tensors = _placed(graph, dict(batch_axes or {}))
    notes = tuple(builder.notes)
    origin = Origin("ONNX", version_of(model), str(path), digest_of(path), notes=notes)
    network = _network(builder, tensors, origin, model.graph.name or "network")
    described = any(isinstance(node.layer, DescribedRecurrent) for node in network.nodes)
    if not described and not any(network.recurrent()):
        refuse_unrolled(graph.operators, graph.fixed)
    taken = {node.name for node in network.nodes}
    inputs = tuple(
        TensorLayout(each.name, axis, each.shape[axis] if each.shape else None, each.dtype.name)
        for each, axis in zip(graph.inputs, axes, strict=True)
        if each.name in taken
    )
    outputs = tuple(
        TensorLayout(name, tensor.batch, None, "float64")
        for name, tensor in zip(graph.outputs, tensors, strict=True)
    )
    return OnnxReading(network, inputs, outputs)


def _placed(
    graph: OnnxGraph, stated: dict[str, int]
) -> tuple[tuple[int, ...], OnnxGraphBuilder, list[OnnxTensor]]:
    """Find the one placing of the batch axes that the graph bears out."""
    choices = []
    for each in graph.inputs:
        rank = len(each.shape)
        axis = stated.pop(each.name, None)
        if rank == 0 or (axis is not None and not 0 <= axis < rank):
            raise UnsupportedModel(
                f"input {each.name!r} has {rank} axes, so none of them is "
                f"{'the batch axis' if axis is None else f'axis {axis}'}"
            )
        choices.append(range(rank) if axis is None else [axis])
    if stated:
        raise UnsupportedModel(
            f"batch_axes names {next(iter(stated))!r}, which is no input of the graph: it has "
            f"{', '.join(each.name for each in graph.inputs)}"
        )
    cache: Folded = {}
    works: list[tuple[tuple[int, ...], OnnxGraphBuilder, list[OnnxTensor]]] = []
    furthest: tuple[tuple[int, bool], InputError] | None = None
    for axes in islice(product(*choices), MOST_PLACINGS):
        progress = [0]
        try:
            works.append((axes, *_run(graph, axes, cache, progress)))
        except InputError as error:
            # Of all the refusals the one that holds wherever the samples are says most.
            reached = (progress[0], not isinstance(error, WrongSampleAxis))
            if furthest is None or reached > furthest[0]:
                furthest = (reached, error)
    if not works:
        assert furthest is not None
        raise furthest[1]
    if len(works) > 1:
        k = next(k for k in range(len(choices)) if works[0][0][k] != works[1][0][k])
        name = graph.inputs[k].name
        raise UnsupportedModel(
            f"the graph does not tell which axis of the input {name!r} holds the samples; say "
            f"which: batch_axes={{{name!r}: {works[0][0][k]}}}"
        )
    return works[0]


def _run(
    graph: OnnxGraph, axes: Sequence[int], cache: Folded, progress: list[int]
) -> tuple[OnnxGraphBuilder, list[OnnxTensor]]:
    """Go through the graph with the batch axes where they are supposed to be."""
    builder, undecided = OnnxGraphBuilder(), Undecided()
    values: dict[str, OnnxValue] = dict(graph.fixed)
    for each, axis in zip(graph.inputs, axes, strict=True):
        shape: list[Length] = [
            Dim((f"{each.name}:{k}",)) if length is None else length
            for k, length in enumerate(each.shape)
        ]
        shape[axis] = BATCH
        tensor = OnnxTensor((len(builder.nodes), 0), tuple(shape), axis, each.dtype.kind in "iu")
        builder.input(each.name, tensor.sample)
        values[each.name] = tensor
    for number, op in enumerate(graph.operators):
        progress[0] = number
        _take((number,), op, values, undecided, builder, used=graph.used, cache=cache)
    progress[0] = len(graph.operators)
    outputs = []
    for name in graph.outputs:
        value = values.get(name)
        if not isinstance(value, OnnxTensor):
            raise UnsupportedModel(f"the output {name!r} does not depend on the inputs")
        if value.apart or value.heads:
            raise WrongSampleAxis(
                f"the output {name!r} mixes samples with steps; rnnlens reads networks that keep "
                "the batch axis apart"
            )
        outputs.append(value)
    return builder, outputs


def _take(
    place: tuple[int, ...],
    op: OnnxOperator,
    values: dict[str, OnnxValue],
    undecided: Undecided,
    builder: OnnxGraphBuilder,
    *,
    used: set[str],
    cache: Folded,
) -> None:
    """Compute one node, and lay what it gives beside the values."""
    given = [_value(values, name, op) if name else None for name in op.inputs]
    computed: Sequence[OnnxValue | None]
    if op.kind == "If":
        branch, within = chosen(op, given, values)
        if undecided & set(op.inputs):
            builder.notes.append(
                told(
                    "node {name} asks for the number of samples or of steps; what it does for any "
                    "number but the one that it asks for was read",
                    name=op.text,
                )
            )
        for number, inner in enumerate(branch.operators):
            _take((*place, number), inner, within, undecided, builder, used=used, cache=cache)
        computed = [_value(within, name, op) for name in branch.outputs]
    else:
        try:
            computed = _computed(place, op, given, builder, used, cache)
        except InputError:
            raise
        except DAMAGED as error:
            raise UnreadableFile(
                f"node {op.text} has inputs or options that do not fit it: the file is damaged"
            ) from error
        undecided.follow(op, given)
    for name, value in zip(op.outputs, computed, strict=False):
        if name and value is not None:
            values[name] = value


def _value(values: Mapping[str, OnnxValue], name: str, op: OnnxOperator) -> OnnxValue:
    if name not in values:
        raise UnreadableFile(
            f"node {op.text} takes {name!r}, which nothing before it gives: the file is damaged"
        )
    return values[name]


def _computed(
    place: tuple[int, ...],
    op: OnnxOperator,
    given: list[OnnxValue | None],
    builder: OnnxGraphBuilder,
    used: set[str],
    cache: Folded,
) -> Sequence[OnnxValue | None]:
    if any(isinstance(value, OnnxTensor) and value.apart for value in given):
        return _row_by_row(op, given, builder)
    if op.kind != "Shape" and any(isinstance(one, OnnxTensor) and one.heads for one in given):
        return of_heads(op, given, builder)
    if op.kind in KINDS:
        return recurrent(op, given, builder, used)
    if op.kind == "Shape":
        return [_shape(op, given)]
    if op.kind in OF_STATES:
        given = _states_as_values(given, builder)
    known = [value for value in given if value is None or isinstance(value, FixedArray)]
    if len(known) == len(given) and op.kind in FOLDED:
        if place not in cache:
            folded = fold_constants(op, known)
            assert folded is not None
            plain = all(one is None or one.batch is None for one in known)
            if not plain or any(one and one.values.dtype == object for one in known):
                return folded
            cache[place] = folded
        return cache[place]
    if op.kind not in RULES or len(known) == len(given):
        fixed = " on fixed numbers" if op.kind in RULES else ""
        raise UnsupportedModel(
            f"node {op.text} is an operator that rnnlens does not read{fixed}; it reads "
            f"{', '.join(sorted({*KINDS, *RULES}))}"
        )
    return RULES[op.kind](op, given, builder)


def _states_as_values(
    given: list[OnnxValue | None], builder: OnnxGraphBuilder
) -> list[OnnxValue | None]:
    """Take a first state, which every sample has, as a value: a cell written out computes on it."""
    first = given[0] if given else None
    if not isinstance(first, FixedArray) or first.batch is None:
        return given
    return [builder.per_sample(first), *given[1:]]


def _row_by_row(
    op: OnnxOperator, given: list[OnnxValue | None], builder: OnnxGraphBuilder
) -> Sequence[OnnxValue]:
    """Compute a node whose input has samples and steps in one axis."""
    if op.kind == "Reshape":
        return RULES[op.kind](op, given, builder)
    if op.kind == "Shape":
        return [_shape(op, given)]
    rows = [value for value in given if isinstance(value, OnnxTensor)]
    alike = all(row.apart[:-1] == rows[0].apart[:-1] for row in rows)
    if op.kind not in ROW_BY_ROW or not alike or op.attributes.get("transA", 0):
        raise WrongSampleAxis(
            f"node {op.text} works on samples and steps laid in one axis, which rnnlens reads for "
            f"{', '.join(sorted(ROW_BY_ROW))} alone"
        )
    opened = [value.opened() if isinstance(value, OnnxTensor) else value for value in given]
    computed = RULES[op.kind](op, opened, builder)
    return [value.folded() for value in computed if isinstance(value, OnnxTensor)]


def _shape(op: OnnxOperator, given: list[OnnxValue | None]) -> FixedArray:
    value = given[0] if given else None
    if value is None:
        raise UnreadableFile(f"node {op.text} measures nothing: the file is damaged")
    lengths = list(value.shape)[op.attributes.get("start", 0) : op.attributes.get("end")]
    if any(isinstance(length, Dim) for length in lengths):
        symbolic = np.empty(len(lengths), dtype=object)
        symbolic[:] = lengths
        return FixedArray(symbolic)
    return FixedArray(np.array(lengths, dtype=np.int64))


def _network(
    builder: OnnxGraphBuilder, outputs: Sequence[OnnxTensor], origin: Origin, name: str
) -> Network:
    """Keep what the outputs need, and give every node a name of its own."""
    needed = {tensor.ref[0] for tensor in outputs}
    for number in range(len(builder.nodes) - 1, -1, -1):
        if number in needed:
            needed |= {ref[0] for ref in builder.nodes[number].inputs}
    taken_refs = {ref for number in needed for ref in builder.nodes[number].inputs}
    taken_refs |= {tensor.ref for tensor in outputs}
    of_states = {number for number, output in taken_refs if output}
    names: dict[int, str] = {}
    taken: set[str] = set()
    nodes = []
    for number in sorted(needed):
        built = builder.nodes[number]
        label = names[number] = unique_name(built.label, taken)
        inputs = tuple((names[ref[0]], ref[1]) for ref in built.inputs)
        layer = built.layer
        if number not in of_states:
            layer = _without_states(layer)
        nodes.append(Node(label, layer, inputs, built.sources))
    given = tuple((names[tensor.ref[0]], tensor.ref[1]) for tensor in outputs)
    nodes, refs = reroll(nodes, list(given))
    return check(Network(tuple(nodes), tuple(refs), origin, name))


def _without_states(layer: Layer) -> Layer:
    """Leave out final states that nothing takes."""
    if isinstance(layer, Recurrent):
        return replace(layer, return_state=False)
    if isinstance(layer, Bidirectional):
        return replace(
            layer,
            forward=replace(layer.forward, return_state=False),
            backward=replace(layer.backward, return_state=False),
        )
    return layer
