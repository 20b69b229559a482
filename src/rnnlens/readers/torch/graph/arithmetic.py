"""Arithmetic of PyTorch: sums, products and quotients of tensors, numbers and constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlens.network.layers import Add, Multiply, Rescaling, Subtract
from rnnlens.readers.torch.graph.call import Call, operation
from rnnlens.readers.torch.graph.values import Stack, Value

__all__: list[str] = []


def _overload(call: Call) -> str:
    return str(call.node.target).split(".")[1]


def _scaled(call: Call, value: Value, scale: np.ndarray, offset: np.ndarray) -> Value:
    ref = call.build.add(call.function, Rescaling(scale, offset), value.ref)
    return Value(ref, value.shape, value.batch, value.fold)


def _operand(call: Call, name: str) -> Any:
    """Give a number, a constant array, or a value."""
    raw = call.raw[name]
    if isinstance(raw, int | float | bool):
        return np.array(float(raw))
    if isinstance(call.given(name), Value | Stack):
        return call.value(name)
    if isinstance(call.given(name), int | float):
        return np.array(float(call[name]))
    return call.given(name)


def _beside(call: Call, constant: Any, value: Value) -> np.ndarray | Value:
    """Lay a constant out like one sample of a value; where it is larger, make it a value."""
    if isinstance(constant, np.ndarray):
        return constant
    out = call.out
    array = constant.detach().cpu().numpy()
    if array.ndim == 0:
        return array.astype(float)
    if value.fold is not None and (array.ndim > value.rank - value.batch - 1):
        raise call.refuse("it follows a view that merges samples and steps")
    place = None if out.batch is None else out.batch - (len(out.shape) - array.ndim)
    if place is not None and place >= 0:
        array = call.per_sample(constant, place)
    sample = (*out.before, *out.after)
    if value.fold is None and np.broadcast_shapes(array.shape, value.shape) != value.shape:
        assert out.batch is not None
        whole = np.broadcast_to(array, sample).copy()
        return Value(call.build.constant(f"{call.function}_constant", whole), sample, out.batch)
    return array


def _both(call: Call) -> tuple[Any, Any]:
    left, right = _operand(call, "self"), _operand(call, "other")
    for one in (left, right):
        if isinstance(one, Value):
            left = left if isinstance(left, Value) else _beside(call, left, one)
            right = right if isinstance(right, Value) else _beside(call, right, one)
            return left, right
    raise call.refuse("neither of its sides depends on the input")


def _merged(call: Call, layer: Add | Subtract | Multiply, left: Value, right: Value) -> Value:
    out = call.out
    for side in (left, right):
        if side.fold != left.fold or side.batch + len(out.shape) - side.rank != out.batch:
            raise call.refuse("its sides have their samples in different axes")
    assert out.batch is not None
    ref = call.build.add(call.function, layer, left.ref, right.ref)
    inner = (left.shape[left.batch],) if left.fold else ()
    return Value(ref, (*out.before, *inner, *out.after), out.batch, left.fold)


@operation("add", "add_", "sub", "sub_", "rsub")
def _sum(call: Call) -> Value:
    left, right = _both(call)
    alpha = float(call.raw.get("alpha", 1))
    minus = not _overload(call).startswith("add")
    if _overload(call) == "rsub":
        left, right = right, left
    if alpha != 1:
        if isinstance(right, Value):
            right = _scaled(call, right, np.array(alpha), np.array(0.0))
        else:
            right = right * alpha
    if isinstance(left, Value) and isinstance(right, Value):
        return _merged(call, Subtract() if minus else Add(), left, right)
    if isinstance(left, Value):
        sign = -1.0 if minus else 1.0
        return _scaled(call, left, np.array(1.0), np.asarray(sign * np.asarray(right)))
    return _scaled(call, right, np.array(-1.0 if minus else 1.0), np.asarray(left))


@operation("mul", "mul_")
def _product(call: Call) -> Value:
    left, right = _both(call)
    if isinstance(left, Value) and isinstance(right, Value):
        return _merged(call, Multiply(), left, right)
    value, factor = (left, right) if isinstance(left, Value) else (right, left)
    return _scaled(call, value, np.asarray(factor), np.array(0.0))


@operation("div", "div_")
def _quotient(call: Call) -> Value:
    left, right = _both(call)
    if isinstance(right, Value) or call.raw.get("rounding_mode") is not None:
        raise call.refuse("rnnlens divides by constants alone, without rounding")
    if not np.asarray(right).all():
        raise call.refuse("it divides by zero")
    return _scaled(call, left, 1 / np.asarray(right, float), np.array(0.0))


@operation("neg")
def _negative(call: Call) -> Value:
    return _scaled(call, call.value("self"), np.array(-1.0), np.array(0.0))


@operation("pow.Tensor_Scalar", "square")
def _power(call: Call) -> Value:
    if call.raw.get("exponent", 2) != 2:
        raise call.refuse("rnnlens takes squares alone")
    value = call.value("self")
    ref = call.build.add(call.function, Multiply(), value.ref, value.ref)
    return Value(ref, value.shape, value.batch, value.fold)
