"""Layers that lay numbers out anew and change none of them."""

from __future__ import annotations

from math import prod

import numpy as np

from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
    always_finite,
    pull,
    run,
)
from rnnlens.network.layers import Flatten, Permute, RepeatVector, Reshape

__all__: list[str] = []


@always_finite.register(Flatten)
@always_finite.register(Permute)
@always_finite.register(RepeatVector)
@always_finite.register(Reshape)
def _(layer: Flatten | Permute | RepeatVector | Reshape) -> bool:
    return True


@run.register
def _(layer: Flatten, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, (inputs[0].reshape(len(inputs[0]), prod(inputs[0].shape[1:])),), (None,))


@run.register
def _(layer: Reshape, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    stated = prod(size for size in layer.shape if size != -1)
    # one axis may take what the others leave, which cannot be told from no samples at all
    left = prod(x.shape[1:]) // max(stated, 1)
    shape = [left if size == -1 else size for size in layer.shape]
    return Tape(inputs, (x.reshape(len(x), *shape),), (None,))


@pull.register(Flatten)
@pull.register(Reshape)
def _(layer: Flatten | Reshape, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (m[0].reshape(len(m[0]), *tape.inputs[0].shape[1:]),)


@run.register
def _(layer: Permute, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, (inputs[0].transpose(0, *layer.axes),), (None,))


@pull.register
def _(layer: Permute, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    order = (0, *layer.axes)
    return (m[0].transpose(sorted(range(len(order)), key=order.__getitem__)),)


@run.register
def _(
    layer: RepeatVector, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    times = inputs[1].shape[1] if layer.times is None else layer.times
    return Tape(inputs, (np.repeat(inputs[0][:, None], times, axis=1),), (None,))


@pull.register
def _(layer: RepeatVector, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    # of the sequence only the number of steps is taken
    return (m[0].sum(axis=1), *(None for _ in tape.inputs[1:]))
