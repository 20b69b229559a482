"""What stands between layers as expressions of PyTorch: choices, reductions, products."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnnlens.network.axes import (
    ExpandDims,
    Flip,
    Index,
    Lengths,
    Mean,
    Repeat,
    Slice,
    Squeeze,
    Take,
    Unmask,
)
from rnnlens.network.layers import (
    Add,
    Average,
    Binary,
    Concatenate,
    CumulativeSum,
    Einsum,
    Flatten,
    Multiply,
    Permute,
    Reduction,
    RepeatVector,
    Reshape,
    Subtract,
    Where,
)
from rnnlens.network.shapes import Shape

__all__ = ["BETWEEN"]

Inputs = Sequence[str]
Shapes = Sequence[Shape]


def _aligned(inputs: Inputs, shapes: Shapes) -> list[str]:
    """Give every input as many axes, those that are missing after the samples."""
    rank = max(len(shape) for shape in shapes)
    return [
        name + ".unsqueeze(1)" * (rank - len(shape))
        for name, shape in zip(inputs, shapes, strict=True)
    ]


def _merge(layer: Add | Subtract | Multiply | Average, inputs: Inputs, shapes: Shapes) -> str:
    sign = {Add: " + ", Subtract: " - ", Multiply: " * ", Average: " + "}[type(layer)]
    merged = sign.join(_aligned(inputs, shapes))
    return f"({merged}) / {len(inputs)}" if isinstance(layer, Average) else merged


def _binary(layer: Binary, inputs: Inputs, shapes: Shapes) -> str:
    left, right = _aligned(inputs, shapes)
    sign = {"divide": "/", "power": "**"}.get(layer.operation)
    return f"{left} {sign} {right}" if sign else f"torch.{layer.operation}({left}, {right})"


def _where(layer: Where, inputs: Inputs, shapes: Shapes) -> str:
    condition, one, other = _aligned(inputs, shapes)
    return f"torch.where({condition} != 0, {one}, {other})"


def _reduction(layer: Reduction, inputs: Inputs, shapes: Shapes) -> str:
    x, keep = inputs[0], ", keepdim=True" if layer.keepdims else ""
    axes = tuple(axis % (len(shapes[0]) + 1) for axis in layer.axes)
    if layer.kind == "variance":
        return f"{x}.var({axes}, correction={layer.correction}{keep})"
    if layer.kind == "product":  # PyTorch takes one axis at a time
        for axis in sorted(axes, reverse=True):
            x += f".prod({axis}{keep})"
        return x
    kind = {"max": "amax", "min": "amin"}.get(layer.kind, layer.kind)
    return f"{x}.{kind}({axes}{keep})"


def _cumulative(layer: CumulativeSum, inputs: Inputs, shapes: Shapes) -> str:
    turned = f".flip({layer.axis})" if layer.reverse else ""
    return f"{inputs[0]}{turned}.cumsum({layer.axis}){turned}"


def _einsum(layer: Einsum, inputs: Inputs, shapes: Shapes) -> str:
    letters = dict(zip(sorted(set("".join(layer.terms))), string.ascii_letters, strict=False))
    left, right, out = ("".join(letters[c] for c in term) for term in layer.terms)
    return f'torch.einsum("{left},{right}->{out}", {inputs[0]}, {inputs[1]})'


def _concatenate(layer: Concatenate, inputs: Inputs, shapes: Shapes) -> str:
    return f"torch.cat([{', '.join(inputs)}], dim={layer.axis})"


def _before(axis: int, shape: Shape) -> str:
    """Give the places of the axes before one, as Python indexes them."""
    return ":, " * (axis % (len(shape) + 1))


def _index(layer: Index, inputs: Inputs, shapes: Shapes) -> str:
    return f"{inputs[0]}[{_before(layer.axis, shapes[0])}{layer.index}]"


def _slice(layer: Slice, inputs: Inputs, shapes: Shapes) -> str:
    start, stop = ("" if k is None else str(k) for k in (layer.start, layer.stop))
    places = f"{start}:{stop}" if layer.step == 1 else f"{start}:{stop}:{layer.step}"
    before = _before(layer.axis, shapes[0])
    if layer.step > 0:
        return f"{inputs[0]}[{before}{places}]"
    # PyTorch takes no slices backwards; a list of places serves
    return f"{inputs[0]}[{before}list(range({inputs[0]}.shape[{layer.axis}])[{places}])]"


def _repeat(layer: Repeat, inputs: Inputs, shapes: Shapes) -> str:
    rank = len(shapes[0]) + 1
    axis = layer.axis % rank
    times = f"{inputs[1]}.shape[{axis}]" if layer.times is None else str(layer.times)
    counts = ["1"] * rank
    counts[axis] = times
    return f"{inputs[0]}.repeat({', '.join(counts)})"


def _repeat_vector(layer: RepeatVector, inputs: Inputs, shapes: Shapes) -> str:
    times = f"{inputs[1]}.shape[1]" if layer.times is None else str(layer.times)
    return f"{inputs[0]}.unsqueeze(1).repeat(1, {times}, 1)"


def _mean(layer: Mean, inputs: Inputs, shapes: Shapes) -> str:
    keep = ", keepdim=True" if layer.keepdims else ""
    return f"{inputs[0]}.mean({tuple(layer.axes)}{keep})"


def _reshape(layer: Reshape, inputs: Inputs, shapes: Shapes) -> str:
    return f"{inputs[0]}.reshape({inputs[0]}.shape[0], {', '.join(map(str, layer.shape))})"


#: Expressions of layers by class.
BETWEEN: Mapping[type, Callable[[Any, Inputs, Shapes], str]] = {
    Add: _merge,
    Subtract: _merge,
    Multiply: _merge,
    Average: _merge,
    Binary: _binary,
    Where: _where,
    Reduction: _reduction,
    CumulativeSum: _cumulative,
    Einsum: _einsum,
    Concatenate: _concatenate,
    Index: _index,
    Slice: _slice,
    Take: lambda layer, inputs, shapes: (
        f"{inputs[0]}[{_before(layer.axis, shapes[0])}{list(layer.places)}]"
    ),
    Lengths: lambda layer, inputs, shapes: inputs[0],
    Unmask: lambda layer, inputs, shapes: inputs[0],
    Flip: lambda layer, inputs, shapes: f"{inputs[0]}.flip({layer.axis})",
    Repeat: _repeat,
    RepeatVector: _repeat_vector,
    Mean: _mean,
    ExpandDims: lambda layer, inputs, shapes: f"{inputs[0]}.unsqueeze({layer.axis})",
    Squeeze: lambda layer, inputs, shapes: f"{inputs[0]}.squeeze({layer.axis})",
    Flatten: lambda layer, inputs, shapes: f"{inputs[0]}.flatten(1)",
    Reshape: _reshape,
    Permute: lambda layer, inputs, shapes: (
        f"{inputs[0]}.permute(0, {', '.join(map(str, layer.axes))})"
    ),
}
