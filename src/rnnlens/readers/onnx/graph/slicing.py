"""ONNX operators that take values apart and put them side by side."""

from __future__ import annotations

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.axes import Flip, Slice, Take
from rnnlens.network.layers import Embedding
from rnnlens.network.network import Source
from rnnlens.readers.onnx.graph.builder import Given, OnnxGraphBuilder, Rule
from rnnlens.readers.onnx.graph.inputs import (
    lengths_of,
    optional,
    tensor_of,
    whole_axis,
    whole_numbers,
)
from rnnlens.readers.onnx.graph.values import (
    APART,
    Dim,
    FixedArray,
    Length,
    OnnxTensor,
    constant_in,
    fresh,
)
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["RULES"]

#: Beyond this an end means "to the last place" (exporters write the largest int64).
FAR = 2**31 - 1


def _slices(
    op: OnnxOperator, values: Given, rank: int
) -> list[tuple[int, tuple[Length, Length, int]]]:
    """Give axis, start, end and step of each slice."""
    a = op.attributes
    if "starts" in a:
        starts, ends = list(a["starts"]), list(a["ends"])
        axes, steps = a.get("axes"), None
    else:
        starts = lengths_of(optional(values, 1), op.text)
        ends = lengths_of(optional(values, 2), op.text)
        given = optional(values, 3)
        axes = None if given is None else whole_numbers(given, op.text, "axes")
        given = optional(values, 4)
        steps = None if given is None else whole_numbers(given, op.text, "steps")
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise UnreadableFile(f"node {op.text} states cuts that do not fit: the file is damaged")
    return [
        (whole_axis(axis, rank, op), (start, end, step))
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    ]


def _slice(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    for axis, places in _slices(op, values, x.rank):
        x = _run_of_places(op, x, axis, places, builder)
    return [x]


def _run_of_places(
    op: OnnxOperator,
    x: OnnxTensor,
    axis: int,
    places: tuple[Length, Length, int],
    builder: OnnxGraphBuilder,
) -> OnnxTensor:
    """Take a run of places, (start, end, step), of one axis."""
    start, end, step = places
    length = x.shape[axis]
    far = isinstance(end, int) and (end >= FAR if step > 0 else end <= -FAR)
    stop = None if far or (step > 0 and end == length) else end
    if isinstance(start, Dim) or isinstance(stop, Dim):
        raise UnsupportedModel(f"node {op.text} cuts at a place that only the data will tell")
    if step < 0 and isinstance(length, int) and stop is not None and stop < -length:
        stop = None  # before the first place
    begin = None if start == 0 and step > 0 else start
    if step < 0 and (start == -1 or start >= FAR or start == length):
        begin = None
    if begin is None and stop is None and step == 1:
        return x
    if axis == x.batch:
        raise WrongSampleAxis(f"node {op.text} cuts the batch axis{APART}")
    after: Length = fresh()
    if isinstance(length, int):
        after = len(range(*slice(begin, stop, step).indices(length)))
    shape = (*x.shape[:axis], after, *x.shape[axis + 1 :])
    layer = Slice(begin, stop, step, x.axis(axis))
    if begin is None and stop is None and step == -1:
        layer, shape = Flip(x.axis(axis)), x.shape
    made = OnnxTensor(x.ref, shape, x.batch, x.integer)
    ref = builder.add(type(layer).__name__.lower(), layer, (x.ref,), (made.sample,))
    return x.laid(ref, shape, x.batch)


def _gather(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    where = optional(values, 1)
    if isinstance(where, OnnxTensor):
        return [_embedding(op, values, where, builder)]
    x = tensor_of(op, values)
    axis = whole_axis(op.attributes.get("axis", 0), x.rank, op)
    if axis == x.batch:
        raise WrongSampleAxis(f"node {op.text} picks from the batch axis{APART}")
    if isinstance(where, FixedArray) and where.values.ndim > 1:
        raise UnsupportedModel(
            f"node {op.text} picks by a table of places with {where.values.ndim} axes, which "
            "rnnlens does not read"
        )
    places = whole_numbers(where, op.text, "indices")
    assert isinstance(where, FixedArray)
    length = x.shape[axis]
    if isinstance(length, int) and not all(-length <= place < length for place in places):
        raise UnreadableFile(f"node {op.text} picks a place that is not there: the file is damaged")
    if where.values.ndim == 0:
        shape = x.shape[:axis] + x.shape[axis + 1 :]
        ref = builder.picked(x.ref, places[0], x.axis(axis))
        return [x.laid(ref, shape, x.batch - (axis < x.batch))]
    run = range(places[0], places[0] + len(places)) if places else range(0)
    if list(run) != places or (run.start < 0 <= run.stop - 1):
        taken = OnnxTensor(x.ref, (*x.shape[:axis], len(places), *x.shape[axis + 1 :]), x.batch)
        ref = builder.add("take", Take(tuple(places), x.axis(axis)), (x.ref,), (taken.sample,))
        return [x.laid(ref, taken.shape, x.batch)]
    end = None if run.stop == 0 else run.stop
    return [_run_of_places(op, x, axis, (run.start, FAR if end is None else end, 1), builder)]


def _embedding(
    op: OnnxOperator, values: Given, tokens: OnnxTensor, builder: OnnxGraphBuilder
) -> OnnxTensor:
    table = optional(values, 0)
    if isinstance(table, OnnxTensor) or table is None or table.values.ndim != 2:
        raise UnsupportedModel(f"node {op.text} picks places that the network computes")
    if op.attributes.get("axis", 0) or table.values.dtype.kind != "f":
        raise UnsupportedModel(f"node {op.text} looks up along another axis than a table's rows")
    shape = (*tokens.shape, table.values.shape[1])
    made = OnnxTensor(tokens.ref, shape, tokens.batch)
    ref = builder.add(
        op.label("embedding"),
        Embedding(table.values.copy(order="C")),
        (tokens.ref,),
        (made.sample,),
        {"E": Source(table.text, table.text)},
    )
    return OnnxTensor(ref, shape, tokens.batch)


def _concat(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    present = [value for value in values if value is not None]
    first = next(value for value in present if isinstance(value, OnnxTensor))
    axis = whole_axis(op.attributes["axis"], first.rank, op)
    if axis == first.batch:
        raise WrongSampleAxis(f"node {op.text} joins values along the batch axis{APART}")
    parts, along = [], []
    for value in present:
        if isinstance(value, FixedArray):
            fixed = constant_in(value, first.rank, first.batch, op.text)
            lengths = list(first.shape)
            lengths[axis] = value.values.shape[axis]
            sample = [n for k, n in enumerate(lengths) if k != first.batch and isinstance(n, int)]
            if len(sample) != first.rank - 1 or value.values.ndim != first.rank:
                raise UnsupportedModel(f"node {op.text} joins fixed numbers of unknown length")
            parts.append(builder.constant(np.broadcast_to(fixed, sample).copy(), first.ref))
            along.append(lengths[axis])
        elif value.rank != first.rank or value.batch != first.batch:
            raise WrongSampleAxis(f"node {op.text} joins values whose batch axes differ{APART}")
        else:
            parts.append(value.ref)
            along.append(value.shape[axis])
    known = [n for n in along if isinstance(n, int)]
    total = sum(known) if len(known) == len(along) else fresh()
    shape = (*first.shape[:axis], total, *first.shape[axis + 1 :])
    made = OnnxTensor(first.ref, shape, first.batch)
    ref = builder.joined(tuple(parts), first.axis(axis), made.sample)
    return [first.laid(ref, shape, first.batch)]


def _split(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    axis = whole_axis(op.attributes.get("axis", 0), x.rank, op)
    length = x.shape[axis]
    if axis == x.batch:
        raise WrongSampleAxis(f"node {op.text} splits the batch axis{APART}")
    if not isinstance(length, int):
        raise UnsupportedModel(f"node {op.text} splits an axis of unknown length")
    sizes = op.attributes.get("split")
    if optional(values, 1) is not None:
        sizes = whole_numbers(values[1], op.text, "sizes")
    if sizes is None:
        each = -(-length // len(op.outputs))
        sizes = [min(each, length - k * each) for k in range(len(op.outputs))]
    if sum(sizes) != length:
        raise UnreadableFile(
            f"node {op.text} splits {length} places into {sizes}: the file is damaged"
        )
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return [
        _run_of_places(op, x, axis, (end - size, end, 1), builder)
        for size, end in zip(sizes, ends, strict=True)
    ]


#: Operators over values that the network computes, each with its rule.
RULES: dict[str, Rule] = {
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
}
