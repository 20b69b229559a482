"""Layers that make one value of several.

Masks as Keras has them: for sums and products a step is real where any input's mask says so, and
there is no mask unless every input has one; a concatenation takes an input without a mask as real
throughout.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
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
    total = reduce(np.add, _aligned(inputs))
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


@run.register
def _(layer: Multiply, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    aligned = _aligned(inputs)
    products = [aligned[0]]  # ((u v) w) ...: each product has two factors
    for factor in aligned[1:]:
        products.append(products[-1] * factor)
    return Tape(inputs, (products[-1],), (_either(masks),), (aligned, products))


@pull.register
def _(layer: Multiply, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    (factors, products), (factors0, products0) = tape.saved, tape0.saved
    along, pulled = m[0], []
    for k in range(len(factors) - 1, 0, -1):
        pulled.append(along * (products[k - 1] + products0[k - 1]) / 2)
        along = along * (factors[k] + factors0[k]) / 2
    pulled.append(along)
    return tuple(
        reduce_to(part, x.shape) for part, x in zip(reversed(pulled), tape.inputs, strict=True)
    )


def _concatenated_mask(
    inputs: tuple[Array, ...], masks: tuple[Mask, ...], axis: int
) -> Mask:
    if all(mask is None for mask in masks):
        return None
    full = [
        np.ones(x.shape, bool)
        if mask is None
        else np.broadcast_to(mask[..., None] if mask.ndim < x.ndim else mask, x.shape)
        for x, mask in zip(inputs, masks, strict=True)
    ]
    return np.concatenate(full, axis=axis).any(axis=-1)


@run.register
def _(layer: Concatenate, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    output = np.concatenate(inputs, axis=layer.axis)
    return Tape(inputs, (output,), (_concatenated_mask(inputs, masks, layer.axis),))


@pull.register
def _(layer: Concatenate, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    ends = np.cumsum([x.shape[layer.axis] for x in tape.inputs])[:-1]
    return tuple(np.split(m[0], ends, axis=layer.axis))
