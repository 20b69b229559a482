"""Arithmetic between values, or between a value and numbers; comparisons and choices."""

from __future__ import annotations

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.layers import (
    Activate,
    Add,
    Binary,
    Layer,
    Multiply,
    Rescaling,
    Subtract,
    Where,
)
from rnnlens.network.network import Ref
from rnnlens.readers.keras.operations.call import OperationCall, operation

__all__: list[str] = []

Operand = Ref | np.ndarray


def _affine(call: OperationCall, ref: Ref, scale: np.ndarray, offset: np.ndarray) -> Ref:
    return call.add(Rescaling(np.asarray(scale, float), np.asarray(offset, float)), ref)


def _beside(call: OperationCall, ref: Ref, numbers: np.ndarray) -> tuple[np.ndarray, bool]:
    """Lay numbers out like one sample of a value, and say whether they stretch it."""
    shape = call.nodes.shape(ref)
    if numbers.ndim > len(shape):
        if numbers.ndim > len(shape) + 1 or len(numbers) != 1:
            raise call.refuse("it takes numbers that are laid out for a number of samples")
        numbers = numbers[0]
    own = shape[len(shape) - numbers.ndim :]
    return numbers, any(
        side > 1 and length == 1 for side, length in zip(numbers.shape, own, strict=True)
    )


def _both(call: OperationCall) -> tuple[Operand, Operand]:
    """Give both operands, of which one at least is a value."""
    left, right = call.operand(0, "x1"), call.operand(1, "x2")
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        raise call.refuse("neither of its sides depends on the inputs")
    if not isinstance(left, np.ndarray) and not isinstance(right, np.ndarray):
        if call.nodes.rank(left) != call.nodes.rank(right):
            raise call.refuse(
                f"its sides have {call.nodes.rank(left)} and {call.nodes.rank(right)} axes, so "
                "samples would meet steps; give both the same axes, as with expand_dims"
            )
        return left, right
    value, numbers = (right, left) if isinstance(left, np.ndarray) else (left, right)
    value = _value(value)
    laid, stretches = _beside(call, value, np.asarray(numbers))
    other: Operand = call.nodes.constant(laid, value) if stretches else laid
    return (other, value) if isinstance(left, np.ndarray) else (value, other)


def _values(call: OperationCall, left: Operand, right: Operand) -> tuple[Ref, Ref]:
    """Give both operands as values."""
    if isinstance(left, np.ndarray):
        value = _value(right)
        return call.nodes.constant(left, value), value
    return left, call.nodes.constant(right, left) if isinstance(right, np.ndarray) else right


def _value(operand: Operand) -> Ref:
    """Give an operand that is a value, as one of two always is."""
    assert not isinstance(operand, np.ndarray)
    return operand


ONE, NONE = np.array(1.0), np.array(0.0)


@operation("Add")
def add(call: OperationCall) -> Ref:
    """``x1 + x2``."""
    left, right = _both(call)
    if isinstance(left, np.ndarray):
        return _affine(call, _value(right), ONE, left)
    if isinstance(right, np.ndarray):
        return _affine(call, left, ONE, right)
    return call.add(Add(), left, right)


@operation("Subtract")
def subtract(call: OperationCall) -> Ref:
    """``x1 - x2``."""
    return _difference(call, *_both(call))


def _difference(call: OperationCall, left: Operand, right: Operand) -> Ref:
    if isinstance(left, np.ndarray):
        return _affine(call, _value(right), -ONE, left)
    if isinstance(right, np.ndarray):
        return _affine(call, left, ONE, -right)
    return call.add(Subtract(), left, right)


@operation("Multiply")
def multiply(call: OperationCall) -> Ref:
    """``x1 x2``."""
    left, right = _both(call)
    if isinstance(left, np.ndarray):
        return _affine(call, _value(right), left, NONE)
    if isinstance(right, np.ndarray):
        return _affine(call, left, right, NONE)
    return call.add(Multiply(), left, right)


@operation("Divide", "TrueDivide")
def divide(call: OperationCall) -> Ref:
    """``x1 / x2``."""
    left, right = _both(call)
    if isinstance(right, np.ndarray):
        if not right.all():
            raise call.refuse("it divides by zero")
        return _affine(call, _value(left), 1 / right, NONE)
    if isinstance(left, np.ndarray):
        return _affine(call, _function(call, "reciprocal", right), left, NONE)
    return call.add(Binary("divide"), left, right)


@operation("Power")
def power(call: OperationCall) -> Ref:
    """``x1 ** x2``."""
    left, right = _both(call)
    if isinstance(right, np.ndarray) and right.ndim == 0:
        return call.add(Activate(Activation("power", {"exponent": float(right)})), _value(left))
    if isinstance(left, np.ndarray):
        if (left <= 0).any():
            raise call.refuse("its base is not positive")
        return _function(call, "exponential", _affine(call, _value(right), np.log(left), NONE))
    return call.add(Binary("power"), *_values(call, left, right))


@operation("Square")
def square(call: OperationCall) -> Ref:
    """``x x``."""
    return call.add(Activate(Activation("power")), call.ref())


@operation("Negative")
def negative(call: OperationCall) -> Ref:
    """``-x``."""
    return _affine(call, call.ref(), -ONE, NONE)


@operation("Maximum", "Minimum")
def extreme(call: OperationCall) -> Ref:
    """Give the larger or the smaller of two."""
    left, right = _both(call)
    kind = "maximum" if call.kind == "Maximum" else "minimum"
    for value, bound in ((left, right), (right, left)):
        if isinstance(bound, np.ndarray) and bound.ndim == 0:
            side = "min_value" if kind == "maximum" else "max_value"
            return call.add(Activate(Activation("clip", {side: float(bound)})), _value(value))
    return call.add(Binary(kind), *_values(call, left, right))


#: Which side is subtracted from which, and what a difference of zero gives.
COMPARISONS = {"Greater": (1, 0), "GreaterEqual": (1, 1), "Less": (-1, 0), "LessEqual": (-1, 1)}


@operation(*COMPARISONS)
def compare(call: OperationCall) -> Ref:
    """1 where ``x1 > x2`` and so on, 0 elsewhere."""
    sign, at_zero = COMPARISONS[call.kind]
    left, right = _both(call)
    ahead = _difference(call, left, right) if sign > 0 else _difference(call, right, left)
    return call.add(Activate(Activation("step", {"at_zero": float(at_zero)})), ahead)


@operation("Equal", "NotEqual")
def equal(call: OperationCall) -> Ref:
    """1 where ``x1 == x2``, 0 elsewhere, or the other way round."""
    same = _function(call, "is_zero", _difference(call, *_both(call)))
    return same if call.kind == "Equal" else _affine(call, same, -ONE, ONE)


@operation("LogicalNot")
def negation(call: OperationCall) -> Ref:
    """1 where x is 0."""
    return _function(call, "is_zero", call.ref())


@operation("LogicalAnd", "LogicalOr")
def junction(call: OperationCall) -> Ref:
    """1 where both, or either, are not 0."""
    layer: Layer = Multiply() if call.kind == "LogicalAnd" else Binary("maximum")
    left, right = _both(call)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        raise call.refuse("it joins a condition and numbers; leave the numbers out")
    return call.add(layer, left, right)


@operation("Where")
def where(call: OperationCall) -> Ref:
    """x1 where the condition holds, and x2 elsewhere."""
    condition = call.ref(0, "condition")
    sides = []
    for place, name in ((1, "x1"), (2, "x2")):
        side = call.operand(place, name)
        if isinstance(side, np.ndarray):
            side = call.nodes.constant(_beside(call, condition, side)[0], condition)
        elif call.nodes.rank(side) != call.nodes.rank(condition):
            raise call.refuse("its condition and its sides have different numbers of axes")
        sides.append(side)
    return call.add(Where(), condition, *sides)


def _function(call: OperationCall, name: str, ref: Ref) -> Ref:
    return call.add(Activate(Activation(name)), ref)
