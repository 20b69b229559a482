"""What layers do with steps: the same at each, or picking some, or making equal ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rnnlens.network.axes import Index, Repeat, Slice
from rnnlens.network.cells import FloatArray
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Dense,
    Embedding,
    Identity,
    Layer,
    LayerNormalization,
    Masking,
    Multiply,
    RepeatVector,
    Rescaling,
    Reshape,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.shapes import Shape

__all__ = ["keeps_steps_apart", "picks_steps", "repeats_a_step", "takes_the_newest"]

_EACH_STEP_ALONE = (
    Activate,
    Add,
    Average,
    Concatenate,
    Dense,
    Embedding,
    Identity,
    Masking,
    Multiply,
    Rescaling,
    Subtract,
    TimeDistributed,
)


def keeps_steps_apart(layer: Layer, shape: Shape) -> bool:
    """Say whether a layer does the same at every step of a sequence of a shape."""
    if isinstance(layer, BatchNormalization | Concatenate):
        return layer.axis in {-1, 2}
    if isinstance(layer, LayerNormalization):
        return all(axis in {-1, 2} for axis in layer.axes)
    if isinstance(layer, Standardization):
        return _alike_at_every_step((layer.mean, layer.variance), shape)
    if isinstance(layer, Rescaling):
        return _alike_at_every_step((layer.scale, layer.offset), shape)
    if isinstance(layer, Activate) and layer.activation.axis_wise:
        return layer.activation["axis"] in {-1.0, 2.0}
    if isinstance(layer, Reshape):  # the numbers of each step laid out anew
        inner = prod(size or 0 for size in shape[1:])
        return layer.shape[0] in {-1, shape[0]} and prod(layer.shape[1:]) == inner > 0
    return isinstance(layer, _EACH_STEP_ALONE)


def _alike_at_every_step(arrays: Sequence[FloatArray], shape: Shape) -> bool:
    """Say whether arrays that are broadcast over (step, ...) have one value for all steps."""
    rank = len(shape)
    return all(one.ndim < rank or one.shape[-rank] == 1 for one in arrays)


def picks_steps(layer: Layer) -> bool:
    """Say whether a layer does nothing but pick steps, the older ones first."""
    if isinstance(layer, Slice):
        return layer.axis == 1 and layer.step > 0
    return isinstance(layer, Index) and layer.axis == 1


def takes_the_newest(layer: Layer) -> bool:
    """Say whether a layer picks the last step and no other."""
    if isinstance(layer, Slice):
        return picks_steps(layer) and layer.start == -1 and layer.stop is None
    return picks_steps(layer) and isinstance(layer, Index) and layer.index == -1


def repeats_a_step(layer: Layer, shape: Shape) -> bool:
    """Say whether a layer makes equal steps of one, which has a shape without the samples."""
    if isinstance(layer, Repeat):
        return layer.axis == 1 and bool(shape) and shape[0] == 1
    return isinstance(layer, RepeatVector)
