"""ONNX operators between values: powers, limits, comparisons, choices, NaN, running sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.names import told
from rnnlens.network.activations import Activation
from rnnlens.network.layers import (
    Activate,
    Binary,
    CumulativeSum,
    Layer,
    Multiply,
    Rescaling,
    Subtract,
    Where,
)
from rnnlens.readers.onnx.graph.builder import Given, OnnxGraphBuilder, Rule
from rnnlens.readers.onnx.graph.inputs import optional, tensor_of, whole_axis, whole_numbers
from rnnlens.readers.onnx.graph.values import (
    APART,
    FixedArray,
    Length,
    OnnxTensor,
    OnnxValue,
    constant_in,
)
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["RULES"]

#: What stands for infinity in a score: a softmax and a largest value take both alike.
FAR = 1e30
#: Functions that may give NaN or infinity of finite numbers.
UNBOUNDED = frozenset({"exponential", "log", "power", "reciprocal", "sqrt"})


def _add(
    op: OnnxOperator, x: OnnxTensor, layer: Layer, builder: OnnxGraphBuilder, *more: OnnxTensor
) -> OnnxTensor:
    """Add a layer that keeps the shape."""
    refs = (x.ref, *(one.ref for one in more))
    ref = builder.add(op.label(op.kind.lower()), layer, refs, (x.sample,))
    return OnnxTensor(ref, x.shape, x.batch)


def _function(
    op: OnnxOperator, x: OnnxTensor, builder: OnnxGraphBuilder, name: str, **numbers: float
) -> OnnxTensor:
    return _add(op, x, Activate(Activation(name, numbers)), builder)


def _line(
    op: OnnxOperator, x: OnnxTensor, builder: OnnxGraphBuilder, scale: float, offset: float = 0.0
) -> OnnxTensor:
    return _add(op, x, Rescaling(np.array(scale), np.array(offset)), builder)


def _beside(op: OnnxOperator, values: Sequence[OnnxValue | None]) -> tuple[list[Length], int]:
    """Give the shape of what several values make, entry by entry, and its axis of samples."""
    tensors = [value for value in values if isinstance(value, OnnxTensor)]
    if len({one.rank - one.batch for one in tensors}) > 1:
        raise WrongSampleAxis(f"node {op.text} meets two values whose batch axes differ{APART}")
    shapes = [value.shape for value in values if value is not None]
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    shape = [next((n for n in lengths if n != 1), 1) for lengths in zip(*padded, strict=True)]
    batch = rank - (tensors[0].rank - tensors[0].batch)
    shape[batch] = tensors[0].shape[tensors[0].batch]
    return shape, batch


def _merged(
    op: OnnxOperator, values: Sequence[OnnxValue | None], layer: Layer, builder: OnnxGraphBuilder
) -> OnnxTensor:
    """Add a layer of several values, entry by entry; fixed numbers become a constant."""
    shape, batch = _beside(op, values)
    like = next(value for value in values if isinstance(value, OnnxTensor))
    refs = []
    for value in values:
        if isinstance(value, OnnxTensor):
            refs.append(value.ref)
            continue
        assert value is not None
        numbers = np.asarray(constant_in(value, len(shape), batch, op.text), float)
        if np.isnan(numbers).any():
            raise UnsupportedModel(f"node {op.text} computes with NaN, which rnnlens does not read")
        refs.append(builder.constant(np.clip(numbers, -FAR, FAR), like.ref))
    made = OnnxTensor(like.ref, tuple(shape), batch)
    ref = builder.add(op.label(op.kind.lower()), layer, tuple(refs), (made.sample,))
    return OnnxTensor(ref, tuple(shape), batch)


def _power(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    base, exponent = values[0], values[1]
    single = isinstance(exponent, FixedArray) and exponent.values.size == 1
    if not isinstance(base, OnnxTensor) or not single:
        return [_merged(op, values, Binary("power"), builder)]
    assert isinstance(exponent, FixedArray)
    match float(exponent.values.reshape(())):
        case 1.0:
            return [base]
        case 2.0:
            return [_add(op, base, Multiply(), builder, base)]
        case 0.5:
            return [_function(op, base, builder, "sqrt")]
        case number:
            return [_function(op, base, builder, "power", exponent=number)]


def _extreme(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    made: OnnxValue | None = values[0]
    for value in values[1:]:
        layer = Binary("maximum" if op.kind == "Max" else "minimum")
        made = _merged(op, [made, value], layer, builder)
    assert isinstance(made, OnnxTensor)
    return [made]


def _compared(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    left, right = values[0], values[1]
    pair = [right, left] if op.kind.startswith("Less") else [left, right]
    ahead = _merged(op, pair, Subtract(), builder)
    if op.kind == "Equal":
        made = _function(op, ahead, builder, "is_zero")
    else:
        made = _function(op, ahead, builder, "step", at_zero=float(op.kind.endswith("OrEqual")))
    return [_whole(made)]


def _whole(x: OnnxTensor) -> OnnxTensor:
    """Give true and false as whole numbers."""
    return OnnxTensor(x.ref, x.shape, x.batch, True)


def _logic(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    if op.kind == "Not":
        return [_whole(_line(op, tensor_of(op, values), builder, -1.0, 1.0))]
    layer: Layer = Multiply() if op.kind == "And" else Binary("maximum")
    return [_whole(_merged(op, values, layer, builder))]


def _where(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    condition = values[0]
    if isinstance(condition, FixedArray):
        asked = condition.values.astype(bool)
        if asked.all() or not asked.any():
            chosen = values[1] if asked.all() else values[2]
            shape, _ = _beside(op, values)
            if isinstance(chosen, OnnxTensor) and chosen.rank == len(shape):
                return [chosen]
    return [_merged(op, values, Where(), builder)]


def _is_nan(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxValue]:
    x = tensor_of(op, values)
    waiting, seen = [x.ref[0]], set()
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        layer = builder.nodes[number].layer
        risky = isinstance(layer, Activate) and layer.activation.name in UNBOUNDED
        if risky or (isinstance(layer, Binary) and layer.operation in {"divide", "power"}):
            raise UnsupportedModel(
                f"node {op.text} looks for NaN or infinity in what the network computes by a "
                "quotient, a root, a power or a logarithm; rnnlens reads it on inputs, whose "
                "windows hold none"
            )
        waiting += [ref[0] for ref in builder.nodes[number].inputs]
    builder.note(
        told(
            "the graph looks for NaN and fills it; windows are taken without NaN, for which that "
            "changes nothing: fill them as the graph does"
        )
    )
    return [FixedArray(np.zeros((1,) * x.rank, bool), batch=x.batch)]


def _running(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    (place,) = whole_numbers(optional(values, 1), op.text, "axis")
    axis = whole_axis(place, x.rank, op)
    if axis == x.batch:
        raise WrongSampleAxis(f"node {op.text} sums along the batch axis{APART}")
    if op.attributes.get("exclusive", 0):
        raise UnsupportedModel(
            f"node {op.text} leaves its own place out, which rnnlens does not read"
        )
    layer = CumulativeSum(x.axis(axis), bool(op.attributes.get("reverse", 0)))
    return [_add(op, x, layer, builder)]


COMPARISONS = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")

#: Operators over values that the network computes, each with its rule.
RULES: dict[str, Rule] = {
    **dict.fromkeys(COMPARISONS, _compared),
    **dict.fromkeys(("And", "Not", "Or"), _logic),
    **dict.fromkeys(("IsInf", "IsNaN"), _is_nan),
    **dict.fromkeys(("Max", "Min"), _extreme),
    "CumSum": _running,
    "Pow": _power,
    "Where": _where,
}
