"""Operations of PyTorch on each number alone: functions, limits, comparisons, choices, NaN."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from rnnlens.names import told
from rnnlens.network.activations import Activation
from rnnlens.network.layers import (
    Activate,
    Binary,
    Layer,
    Multiply,
    Subtract,
    Where,
)
from rnnlens.readers.torch.graph.arithmetic import merged, operands, scaled
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.values import TorchValue

__all__ = ["FAR", "applied", "filling", "finite_alone", "truth"]

#: What stands for infinity in a score: a softmax and a largest value take both alike.
FAR = 1e30

#: Functions without parameters, and ours.
FUNCTIONS = {
    "abs": "abs",
    "atan": "arctan",
    "ceil": "ceil",
    "cos": "cos",
    "erf": "erf",
    "expm1": "expm1",
    "floor": "floor",
    "log": "log",
    "log1p": "log1p",
    "reciprocal": "reciprocal",
    "sign": "sign",
    "sgn": "sign",
    "sin": "sin",
    "sqrt": "sqrt",
    "trunc": "truncate",
}
#: Functions that may give NaN or infinity of finite numbers.
UNBOUNDED = frozenset({"exponential", "log", "log1p", "expm1", "power", "reciprocal", "sqrt"})


def applied(call: TorchCall, value: TorchValue, name: str, **parameters: float) -> TorchValue:
    """Add a function of each number."""
    layer = Activate(Activation(name, parameters))
    ref = call.builder.add(call.function, layer, value.ref)
    return TorchValue(ref, value.shape, value.batch, value.fold)


def _line(call: TorchCall, value: TorchValue, scale: float, offset: float = 0.0) -> TorchValue:
    return scaled(call, value, np.array(scale), np.array(offset))


@operation(*FUNCTIONS, *(f"{name}_" for name in FUNCTIONS))
def _function(call: TorchCall) -> TorchValue:
    return applied(call, call.value("self"), FUNCTIONS[call.kind.removesuffix("_")])


@operation("rsqrt")
def _inverse_root(call: TorchCall) -> TorchValue:
    return applied(call, call.value("self"), "power", exponent=-0.5)


@operation("log2", "log10")
def _logarithm(call: TorchCall) -> TorchValue:
    base = math.log(2.0 if call.kind == "log2" else 10.0)
    return _line(call, applied(call, call.value("self"), "log"), 1 / base)


@operation("exp2")
def _power_of_two(call: TorchCall) -> TorchValue:
    return applied(call, _line(call, call.value("self"), math.log(2.0)), "exponential")


@operation("round", "round.decimals")
def _rounded(call: TorchCall) -> TorchValue:
    places = 10.0 ** call.raw.get("decimals", 0)
    value = call.value("self")
    if places == 1:
        return applied(call, value, "round")
    return _line(call, applied(call, _line(call, value, places), "round"), 1 / places)


@operation("pow.Tensor_Scalar", "square")
def _power(call: TorchCall) -> TorchValue:
    value, exponent = call.value("self"), float(call.raw.get("exponent", 2))
    match exponent:
        case 1.0:
            return value
        case 2.0:
            ref = call.builder.add(call.function, Multiply(), value.ref, value.ref)
            return TorchValue(ref, value.shape, value.batch, value.fold)
        case 0.5:
            return applied(call, value, "sqrt")
    return applied(call, value, "power", exponent=exponent)


@operation("pow.Tensor_Tensor")
def _power_of_values(call: TorchCall) -> TorchValue:
    return _binary(call, "power", "self", "exponent")


@operation("pow.Scalar")
def _exponential(call: TorchCall) -> TorchValue:
    base = float(call["self"])
    if base <= 0:
        raise call.refuse("its base is not positive")
    return applied(call, _line(call, call.value("exponent"), math.log(base)), "exponential")


@operation("softplus")
def _softplus(call: TorchCall) -> TorchValue:
    # above its threshold of 20 PyTorch gives x itself, 2e-9 from softplus(x)
    if call["threshold"] < 20:
        raise call.refuse("its threshold is below 20")
    value, beta = call.value("self"), float(call["beta"])
    softplus = Activate(Activation("softplus"))
    if beta == 1:
        return call.pointwise(value, softplus)
    made = call.pointwise(_line(call, value, beta), softplus)
    return _line(call, made, 1 / beta)


# --- limits ----------------------------------------------------------------------------------


@operation("hardtanh", "hardtanh_", "relu6", "clamp", "clamp_min", "clamp_max", "clip")
def _clamp(call: TorchCall) -> TorchValue:
    names = ("min", "min_val"), ("max", "max_val")
    lower, upper = (
        next((call.raw[name] for name in pair if call.raw.get(name) is not None), None)
        for pair in names
    )
    if call.kind == "relu6":
        lower, upper = 0, 6
    if not isinstance(lower, int | float | None) or not isinstance(upper, int | float | None):
        return _clamp_between(call)
    value = call.value("self")
    if (lower, upper) == (-1, 1):
        return call.pointwise(value, Activate(Activation("hard_tanh")))
    limits = {"min_value": lower, "max_value": upper}
    if lower == 0:
        relu = {} if upper is None else {"max_value": float(upper)}
        return call.pointwise(value, Activate(Activation("relu", relu)))
    stated = {name: float(one) for name, one in limits.items() if one is not None}
    return applied(call, value, "clip", **stated)


def _clamp_between(call: TorchCall) -> TorchValue:
    """Clamp between tensors."""
    value = call.value("self")
    kinds: tuple[tuple[str, Literal["maximum", "minimum"]], ...]
    kinds = (("min", "maximum"), ("max", "minimum"))
    for name, kind in kinds:
        if call.raw.get(name) is not None:
            sides = operands(call, name=name, first=value)
            value = merged(call, Binary(kind), *filling(call, *sides))
    return value


def filling(call: TorchCall, *sides: Any) -> tuple[TorchValue, ...]:
    """Make values of constants beside values, as large as the result."""
    like = next(side for side in sides if isinstance(side, TorchValue))
    out = call.out
    shape = (*out.before, *out.after) if like.fold is None else like.shape
    made = []
    for side in sides:
        if isinstance(side, TorchValue):
            made.append(side)
            continue
        whole = np.broadcast_to(np.asarray(side, float), shape).copy()
        batch = like.batch + len(out.shape) - like.rank
        ref = call.builder.constant(f"{call.function}_constant", whole)
        made.append(TorchValue(ref, shape, batch, like.fold))
    return tuple(made)


def _binary(call: TorchCall, kind: Any, left: str, right: str) -> TorchValue:
    sides = operands(call, first=left, name=right)
    return merged(call, Binary(kind), *filling(call, *sides))


@operation("maximum", "minimum", "max.other", "min.other", "fmax", "fmin")
def _larger(call: TorchCall) -> TorchValue:
    return _binary(call, "maximum" if "max" in call.kind else "minimum", "self", "other")


# --- comparisons -----------------------------------------------------------------------------


@operation("gt", "ge", "lt", "le", "eq", "ne")
def _compared(call: TorchCall) -> TorchValue:
    left, right = operands(call)
    below = call.kind in {"lt", "le"}
    if isinstance(left, TorchValue) and isinstance(right, TorchValue):
        sides = (right, left) if below else (left, right)
        ahead = merged(call, Subtract(), *sides)
    elif isinstance(left, TorchValue):
        sign = np.array(-1.0 if below else 1.0)
        ahead = scaled(call, left, sign, np.asarray(-sign * right))
    else:
        sign = np.array(1.0 if below else -1.0)
        ahead = scaled(call, right, sign, np.asarray(-sign * left))
    if call.kind == "eq":
        return applied(call, ahead, "is_zero")
    if call.kind == "ne":
        return _opposite(call, applied(call, ahead, "is_zero"))
    return applied(call, ahead, "step", at_zero=float(call.kind in {"ge", "le"}))


def _opposite(call: TorchCall, value: TorchValue) -> TorchValue:
    return _line(call, value, -1.0, 1.0)


def truth(call: TorchCall, value: TorchValue) -> TorchValue:
    """Give 1 where a number is not zero, and 0 where it is."""
    return _opposite(call, applied(call, value, "is_zero"))


def _is_boolean(call: TorchCall, name: str) -> bool:
    raw = call.raw[name]
    return raw is True or raw is False or str(raw.meta["val"].dtype) == "torch.bool"


@operation("logical_not", "bitwise_not")
def _not(call: TorchCall) -> TorchValue:
    value = call.value("self")
    if _is_boolean(call, "self"):
        return _opposite(call, value)
    if call.kind == "bitwise_not":
        raise call.refuse("it takes the bits of whole numbers")
    return applied(call, value, "is_zero")


@operation("logical_and", "logical_or", "bitwise_and", "bitwise_or", "__and__", "__or__")
def _both_true(call: TorchCall) -> TorchValue:
    whole = isinstance(call.raw["other"], int) and not isinstance(call.raw["other"], bool)
    booleans = [not whole and _is_boolean(call, name) for name in ("self", "other")]
    sides: Any = filling(call, *operands(call))
    if call.kind.startswith("logical"):
        pairs = zip(sides, booleans, strict=True)
        sides = [one if boolean else truth(call, one) for one, boolean in pairs]
    elif not all(booleans):
        raise call.refuse("it takes the bits of whole numbers")
    layer: Layer = Multiply() if "and" in call.kind else Binary("maximum")
    return merged(call, layer, *sides)


# --- choices ---------------------------------------------------------------------------------


def _finite(call: TorchCall, constant: np.ndarray) -> np.ndarray:
    """Put a large number for infinity in what is chosen."""
    array = np.asarray(constant, float)
    if np.isnan(array).any():
        raise call.refuse("a constant in it holds NaN: leave out what is to be left out")
    return np.clip(array, -FAR, FAR)


@operation("where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar")
def _where(call: TorchCall) -> Any:
    return _chosen(call, "condition", "self", "other")


@operation("masked_fill", "masked_fill_")
def _masked_fill(call: TorchCall) -> Any:
    return _chosen(call, "mask", "value", "self")


def _chosen(call: TorchCall, condition: str, yes: str, no: str) -> Any:
    given = [call.given(name) for name in (condition, yes, no)]
    asked = given[0]
    if not isinstance(asked, TorchValue):
        same = np.asarray(asked.detach().cpu().numpy(), bool)
        if same.all() or not same.any():
            chosen = given[1] if same.all() else given[2]
            if isinstance(chosen, TorchValue) and chosen.rank == len(call.out.shape):
                return chosen
    parts = operands(call, *given)
    parts = [one if isinstance(one, TorchValue) else _finite(call, one) for one in parts]
    out = call.out
    taken = filling(call, *parts)
    assert out.batch is not None
    for one in taken:
        if one.fold != taken[0].fold or one.batch + len(out.shape) - one.rank != out.batch:
            raise call.refuse("its parts have their samples in different axes", wrong_axis=True)
    ref = call.builder.add(call.function, Where(), *(one.ref for one in taken))
    first = taken[0]
    inner = (first.shape[first.batch],) if first.fold else ()
    return TorchValue(ref, (*out.before, *inner, *out.after), out.batch, first.fold)


# --- NaN -------------------------------------------------------------------------------------


def finite_alone(call: TorchCall, value: TorchValue) -> None:
    """Refuse to look for NaN in what may hold some though no input does."""
    nodes = {node.name: node for node in call.builder.nodes}
    waiting, seen = [value.ref[0]], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = nodes[name]
        layer = node.layer
        risky = isinstance(layer, Activate) and layer.activation.name in UNBOUNDED
        if risky or (isinstance(layer, Binary) and layer.operation in {"divide", "power"}):
            raise call.refuse(
                "it looks for NaN or infinity in what the network computes by a quotient, a root, "
                "a power or a logarithm; rnnlens reads it on inputs, whose windows hold none"
            )
        waiting += [one for one, _ in node.inputs]
    call.builder.note(
        told(
            "the code looks for NaN and fills it; windows are taken without NaN, for which that "
            "changes nothing: fill them as the code does"
        )
    )


@operation("isnan", "isinf", "isfinite", "isposinf", "isneginf")
def _is_nan(call: TorchCall) -> Any:
    import torch

    finite_alone(call, call.value("self"))
    found = call.kind == "isfinite"
    return torch.full(call.out.shape, found, dtype=torch.bool)


@operation("nan_to_num", "nan_to_num_")
def _without_nan(call: TorchCall) -> Any:
    finite_alone(call, call.value("self"))
    return call.given("self")
