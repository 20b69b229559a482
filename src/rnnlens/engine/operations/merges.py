"""Layers that make one value of several.

Masks as Keras has them: for sums and products a step is real where any input's mask says so, and
there is no mask unless every input has one; a concatenation takes an input without a mask as real
throughout.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
    always_finite,
    pull,
    reduce_to,
    run,
)
from rnnlens.network.layers import Add, Average, Concatenate, Multiply, Subtract

__all__: list[str] = []


def _aligned(inputs: tuple[Array, ...]) -> list[Array]:
    """Give inputs of equal rank: axes of length one after the batch axis, as Keras adds them."""
    rank = max(x.ndim for x in inputs)
    return [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]


def _either(masks: tuple[Mask, ...]) -> Mask:
    if any(mask is None for mask in masks):
        return None
    return reduce(np.logical_or, [mask for mask in masks if mask is not None])


@run.register(Add)
@run.register(Average)
def _(
    layer: Add | Average, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    first, *others = _aligned(inputs)
    total = sum(others, start=first)
    share = len(inputs) if isinstance(layer, Average) else 1
    return Tape(inputs, (total / share,), (_either(masks),))


@pull.register(Add)
@pull.register(Average)
def _(layer: Add | Average, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    share = len(tape.inputs) if isinstance(layer, Average) else 1
    return tuple(reduce_to(m[0] / share, x.shape) for x in tape.inputs)


@run.register
def _(layer: Subtract, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    left, right = _aligned(inputs)
    return Tape(inputs, (left - right,), (_either(masks),))


@pull.register
def _(layer: Subtract, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    left, right = tape.inputs
    return reduce_to(m[0], left.shape), reduce_to(-m[0], right.shape)


def _over_features(mask: Mask, x: Array) -> NDArray[np.bool_]:
    """Spread a mask over the axes of a sequence; all is real where there is none."""
    if mask is None:
        return np.ones(1, dtype=bool)
    return mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))


@run.register
def _(layer: Multiply, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    # keras/src/layers/merging/multiply.py: 1 stands in for a masked step of one factor, and 0 for
    # a step that is masked in every factor.
    aligned = _aligned(inputs)
    real = [_over_features(mask, x) for mask, x in zip(masks, aligned, strict=True)]
    factors = [np.where(there, x, 1.0) for there, x in zip(real, aligned, strict=True)]
    products = [factors[0]]  # ((u v) w) ...: each product has two factors
    for factor in factors[1:]:
        products.append(products[-1] * factor)
    either = _either(masks)
    kept = _over_features(either, products[-1])
    output = np.where(kept, products[-1], 0.0)
    return Tape(inputs, (output,), (either,), (factors, products, real, kept))


@pull.register
def _(layer: Multiply, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    factors, products, real, kept = tape.saved
    factors0, products0, *_ = tape0.saved
    along, pulled = m[0] * kept, []
    for k in range(len(factors) - 1, 0, -1):
        pulled.append(along * (products[k - 1] + products0[k - 1]) / 2)
        along = along * (factors[k] + factors0[k]) / 2
    pulled.append(along)
    return tuple(
        reduce_to(part * there, x.shape)
        for part, there, x in zip(reversed(pulled), real, tape.inputs, strict=True)
    )


def _concatenated_mask(inputs: tuple[Array, ...], masks: tuple[Mask, ...], axis: int) -> Mask:
    if all(mask is None for mask in masks):
        return None
    full = [
        np.ones(x.shape, bool)
        if mask is None
        else np.broadcast_to(mask[..., None] if mask.ndim < x.ndim else mask, x.shape)
        for x, mask in zip(inputs, masks, strict=True)
    ]
    return np.asarray(np.concatenate(full, axis=axis).any(axis=-1))


@always_finite.register
def _(layer: Concatenate) -> bool:
    return True


@run.register
def _(layer: Concatenate, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    output = np.concatenate(inputs, axis=layer.axis)
    return Tape(inputs, (output,), (_concatenated_mask(inputs, masks, layer.axis),))


@pull.register
def _(layer: Concatenate, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    ends = np.cumsum([x.shape[layer.axis] for x in tape.inputs])[:-1]
    return tuple(np.split(m[0], ends, axis=layer.axis))
