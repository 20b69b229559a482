"""Layers that pick, turn and stretch axes: all linear, so multipliers pass by their transpose."""

from __future__ import annotations

import math

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
from rnnlens.errors import DataError
from rnnlens.network.axes import (
    Constant,
    ExpandDims,
    Flip,
    Index,
    Lengths,
    Mean,
    Repeat,
    Slice,
    Squeeze,
    Take,
    Unmask,
)

__all__: list[str] = []


def _place(layer: Index | Slice | Flip, ndim: int) -> tuple[slice | int, ...]:
    place: slice | int
    if isinstance(layer, Index):
        place = layer.index
    elif isinstance(layer, Flip):
        place = slice(None, None, -1)
    else:
        place = slice(layer.start, layer.stop, layer.step)
    return (*(slice(None),) * (layer.axis % ndim), place)


@always_finite.register(ExpandDims)
@always_finite.register(Flip)
@always_finite.register(Index)
@always_finite.register(Slice)
@always_finite.register(Squeeze)
def _(layer: ExpandDims | Flip | Index | Slice | Squeeze) -> bool:
    return True


@run.register(Flip)
@run.register(Index)
@run.register(Slice)
def _(
    layer: Flip | Index | Slice, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    return Tape(inputs, (x[_place(layer, x.ndim)],), (None,))


@pull.register(Flip)
@pull.register(Index)
@pull.register(Slice)
def _(layer: Flip | Index | Slice, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    x = tape.inputs[0]
    pulled = np.zeros((len(m[0]), *x.shape[1:]), m[0].dtype)
    pulled[_place(layer, x.ndim)] = m[0]
    return (pulled,)


@run.register
def _(layer: ExpandDims, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, (np.expand_dims(inputs[0], layer.axis),), (None,))


@run.register
def _(layer: Squeeze, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, (np.squeeze(inputs[0], axis=layer.axis),), (None,))


@pull.register(ExpandDims)
@pull.register(Squeeze)
def _(layer: ExpandDims | Squeeze, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (m[0].reshape(len(m[0]), *tape.inputs[0].shape[1:]),)


@run.register
def _(layer: Mean, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, (inputs[0].mean(axis=layer.axes, keepdims=layer.keepdims),), (None,))


@pull.register
def _(layer: Mean, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    shape = tape.inputs[0].shape
    axes = sorted(axis % len(shape) for axis in layer.axes)
    kept = [1 if k in axes else size for k, size in enumerate(shape)]
    spread = m[0].reshape(len(m[0]), *kept[1:]) / math.prod(shape[k] for k in axes)
    return (np.broadcast_to(spread, (len(m[0]), *shape[1:])).copy(),)


@run.register
def _(layer: Constant, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    value = np.broadcast_to(np.asarray(layer.C, inputs[0].dtype), (len(inputs[0]), *layer.C.shape))
    return Tape(inputs, (value,), (None,))


@pull.register
def _(layer: Constant, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    return (None,)


@run.register
def _(layer: Lengths, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x, lengths = inputs
    if lengths.shape != (len(x),) or (lengths < 0).any() or (lengths > x.shape[1]).any():
        raise DataError(
            f"sequence lengths must be one number from 0 to {x.shape[1]} for each of the {len(x)} "
            f"samples, but have shape {lengths.shape}"
        )
    steps = np.arange(x.shape[1])
    mask = (steps[::-1] if layer.newest else steps) < np.rint(lengths)[:, None]
    return Tape(inputs, (x,), (mask,))


@pull.register
def _(layer: Lengths, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    return (m[0], None)


@run.register
def _(layer: Unmask, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, inputs[:1], (None,))


@pull.register
def _(layer: Unmask, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    return m


@run.register
def _(layer: Take, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, (inputs[0].take(layer.places, axis=layer.axis),), (None,))


@pull.register
def _(layer: Take, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    x = tape.inputs[0]
    axis = layer.axis % x.ndim
    pulled = np.zeros((len(m[0]), *x.shape[1:]), m[0].dtype)
    into, given = np.moveaxis(pulled, axis, 0), np.moveaxis(m[0], axis, 0)
    for number, place in enumerate(layer.places):  # one may be taken several times
        into[place] += given[number]
    return (pulled,)


def _times(layer: Repeat, inputs: tuple[Array, ...]) -> int:
    return inputs[1].shape[layer.axis] if layer.times is None else layer.times


@run.register
def _(layer: Repeat, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    repeats = [1] * x.ndim
    repeats[layer.axis] = _times(layer, inputs)
    return Tape(inputs, (np.tile(x, repeats),), (None,))


@pull.register
def _(layer: Repeat, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    shape = tape.inputs[0].shape
    axis = layer.axis % len(shape)
    copies = (len(m[0]), *shape[1:axis], _times(layer, tape.inputs), *shape[axis:])
    return (m[0].reshape(copies).sum(axis=axis), *(None for _ in tape.inputs[1:]))
