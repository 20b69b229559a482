"""Normalisation by stored moments and by each sample's own."""

from __future__ import annotations

import numpy as np

from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull, run
from rnnlens.network.layers import BatchNormalization, LayerNormalization

__all__: list[str] = []


def _along(values: np.ndarray | None, axis: int, like: Array) -> Array | float:
    if values is None:
        return 1.0
    shape = [1] * like.ndim
    shape[axis] = -1
    return np.asarray(values, like.dtype).reshape(shape)


def _batch_scale(layer: BatchNormalization, like: Array) -> Array:
    gamma = _along(layer.gamma, layer.axis, like)
    return gamma / np.sqrt(_along(layer.variance, layer.axis, like) + layer.epsilon)


@run.register
def _(
    layer: BatchNormalization, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    output = x - _along(layer.mean, layer.axis, x)
    output *= _batch_scale(layer, x)
    if layer.beta is not None:
        output += _along(layer.beta, layer.axis, x)
    return Tape(inputs, (output,), masks[:1])


@pull.register
def _(layer: BatchNormalization, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (m[0] * _batch_scale(layer, m[0]),)


def _over_axes(values: np.ndarray, axes: tuple[int, ...], like: Array) -> Array:
    axes = tuple(sorted(axis % like.ndim for axis in axes))
    shape = [like.shape[k] if k in axes else 1 for k in range(like.ndim)]
    return np.asarray(values, like.dtype).reshape(shape)


def _mean(u: Array, v: Array | None, axes: tuple[int, ...]) -> Array:
    """Give the mean of u, or of u times v, over axes that are kept with length one."""
    if [axis % u.ndim for axis in axes] == [u.ndim - 1]:  # what nearly every network has
        share = np.asarray(1 / u.shape[-1], u.dtype)
        if v is None:
            return np.vecdot(u, np.broadcast_to(share, u.shape[-1:]).copy())[..., None]
        return np.vecdot(u, v)[..., None] * share
    return (u if v is None else u * v).mean(axis=axes, keepdims=True)


def _middle(a: Array, a0: Array) -> Array:
    return a if a is a0 else (a + a0) / 2


@run.register
def _(
    layer: LayerNormalization, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    d = x - _mean(x, None, layer.axes)
    s = 1 / np.sqrt(_mean(d, d, layer.axes) + layer.epsilon)
    u = d if layer.centred else x
    output = u * s
    if layer.gamma is not None:
        output *= _over_axes(layer.gamma, layer.axes, x)
    if layer.beta is not None:
        output += _over_axes(layer.beta, layer.axes, x)
    return Tape(inputs, (output,), masks[:1], (d, u, s))


@pull.register
def _(layer: LayerNormalization, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    (d, u, s), (d0, u0, s0) = tape.saved, tape0.saved
    m_y = m[0]
    if layer.gamma is not None:
        m_y = m_y * _over_axes(layer.gamma, layer.axes, d)
    # y = u s, of which the second factor is shared by all: m_s is a sum, here still divided by
    # their number
    m_u = m_y * _middle(s, s0)
    m_s = _mean(m_y, _middle(u, u0), layer.axes)
    # s = v^(-1/2): its secant is -s s0 / (1/s + 1/s0)
    m_v = -m_s * s * s0 / (1 / s + 1 / s0)
    # v = mean(d d) + epsilon: both factors are d
    m_d = 2 * m_v * _middle(d, d0)
    if layer.centred:
        m_d += m_u
    # d = x - mean(x)
    m_d -= _mean(m_d, None, layer.axes)
    return (m_d if layer.centred else m_d + m_u,)
