"""What stands between layers as operators of ONNX: choices, reductions, products of two values."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnlens.network.axes import Repeat, Take
from rnnlens.network.layers import (
    Add,
    Average,
    Binary,
    CumulativeSum,
    Einsum,
    Multiply,
    Reduction,
    Subtract,
    Where,
)
from rnnlens.network.shapes import Shape
from rnnlens.writers.onnx.graph import OnnxGraphWriter
from rnnlens.writers.written import refuse

__all__ = ["BETWEEN", "stretched"]

Inputs = Sequence[str]
Shapes = Sequence[Shape]


def _binary(layer: Binary, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    kind = {"divide": "Div", "power": "Pow", "maximum": "Max", "minimum": "Min"}[layer.operation]
    return writer.op(kind, _aligned(inputs, shapes, writer))


def _aligned(inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> list[str]:
    """Give every input as many axes, those that are missing after the samples."""
    rank = max(len(shape) for shape in shapes)
    made = []
    for name, shape in zip(inputs, shapes, strict=True):
        one, axes = name, np.arange(1, 1 + rank - len(shape))
        if len(axes):
            one = writer.op("Unsqueeze", [one, writer.constant(axes, "axes")])
        made.append(one)
    return made


def _merge(
    layer: Add | Subtract | Multiply | Average,
    inputs: Inputs,
    shapes: Shapes,
    writer: OnnxGraphWriter,
) -> str:
    kind = {Add: "Add", Subtract: "Sub", Multiply: "Mul", Average: "Add"}[type(layer)]
    merged, *others = _aligned(inputs, shapes, writer)
    for other in others:
        merged = writer.op(kind, [merged, other])
    if isinstance(layer, Average):
        merged = writer.op("Mul", [merged, writer.constant(1 / len(inputs), "share")])
    return merged


def _where(layer: Where, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    condition, *sides = _aligned(inputs, shapes, writer)
    return writer.op("Where", [writer.op("Cast", [condition], to=9), *sides])


def _reduction(layer: Reduction, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    kinds = {"sum": "Sum", "max": "Max", "min": "Min", "product": "Prod", "logsumexp": "LogSumExp"}
    axes = writer.constant(np.array(layer.axes), "axes")
    keep = int(layer.keepdims)
    if layer.kind != "variance":
        return writer.op(f"Reduce{kinds[layer.kind]}", [inputs[0], axes], keepdims=keep)
    sizes = [(None, *shapes[0])[axis] for axis in layer.axes]
    count = np.prod([size or 0 for size in sizes])
    if layer.correction and count <= layer.correction:
        refuse(
            writer.scope,
            layer,
            "its variance is divided by the count of steps less one, and that count is not stated; "
            "write .npz instead",
        )
    centred = writer.op("Sub", [inputs[0], writer.op("ReduceMean", [inputs[0], axes], keepdims=1)])
    square = writer.op("Mul", [centred, centred])
    mean = writer.op("ReduceMean", [square, axes], keepdims=keep)
    if not layer.correction:
        return mean
    factor = np.array(count / (count - layer.correction))
    return writer.op("Mul", [mean, writer.constant(factor, "factor")])


def _cumulative(
    layer: CumulativeSum, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    axis = writer.constant(np.array(layer.axis), "axis")
    return writer.op("CumSum", [inputs[0], axis], reverse=int(layer.reverse))


def _einsum(layer: Einsum, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    letters = dict(zip(sorted(set("".join(layer.terms))), string.ascii_letters, strict=False))
    left, right, out = ("".join(letters[c] for c in term) for term in layer.terms)
    return writer.op("Einsum", list(inputs), equation=f"{left},{right}->{out}")


def _take(layer: Take, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    places = writer.constant(np.array(layer.places), "places")
    return writer.op("Gather", [inputs[0], places], axis=layer.axis)


def _repeat(layer: Repeat, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    rank = len(shapes[0]) + 1
    axis = layer.axis % rank
    if layer.times is None:
        return stretched(inputs[0], inputs[1], axis, rank, writer)
    counts = np.ones(rank, np.int64)
    counts[axis] = layer.times
    return writer.op("Tile", [inputs[0], writer.constant(counts, "times")])


def stretched(x: str, like: str, axis: int, rank: int, writer: OnnxGraphWriter) -> str:
    """Make an axis of length one as long as that of another value."""
    parts = [
        writer.op("Shape", [like if place == axis else x], start=place, end=place + 1)
        for place in range(rank)
    ]
    return writer.op("Expand", [x, writer.op("Concat", parts, axis=0)])


#: Writers of layers by class.
BETWEEN: Mapping[type, Callable[[Any, Inputs, Shapes, OnnxGraphWriter], str]] = {
    Add: _merge,
    Subtract: _merge,
    Multiply: _merge,
    Average: _merge,
    Binary: _binary,
    Where: _where,
    Reduction: _reduction,
    CumulativeSum: _cumulative,
    Einsum: _einsum,
    Take: _take,
    Repeat: _repeat,
}
