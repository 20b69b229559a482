"""Activations of cells in tensors: their values, and their slopes between two points.

``tanh a - tanh a0 = tanh(d) (1 - tanh a tanh a0)`` with ``d = a - a0``, so that a secant is found
without a quotient of small differences, at ``d = 0`` too; a logistic is a tanh of half its input.
What is not here is computed by NumPy on the processor (`rnnlens.engine.activations`).
"""

from __future__ import annotations

from typing import Any

from rnnlens.network.activations import Activation

__all__ = ["slope", "value"]

_PLAIN_RELU = Activation("relu")


def value(phi: Activation, a: Any) -> Any:
    """Evaluate an activation; None where tensors have no form of it here."""
    match phi.name:
        case "linear":
            return a
        case "tanh":
            return a.tanh()
        case "sigmoid":
            return a.sigmoid()
        case "relu" if phi == _PLAIN_RELU:
            return a.relu()
        case "hard_sigmoid":
            return (phi["slope"] * a + 0.5).clamp(0, 1)
        case "hard_tanh":
            return a.clamp(-1, 1)
    return None


def slope(phi: Activation, a: Any, a0: Any) -> Any:
    """Give the slope of the secant, the derivative where both points are one; None as `value`."""
    match phi.name:
        case "linear":
            return a.new_ones(())
        case "tanh":
            return _tanh_slope(a, a0)
        case "sigmoid":
            return _tanh_slope(a / 2, a / 2 if a is a0 else a0 / 2) / 4
        case "relu" if phi == _PLAIN_RELU:
            return _piecewise(phi, a, a0, a > 0)
        case "hard_sigmoid":
            return _piecewise(phi, a, a0, a.abs() < 0.5 / phi["slope"], phi["slope"])
        case "hard_tanh":
            return _piecewise(phi, a, a0, a.abs() < 1)
    return None


def _tanh_slope(a: Any, a0: Any) -> Any:
    if a is a0:
        return 1 - a.tanh() ** 2
    d = a - a0
    small = d.abs() < 1e-2
    # tanh(d) / d; its series near 0, whose next term is 17 d^6 / 315
    ratio = d.tanh() / d.masked_fill(small, 1)
    near = 1 - d**2 / 3 + 2 * d**4 / 15
    return ratio.where(~small, near) * (1 - a.tanh() * a0.tanh())


def _piecewise(phi: Activation, a: Any, a0: Any, rising: Any, steep: float = 1.0) -> Any:
    # of the tensor's own precision: a number times what is true or not is single in PyTorch
    derivative = rising.to(a.dtype) * steep
    if a is a0:
        return derivative
    d = a - a0
    quotient = (value(phi, a) - value(phi, a0)) / d.masked_fill(d == 0, 1)
    return quotient.where(d != 0, derivative)
