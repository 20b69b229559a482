"""Normalisation by stored moments and by each sample's own."""

from __future__ import annotations

import numpy as np

from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull, run
from rnnlens.network.layers import BatchNormalization, LayerNormalization

__all__: list[str] = []


def _along(values: np.ndarray | None, axis: int, ndim: int) -> Array | float:
    if values is None:
        return 1.0
    shape = [1] * ndim
    shape[axis] = -1
    return np.asarray(values, float).reshape(shape)


def _batch_scale(layer: BatchNormalization, ndim: int) -> Array:
    gamma = _along(layer.gamma, layer.axis, ndim)
    return gamma / np.sqrt(_along(layer.variance, layer.axis, ndim) + layer.epsilon)


@run.register
def _(
    layer: BatchNormalization, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    output = (x - _along(layer.mean, layer.axis, x.ndim)) * _batch_scale(layer, x.ndim)
    if layer.beta is not None:
        output = output + _along(layer.beta, layer.axis, x.ndim)
    return Tape(inputs, (output,), masks[:1])


@pull.register
def _(layer: BatchNormalization, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (m[0] * _batch_scale(layer, m[0].ndim),)


def _over_axes(values: np.ndarray, axes: tuple[int, ...], like: Array) -> Array:
    axes = tuple(sorted(axis % like.ndim for axis in axes))
    shape = [like.shape[k] if k in axes else 1 for k in range(like.ndim)]
    return np.asarray(values, float).reshape(shape)


@run.register
def _(
    layer: LayerNormalization, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    d = x - x.mean(axis=layer.axes, keepdims=True)
    v = (d * d).mean(axis=layer.axes, keepdims=True) + layer.epsilon
    s = 1 / np.sqrt(v)
    u = d if layer.centred else x
    output = u * s
    if layer.gamma is not None:
        output = output * _over_axes(layer.gamma, layer.axes, x)
    if layer.beta is not None:
        output = output + _over_axes(layer.beta, layer.axes, x)
    return Tape(inputs, (output,), masks[:1], (d, u, s))


@pull.register
def _(layer: LayerNormalization, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    (d, u, s), (d0, u0, s0) = tape.saved, tape0.saved
    m_y = m[0]
    if layer.gamma is not None:
        m_y = m_y * _over_axes(layer.gamma, layer.axes, d)
    # y = u s
    m_u = m_y * (s + s0) / 2
    m_s = (m_y * (u + u0) / 2).sum(axis=layer.axes, keepdims=True)
    # s = v^(-1/2): its secant is -s s0 / (1/s + 1/s0)
    m_v = -m_s * s * s0 / (1 / s + 1 / s0)
    # v = mean(d d) + epsilon: both factors are d
    count = np.prod([d.shape[axis] for axis in layer.axes])
    m_d = m_v * (d + d0) / count
    if layer.centred:
        m_d, m_u = m_d + m_u, np.zeros_like(m_u)
    # d = x - mean(x)
    return (m_d - m_d.mean(axis=layer.axes, keepdims=True) + m_u,)
