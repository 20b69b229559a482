"""Sums, largest and smallest values, products, variances over axes, and running sums."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from rnnlens.engine.activations import log_sinhc
from rnnlens.engine.operations.pooling import pull_largest
from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull, run
from rnnlens.network.layers import CumulativeSum, Reduction

__all__: list[str] = []


def _axes(layer: Reduction, x: Array) -> tuple[int, ...]:
    return tuple(sorted(axis % x.ndim for axis in layer.axes))


@run.register
def _(layer: Reduction, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    over = {"axis": _axes(layer, x), "keepdims": layer.keepdims}
    match layer.kind:
        case "sum":
            output = x.sum(**over)
        case "max":
            output = x.max(**over)
        case "min":
            output = x.min(**over)
        case "product":
            output = x.prod(**over)
        case "variance":
            output = x.var(ddof=layer.correction, **over)
        case "logsumexp":
            output = np.asarray(special.logsumexp(x, **over))
    return Tape(inputs, (output,), (None,))


@pull.register
def _(layer: Reduction, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    x, x0 = tape.inputs[0], tape0.inputs[0]
    axes = _axes(layer, x)
    kept = [1 if k in axes else size for k, size in enumerate(x.shape)]
    along = m[0].reshape(len(m[0]), *kept[1:])
    whole = (len(along), *x.shape[1:])
    if layer.kind == "sum":
        return (np.broadcast_to(along, whole).copy(),)
    if layer.kind == "logsumexp":
        return (along * _weights(x, x0, axes),)
    if layer.kind == "variance":
        d, d0 = (one - one.mean(axis=axes, keepdims=True) for one in (x, x0))
        count = math.prod(x.shape[k] for k in axes) - layer.correction
        # both factors of each square are d, and the mean of d is zero at both points
        return (along * (d + d0) / count,)
    sign = -1.0 if layer.kind == "min" else 1.0
    lines, lines0 = (_lines(sign * one, axes) for one in (x, x0))
    lines0 = lines if x is x0 else lines0
    rest = along.reshape(len(along), -1)
    back = _pull_product if layer.kind == "product" else _pull_largest
    pulled = back(lines, lines0, rest)
    return (_laid_back(pulled, whole, axes),)


def _weights(x: Array, x0: Array, axes: tuple[int, ...]) -> Array:
    """Give the share of each entry: ``logmean(e^x, e^x0) / logmean(S, S0)``, S the sums."""
    total, total0 = (
        np.asarray(special.logsumexp(one, axis=axes, keepdims=True)) for one in (x, x0)
    )
    middle = (x + x0 - total - total0) / 2
    return np.exp(middle + log_sinhc((x - x0) / 2) - log_sinhc((total - total0) / 2))


def _lines(x: Array, axes: tuple[int, ...]) -> Array:
    """Lay out what is reduced in the last axis: (sample, rest, entry)."""
    moved = np.moveaxis(x, axes, range(-len(axes), 0))
    return moved.reshape(len(x), -1, math.prod(x.shape[k] for k in axes))


def _laid_back(lines: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    rest = [size for k, size in enumerate(shape) if k not in axes]
    whole = lines.reshape(*rest, *(shape[k] for k in axes))
    return np.moveaxis(whole, range(-len(axes), 0), axes)


def _pull_largest(v: Array, v0: Array, m: Array) -> Array:
    return pull_largest(v, v0, m, axis=2)


def _pull_product(v: Array, v0: Array, m: Array) -> Array:
    # ((v1 v2) v3) ...: each product has two factors, each with the mean of the other
    before, before0 = (
        np.concatenate([np.ones_like(one[..., :1]), np.cumprod(one, axis=-1)[..., :-1]], axis=-1)
        for one in (v, v0)
    )
    pulled = np.empty((len(m), *v.shape[1:]), m.dtype)
    for k in range(v.shape[-1] - 1, -1, -1):
        pulled[..., k] = m * (before[..., k] + before0[..., k]) / 2
        m = m * (v[..., k] + v0[..., k]) / 2
    return pulled


@run.register
def _(
    layer: CumulativeSum, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    return Tape(inputs, (_running(inputs[0], layer.axis, reverse=layer.reverse),), masks[:1])


@pull.register
def _(layer: CumulativeSum, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (_running(m[0], layer.axis, reverse=not layer.reverse),)


def _running(x: Array, axis: int, *, reverse: bool) -> Array:
    if not reverse:
        return x.cumsum(axis=axis)
    return np.flip(np.flip(x, axis).cumsum(axis=axis), axis)
