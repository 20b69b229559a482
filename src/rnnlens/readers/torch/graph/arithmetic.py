"""Arithmetic of PyTorch: sums, products and quotients of tensors, numbers and constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.layers import Activate, Add, Binary, Layer, Multiply, Rescaling, Subtract
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.values import StackedStates, TorchValue, numbers_of

__all__ = ["merged", "operands", "scaled"]

RECIPROCAL = Activation("reciprocal")


def scaled(call: TorchCall, value: TorchValue, scale: np.ndarray, offset: np.ndarray) -> TorchValue:
    """Multiply a value by numbers and add some."""
    if not np.isfinite(scale).all() or not np.isfinite(offset).all():
        raise call.refuse("a constant in it holds NaN or infinity: leave out what is left out")
    ref = call.builder.add(call.function, Rescaling(scale, offset), value.ref)
    return TorchValue(ref, value.shape, value.batch, value.fold)


def _operand(call: TorchCall, name: str) -> Any:
    """Give a number, a constant tensor, or a value."""
    raw = call.raw[name]
    if isinstance(raw, int | float | bool):
        return np.array(float(raw))
    given = call.given(name)
    if isinstance(given, TorchValue | StackedStates):
        return call.value(name)
    return np.array(float(call[name])) if isinstance(given, int | float) else given


def _beside(call: TorchCall, constant: Any, value: TorchValue) -> np.ndarray | TorchValue:
    """Lay a constant out like one sample of a value; where it is larger, make it a value."""
    if isinstance(constant, np.ndarray):
        return constant
    out = call.out
    array = numbers_of(constant)
    if array.ndim == 0:
        return array.astype(float)
    if value.fold is not None and (array.ndim > value.rank - value.batch - 1):
        raise call.refuse("it follows a view that merges samples and steps", wrong_axis=True)
    place = None if out.batch is None else out.batch - (len(out.shape) - array.ndim)
    if place is not None and place >= 0:
        array = call.per_sample(constant, place)
    sample = (*out.before, *out.after)
    if value.fold is None and np.broadcast_shapes(array.shape, value.shape) != value.shape:
        assert out.batch is not None
        whole = np.broadcast_to(array, sample).copy()
        return TorchValue(
            call.builder.constant(f"{call.function}_constant", whole), sample, out.batch
        )
    return array


def operands(call: TorchCall, *given: Any, first: Any = "self", name: str = "other") -> list[Any]:
    """Give what an operation takes, each a value or the numbers that one sample meets.

    What it takes are two arguments by their names, the first perhaps a value itself; or ``given``
    are any number of results.
    """
    if given:
        sides = [np.array(float(one)) if isinstance(one, int | float) else one for one in given]
    else:
        left = first if isinstance(first, TorchValue) else _operand(call, first)
        sides = [left, _operand(call, name)]
    value = next((side for side in sides if isinstance(side, TorchValue)), None)
    if value is None:
        raise call.refuse("neither of its sides depends on the input")
    return [side if isinstance(side, TorchValue) else _beside(call, side, value) for side in sides]


def merged(call: TorchCall, layer: Layer, left: TorchValue, right: TorchValue) -> TorchValue:
    """Add a layer of two values, entry by entry."""
    out = call.out
    for side in (left, right):
        if side.fold != left.fold or side.batch + len(out.shape) - side.rank != out.batch:
            raise call.refuse("its sides have their samples in different axes", wrong_axis=True)
    assert out.batch is not None
    ref = call.builder.add(call.function, layer, left.ref, right.ref)
    inner = (left.shape[left.batch],) if left.fold else ()
    return TorchValue(ref, (*out.before, *inner, *out.after), out.batch, left.fold)


@operation("add", "add_", "sub", "sub_", "rsub")
def _sum(call: TorchCall) -> TorchValue:
    left, right = operands(call)
    alpha = float(call.raw.get("alpha", 1))
    minus = not call.kind.startswith("add")
    if call.kind == "rsub":
        left, right = right, left
    if alpha != 1:
        if isinstance(right, TorchValue):
            right = scaled(call, right, np.array(alpha), np.array(0.0))
        else:
            right = right * alpha
    if isinstance(left, TorchValue) and isinstance(right, TorchValue):
        return merged(call, Subtract() if minus else Add(), left, right)
    if isinstance(left, TorchValue):
        sign = -1.0 if minus else 1.0
        return scaled(call, left, np.array(1.0), np.asarray(sign * np.asarray(right)))
    return scaled(call, right, np.array(-1.0 if minus else 1.0), np.asarray(left))


@operation("mul", "mul_")
def _product(call: TorchCall) -> TorchValue:
    left, right = operands(call)
    if isinstance(left, TorchValue) and isinstance(right, TorchValue):
        return merged(call, Multiply(), left, right)
    value, factor = (left, right) if isinstance(left, TorchValue) else (right, left)
    return scaled(call, value, np.asarray(factor), np.array(0.0))


@operation("div", "div_", "true_divide", "floor_divide")
def _quotient(call: TorchCall) -> TorchValue:
    left, right = operands(call)
    rounding = "floor" if call.kind == "floor_divide" else call.raw.get("rounding_mode")
    if not isinstance(right, TorchValue):
        if not np.asarray(right).all():
            raise call.refuse("it divides by zero")
        made = scaled(call, left, 1 / np.asarray(right, float), np.array(0.0))
    elif isinstance(left, TorchValue):
        made = merged(call, Binary("divide"), left, right)
    else:
        ref = call.builder.add(f"{call.function}_of", Activate(RECIPROCAL), right.ref)
        inverse = TorchValue(ref, right.shape, right.batch, right.fold)
        made = scaled(call, inverse, np.asarray(left, float), np.array(0.0))
    if rounding is None:
        return made
    name = "floor" if rounding == "floor" else "truncate"
    ref = call.builder.add(f"{call.function}_whole", Activate(Activation(name)), made.ref)
    return TorchValue(ref, made.shape, made.batch, made.fold)


@operation("neg")
def _negative(call: TorchCall) -> TorchValue:
    return scaled(call, call.value("self"), np.array(-1.0), np.array(0.0))


@operation("lerp.Scalar")
def _between(call: TorchCall) -> TorchValue:
    left, right = operands(call, name="end")
    weight = float(call["weight"])
    return _weighted(call, left, right, (1 - weight, weight))


def _weighted(call: TorchCall, left: Any, right: Any, weights: tuple[float, float]) -> TorchValue:
    parts = [
        scaled(call, one, np.array(weight), np.array(0.0))
        if isinstance(one, TorchValue)
        else weight * one
        for one, weight in zip((left, right), weights, strict=True)
    ]
    first, second = parts
    if isinstance(first, TorchValue) and isinstance(second, TorchValue):
        return merged(call, Add(), first, second)
    value, fixed = (first, second) if isinstance(first, TorchValue) else (second, first)
    return scaled(call, value, np.array(1.0), np.asarray(fixed))
