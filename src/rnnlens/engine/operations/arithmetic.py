"""Quotients, powers, the larger of two, choices: what stands between two values, entry by entry.

Each is made of sums, products and functions of one number, so that its secants are those of
these: a product gives each factor the mean of the other, and a function the slope between its two
points. ``u / v`` is ``u (1 / v)``, ``u ** v`` is ``exp(v log u)``, ``max(u, v)`` is ``u + relu(v -
u)``, and ``where(c, u, v)`` is ``c u + (1 - c) v`` with ``c`` 0 or 1.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.activations import value
from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
    pull,
    reduce_to,
    run,
)
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Binary, MaskValues, Where

__all__: list[str] = []

_RELU, _LOG = Activation("relu"), Activation("log")
_EXP, _RECIPROCAL = Activation("exponential"), Activation("reciprocal")


def _aligned(inputs: tuple[Array, ...]) -> list[Array]:
    """Give inputs of equal rank: axes of length one after the sample axis."""
    rank = max(x.ndim for x in inputs)
    return [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]


def _either(masks: tuple[Mask, ...]) -> Mask:
    if any(mask is None for mask in masks):
        return None
    return reduce(np.logical_or, [mask for mask in masks if mask is not None])


@run.register
def _(layer: Binary, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    u, v = _aligned(inputs)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        match layer.operation:
            case "divide":
                output = u / v
            case "power":
                output = u**v
            case "maximum":
                output = np.maximum(u, v)
            case "minimum":
                output = np.minimum(u, v)
    return Tape(inputs, (output,), (_either(masks),))


def _middle(a: Array, a0: Array) -> Array:
    return a if a is a0 else (a + a0) / 2


@pull.register
def _(layer: Binary, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    u, v = _aligned(tape.inputs)
    u0, v0 = (u, v) if tape is tape0 else _aligned(tape0.inputs)
    if layer.operation == "divide":
        m_u, m_v = _pull_quotient(u, v, u0, v0, m[0])
    elif layer.operation == "power":
        m_u, m_v = _pull_power(u, v, u0, v0, m[0])
    else:
        sign = 1.0 if layer.operation == "maximum" else -1.0
        ahead = sign * (v - u)
        ahead0 = ahead if tape is tape0 else sign * (v0 - u0)
        m_v = pull_activation(_RELU, ahead, ahead0, m[0])
        m_u = m[0] - m_v
    left, right = tape.inputs
    return reduce_to(m_u, left.shape), reduce_to(m_v, right.shape)


def _pull_quotient(u: Array, v: Array, u0: Array, v0: Array, m: Array) -> tuple[Array, Array]:
    inverse = value(_RECIPROCAL, v)
    inverse0 = inverse if v is v0 else value(_RECIPROCAL, v0)
    m_v = pull_activation(_RECIPROCAL, v, v0, m * _middle(u, u0))
    return m * _middle(inverse, inverse0), m_v


def _pull_power(u: Array, v: Array, u0: Array, v0: Array, m: Array) -> tuple[Array, Array]:
    log = value(_LOG, u)
    log0 = log if u is u0 else value(_LOG, u0)
    inner = v * log
    m_inner = pull_activation(_EXP, inner, inner if u is u0 else v0 * log0, m)
    return (
        pull_activation(_LOG, u, u0, m_inner * _middle(v, v0)),
        m_inner * _middle(log, log0),
    )


@run.register
def _(layer: Where, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    condition, u, v = _aligned(inputs)
    return Tape(inputs, (np.where(condition != 0, u, v),), (_either(masks[1:]),))


@pull.register
def _(layer: Where, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    condition, u, v = _aligned(tape.inputs)
    condition0, u0, v0 = _aligned(tape0.inputs)
    chosen = ((condition != 0).astype(m[0].dtype) + (condition0 != 0)) / 2
    # what is chosen at neither point may be of any size, or not defined: it is not multiplied
    taken = np.where(chosen > 0, _middle(u, u0), 0.0)
    other = np.where(chosen < 1, _middle(v, v0), 0.0)
    parts = m[0] * (taken - other), m[0] * chosen, m[0] * (1 - chosen)
    moved = (condition != 0) != (condition0 != 0)
    parts = (np.where(moved, parts[0], 0.0), *parts[1:])
    pairs = zip(parts, tape.inputs, strict=True)
    m_c, m_u, m_v = (reduce_to(part, x.shape) for part, x in pairs)
    return m_c, m_u, m_v


@run.register
def _(layer: MaskValues, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x, mask = inputs[0], masks[0]
    there = np.ones(x.shape[:2], x.dtype)
    if mask is not None:
        there = np.broadcast_to(mask, x.shape[:2]).astype(x.dtype)
    return Tape(inputs, (there,), (None,))


@pull.register
def _(layer: MaskValues, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    # which steps are padding is not an input's value: no contribution goes there
    return (None,)
