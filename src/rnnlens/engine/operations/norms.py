"""Normalisation by stored moments and by each sample's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnlens.engine.kernels import norm
from rnnlens.engine.operations.calls import KINDS, OnceARound, plain, shared
from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull, run
from rnnlens.engine.schedule.context import by_equations
from rnnlens.network.layers import BatchNormalization, LayerNormalization

__all__: list[str] = []

#: Rows from whose multiples threads begin.
BLOCK = 32
#: Numbers that make it worth while to share them among the threads: less is done within the time
#: that it takes to wake one.
WORTH = 1 << 17


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


def _by_rows(layer: LayerNormalization, x: Array) -> bool:
    """Say whether the kernels take it: rows of the last axis, of a type that they have."""
    last = len(layer.axes) == 1 and layer.axes[0] in {-1, x.ndim - 1}
    return last and x.shape[-1] > 0 and x.dtype in KINDS and not by_equations()


def _entries(values: np.ndarray | None, other: float, x: Array) -> Array:
    if values is None:
        return np.full(x.shape[-1], other, x.dtype)
    return np.array(values, x.dtype).reshape(-1)


def _numbers(layer: LayerNormalization, x: Array) -> Array:
    return np.array([layer.epsilon, 1 / x.shape[-1], 0.5], x.dtype)


def _lay(layer: LayerNormalization, x: Array) -> norm.Normalisation:
    gamma, beta = _entries(layer.gamma, 1, x), _entries(layer.beta, 0, x)
    return norm.Normalisation(gamma, beta, _numbers(layer, x), layer.centred)


_laid = OnceARound(_lay)


def _share(kernel: object, work: Callable[[int, int], None], rows: Array) -> None:
    """Do work on the rows, by threads where it is worth while."""
    shared(kernel, work, len(rows), BLOCK, rows, alone=rows.size < WORTH)


def _run_rows(layer: LayerNormalization, x: Array) -> tuple[Array, Array, Array]:
    """Normalise the last axis by the kernels; give the output, the mean and the scale."""
    rows, own = plain(x, (-1, x.shape[-1]), x.dtype), _laid(layer, x)
    y = np.empty(rows.shape, x.dtype)
    mean, s = np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)

    def work(begin: int, end: int) -> None:
        norm.forward(own, rows, y, mean, s, (begin, end))

    _share(norm.forward, work, rows)
    one = (*x.shape[:-1], 1)
    return y.reshape(x.shape), mean.reshape(one), s.reshape(one)


def _kept(tape: Tape, x: Array) -> tuple[Array, Array, Array]:
    """Give the rows, their means and their scales as the kernels take them."""
    mean, s = tape.saved
    rows = plain(tape.inputs[0], (-1, x.shape[-1]), x.dtype)
    return rows, plain(mean, (-1,), x.dtype), plain(s, (-1,), x.dtype)


def _pull_rows(layer: LayerNormalization, tape: Tape, tape0: Tape, m: Array) -> Array:
    """Carry multipliers back over the last axis by the kernels."""
    x = tape.inputs[0]
    kept = _kept(tape, x)
    points, means, scales = zip(kept, kept if tape0 is tape else _kept(tape0, x), strict=True)
    given, own = plain(m, kept[0].shape, x.dtype), _laid(layer, x)
    m_x = np.empty(given.shape, x.dtype)

    def work(begin: int, end: int) -> None:
        norm.back(own, given, points, means, scales, m_x, (begin, end))

    _share(norm.back, work, given)
    return m_x.reshape(x.shape)


@run.register
def _(
    layer: LayerNormalization, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    if _by_rows(layer, x):
        output, mean, s = _run_rows(layer, x)
        return Tape(inputs, (output,), masks[:1], (mean, s))
    mean = _mean(x, None, layer.axes)
    d = x - mean
    s = 1 / np.sqrt(_mean(d, d, layer.axes) + layer.epsilon)
    output = (d if layer.centred else x) * s
    if layer.gamma is not None:
        output *= _over_axes(layer.gamma, layer.axes, x)
    if layer.beta is not None:
        output += _over_axes(layer.beta, layer.axes, x)
    return Tape(inputs, (output,), masks[:1], (mean, s))


@pull.register
def _(layer: LayerNormalization, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    if _by_rows(layer, tape.inputs[0]) and tape.inputs[0].shape == tape0.inputs[0].shape:
        return (_pull_rows(layer, tape, tape0, m[0]),)
    (mean, s), (mean0, s0) = tape.saved, tape0.saved
    x, x0 = tape.inputs[0], tape0.inputs[0]
    d = x - mean
    d0 = d if tape is tape0 else x0 - mean0
    u, u0 = (d, d0) if layer.centred else (x, x0)
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
