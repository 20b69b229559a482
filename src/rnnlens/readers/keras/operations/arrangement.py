"""Operations that lay numbers out anew: stack, join, reshape, transpose, flip, repeat."""

from __future__ import annotations

import math

import numpy as np

from rnnlens.network.axes import ExpandDims, Flip, Repeat, Slice, Squeeze
from rnnlens.network.layers import Concatenate, Identity, Permute, Reshape
from rnnlens.network.network import Ref
from rnnlens.readers.keras.operations.call import OperationCall, operation

__all__: list[str] = []


@operation("Identity", "StopGradient", "Copy")
def identity(call: OperationCall) -> Ref:
    """Hand a value on."""
    return call.add(Identity(call.kind), call.ref())


@operation("Cast")
def cast(call: OperationCall) -> Ref:
    """Hand a value on in another precision, which is double precision here."""
    ref, dtype = call.ref(), str(call.given(1, "dtype"))
    if not dtype.startswith(("float", "bfloat")):
        raise call.refuse(f"it turns numbers into {dtype}, which rounds them; use a float type")
    return call.add(Identity(call.kind), ref)


@operation("ExpandDims")
def expand_dims(call: OperationCall) -> Ref:
    """``expand_dims(x, axis)``."""
    ref = call.ref()
    axes = call.given(1, "axis")
    listed = axes if isinstance(axes, list) else [axes]
    rank = call.nodes.rank(ref) + len(listed)
    for axis in sorted(call.axis(item, rank) for item in listed):
        ref = call.add(ExpandDims(axis), ref)
    return ref


@operation("Squeeze")
def squeeze(call: OperationCall) -> Ref:
    """``squeeze(x, axis)``; without an axis, every one of length 1."""
    ref = call.ref()
    rank, axes = call.nodes.rank(ref), call.given(1, "axis", None)
    if axes is None:
        shape = call.nodes.shape(ref)
        if None in shape:
            raise call.refuse("it squeezes axes of open length; name the axis")
        axes = [k for k, length in enumerate(shape, 1) if length == 1]
    for axis in reversed(call.axes(axes, rank) if axes != [] else ()):
        if call.nodes.shape(ref)[axis - 1] not in {1, None}:
            raise call.refuse(f"it squeezes axis {axis}, which is not of length 1")
        ref = call.add(Squeeze(axis), ref)
    return ref


@operation("Flip")
def flip(call: OperationCall) -> Ref:
    """``flip(x, axis)``."""
    ref = call.ref()
    for axis in call.axes(call.given(1, "axis", None), call.nodes.rank(ref)):
        ref = call.add(Flip(axis), ref)
    return ref


@operation("Concatenate")
def concatenate(call: OperationCall) -> Ref:
    """``concatenate(xs, axis)``."""
    refs = call.refs(0, "xs")
    axis = call.axis(call.given(1, "axis", -1), call.nodes.rank(refs[0]))
    return refs[0] if len(refs) == 1 else call.add(Concatenate(axis), *refs)


@operation("Stack")
def stack(call: OperationCall) -> Ref:
    """``stack(xs, axis)``."""
    refs = call.refs(0, "x")
    axis = call.axis(call.given(1, "axis", 0), call.nodes.rank(refs[0]) + 1)
    wide = [call.add(ExpandDims(axis), ref) for ref in refs]
    return wide[0] if len(wide) == 1 else call.add(Concatenate(axis), *wide)


@operation("Reshape")
def reshape(call: OperationCall) -> Ref:
    """``reshape(x, newshape)``."""
    ref, shape = call.ref(), call.given(1, "newshape")
    listed = list(shape) if isinstance(shape, list | tuple) else [shape]
    if not listed or not all(item is None or type(item) is int for item in listed):
        raise call.refuse("its new shape is computed by the network; use fixed numbers")
    first, *kept = (-1 if item is None else item for item in listed)
    size = call.nodes.shape(ref)
    known = None if None in size else math.prod(side for side in size if side is not None)
    if kept.count(-1) > 1 or first != -1 or (-1 not in kept and known != math.prod(kept)):
        raise call.refuse(
            "its new shape moves numbers between samples, or fixes how many there are; begin it "
            "with -1 and give the shape of one sample behind"
        )
    return call.add(Reshape(tuple(kept)), ref)


@operation("Transpose")
def transpose(call: OperationCall) -> Ref:
    """``transpose(x, axes)``."""
    ref = call.ref()
    rank, axes = call.nodes.rank(ref), call.given(1, "axes", None)
    order = list(range(rank))[::-1] if axes is None else [axis % rank for axis in axes]
    return _ordered(call, ref, order)


@operation("Swapaxes")
def swapaxes(call: OperationCall) -> Ref:
    """``swapaxes(x, axis1, axis2)``."""
    ref = call.ref()
    order = list(range(call.nodes.rank(ref)))
    one, other = (call.given(k, f"axis{k}") % len(order) for k in (1, 2))
    order[one], order[other] = order[other], order[one]
    return _ordered(call, ref, order)


@operation("Moveaxis")
def moveaxis(call: OperationCall) -> Ref:
    """``moveaxis(x, source, destination)``."""
    ref = call.ref()
    rank = call.nodes.rank(ref)
    places = []
    for k, name in ((1, "source"), (2, "destination")):
        given = call.given(k, name)
        places.append([item % rank for item in (given if isinstance(given, list) else [given])])
    order = [axis for axis in range(rank) if axis not in places[0]]
    for at, axis in sorted(zip(places[1], places[0], strict=True)):
        order.insert(at, axis)
    return _ordered(call, ref, order)


def _ordered(call: OperationCall, ref: Ref, order: list[int]) -> Ref:
    if order[0] != 0 or sorted(order) != list(range(len(order))):
        raise call.refuse("it moves the axis of the samples, which rnnlens keeps in front")
    return ref if order == sorted(order) else call.add(Permute(tuple(order[1:])), ref)


@operation("Tile")
def tile(call: OperationCall) -> Ref:
    """``tile(x, repeats)``: the whole axis again and again."""
    ref = call.ref()
    rank, times = call.nodes.rank(ref), call.given(1, "repeats")
    listed = times if isinstance(times, list) else [times]
    if not all(type(item) is int and item > 0 for item in listed) or len(listed) > rank:
        raise call.refuse("it repeats as often as the network computes; use fixed numbers")
    padded = [1] * (rank - len(listed)) + listed
    if padded[0] != 1:
        raise call.refuse("it repeats samples, which rnnlens keeps apart")
    for axis, count in enumerate(padded):
        ref = ref if count == 1 else call.add(Repeat(axis, count), ref)
    return ref


@operation("Repeat")
def repeat(call: OperationCall) -> Ref:
    """``repeat(x, repeats, axis)``: each place several times over."""
    ref, times = call.ref(), call.given(1, "repeats")
    axis = call.axis(call.given(2, "axis", None), call.nodes.rank(ref))
    if type(times) is not int or times < 1:
        raise call.refuse("it repeats by a list, or as the network computes; use one number")
    shape = call.nodes.shape(ref)
    if shape[axis - 1] == 1:
        return call.add(Repeat(axis, times), ref)
    merged = (*shape[: axis - 1], -1, *shape[axis:])
    if merged.count(None):
        raise call.refuse("it repeats within axes of open length; give the input a fixed one")
    wide = call.add(Repeat(axis + 1, times), call.add(ExpandDims(axis + 1), ref))
    return call.add(Reshape(tuple(-1 if side is None else side for side in merged)), wide)


@operation("Roll")
def roll(call: OperationCall) -> Ref:
    """``roll(x, shift, axis)``."""
    ref, shift = call.ref(), call.given(1, "shift")
    axis = call.axis(call.given(2, "axis", None), call.nodes.rank(ref))
    length = call.nodes.shape(ref)[axis - 1]
    if length is None or type(shift) is not int:
        raise call.refuse("it rolls an axis of open length; give the input a fixed one")
    if shift % length == 0:
        return ref
    cut = length - shift % length
    parts = [call.add(Slice(cut, None, 1, axis), ref), call.add(Slice(None, cut, 1, axis), ref)]
    return call.add(Concatenate(axis), *parts)


@operation("Pad")
def pad(call: OperationCall) -> Ref:
    """``pad(x, pad_width)`` with a constant."""
    ref = call.ref()
    widths, rank = call.given(1, "pad_width"), call.nodes.rank(ref)
    if call.given(2, "mode", "constant") not in {"constant", "CONSTANT"}:
        raise call.refuse("it pads by other values than a constant; pad with mode='constant'")
    filled = float(call.numbers(call.given(3, "constant_values", None) or 0.0, "constant_values"))
    pairs = [[item, item] if type(item) is int else item for item in widths]
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank or pairs[0] != [0, 0]:
        raise call.refuse("it pads samples, which rnnlens keeps apart")
    for axis, (before, after) in enumerate(pairs):
        parts = [ref]
        for count, place in ((before, 0), (after, 1)):
            shape = list(call.nodes.shape(ref))
            if not count:
                continue
            shape[axis - 1] = count
            if None in shape:
                raise call.refuse(
                    "it pads beside an axis of open length; give the input a fixed one"
                )
            sides = [side for side in shape if side is not None]
            fill = call.nodes.constant(np.full(sides, filled), ref)
            parts = [*parts, fill] if place else [fill, *parts]
        ref = parts[0] if len(parts) == 1 else call.add(Concatenate(axis), *parts)
    return ref
