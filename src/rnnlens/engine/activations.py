"""The activation functions: their values, and their multipliers between two points.

A *multiplier* carries an output's weight back to an input. Between a point ``a`` and a reference
``a0`` it is the secant ``(phi(a) - phi(a0)) / (a - a0)``, so that multiplier times change of the
input is exactly the change of the output (the Rescale rule: Shrikumar, Greenside and Kundaje
2017, "Learning important features through propagating activation differences"). Where ``a`` and
``a0`` meet, it is the derivative: one backward sweep serves both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rnnlens.engine import functions
from rnnlens.engine.arrays import as_numpy, as_tensor, is_tensor
from rnnlens.engine.device import functions as on_device
from rnnlens.network.activations import FUNCTIONS, Activation

__all__ = ["derivative", "log_sinhc", "no_larger", "pull", "value", "within_one"]

Array = NDArray[np.float64]

_PLAIN_RELU = Activation("relu")

#: Functions whose values are of size one at the most, and others that do not make numbers larger.
_WITHIN_ONE = frozenset({"tanh", "sigmoid", "hard_sigmoid", "hard_tanh", "softsign"})
_NO_LARGER = frozenset({"linear", "relu", "elu", "selu", "gelu", "silu", "softplus"})

#: Below this distance the secant of a smooth function is its derivative at the midpoint. The
#: midpoint rule is wrong by d^2 phi''' / 24, the quotient by a rounding / d. By the bytes of a
#: number; in float64 the first is 4e-16.
NEAR = {4: 4e-3, 8: 1e-7}

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


class _Unary(NamedTuple):
    """A function of one number, its derivative, and whether it is smooth at the scale `NEAR`."""

    value: Callable[[Array, Activation], Array]
    derivative: Callable[[Array, Activation], Array]
    smooth: bool = True


def _relu(a: Array, phi: Activation) -> Array:
    if phi == _PLAIN_RELU:
        return np.asarray(a).clip(0.0, np.inf)  # NaN stays, as by np.maximum, which is slower
    low = phi["negative_slope"] * (a - phi["threshold"])
    high = np.minimum(a, phi["max_value"])
    return np.where(a >= phi["threshold"], high, low)


def _relu_derivative(a: Array, phi: Activation) -> Array:
    # At the corner itself the flat side's slope, as frameworks take it.
    if phi == _PLAIN_RELU:
        return (a > 0).astype(a.dtype)
    inside = (a > phi["threshold"]) & (a < phi["max_value"])
    return np.where(inside, 1.0, np.where(a <= phi["threshold"], phi["negative_slope"], 0.0))


def _clip_line(a: Array, slope: float, offset: float, low: float) -> Array:
    return np.clip(slope * a + offset, low, 1.0)


def _hard_sigmoid_derivative(a: Array, phi: Activation) -> Array:
    return np.where(np.abs(a) < 0.5 / phi["slope"], phi["slope"], 0.0)


def _hard_silu(a: Array, _: Activation) -> Array:
    return a * _clip_line(a, 1 / 6, 0.5, 0.0)


def _hard_silu_derivative(a: Array, _: Activation) -> Array:
    return np.where(a <= -3, 0.0, np.where(a >= 3, 1.0, (2 * a + 3) / 6))


def _elu(a: Array, alpha: float) -> Array:
    return np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0)))


def _elu_derivative(a: Array, alpha: float) -> Array:
    return np.where(a > 0, 1.0, alpha * np.exp(np.minimum(a, 0)))


def _gelu_inner(a: Array) -> Array:
    return np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)


def _gelu(a: Array, phi: Activation) -> Array:
    if phi["approximate"]:
        return 0.5 * a * (1 + np.tanh(_gelu_inner(a)))
    return a * special.ndtr(a)


def _gelu_derivative(a: Array, phi: Activation) -> Array:
    if phi["approximate"]:
        t = np.tanh(_gelu_inner(a))
        inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * a**2)
        return 0.5 * (1 + t) + 0.5 * a * (1 - t**2) * inner
    return special.ndtr(a) + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)


def _softplus(a: Array) -> Array:
    return np.logaddexp(0.0, a)


def _sigmoid_derivative(a: Array) -> Array:
    s = special.expit(a)
    return s * (1 - s)


def _silu_derivative(a: Array, _: Activation) -> Array:
    s = special.expit(a)
    return s + a * s * (1 - s)


def _mish_derivative(a: Array, _: Activation) -> Array:
    t = np.tanh(_softplus(a))
    return t + a * (1 - t**2) * special.expit(a)


def _soft_shrink(a: Array, phi: Activation) -> Array:
    return np.sign(a) * np.maximum(np.abs(a) - phi["threshold"], 0.0)


def _beyond(a: Array, phi: Activation) -> Array:
    return np.where(np.abs(a) > phi["threshold"], 1.0, 0.0)


def _sparse_plus(a: Array, _: Activation) -> Array:
    return np.where(a >= 1, a, np.where(a <= -1, 0.0, (a + 1) ** 2 / 4))


def _sparse_plus_derivative(a: Array, _: Activation) -> Array:
    return np.clip((a + 1) / 2, 0.0, 1.0)


_UNARY: dict[str, _Unary] = {
    "linear": _Unary(lambda a, _: a, lambda a, _: np.ones_like(a)),
    "tanh": _Unary(lambda a, _: np.tanh(a), lambda a, _: 1 - np.tanh(a) ** 2),
    "sigmoid": _Unary(lambda a, _: special.expit(a), lambda a, _: _sigmoid_derivative(a)),
    "relu": _Unary(_relu, _relu_derivative, smooth=False),
    "elu": _Unary(
        lambda a, p: _elu(a, p["alpha"]), lambda a, p: _elu_derivative(a, p["alpha"]), smooth=False
    ),
    "selu": _Unary(
        lambda a, _: _SELU_SCALE * _elu(a, _SELU_ALPHA),
        lambda a, _: _SELU_SCALE * _elu_derivative(a, _SELU_ALPHA),
        smooth=False,
    ),
    "celu": _Unary(
        lambda a, p: p["alpha"] * _elu(a / p["alpha"], 1.0),
        lambda a, p: _elu_derivative(a / p["alpha"], 1.0),
        smooth=False,
    ),
    "gelu": _Unary(_gelu, _gelu_derivative),
    "softplus": _Unary(lambda a, _: _softplus(a), lambda a, _: special.expit(a)),
    "softsign": _Unary(lambda a, _: a / (1 + np.abs(a)), lambda a, _: (1 + np.abs(a)) ** -2.0),
    "silu": _Unary(lambda a, _: a * special.expit(a), _silu_derivative),
    "mish": _Unary(lambda a, _: a * np.tanh(_softplus(a)), _mish_derivative),
    "exponential": _Unary(lambda a, _: np.exp(a), lambda a, _: np.exp(a)),
    "squareplus": _Unary(
        lambda a, p: (a + np.sqrt(a**2 + p["b"])) / 2,
        lambda a, p: (1 + a / np.sqrt(a**2 + p["b"])) / 2,
    ),
    "log_sigmoid": _Unary(lambda a, _: -_softplus(-a), lambda a, _: special.expit(-a)),
    "hard_sigmoid": _Unary(
        lambda a, p: _clip_line(a, p["slope"], 0.5, 0.0), _hard_sigmoid_derivative, smooth=False
    ),
    "hard_silu": _Unary(_hard_silu, _hard_silu_derivative, smooth=False),
    "hard_tanh": _Unary(
        lambda a, _: _clip_line(a, 1.0, 0.0, -1.0),
        lambda a, _: np.where(np.abs(a) < 1, 1.0, 0.0),
        smooth=False,
    ),
    "hard_shrink": _Unary(lambda a, p: a * _beyond(a, p), _beyond, smooth=False),
    "soft_shrink": _Unary(_soft_shrink, _beyond, smooth=False),
    "tanh_shrink": _Unary(lambda a, _: a - np.tanh(a), lambda a, _: np.tanh(a) ** 2),
    "threshold": _Unary(
        lambda a, p: np.where(a > p["threshold"], a, p["value"]),
        lambda a, p: np.where(a > p["threshold"], 1.0, 0.0),
        smooth=False,
    ),
    "sparse_plus": _Unary(_sparse_plus, _sparse_plus_derivative, smooth=False),
    "sparse_sigmoid": _Unary(
        lambda a, _: _clip_line(a, 0.5, 0.5, 0.0),
        lambda a, _: np.where(np.abs(a) < 1, 0.5, 0.0),
        smooth=False,
    ),
}


def within_one(phi: Activation) -> bool:
    """Say whether it gives a number of size one at the most, whatever it takes."""
    return phi.name in _WITHIN_ONE


def no_larger(phi: Activation) -> bool:
    """Say whether it gives a number about as large as what it takes, or smaller."""
    return phi.name in _WITHIN_ONE or phi.name in _NO_LARGER


def value(phi: Activation, a: Array) -> Array:
    """Evaluate an activation."""
    if is_tensor(a):
        there = on_device.value(phi, a)
        return as_tensor(value(phi, as_numpy(a)), a) if there is None else there
    if phi.name in FUNCTIONS:
        return functions.value(phi, a)
    if not phi.axis_wise:
        return _UNARY[phi.name].value(a, phi)
    axis = int(phi["axis"])
    if phi.name == "softmax":
        return np.exp(a - _log_sum_exp(a, axis))
    if phi.name == "log_softmax":
        return a - _log_sum_exp(a, axis)
    if phi.name == "sparsemax":
        return np.maximum(a - _sparsemax_threshold(a, axis), 0.0)
    left, right = np.split(a, 2, axis=axis)
    return left * special.expit(right)


def derivative(phi: Activation, a: Array) -> Array:
    """Differentiate an activation that acts on each number alone."""
    if phi.name in FUNCTIONS:
        return functions.slope(phi, a)
    return _UNARY[phi.name].derivative(a, phi)


def _function_slope(phi: Activation, a: Array, a0: Array) -> Array:
    """Give the slope of a function that stands between layers, `rnnlens.engine.functions`."""
    if a is a0:
        return functions.slope(phi, a)
    change = a - a0
    same = change == 0
    own = functions.secant(phi, a, np.where(same, a + 1, a0))
    if own is not None:
        return np.where(same, functions.slope(phi, a), own).astype(a.dtype, copy=False)
    near = np.abs(change) < NEAR[a.itemsize]
    rise = functions.value(phi, a) - functions.value(phi, a0)
    middle = functions.slope(phi, (a + a0) / 2)
    return np.where(near, middle, rise / np.where(near, 1.0, change)).astype(a.dtype, copy=False)


def _slope(phi: Activation, a: Array, a0: Array) -> Array:
    if phi.name in FUNCTIONS:
        return _function_slope(phi, a, a0)
    function = _UNARY[phi.name]
    if a is a0:
        return function.derivative(a, phi).astype(a.dtype, copy=False)
    change = a - a0
    near = np.abs(change) < NEAR[a.itemsize] if function.smooth else change == 0
    rise = function.value(a, phi) - function.value(a0, phi)
    if not near.any():
        return rise / change
    secant = rise / np.where(near, 1.0, change)
    slope = function.derivative((a + a0) / 2, phi)
    return np.where(near, slope, secant).astype(a.dtype, copy=False)


def pull(phi: Activation, a: Array, a0: Array, m: Array) -> Array:
    """Carry multipliers from an activation's output back to its input."""
    if phi.name == "linear":
        return m
    if is_tensor(a):
        there = on_device.slope(phi, a, a0)
        if there is not None:
            return m * there
        here = as_numpy(a)
        here0 = here if a is a0 else as_numpy(a0)
        return as_tensor(pull(phi, here, here0, as_numpy(m)), a)
    if phi.name in functions.PARTIAL:
        slope = _slope(phi, a, a0)
        return m * np.where((m == 0) & ~np.isfinite(slope), 0.0, slope)
    if not phi.axis_wise:
        return m * _slope(phi, a, a0)
    axis = int(phi["axis"])
    if phi.name == "log_softmax":
        return _pull_log_softmax(a, a0, m, axis)
    if phi.name == "softmax":
        # exp after log_softmax: two rules in a row, each complete.
        log = Activation("log_softmax", {"axis": axis})
        inner, inner0 = value(log, a), (value(log, a0) if a is not a0 else None)
        if inner0 is None:
            return _pull_log_softmax(a, a0, m * np.exp(inner), axis)
        return _pull_log_softmax(a, a0, m * _slope(Activation("exponential"), inner, inner0), axis)
    if phi.name == "sparsemax":
        return _pull_sparsemax(a, a0, m, axis)
    return _pull_glu(a, a0, m, axis)


def _log_sum_exp(a: Array, axis: int) -> Array:
    return np.asarray(special.logsumexp(a, axis=axis, keepdims=True))


def _pull_log_softmax(a: Array, a0: Array, m: Array, axis: int) -> Array:
    # log_softmax = a - L with L = log sum exp. Between two points, exp and log each take their
    # secant: the weight of a_k in L is logmean(e^a_k, e^a0_k) / logmean(S, S0). Written with
    # sinh(x)/x it neither overflows nor cancels.
    total = _log_sum_exp(a, axis)
    total0 = _log_sum_exp(a0, axis)
    weight = np.exp(
        (a + a0 - total - total0) / 2 + log_sinhc((a - a0) / 2) - log_sinhc((total - total0) / 2)
    )
    return m - weight * m.sum(axis=axis, keepdims=True)


def log_sinhc(x: Array) -> Array:
    """Give log(sinh(x) / x), even in x and 0 at 0."""
    x = np.abs(x)
    small = x < 1e-2
    safe = np.where(small, 1.0, x)
    large = safe + np.log1p(-np.exp(-2 * safe)) - np.log(2 * safe)
    return np.where(small, x**2 / 6 - x**4 / 180 + x**6 / 2835, large)


def _sparsemax_threshold(a: Array, axis: int) -> Array:
    """Give tau with sum max(a - tau, 0) = 1 (Martins and Astudillo 2016)."""
    ordered = -np.sort(-a, axis=axis)
    shape = [1] * a.ndim
    shape[axis] = a.shape[axis]
    count = np.arange(1, a.shape[axis] + 1).reshape(shape)
    running = np.cumsum(ordered, axis=axis)
    inside = 1 + count * ordered > running
    size = inside.sum(axis=axis, keepdims=True)
    return (np.take_along_axis(running, size - 1, axis=axis) - 1) / size


def _pull_sparsemax(a: Array, a0: Array, m: Array, axis: int) -> Array:
    # p = relu(a - tau), and sum p = 1 at both points: the weights s_k of the relu's secants say
    # how tau moves, sum s_k (da_k - dtau) = 0.
    tau, tau0 = _sparsemax_threshold(a, axis), _sparsemax_threshold(a0, axis)
    relu = Activation("relu")
    over = a - tau
    s = _slope(relu, over, over if a is a0 else a0 - tau0)
    along = m * s
    total = s.sum(axis=axis, keepdims=True)
    return along - s * along.sum(axis=axis, keepdims=True) / total


def _pull_glu(a: Array, a0: Array, m: Array, axis: int) -> Array:
    left, right = np.split(a, 2, axis=axis)
    left0, right0 = np.split(a0, 2, axis=axis)
    sigmoid = Activation("sigmoid")
    gate, gate0 = special.expit(right), special.expit(right0)
    to_right = pull(sigmoid, right, right if a is a0 else right0, m * (left + left0) / 2)
    return np.concatenate([m * (gate + gate0) / 2, to_right], axis=axis)
