"""Pooling over the steps.

The largest of several is taken as a tournament, ``max(u, v) = u + relu(v - u)``: linear maps and
one activation, so multipliers stay exact between two points. Against several rivals at once the
split depends on their order, oldest first.
"""

from __future__ import annotations

import numpy as np

from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.operations.linear import padded, padding, read_back, readings
from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull, run
from rnnlens.network.activations import Activation
from rnnlens.network.layers import GlobalPooling1D, Pooling1D

__all__ = ["pull_largest"]

_RELU = Activation("relu")


def _lowest(like: Array) -> float:
    """Stand in for a padded step in a largest-of pool; finite, so that differences stay finite."""
    return float(np.finfo(like.dtype).min) / 4


def pull_largest(v: Array, v0: Array, m: Array, axis: int) -> Array:
    """Carry multipliers back through the largest value along an axis."""
    v, v0 = np.moveaxis(v, axis, 0), np.moveaxis(v0, axis, 0)
    best, best0 = np.maximum.accumulate(v), np.maximum.accumulate(v0)
    pulled = np.zeros_like(v)
    for k in range(len(v) - 1, 0, -1):
        ahead = v[k] - best[k - 1]
        ahead0 = ahead if v is v0 else v0[k] - best0[k - 1]
        pulled[k] = pull_activation(_RELU, ahead, ahead0, m)
        m = m - pulled[k]
    pulled[0] = m
    return np.moveaxis(pulled, 0, axis)


def _pools(layer: Pooling1D, length: int) -> tuple[list[slice], tuple[int, int]]:
    around = padding(layer.padding, length, layer.size, layer.stride)
    return readings(layer.size, length + sum(around), layer.stride), around


@run.register
def _(layer: Pooling1D, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    places, around = _pools(layer, x.shape[1])
    wide = padded(x, around, _lowest(x) if layer.kind == "max" else 0.0)
    if layer.kind == "max":
        read = np.stack([wide[:, place] for place in places], axis=2)
        return Tape(inputs, (read.max(axis=2),), (None,), read)
    there = padded(np.ones((1, x.shape[1], 1), x.dtype), around)
    real = sum((there[:, place] for place in places[1:]), start=there[:, places[0]])
    total = sum((wide[:, place] for place in places[1:]), start=wide[:, places[0]])
    return Tape(inputs, (total / real,), (None,), real)


@pull.register
def _(layer: Pooling1D, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    length = tape.inputs[0].shape[1]
    places, around = _pools(layer, length)
    if layer.kind == "max":
        m_read = pull_largest(tape.saved, tape0.saved, m[0], axis=2)
    else:
        m_read = np.repeat((m[0] / tape.saved)[:, :, None], layer.size, axis=2)
    return (read_back(m_read, places, length, around),)


def _weights(x: Array, mask: Mask) -> Array:
    if mask is None:
        return np.full((1, x.shape[1], 1), 1 / x.shape[1], x.dtype)
    real = np.broadcast_to(mask, x.shape[:2])
    return (real / real.sum(axis=1, keepdims=True)).astype(x.dtype)[..., None]


@run.register
def _(
    layer: GlobalPooling1D, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    if layer.kind == "max":
        return Tape(inputs, (x.max(axis=1, keepdims=layer.keepdims),), (None,))
    weights = _weights(x, masks[0])
    return Tape(inputs, ((x * weights).sum(axis=1, keepdims=layer.keepdims),), (None,), weights)


@pull.register
def _(layer: GlobalPooling1D, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    m_y = m[0] if layer.keepdims else m[0][:, None]
    if layer.kind == "average":
        return (m_y * tape.saved,)
    return (pull_largest(tape.inputs[0], tape0.inputs[0], m_y[:, 0], axis=1),)
