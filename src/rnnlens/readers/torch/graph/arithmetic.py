"""Arithmetic of PyTorch: sums, products and quotients of tensors, numbers and constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlens.network.layers import Add, Multiply, Rescaling, Subtract
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.values import StackedStates, TorchValue, numbers_of

__all__: list[str] = []


def _scaled(
    call: TorchCall, value: TorchValue, scale: np.ndarray, offset: np.ndarray
) -> TorchValue:
    ref = call.builder.add(call.function, Rescaling(scale, offset), value.ref)
    return TorchValue(ref, value.shape, value.batch, value.fold)


def _operand(call: TorchCall, name: str) -> Any:
    """Give a number, a constant array, or a value."""
    raw = call.raw[name]
    if isinstance(raw, int | float | bool):
        return np.array(float(raw))
    if isinstance(call.given(name), TorchValue | StackedStates):
        return call.value(name)
    if isinstance(call.given(name), int | float):
        return np.array(float(call[name]))
    return call.given(name)


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


def _both(call: TorchCall) -> tuple[Any, Any]:
    left, right = _operand(call, "self"), _operand(call, "other")
    for one in (left, right):
        if isinstance(one, TorchValue):
            left = left if isinstance(left, TorchValue) else _beside(call, left, one)
            right = right if isinstance(right, TorchValue) else _beside(call, right, one)
            return left, right
    raise call.refuse("neither of its sides depends on the input")


def _merged(
    call: TorchCall, layer: Add | Subtract | Multiply, left: TorchValue, right: TorchValue
) -> TorchValue:
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
    left, right = _both(call)
    alpha = float(call.raw.get("alpha", 1))
    minus = not call.kind.startswith("add")
    if call.kind == "rsub":
        left, right = right, left
    if alpha != 1:
        if isinstance(right, TorchValue):
            right = _scaled(call, right, np.array(alpha), np.array(0.0))
        else:
            right = right * alpha
    if isinstance(left, TorchValue) and isinstance(right, TorchValue):
        return _merged(call, Subtract() if minus else Add(), left, right)
    if isinstance(left, TorchValue):
        sign = -1.0 if minus else 1.0
        return _scaled(call, left, np.array(1.0), np.asarray(sign * np.asarray(right)))
    return _scaled(call, right, np.array(-1.0 if minus else 1.0), np.asarray(left))


@operation("mul", "mul_")
def _product(call: TorchCall) -> TorchValue:
    left, right = _both(call)
    if isinstance(left, TorchValue) and isinstance(right, TorchValue):
        return _merged(call, Multiply(), left, right)
    value, factor = (left, right) if isinstance(left, TorchValue) else (right, left)
    return _scaled(call, value, np.asarray(factor), np.array(0.0))


@operation("div", "div_")
def _quotient(call: TorchCall) -> TorchValue:
    left, right = _both(call)
    if isinstance(right, TorchValue) or call.raw.get("rounding_mode") is not None:
        raise call.refuse("rnnlens divides by constants alone, without rounding")
    if not np.asarray(right).all():
        raise call.refuse("it divides by zero")
    return _scaled(call, left, 1 / np.asarray(right, float), np.array(0.0))


@operation("neg")
def _negative(call: TorchCall) -> TorchValue:
    return _scaled(call, call.value("self"), np.array(-1.0), np.array(0.0))


@operation("pow.Tensor_Scalar", "square")
def _power(call: TorchCall) -> TorchValue:
    if call.raw.get("exponent", 2) != 2:
        raise call.refuse("rnnlens takes squares alone")
    value = call.value("self")
    ref = call.builder.add(call.function, Multiply(), value.ref, value.ref)
    return TorchValue(ref, value.shape, value.batch, value.fold)
