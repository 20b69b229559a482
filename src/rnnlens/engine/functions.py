"""Functions of one number that stand between layers: their values, derivatives and secants.

Their secants are written so that nothing cancels and nothing overflows where the function is
defined: with ``r = (a - a0) / a0``, ``log a - log a0 = log1p(r)`` and ``a^p - a0^p = a0^p
expm1(p log1p(r))``. Steps (``floor``, ``sign``, ``step``) have the derivative zero, and between
two places the quotient of the changes, as every function has.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rnnlens.network.activations import FUNCTIONS, Activation

__all__ = ["PARTIAL", "secant", "slope", "value"]

Array = NDArray[np.float64]

#: Functions that are not defined, or have no finite slope, everywhere: where nothing is to be
#: carried back, nothing is, whatever the slope.
PARTIAL = frozenset({"log", "log1p", "power", "reciprocal", "sqrt"})

_STEPS = frozenset({"ceil", "floor", "is_zero", "round", "sign", "step", "truncate"})


def _step(a: Array, phi: Activation) -> Array:
    return np.where(a == 0, phi["at_zero"], (a > 0) * 1.0)


_VALUES: dict[str, Callable[[Array, Activation], Array]] = {
    "abs": lambda a, _: np.abs(a),
    "arctan": lambda a, _: np.arctan(a),
    "ceil": lambda a, _: np.ceil(a),
    "clip": lambda a, p: np.clip(a, p["min_value"], p["max_value"]),
    "cos": lambda a, _: np.cos(a),
    "erf": lambda a, _: special.erf(a),
    "expm1": lambda a, _: np.expm1(a),
    "floor": lambda a, _: np.floor(a),
    "is_zero": lambda a, _: np.where(a == 0, 1.0, 0.0),
    "log": lambda a, _: np.log(a),
    "log1p": lambda a, _: np.log1p(a),
    "power": lambda a, p: a ** p["exponent"],
    "reciprocal": lambda a, _: 1 / a,
    "round": lambda a, _: np.round(a),
    "sign": lambda a, _: np.sign(a),
    "sin": lambda a, _: np.sin(a),
    "sqrt": lambda a, _: np.sqrt(a),
    "step": _step,
    "truncate": lambda a, _: np.trunc(a),
}

_SLOPES: dict[str, Callable[[Array, Activation], Array]] = {
    "abs": lambda a, _: np.sign(a),
    "arctan": lambda a, _: 1 / (1 + a**2),
    "clip": lambda a, p: np.where((a > p["min_value"]) & (a < p["max_value"]), 1.0, 0.0),
    "cos": lambda a, _: -np.sin(a),
    "erf": lambda a, _: np.exp(-(a**2)) * 2 / math.sqrt(math.pi),
    "expm1": lambda a, _: np.exp(a),
    "log": lambda a, _: 1 / a,
    "log1p": lambda a, _: 1 / (1 + a),
    "power": lambda a, p: np.asarray(p["exponent"] * a ** (p["exponent"] - 1), a.dtype),
    "reciprocal": lambda a, _: -1 / a**2,
    "sin": lambda a, _: np.cos(a),
    "sqrt": lambda a, _: 0.5 / np.sqrt(a),
}
assert set(_VALUES) == set(FUNCTIONS) == set(_SLOPES) | _STEPS


def value(phi: Activation, a: Array) -> Array:
    """Evaluate a function; NaN or infinity where it is not defined."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(_VALUES[phi.name](a, phi), a.dtype)


def slope(phi: Activation, a: Array) -> Array:
    """Differentiate a function."""
    if phi.name in _STEPS:
        return np.zeros_like(a)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(_SLOPES[phi.name](a, phi), a.dtype)


def _log_secant(a: Array, a0: Array) -> Array:
    r = (a - a0) / a0
    return np.where(r == 0, 1.0, np.log1p(r) / np.where(r == 0, 1.0, r)) / a0


def _power_secant(a: Array, a0: Array, p: float) -> Array:
    if p == 2:
        return a + a0
    r = (a - a0) / a0
    near = np.expm1(p * np.log1p(np.maximum(r, -1.0))) / r * a0 ** (p - 1)
    return np.where(np.abs(r) < 0.5, near, (a**p - a0**p) / (a - a0))


def secant(phi: Activation, a: Array, a0: Array) -> Array | None:
    """Give the secant's slope where it has a form of its own; a and a0 differ in every place."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        match phi.name:
            case "sqrt":
                return 1 / (np.sqrt(a) + np.sqrt(a0))
            case "reciprocal":
                return -1 / (a * a0)
            case "log":
                return _log_secant(a, a0)
            case "log1p":
                return _log_secant(1 + a, 1 + a0)
            case "power":
                return _power_secant(a, a0, phi["exponent"])
            case "arctan" | "cos" | "erf" | "expm1" | "sin":
                return None
    return (value(phi, a) - value(phi, a0)) / (a - a0)
