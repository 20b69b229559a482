"""What stands between layers as operations of Keras 3, which stand in its graphs beside layers.

Each is one operation on one to three values, as `keras.ops` has it by name. Operations hand no
masks on, as the layers here do not.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite, isinf
from typing import Any

from rnnlens.network.activations import FUNCTIONS
from rnnlens.network.axes import (
    Constant,
    ExpandDims,
    Flip,
    Index,
    Mean,
    Repeat,
    Slice,
    Squeeze,
    Take,
    Unmask,
)
from rnnlens.network.json_values import Json
from rnnlens.network.layers import (
    Activate,
    Binary,
    CumulativeSum,
    Einsum,
    Identity,
    Layer,
    Reduction,
    Where,
)

__all__ = ["KerasOperation", "is_function", "is_operation", "operation_of"]

#: Where Keras keeps its operations.
NUMPY, MATH = "keras.src.ops.numpy", "keras.src.ops.math"


@dataclass(frozen=True)
class KerasOperation:
    """One operation of a Keras file."""

    kind: str
    #: Its options, without its name.
    config: dict[str, Json] = field(default_factory=dict)
    #: What it takes behind the values.
    arguments: tuple[Any, ...] = ()
    module: str = NUMPY


def is_function(layer: Layer) -> bool:
    """Tell whether a layer acts on each number alone, and Keras has it as no layer."""
    if isinstance(layer, Identity):
        return layer.of == "Cast"
    return isinstance(layer, Activate) and layer.activation.name in FUNCTIONS


def is_operation(layer: Layer) -> bool:
    """Tell whether a layer is written as an operation."""
    other = isinstance(layer, Activate | Identity)
    return is_function(layer) if other else type(layer) in MAKERS


def operation_of(layer: Layer, rank: int, dtype: str) -> KerasOperation:
    """Give a layer as an operation of Keras, for a first input of so many axes."""
    if isinstance(layer, Identity):
        return KerasOperation("Cast", {"dtype": dtype}, (), "keras.src.ops.core")
    return MAKERS[type(layer)](layer, rank)


def _function(layer: Activate, rank: int) -> KerasOperation:
    """Give a function that is no activation of Keras."""
    name, p = layer.activation.name, layer.activation.parameters
    if name == "clip":
        low, high = p["min_value"], p["max_value"]
        if isinf(low):
            return KerasOperation("Minimum", {}, (high,)) if isfinite(high) else _copy(layer, rank)
        if isinf(high):
            return KerasOperation("Maximum", {}, (low,))
        return KerasOperation("Clip", {"x_min": low, "x_max": high})
    if name == "power":
        return KerasOperation("Power", {}, (p["exponent"],))
    kind = {"abs": "Absolute", "truncate": "Trunc"}.get(name, name.capitalize())
    return KerasOperation(kind, {}, (), MATH if name == "erf" else NUMPY)


def _places(start: int | None, stop: int | None, step: int | None) -> dict[str, Json]:
    return {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}


def _item(axis: int, rank: int, place: Json) -> KerasOperation:
    """Give ``x[:, ..., place]``."""
    before = [_places(None, None, None)] * (axis % rank)
    return KerasOperation("GetItem", {}, ([*before, place],))


def _einsum(layer: Einsum, rank: int) -> KerasOperation:
    letters = dict(zip(sorted(set("".join(layer.terms))), string.ascii_letters, strict=False))
    left, right, out = ("".join(letters[c] for c in term) for term in layer.terms)
    return KerasOperation("Einsum", {"subscripts": f"{left},{right}->{out}"})


def _reduction(layer: Reduction | Mean, rank: int) -> KerasOperation:
    kinds = {"product": "Prod", "variance": "Var"}
    kind = "mean" if isinstance(layer, Mean) else layer.kind
    axes: list[Json] = [axis % rank for axis in layer.axes]
    module = MATH if kind == "logsumexp" else NUMPY
    config: dict[str, Json] = {"axis": axes, "keepdims": layer.keepdims}
    return KerasOperation(kinds.get(kind, kind.capitalize()), config, (), module)


def _tile(layer: Repeat, rank: int) -> KerasOperation:
    times: list[Json] = [1] * rank
    times[layer.axis % rank] = layer.times
    return KerasOperation("Tile", {"repeats": times})


def _constant(layer: Constant, rank: int) -> KerasOperation:
    """Add fixed numbers to what is zero for each sample."""
    numbers = {"value": layer.C[None].tolist(), "dtype": layer.C.dtype.name}
    return KerasOperation("Add", {}, ({"class_name": "__numpy__", "config": numbers},))


def _copy(layer: Layer, rank: int) -> KerasOperation:
    return KerasOperation("Copy")


#: Operations by layer.
MAKERS: Mapping[type, Callable[[Any, int], KerasOperation]] = {
    Constant: _constant,
    Activate: _function,
    Unmask: _copy,
    Binary: lambda layer, rank: KerasOperation(layer.operation.capitalize()),
    Where: lambda layer, rank: KerasOperation("Where"),
    Reduction: _reduction,
    Mean: _reduction,
    Einsum: _einsum,
    Repeat: _tile,
    CumulativeSum: lambda layer, rank: KerasOperation("Cumsum", {"axis": layer.axis % rank}),
    Index: lambda layer, rank: _item(layer.axis, rank, layer.index),
    Slice: lambda layer, rank: _item(
        layer.axis, rank, _places(layer.start, layer.stop, layer.step)
    ),
    Take: lambda layer, rank: KerasOperation(
        "Take", {"axis": layer.axis % rank}, (list(layer.places),)
    ),
    Flip: lambda layer, rank: KerasOperation("Flip", {"axis": layer.axis % rank}),
    ExpandDims: lambda layer, rank: KerasOperation("ExpandDims", {"axis": layer.axis % (rank + 1)}),
    Squeeze: lambda layer, rank: KerasOperation("Squeeze", {"axis": layer.axis % rank}),
}
