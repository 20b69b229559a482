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

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from rnnlens.engine.kernels.functions import exp, expm1, log1p_exp, logistic, tanh
from rnnlens.engine.kernels.lowlevel.compiling import OPTIONS
from rnnlens.network.activations import Activation

__all__ = ["Curve", "curve"]

_inlined = register_jitable(**OPTIONS)

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946
_GELU_CUBE = 0.044715
_GELU_INNER = math.sqrt(2 / math.pi)
_PER_ROOT_2 = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)


class Curve(NamedTuple):
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


def _like(x: Any, number: float) -> Any:
    """Give a number of the type of ``x``."""
    return type(x)(number)


@overload(_like, jit_options=OPTIONS)
def _(x, number):
    if x == types.float32:
        return lambda x, number: np.float32(number)
    return lambda x, number: np.float64(number)


@_inlined
def _tanh(x, k):
    return tanh(x)


@_inlined
def _tanh_slope(x, y, k):
    return _like(x, 1) - y * y


@_inlined
def _logistic(x, k):
    return logistic(x)


@_inlined
def _logistic_slope(x, y, k):
    return y * (_like(x, 1) - y)


@_inlined
def _clip(x, k):
    # slope, offset, lowest and highest value of a line between two limits
    y = k[0] * x + k[1]
    y = k[2] if y < k[2] else y
    return k[3] if y > k[3] else y


@_inlined
def _clip_slope(x, y, k):
    return k[0] if (y > k[2]) & (y < k[3]) else _like(x, 0)


@_inlined
def _relu(x, k):
    # highest value, slope below the threshold, threshold
    high = k[0] if x > k[0] else x
    return high if x >= k[2] else k[1] * (x - k[2])


@_inlined
def _relu_slope(x, y, k):
    above = _like(x, 1) if x < k[0] else _like(x, 0)
    return above if x > k[2] else k[1]


@_inlined
def _elu(x, k):
    # slope above zero; height and pace of the exponential below
    below = k[1] * expm1(k[2] * (_like(x, 0) if x > 0 else x))
    return k[0] * x if x > 0 else below


@_inlined
def _elu_slope(x, y, k):
    below = k[1] * k[2] * exp(k[2] * (_like(x, 0) if x > 0 else x))
    return k[0] if x > 0 else below


@_inlined
def _normal(x):
    return _like(x, 0.5) * math.erfc(-_like(x, _PER_ROOT_2) * x)


@_inlined
def _gelu(x, k):
    return x * _normal(x)


@_inlined
def _gelu_slope(x, y, k):
    return _normal(x) + x * exp(-_like(x, 0.5) * x * x) * _like(x, _DENSITY)


@_inlined
def _gelu_tanh(x, k):
    inner = _like(x, _GELU_INNER) * (x + _like(x, _GELU_CUBE) * x * x * x)
    return _like(x, 0.5) * x * (_like(x, 1) + tanh(inner))


@_inlined
def _gelu_tanh_slope(x, y, k):
    one, half = _like(x, 1), _like(x, 0.5)
    t = tanh(_like(x, _GELU_INNER) * (x + _like(x, _GELU_CUBE) * x * x * x))
    inner = _like(x, _GELU_INNER) * (one + _like(x, 3 * _GELU_CUBE) * x * x)
    return half * (one + t) + half * x * (one - t * t) * inner


@_inlined
def _softplus(x, k):
    return log1p_exp(x)


@_inlined
def _softplus_slope(x, y, k):
    return logistic(x)


@_inlined
def _softsign(x, k):
    return x / (_like(x, 1) + abs(x))


@_inlined
def _softsign_slope(x, y, k):
    flat = _like(x, 1) / (_like(x, 1) + abs(x))
    return flat * flat


@_inlined
def _silu(x, k):
    return x * logistic(x)


@_inlined
def _silu_slope(x, y, k):
    s = logistic(x)
    return s + x * s * (_like(x, 1) - s)


@_inlined
def _mish(x, k):
    return x * tanh(log1p_exp(x))


@_inlined
def _mish_slope(x, y, k):
    t = tanh(log1p_exp(x))
    return t + x * (_like(x, 1) - t * t) * logistic(x)


@_inlined
def _exponential(x, k):
    return exp(x)


@_inlined
def _exponential_slope(x, y, k):
    return exp(x)


@_inlined
def _squareplus(x, k):
    return _like(x, 0.5) * (x + math.sqrt(x * x + k[0]))


@_inlined
def _squareplus_slope(x, y, k):
    return _like(x, 0.5) * (_like(x, 1) + x / math.sqrt(x * x + k[0]))


@_inlined
def _log_sigmoid(x, k):
    return -log1p_exp(-x)


@_inlined
def _log_sigmoid_slope(x, y, k):
    return logistic(-x)


@_inlined
def _hard_silu(x, k):
    return x * _clip(x, k)


@_inlined
def _hard_silu_slope(x, y, k):
    three, zero, one = _like(x, 3), _like(x, 0), _like(x, 1)
    inside = (x + x + three) / _like(x, 6)
    inside = zero if x <= -three else inside
    return one if x >= three else inside


@_inlined
def _hard_shrink(x, k):
    return _like(x, 0) if abs(x) <= k[0] else x


@_inlined
def _beyond(x, y, k):
    return _like(x, 1) if abs(x) > k[0] else _like(x, 0)


@_inlined
def _soft_shrink(x, k):
    above = x - k[0] if x > k[0] else _like(x, 0) * x
    return x + k[0] if x < -k[0] else above


@_inlined
def _tanh_shrink(x, k):
    return x - tanh(x)


@_inlined
def _tanh_shrink_slope(x, y, k):
    t = tanh(x)
    return t * t


@_inlined
def _threshold(x, k):
    return k[1] if x <= k[0] else x


@_inlined
def _threshold_slope(x, y, k):
    return _like(x, 1) if x > k[0] else _like(x, 0)


@_inlined
def _sparse_plus(x, k):
    one = _like(x, 1)
    inside = (x + one) * (x + one) * _like(x, 0.25)
    inside = _like(x, 0) if x <= -one else inside
    return x if x >= one else inside


@_inlined
def _sparse_plus_slope(x, y, k):
    inside = (x + _like(x, 1)) * _like(x, 0.5)
    inside = _like(x, 0) if inside < 0 else inside
    return _like(x, 1) if inside > 1 else inside


def _line(slope: float, offset: float, low: float, high: float) -> Curve:
    return Curve(_clip, _clip_slope, (slope, offset, low, high), smooth=False)


def _relu_curve(phi: Activation) -> Curve:
    if phi["threshold"] == 0 and phi["negative_slope"] == 0:
        return _line(1.0, 0.0, 0.0, phi["max_value"])
    constants = (phi["max_value"], phi["negative_slope"], phi["threshold"], 0.0)
    return Curve(_relu, _relu_slope, constants, smooth=False)


def _elu_curve(above: float, height: float, pace: float) -> Curve:
    return Curve(_elu, _elu_slope, (above, height, pace, 0.0), smooth=False)


def _cut(value: Callable[..., Any], slope: Callable[..., Any], *constants: float) -> Curve:
    four = (*constants, 0.0, 0.0, 0.0, 0.0)[:4]
    return Curve(value, slope, four, smooth=False)  # type: ignore[arg-type]


_CURVES: dict[str, Callable[[Activation], Curve]] = {
    "linear": lambda _: _line(1.0, 0.0, -math.inf, math.inf),
    "tanh": lambda _: Curve(_tanh, _tanh_slope),
    "sigmoid": lambda _: Curve(_logistic, _logistic_slope),
    "relu": _relu_curve,
    "elu": lambda phi: _elu_curve(1.0, phi["alpha"], 1.0),
    "selu": lambda _: _elu_curve(_SELU_SCALE, _SELU_SCALE * _SELU_ALPHA, 1.0),
    "celu": lambda phi: _elu_curve(1.0, phi["alpha"], 1 / phi["alpha"]),
    "gelu": lambda phi: (
        Curve(_gelu_tanh, _gelu_tanh_slope) if phi["approximate"] else Curve(_gelu, _gelu_slope)
    ),
    "softplus": lambda _: Curve(_softplus, _softplus_slope),
    "softsign": lambda _: Curve(_softsign, _softsign_slope),
    "silu": lambda _: Curve(_silu, _silu_slope),
    "mish": lambda _: Curve(_mish, _mish_slope),
    "exponential": lambda _: Curve(_exponential, _exponential_slope),
    "squareplus": lambda phi: Curve(_squareplus, _squareplus_slope, (phi["b"], 0.0, 0.0, 0.0)),
    "log_sigmoid": lambda _: Curve(_log_sigmoid, _log_sigmoid_slope),
    "hard_sigmoid": lambda phi: _line(phi["slope"], 0.5, 0.0, 1.0),
    "hard_silu": lambda _: _cut(_hard_silu, _hard_silu_slope, 1 / 6, 0.5, 0.0, 1.0),
    "hard_tanh": lambda _: _line(1.0, 0.0, -1.0, 1.0),
    "hard_shrink": lambda phi: _cut(_hard_shrink, _beyond, phi["threshold"]),
    "soft_shrink": lambda phi: _cut(_soft_shrink, _beyond, phi["threshold"]),
    "tanh_shrink": lambda _: Curve(_tanh_shrink, _tanh_shrink_slope),
    "threshold": lambda phi: _cut(_threshold, _threshold_slope, phi["threshold"], phi["value"]),
    "sparse_plus": lambda _: Curve(_sparse_plus, _sparse_plus_slope),
    "sparse_sigmoid": lambda _: _line(0.5, 0.5, 0.0, 1.0),
}


def curve(phi: Activation) -> Curve | None:
    """Give an activation as kernels take it."""
    found = _CURVES.get(phi.name)
    return None if found is None else found(phi)
