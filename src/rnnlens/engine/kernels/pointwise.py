"""Every activation that acts on each number alone: value and slope of one number, for the kernels.

The functions and their slopes at corners are those of `rnnlens.engine.activations`. Each takes a
number and four constants of its type; a slope takes the value as well. They are written without
branches, so that loops over them become vector code, and every number in them has the type of the
argument, so that float32 stays float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from rnnlens.engine.kernels.functions import exp, expm1, log1p_exp, logistic, tanh
from rnnlens.engine.kernels.lowlevel.extending import inlined, like
from rnnlens.network.activations import Activation

__all__ = ["FUNCTIONS", "Pointwise", "pointwise"]

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946
_GELU_CUBE = 0.044715
_GELU_INNER = math.sqrt(2 / math.pi)
_PER_ROOT_2 = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)


class Pointwise(NamedTuple):
    """An activation as kernels take it.

    Parameters
    ----------
    value : callable
        Of a number and the constants.
    slope : callable
        Of a number, the value there, and the constants.
    constants : tuple of four float
        The activation's own.
    smooth : bool
        Whether the secant between close points may be taken as the slope between them.
    """

    value: Callable[..., Any]
    slope: Callable[..., Any]
    constants: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    smooth: bool = True


@inlined
def _tanh(x, k):
    return tanh(x)


@inlined
def _tanh_slope(x, y, k):
    return like(x, 1) - y * y


@inlined
def _logistic(x, k):
    return logistic(x)


@inlined
def _logistic_slope(x, y, k):
    return y * (like(x, 1) - y)


@inlined
def _clip(x, k):
    # slope, offset, lowest and highest value of a line between two limits
    y = k[0] * x + k[1]
    y = k[2] if y < k[2] else y
    return k[3] if y > k[3] else y


@inlined
def _clip_slope(x, y, k):
    return k[0] if (y > k[2]) & (y < k[3]) else like(x, 0)


@inlined
def _relu(x, k):
    # highest value, slope below the threshold, threshold
    high = k[0] if x > k[0] else x
    return high if x >= k[2] else k[1] * (x - k[2])


@inlined
def _relu_slope(x, y, k):
    above = like(x, 1) if x < k[0] else like(x, 0)
    return above if x > k[2] else k[1]


@inlined
def _elu(x, k):
    # slope above zero; height and pace of the exponential below
    below = k[1] * expm1(k[2] * (like(x, 0) if x > 0 else x))
    return k[0] * x if x > 0 else below


@inlined
def _elu_slope(x, y, k):
    below = k[1] * k[2] * exp(k[2] * (like(x, 0) if x > 0 else x))
    return k[0] if x > 0 else below


@inlined
def _normal(x):
    return like(x, 0.5) * math.erfc(-like(x, _PER_ROOT_2) * x)


@inlined
def _gelu(x, k):
    return x * _normal(x)


@inlined
def _gelu_slope(x, y, k):
    return _normal(x) + x * exp(-like(x, 0.5) * x * x) * like(x, _DENSITY)


@inlined
def _gelu_tanh(x, k):
    inner = like(x, _GELU_INNER) * (x + like(x, _GELU_CUBE) * x * x * x)
    return like(x, 0.5) * x * (like(x, 1) + tanh(inner))


@inlined
def _gelu_tanh_slope(x, y, k):
    one, half = like(x, 1), like(x, 0.5)
    t = tanh(like(x, _GELU_INNER) * (x + like(x, _GELU_CUBE) * x * x * x))
    inner = like(x, _GELU_INNER) * (one + like(x, 3 * _GELU_CUBE) * x * x)
    return half * (one + t) + half * x * (one - t * t) * inner


@inlined
def _softplus(x, k):
    return log1p_exp(x)


@inlined
def _softplus_slope(x, y, k):
    return logistic(x)


@inlined
def _softsign(x, k):
    return x / (like(x, 1) + abs(x))


@inlined
def _softsign_slope(x, y, k):
    flat = like(x, 1) / (like(x, 1) + abs(x))
    return flat * flat


@inlined
def _silu(x, k):
    return x * logistic(x)


@inlined
def _silu_slope(x, y, k):
    s = logistic(x)
    return s + x * s * (like(x, 1) - s)


@inlined
def _mish(x, k):
    return x * tanh(log1p_exp(x))


@inlined
def _mish_slope(x, y, k):
    t = tanh(log1p_exp(x))
    return t + x * (like(x, 1) - t * t) * logistic(x)


@inlined
def _exponential(x, k):
    return exp(x)


@inlined
def _exponential_slope(x, y, k):
    return exp(x)


@inlined
def _squareplus(x, k):
    return like(x, 0.5) * (x + math.sqrt(x * x + k[0]))


@inlined
def _squareplus_slope(x, y, k):
    return like(x, 0.5) * (like(x, 1) + x / math.sqrt(x * x + k[0]))


@inlined
def _log_sigmoid(x, k):
    return -log1p_exp(-x)


@inlined
def _log_sigmoid_slope(x, y, k):
    return logistic(-x)


@inlined
def _hard_silu(x, k):
    return x * _clip(x, k)


@inlined
def _hard_silu_slope(x, y, k):
    three, zero, one = like(x, 3), like(x, 0), like(x, 1)
    inside = (x + x + three) / like(x, 6)
    inside = zero if x <= -three else inside
    return one if x >= three else inside


@inlined
def _hard_shrink(x, k):
    return like(x, 0) if abs(x) <= k[0] else x


@inlined
def _beyond(x, y, k):
    return like(x, 1) if abs(x) > k[0] else like(x, 0)


@inlined
def _soft_shrink(x, k):
    above = x - k[0] if x > k[0] else like(x, 0) * x
    return x + k[0] if x < -k[0] else above


@inlined
def _tanh_shrink(x, k):
    return x - tanh(x)


@inlined
def _tanh_shrink_slope(x, y, k):
    t = tanh(x)
    return t * t


@inlined
def _threshold(x, k):
    return k[1] if x <= k[0] else x


@inlined
def _threshold_slope(x, y, k):
    return like(x, 1) if x > k[0] else like(x, 0)


@inlined
def _sparse_plus(x, k):
    one = like(x, 1)
    inside = (x + one) * (x + one) * like(x, 0.25)
    inside = like(x, 0) if x <= -one else inside
    return x if x >= one else inside


@inlined
def _sparse_plus_slope(x, y, k):
    inside = (x + like(x, 1)) * like(x, 0.5)
    inside = like(x, 0) if inside < 0 else inside
    return like(x, 1) if inside > 1 else inside


def _line(slope: float, offset: float, low: float, high: float) -> Pointwise:
    return Pointwise(_clip, _clip_slope, (slope, offset, low, high), smooth=False)


def _relu_pointwise(phi: Activation) -> Pointwise:
    if phi["threshold"] == 0 and phi["negative_slope"] == 0:
        return _line(1.0, 0.0, 0.0, phi["max_value"])
    constants = (phi["max_value"], phi["negative_slope"], phi["threshold"], 0.0)
    return Pointwise(_relu, _relu_slope, constants, smooth=False)


def _elu_pointwise(above: float, height: float, pace: float) -> Pointwise:
    return Pointwise(_elu, _elu_slope, (above, height, pace, 0.0), smooth=False)


def _cornered(value: Callable[..., Any], slope: Callable[..., Any], *constants: float) -> Pointwise:
    four = (*constants, 0.0, 0.0, 0.0, 0.0)[:4]
    return Pointwise(value, slope, four, smooth=False)  # type: ignore[arg-type]


_POINTWISE: dict[str, Callable[[Activation], Pointwise]] = {
    "linear": lambda _: _line(1.0, 0.0, -math.inf, math.inf),
    "tanh": lambda _: Pointwise(_tanh, _tanh_slope),
    "sigmoid": lambda _: Pointwise(_logistic, _logistic_slope),
    "relu": _relu_pointwise,
    "elu": lambda phi: _elu_pointwise(1.0, phi["alpha"], 1.0),
    "selu": lambda _: _elu_pointwise(_SELU_SCALE, _SELU_SCALE * _SELU_ALPHA, 1.0),
    "celu": lambda phi: _elu_pointwise(1.0, phi["alpha"], 1 / phi["alpha"]),
    "gelu": lambda phi: (
        Pointwise(_gelu_tanh, _gelu_tanh_slope)
        if phi["approximate"]
        else Pointwise(_gelu, _gelu_slope)
    ),
    "softplus": lambda _: Pointwise(_softplus, _softplus_slope),
    "softsign": lambda _: Pointwise(_softsign, _softsign_slope),
    "silu": lambda _: Pointwise(_silu, _silu_slope),
    "mish": lambda _: Pointwise(_mish, _mish_slope),
    "exponential": lambda _: Pointwise(_exponential, _exponential_slope),
    "squareplus": lambda phi: Pointwise(_squareplus, _squareplus_slope, (phi["b"], 0.0, 0.0, 0.0)),
    "log_sigmoid": lambda _: Pointwise(_log_sigmoid, _log_sigmoid_slope),
    "hard_sigmoid": lambda phi: _line(phi["slope"], 0.5, 0.0, 1.0),
    "hard_silu": lambda _: _cornered(_hard_silu, _hard_silu_slope, 1 / 6, 0.5, 0.0, 1.0),
    "hard_tanh": lambda _: _line(1.0, 0.0, -1.0, 1.0),
    "hard_shrink": lambda phi: _cornered(_hard_shrink, _beyond, phi["threshold"]),
    "soft_shrink": lambda phi: _cornered(_soft_shrink, _beyond, phi["threshold"]),
    "tanh_shrink": lambda _: Pointwise(_tanh_shrink, _tanh_shrink_slope),
    "threshold": lambda phi: _cornered(
        _threshold, _threshold_slope, phi["threshold"], phi["value"]
    ),
    "sparse_plus": lambda _: Pointwise(_sparse_plus, _sparse_plus_slope),
    "sparse_sigmoid": lambda _: _line(0.5, 0.5, 0.0, 1.0),
}


#: Value and slope of every activation.
FUNCTIONS: tuple[tuple[Callable[..., Any], Callable[..., Any]], ...] = (
    (_tanh, _tanh_slope),
    (_logistic, _logistic_slope),
    (_clip, _clip_slope),
    (_relu, _relu_slope),
    (_elu, _elu_slope),
    (_gelu, _gelu_slope),
    (_gelu_tanh, _gelu_tanh_slope),
    (_softplus, _softplus_slope),
    (_softsign, _softsign_slope),
    (_silu, _silu_slope),
    (_mish, _mish_slope),
    (_exponential, _exponential_slope),
    (_squareplus, _squareplus_slope),
    (_log_sigmoid, _log_sigmoid_slope),
    (_hard_silu, _hard_silu_slope),
    (_hard_shrink, _beyond),
    (_soft_shrink, _beyond),
    (_tanh_shrink, _tanh_shrink_slope),
    (_threshold, _threshold_slope),
    (_sparse_plus, _sparse_plus_slope),
)


def pointwise(phi: Activation) -> Pointwise | None:
    """Give an activation as kernels take it."""
    make = _POINTWISE.get(phi.name)
    return None if make is None else make(phi)
