"""Values whose samples and heads a file has in one axis, (sample x head, step, unit).

So does multi-head attention lay out what it multiplies. In the network the heads are an axis of
their own, next to where the samples stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnlens.network.activations import Activation
from rnnlens.network.layers import Activate, Einsum, Reshape
from rnnlens.readers.letters import matmul_terms
from rnnlens.readers.onnx.graph.activations import POINTWISE
from rnnlens.readers.onnx.graph.builder import Given, OnnxGraphBuilder
from rnnlens.readers.onnx.graph.inputs import lengths_of, optional, tensor_of
from rnnlens.readers.onnx.graph.layers import RULES as OF_NUMBERS
from rnnlens.readers.onnx.graph.values import (
    APART,
    BATCH,
    Dim,
    FixedArray,
    Length,
    OnnxTensor,
    product,
    quotient,
)
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["of_heads", "with_heads"]

#: Operators that treat every number alike.
EACH = frozenset(POINTWISE) | {"Add", "Cast", "Div", "Identity", "Mul", "Sub"}
#: The letter of the heads.
HEADS = "Z"


def _completed(x: OnnxTensor, wanted: Sequence[Length]) -> list[Length] | None:
    """Give a wanted shape with the length that is left open."""
    shape = list(wanted)
    if -1 in shape:
        free = shape.index(-1)
        rest = quotient(product(x.shape), product(shape[:free] + shape[free + 1 :]))
        if rest is None:
            return None
        shape[free] = rest
    return shape


def _layer(sample: Sequence[Length]) -> Reshape | None:
    if sum(isinstance(length, Dim) for length in sample) > 1:
        return None
    return Reshape(tuple(n if isinstance(n, int) else -1 for n in sample))


def with_heads(
    x: OnnxTensor, wanted: Sequence[Length], builder: OnnxGraphBuilder
) -> OnnxTensor | None:
    """Put the heads of a value beside its samples, where a Reshape asks for that."""
    shape = _completed(x, wanted)
    if shape is None or x.apart:
        return None
    for place, length in enumerate(shape):
        if not isinstance(length, Dim) or length.names != BATCH.names or length.factor < 2:
            continue
        before, after = shape[:place], shape[place + 1 :]
        same = product(before) == product(x.shape[: x.batch])
        same &= product([length.factor, *after]) == product(x.shape[x.batch + 1 :])
        layer = _layer((*before, length.factor, *after))
        if same and layer is not None:
            ref = builder.relaid(x.ref, layer, (*before, length.factor, *after))
            return OnnxTensor(ref, tuple(shape), place, heads=length.factor)
    return None


def of_heads(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    """Compute a node that takes values with heads beside their samples."""
    made = None
    if op.kind == "Reshape":
        made = _without_heads(op, values, builder)
    elif op.kind == "Transpose":
        made = _turned(op, tensor_of(op, values), builder)
    elif op.kind == "Softmax":
        made = _softmax(op, tensor_of(op, values), builder)
    elif op.kind == "MatMul":
        made = _multiplied(op, values, builder)
    elif op.kind in EACH:
        made = _each(op, values, builder)
    if made is None:
        raise WrongSampleAxis(
            f"node {op.text} works on samples and heads (or steps) laid in one axis in a way that "
            f"rnnlens does not read{APART}"
        )
    return [made]


def _without_heads(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> OnnxTensor | None:
    x = tensor_of(op, values)
    wanted = op.attributes.get("shape") or lengths_of(optional(values, 1), op.text)
    shape = _completed(x, [x.shape[k] if n == 0 else n for k, n in enumerate(wanted)])
    if shape is None:
        return None
    before = x.shape[: x.batch]
    after = [x.heads, *x.shape[x.batch + 1 :]]
    rows = len(shape) == 2 and len(before) == 1 and shape[0] == product([*before, BATCH])
    if rows:  # steps and samples in one axis, for a dense layer: they are taken apart again
        shape = [*before, BATCH, shape[1]]
    if BATCH not in shape:
        return None
    place = shape.index(BATCH)
    same = product(shape[:place]) == product(before)
    same &= product(shape[place + 1 :]) == product(after)
    sample = (*shape[:place], *shape[place + 1 :])
    layer = _layer(sample)
    if not same or layer is None:
        return None
    made = OnnxTensor(builder.relaid(x.ref, layer, sample), tuple(shape), place)
    return made.folded() if rows else made


def _turned(op: OnnxOperator, x: OnnxTensor, builder: OnnxGraphBuilder) -> OnnxTensor:
    order = op.attributes.get("perm") or list(range(x.rank))[::-1]
    axes = [x.batch + 1 if axis == x.batch else x.axis(axis) for axis in order]
    shape, batch = tuple(x.shape[axis] for axis in order), order.index(x.batch)
    return OnnxTensor(builder.permuted(x.ref, tuple(axes)), shape, batch, heads=x.heads)


def _softmax(op: OnnxOperator, x: OnnxTensor, builder: OnnxGraphBuilder) -> OnnxTensor | None:
    axis = op.attributes.get("axis", -1) % x.rank
    if op.opset < 13 or axis == x.batch:
        return None
    layer = Activate(Activation("softmax", {"axis": float(x.axis(axis) - x.rank - 1)}))
    ref = builder.add(op.label("softmax"), layer, (x.ref,), (x.sample,))
    return replace(x, ref=ref)


def _multiplied(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> OnnxTensor | None:
    left, right = values[0], values[1]
    if not isinstance(left, OnnxTensor) or not isinstance(right, OnnxTensor):
        return None
    alike = (left.heads, left.batch, left.rank) == (right.heads, right.batch, right.rank)
    if not alike or left.batch or left.rank < 3 or left.shape[-1] != right.shape[-2]:
        return None
    terms = [f"{one[0]}{HEADS}{one[1:]}" for one in matmul_terms(left.rank, right.rank)]
    layer = Einsum(f"{terms[0]},{terms[1]}->{terms[2]}")
    made = replace(left, shape=(*left.shape[:-1], right.shape[-1]))
    ref = builder.add(op.label("matmul"), layer, (left.ref, right.ref), (made.sample,))
    return replace(made, ref=ref)


def _each(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> OnnxTensor | None:
    tensors = [value for value in values if isinstance(value, OnnxTensor)]
    first = tensors[0]
    fixed = [value.values.ndim for value in values if isinstance(value, FixedArray)]
    alike = len({(one.shape, one.batch, one.heads) for one in tensors}) == 1
    if not alike or first.batch or any(rank > first.rank for rank in fixed):
        return None
    (made,) = OF_NUMBERS[op.kind](op, values, builder)
    return replace(first, ref=made.ref) if isinstance(made, OnnxTensor) else None
