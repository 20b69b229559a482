"""What each layer needs of its inputs for some entries of its outputs.

Layers that move, select, add or average are asked through their own way back
(`rnnlens.engine.operations`): what multipliers of one come back as anything but zero is needed.
Layers with weights go the same way, with ones where their weights are not zero. A layer without a
rule needs all that it takes where anything of it is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array, Tape, pull, reduce_to, run
from rnnlens.network.activations import AXIS_WISE, Activation
from rnnlens.network.axes import (
    ExpandDims,
    Flip,
    Index,
    Mean,
    Repeat,
    Slice,
    Squeeze,
    Take,
    Unmask,
)
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Identity,
    Layer,
    LayerNormalization,
    Multiply,
    Permute,
    Pooling1D,
    PReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.layers.arithmetic import Binary, Where
from rnnlens.network.layers.products import Einsum
from rnnlens.network.layers.reductions import CumulativeSum, Reduction

__all__ = ["Counting", "Known", "Wanted", "wanted_by"]

#: Which entries are wanted of each output, or needed of each input; ``None`` where none is.
Wanted = tuple[NDArray[np.bool_] | None, ...]
#: The inputs whose values are the same for every window, ``None`` for the others.
Known = Sequence[Array | None]

LINEAR = Activation("linear")


@dataclass(frozen=True)
class Counting:
    """What counts as a way.

    Parameters
    ----------
    zeros : bool
        Whether a weight of zero is one, so that the wiring alone says what reaches what.
    carried : bool
        Whether states may be carried into recurrent layers; they start at zero else.
    """

    zeros: bool = False
    carried: bool = False

    def __call__(self, weights: NDArray[np.floating]) -> Array:
        """Give ones where a weight counts."""
        weights = np.asarray(weights)
        return np.ones(weights.shape) if self.zeros else (weights != 0).astype(float)


@singledispatch
def wanted_by(
    layer: Layer, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    """Tell which entries of its inputs a layer needs for the wanted entries of its outputs."""
    needed = any(one.any() for one in wanted)
    return tuple(np.full(one.shape, needed) for one in tape.inputs)


def _by_way_back(layer: Layer, tape: Tape, wanted: tuple[NDArray[np.bool_], ...]) -> Wanted:
    """Ask the layer's own way back, which is linear and does not cancel."""
    given = tuple(one.astype(float) for one in wanted)
    return tuple(None if m is None else m != 0 for m in pull(layer, tape, tape, given))


@wanted_by.register(Add)
@wanted_by.register(Average)
@wanted_by.register(Concatenate)
@wanted_by.register(CumulativeSum)
@wanted_by.register(ExpandDims)
@wanted_by.register(Flatten)
@wanted_by.register(Flip)
@wanted_by.register(Identity)
@wanted_by.register(Index)
@wanted_by.register(Mean)
@wanted_by.register(Permute)
@wanted_by.register(RepeatVector)
@wanted_by.register(Reshape)
@wanted_by.register(Slice)
@wanted_by.register(Squeeze)
@wanted_by.register(Subtract)
@wanted_by.register(Take)
@wanted_by.register(Unmask)
def _(
    layer: Layer, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    return _by_way_back(layer, tape, wanted)


@wanted_by.register
def _(
    layer: Repeat, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    # a second input says no more than how long an axis is
    return (_by_way_back(layer, tape, wanted)[0], *(None for _ in tape.inputs[1:]))


@wanted_by.register
def _(
    layer: Dense, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    entries = _activated(layer.activation, wanted[0]).astype(float)
    return ((entries @ ones(layer.W).T) != 0,)


@wanted_by.register
def _(
    layer: Conv1D, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    marked = replace(layer, W=ones(layer.W), b=None, activation=LINEAR)
    entries = _activated(layer.activation, wanted[0])
    return _by_way_back(marked, run(marked, tape.inputs, (None,), None), (entries,))


@wanted_by.register
def _(
    layer: Embedding,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    # an entry that is the same for every token says nothing of it
    told = ones(np.ptp(layer.E, axis=0)) != 0
    return ((wanted[0] & told).any(axis=-1).reshape(tape.inputs[0].shape),)


@wanted_by.register
def _(
    layer: BatchNormalization,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    if layer.gamma is None:
        return wanted
    axis = layer.axis % wanted[0].ndim
    shape = [1] * wanted[0].ndim
    shape[axis] = -1
    return (wanted[0] & (ones(layer.gamma) != 0).reshape(shape),)


@wanted_by.register
def _(
    layer: LayerNormalization,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    axes = tuple(axis % wanted[0].ndim for axis in layer.axes)
    entries = wanted[0]
    if layer.gamma is not None:
        shape = [n if k in axes else 1 for k, n in enumerate(entries.shape)]
        entries = entries & (ones(layer.gamma) != 0).reshape(shape)
    return (_along(entries, axes),)


@wanted_by.register
def _(
    layer: Rescaling,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    return (wanted[0] & (ones(layer.scale) != 0),)


@wanted_by.register(PReLU)
@wanted_by.register(Standardization)
def _(
    layer: Layer, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    return wanted


@wanted_by.register
def _(
    layer: Activate, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    return (_activated(layer.activation, wanted[0]),)


@wanted_by.register
def _(
    layer: Pooling1D,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    mean = replace(layer, kind="average")  # the largest needs all that the mean needs
    return _by_way_back(mean, run(mean, tape.inputs, (None,), None), wanted)


@wanted_by.register
def _(
    layer: GlobalPooling1D,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    shape = tape.inputs[0].shape
    entries = wanted[0].reshape(shape[0], 1, *shape[2:])
    return (np.broadcast_to(entries, shape),)


@wanted_by.register
def _(
    layer: Reduction,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    shape = tape.inputs[0].shape
    axes = {axis % len(shape) for axis in layer.axes}
    kept = [1 if k in axes else n for k, n in enumerate(shape)]
    return (np.broadcast_to(wanted[0].reshape(kept), shape),)


@wanted_by.register
def _(
    layer: Multiply, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    rank = wanted[0].ndim
    entries = []
    for place, x in enumerate(tape.inputs):
        needed = wanted[0]
        for other, value in enumerate(known):
            if value is not None and other != place:  # what is multiplied by zero is not needed
                needed = needed & (ones(_of_rank(value, rank)) != 0)
        entries.append(_gathered(needed, x))
    return tuple(entries)


@wanted_by.register
def _(
    layer: Binary, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    return tuple(_gathered(wanted[0], x) for x in tape.inputs)


@wanted_by.register
def _(
    layer: Where, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    condition = known[0]
    first = second = wanted[0]
    if condition is not None:
        taken = np.broadcast_to(_of_rank(condition, wanted[0].ndim) != 0, wanted[0].shape)
        first, second = first & taken, second & ~taken
    pairs = zip((wanted[0], first, second), tape.inputs, strict=True)
    return tuple(_gathered(needed, x) for needed, x in pairs)


@wanted_by.register
def _(
    layer: Einsum, tape: Tape, wanted: tuple[NDArray[np.bool_], ...], known: Known, ones: Counting
) -> Wanted:
    left, right, out = layer.terms
    factors = [
        np.ones(x.shape) if value is None else ones(value)
        for x, value in zip(tape.inputs, known, strict=True)
    ]
    given = wanted[0].astype(float)
    return (
        _einsum(f"{out},{right}->{left}", given, factors[1], tape.inputs[0].shape),
        _einsum(f"{out},{left}->{right}", given, factors[0], tape.inputs[1].shape),
    )


@wanted_by.register
def _(
    layer: TimeDistributed,
    tape: Tape,
    wanted: tuple[NDArray[np.bool_], ...],
    known: Known,
    ones: Counting,
) -> Wanted:
    (x,) = tape.inputs
    steps = x.reshape(-1, *x.shape[2:])
    inner = run(layer.layer, (steps,), (None,), None)
    asked = tuple(one.reshape(-1, *one.shape[2:]) for one in wanted)
    (needed,) = wanted_by(layer.layer, inner, asked, [None], ones)
    return (None if needed is None else needed.reshape(x.shape),)


def _activated(activation: Activation, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which entries an activation needs."""
    if activation.name not in AXIS_WISE:
        return wanted
    axis = int(activation["axis"])
    if activation.name == "glu":  # one half is the gate of the other
        return np.concatenate([wanted, wanted], axis=axis)
    return _along(wanted, (axis,))


def _along(wanted: NDArray[np.bool_], axes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Want all entries along axes where one is wanted."""
    return np.broadcast_to(wanted.any(axis=axes, keepdims=True), wanted.shape)


def _of_rank(x: Array, rank: int) -> Array:
    """Put axes of length one after the sample axis."""
    return x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:])


def _gathered(wanted: NDArray[np.bool_], x: Array) -> NDArray[np.bool_]:
    """Undo the broadcasting of an input."""
    return np.asarray(reduce_to(wanted.astype(float), x.shape) != 0).reshape(x.shape)


def _einsum(equation: str, a: Array, b: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Sum a product, and stretch it over axes that only the input itself has."""
    inputs, out = equation.split("->")
    there = "".join(letter for letter in out if letter in inputs)
    product = np.einsum(f"{inputs}->{there}", a, b) != 0
    spread = [n if letter in there else 1 for letter, n in zip(out, shape, strict=True)]
    return np.broadcast_to(product.reshape(spread), shape)
