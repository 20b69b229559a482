"""Dense, convolution, embedding, and layers applied step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnlens.engine.activations import no_larger, value
from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.kernels import affine
from rnnlens.engine.kernels.affine import Convolution, Taps
from rnnlens.engine.kernels.buffers import compiled, with_loops
from rnnlens.engine.operations.calls import KINDS, OnceARound, plain, shared
from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
    always_finite,
    infer,
    pull,
    run,
)
from rnnlens.engine.schedule.context import by_equations
from rnnlens.engine.schedule.threads import share
from rnnlens.errors import DataError
from rnnlens.network.layers import Conv1D, Dense, Embedding, TimeDistributed

__all__ = ["padded", "padding", "read_back", "readings"]

#: Multiplications that make it worth while to share a product among the threads.
WORTH = 1 << 21


def _product(x: Array, W: Array) -> Array:
    """Give ``x W`` over the last axis; threads share the rows where there are many."""
    if x.ndim == 2 and len(W) > 1 and len(x) * W.size < WORTH:
        return np.matmul(x, W)  # no other thread is woken
    rows = x.reshape(-1, x.shape[-1])
    product = np.empty((len(rows), W.shape[1]), x.dtype)

    def work(begin: int, end: int) -> None:
        np.matmul(rows[begin:end], W, out=product[begin:end])

    if len(W) == 1 and x.dtype in KINDS and not by_equations():
        _spread(rows, W, product)
    else:
        share(work, len(rows), max(1, WORTH // W.size))
    return product.reshape(*x.shape[:-1], W.shape[1])


def _spread(x: Array, W: Array, product: Array) -> None:
    """Fill a product in which there is nothing to sum: BLAS makes much of it."""
    numbers, row, filled = plain(x, (-1,), x.dtype), affine.lay(W), product.reshape(-1)

    def work(begin: int, end: int) -> None:
        affine.spread(numbers, row, W.shape[1], filled, (begin, end))

    shared(affine.spread, work, len(x), affine.STRETCH, x, alone=product.size < WORTH)


@always_finite.register
def _(layer: Dense) -> bool:
    return no_larger(layer.activation)


@always_finite.register
def _(layer: TimeDistributed) -> bool:
    return always_finite(layer.layer)


@run.register
def _(layer: Dense, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    a = _product(x, np.asarray(layer.W, x.dtype))
    if layer.b is not None:
        a += np.asarray(layer.b, x.dtype)
    return Tape(inputs, (value(layer.activation, a),), masks[:1], a)


@pull.register
def _(layer: Dense, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    m_a = pull_activation(layer.activation, tape.saved, tape0.saved, m[0])
    return (_product(m_a, np.asarray(layer.W, m_a.dtype).T),)


def padding(kind: str, length: int, reach: int, stride: int) -> tuple[int, int]:
    """Count the steps that padding adds on either side."""
    if kind == "valid":
        return 0, 0
    if kind == "causal":
        return reach - 1, 0
    total = max((-(-length // stride) - 1) * stride + reach - length, 0)
    return total // 2, total - total // 2


def padded(x: Array, around: tuple[int, int], fill: float = 0.0) -> Array:
    """Put steps before the oldest and after the newest one.

    Shapes: x (sample, step, feature) -> (sample, padded step, feature).
    """
    if not any(around):
        return x
    before, after = around
    wide = np.empty((len(x), before + x.shape[1] + after, x.shape[2]), x.dtype)
    wide[:, :before] = wide[:, before + x.shape[1] :] = fill
    wide[:, before : before + x.shape[1]] = x
    return wide


def readings(count: int, length: int, stride: int, apart: int = 1) -> list[slice]:
    """Say which padded steps each place of a moving window reads.

    Examples
    --------
    >>> readings(3, 6, 2)
    [slice(0, 3, 2), slice(1, 4, 2), slice(2, 5, 2)]
    """
    reach = (count - 1) * apart + 1
    last = (length - reach) // stride * stride
    return [slice(k * apart, k * apart + last + 1, stride) for k in range(count)]


def read_back(m_read: Array, places: list[slice], length: int, around: tuple[int, int]) -> Array:
    """Sum the multipliers of every reading of a step into that step.

    Shapes: m_read (sample, output step, place, feature) -> (sample, step, feature).
    """
    m_padded = np.zeros((len(m_read), length + sum(around), m_read.shape[-1]), m_read.dtype)
    for k, place in enumerate(places):
        m_padded[:, place] += m_read[:, :, k]
    return m_padded[:, around[0] : around[0] + length]


def _taps(layer: Conv1D, length: int) -> tuple[list[slice], tuple[int, int]]:
    """Give the padded steps that each tap reads, and the padding."""
    taps = layer.W.shape[0]
    around = padding(layer.padding, length, (taps - 1) * layer.dilation + 1, layer.stride)
    return readings(taps, length + sum(around), layer.stride, layer.dilation), around


def _groups(layer: Conv1D, dtype: np.dtype) -> list[Array]:
    """Give the kernel of each group as (tap * feature, unit)."""
    W = np.asarray(layer.W, dtype)
    return [part.reshape(-1, part.shape[-1]) for part in np.split(W, layer.groups, axis=-1)]


#: Units, and numbers that an output step reads, up to which the kernels outrun BLAS.
MOST = 128
#: Samples from whose multiples threads begin.
BLOCK = 8


class _Laid(NamedTuple):
    """A convolution as the kernels take it, forward and back."""

    forward: Convolution
    back: Convolution


def _lay(layer: Conv1D, x: Array) -> _Laid | None:
    taps, features, units = layer.W.shape
    narrow = layer.groups == 1 and 0 < taps * features <= MOST and 0 < units <= MOST
    phi = compiled(layer.activation, x.dtype) if narrow else None
    if phi is None:
        return None
    W = np.array(layer.W, x.dtype).reshape(-1, units)
    b = np.zeros(units, x.dtype) if layer.b is None else np.array(layer.b, x.dtype)
    bent = layer.activation.name != "linear"
    return _Laid(*(Convolution(affine.lay(one), b, bent, phi) for one in (W, W.T)))


_convolution = OnceARound(_lay)


def _laid(layer: Conv1D, x: Array) -> _Laid | None:
    """Lay a convolution out for the kernels, where they serve it."""
    if by_equations() or x.dtype not in KINDS or _where(layer, x).rows < 1:
        return None
    return _convolution(layer, x)


def _where(layer: Conv1D, x: Array) -> Taps:
    """Say where the taps stand."""
    taps, length = layer.W.shape[0], x.shape[1]
    reach = (taps - 1) * layer.dilation + 1
    before, after = padding(layer.padding, length, reach, layer.stride)
    rows = (before + length + after - reach) // layer.stride + 1
    return Taps(x.shape[2], taps, layer.dilation, layer.stride, before, rows)


def _share(
    kernel: object, work: Callable[[int, int], None], x: Array, multiplications: int
) -> None:
    """Do work on the samples by threads where it is worth while."""
    shared(kernel, work, len(x), BLOCK, x, alone=multiplications < WORTH)


def _convolve(layer: Conv1D, x: Array, laid: _Laid, *, keep: bool) -> tuple[Array, Array]:
    """Give pre-activations and values by the kernels; values in place of both if told so."""
    where, own = _where(layer, x), laid.forward
    rows, units = where.rows, layer.W.shape[-1]
    steps = plain(x, (len(x), x.shape[1] * x.shape[2]), x.dtype)
    a = np.empty((len(x), rows * units), x.dtype)
    y = np.empty_like(a if own.bent and keep else a[:0])

    def work(begin: int, end: int) -> None:
        affine.forward(own, where, steps, a, y, (begin, end))

    _share(affine.forward, work, x, len(x) * own.W.size * rows)
    shape = (len(x), rows, units)
    return a.reshape(shape), (y if len(y) else a).reshape(shape)


def _deconvolve(layer: Conv1D, tape: Tape, tape0: Tape, m: Array, laid: _Laid) -> Array:
    """Carry multipliers back by the kernels."""
    x = tape.inputs[0]
    where, own = _where(layer, x), laid.back
    shape = (len(x), where.rows * layer.W.shape[-1])
    given = plain(m, shape, x.dtype)
    a = y = (given, given)
    if own.bent:
        a = plain(tape.saved, shape, x.dtype), plain(tape0.saved, shape, x.dtype)
        y = plain(tape.outputs[0], shape, x.dtype), plain(tape0.outputs[0], shape, x.dtype)
    m_x = np.empty((len(x), x.shape[1] * x.shape[2]), x.dtype)
    own = own._replace(phi=with_loops(own.phi, back=True))

    def work(begin: int, end: int) -> None:
        affine.back(own, where, given, a, y, tape is tape0, m_x, (begin, end))

    _share(affine.back, work, x, len(x) * own.W.size * where.rows)
    return m_x.reshape(x.shape)


@run.register
def _(layer: Conv1D, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    laid = _laid(layer, x)
    if laid is not None:
        a, y = _convolve(layer, x, laid, keep=True)
        return Tape(inputs, (y,), (None,), a)
    places, around = _taps(layer, x.shape[1])
    wide = padded(x, around)
    parts = []
    for inside, W in zip(
        np.split(wide, layer.groups, axis=-1), _groups(layer, x.dtype), strict=True
    ):
        read = np.stack([inside[:, place] for place in places], axis=2)
        parts.append(_product(read.reshape(*read.shape[:2], len(W)), W))
    a = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
    if layer.b is not None:
        a += np.asarray(layer.b, x.dtype)
    return Tape(inputs, (value(layer.activation, a),), (None,), a)


@infer.register
def _(layer: Conv1D, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    laid = _laid(layer, inputs[0])
    if laid is None:
        return run(layer, inputs, masks, forced)
    return Tape(inputs, _convolve(layer, inputs[0], laid, keep=False)[1:], (None,))


@pull.register
def _(layer: Conv1D, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    alike = tape.inputs[0].shape == tape0.inputs[0].shape
    laid = _laid(layer, tape.inputs[0]) if alike else None
    if laid is not None:
        return (_deconvolve(layer, tape, tape0, m[0], laid),)
    m_a = pull_activation(layer.activation, tape.saved, tape0.saved, m[0])
    length = tape.inputs[0].shape[1]
    places, around = _taps(layer, length)
    parts = []
    for outer, W in zip(
        np.split(m_a, layer.groups, axis=-1), _groups(layer, m_a.dtype), strict=True
    ):
        m_read = _product(outer, W.T)
        m_read = m_read.reshape(*m_a.shape[:2], len(places), len(W) // len(places))
        parts.append(read_back(m_read, places, length, around))
    return (parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1),)


@run.register
def _(layer: Embedding, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    tokens = x.astype(np.int64)
    inside = (tokens >= 0) & (tokens < len(layer.E))
    if not (inside & (tokens == x)).all():
        raise DataError(
            f"an embedding takes whole numbers from 0 to {len(layer.E) - 1}, but the input holds "
            f"values from {x.min():g} to {x.max():g}; give the tokens themselves, unscaled"
        )
    mask = None
    if layer.mask_zero:
        mask = tokens != 0 if forced is None else np.broadcast_to(forced, tokens.shape)
    # `take` copies whole rows, ten times as fast as an index does
    return Tape(inputs, (np.asarray(layer.E, x.dtype).take(tokens, axis=0),), (mask,))


@pull.register
def _(layer: Embedding, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    # A table has no slope; between two tokens the secant carries the whole change of the vector.
    assert m[0] is not None
    change = tape.inputs[0] - tape0.inputs[0]
    rise = (m[0] * (tape.outputs[0] - tape0.outputs[0])).sum(axis=-1)
    return (np.where(change == 0, 0.0, rise / np.where(change == 0, 1.0, change)),)


def _fold(array: Array) -> Array:
    return array.reshape(-1, *array.shape[2:])


@run.register
def _(
    layer: TimeDistributed, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    samples, steps = inputs[0].shape[:2]
    inner = run(layer.layer, (_fold(inputs[0]),), (None,), None)
    output = inner.outputs[0]
    return Tape(inputs, (output.reshape(samples, steps, *output.shape[1:]),), masks[:1], inner)


@pull.register
def _(layer: TimeDistributed, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    (inner,) = pull(layer.layer, tape.saved, tape0.saved, (_fold(m[0]),))
    assert inner is not None
    return (inner.reshape(*m[0].shape[:2], *inner.shape[1:]),)
