"""Which axis of an input counts steps: the one along which the layers over steps walk.

Windows may come as (sample, channel, step) and be turned inside the network. Every axis of every
value is followed from the inputs on, for as long as a layer keeps it apart from the others; where
a recurrent layer, a convolution or a pool meets it as its steps, it is the axis of steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlens.network.axes import (
    Constant,
    ExpandDims,
    Flip,
    Index,
    Mean,
    Repeat,
    Slice,
    Squeeze,
    Take,
)
from rnnlens.network.layers import (
    Add,
    Average,
    Bidirectional,
    Binary,
    Concatenate,
    Conv1D,
    Dense,
    Einsum,
    Embedding,
    GlobalPooling1D,
    Input,
    Layer,
    Multiply,
    Permute,
    Pooling1D,
    Recurrent,
    Reduction,
    RepeatVector,
    Reshape,
    Subtract,
    TimeDistributed,
    Where,
)
from rnnlens.network.network import Network
from rnnlens.network.shapes import Shape, output_shapes

__all__ = ["step_axes", "walked_axes"]

#: An axis of an input, counted from the batch axis, 0.
Place = tuple[str, int]
#: For each axis of a value, the axes of inputs that it is.
Axes = tuple[frozenset[Place], ...]

NONE: frozenset[Place] = frozenset()
#: Layers that walk along axis 1.
WALKERS = (Recurrent, Bidirectional, Conv1D, Pooling1D, GlobalPooling1D)
#: Layers of several inputs whose axes are the same.
MERGES = (Add, Average, Binary, Concatenate, Multiply, Subtract, Where)


def walked_axes(network: Network) -> dict[str, dict[int, str]]:
    """Give the axes of each input along which layers walk, and the first layer that does."""
    shapes = output_shapes(network)
    axes: dict[str, list[Axes]] = {}
    walked: dict[str, dict[int, str]] = {name: {} for name in network.inputs}
    within: dict[str, dict[int, str]] = {name: {} for name in network.inputs}
    for node in network.nodes:
        if isinstance(node.layer, Input):
            axes[node.name] = [
                tuple(frozenset({(node.name, k + 1)}) for k in range(len(node.layer.shape)))
            ]
            continue
        taken = [axes[name][number] for name, number in node.inputs]
        # what is walked within each step counts steps only where nothing walks along these
        found = within if isinstance(node.layer, TimeDistributed) else walked
        for name, axis in sorted(_steps_of(node.layer, taken[0])):
            found[name].setdefault(axis, node.name)
        before = [shapes[name][number] for name, number in node.inputs]
        axes[node.name] = [
            _kept(node.layer, taken, before, after, place)
            for place, after in enumerate(shapes[node.name])
        ]
    return {name: told or within[name] for name, told in walked.items()}


def step_axes(network: Network) -> dict[str, int | None]:
    """Say which axis of each input counts steps, as stated or walked; None where none is."""
    walked = walked_axes(network)
    return {
        name: entry.steps or (next(iter(walked[name])) if len(walked[name]) == 1 else None)
        for name, entry in network.inputs.items()
    }


def _steps_of(layer: Layer, taken: Axes) -> frozenset[Place]:
    """Give the axes of inputs that a layer walks along."""
    if isinstance(layer, TimeDistributed):
        return _steps_of(layer.layer, taken[1:])
    return taken[0] if isinstance(layer, WALKERS) else NONE


def _kept(
    layer: Layer, taken: Sequence[Axes], before: Sequence[Shape], after: Shape, place: int
) -> Axes:
    """Follow the axes through one layer, to its output at a place."""
    first = taken[0]
    if isinstance(layer, Constant):
        return (NONE,) * len(after)
    if isinstance(layer, TimeDistributed):
        inner = _kept(layer.layer, [first[1:]], [before[0][1:]], after[1:], place)
        return (first[0], *inner)
    if isinstance(layer, Recurrent | Bidirectional | Conv1D):
        return (first[0], NONE) if len(after) == 2 else (NONE,) * len(after)
    if isinstance(layer, Dense | Embedding):
        lead = first[:-1] if isinstance(layer, Dense) else first
        return (*lead, NONE)
    if isinstance(layer, MERGES):
        return _merged(taken, len(after))
    if isinstance(layer, Einsum):
        return _multiplied(layer, taken)
    if isinstance(layer, RepeatVector):
        return (taken[1][0] if len(taken) > 1 else NONE, *first)
    if isinstance(layer, Reshape):
        return _relaid(first, before[0], after)
    return _moved(layer, first, before[0], after)


def _moved(layer: Layer, first: Axes, before: Shape, after: Shape) -> Axes:
    full = [NONE, *first]
    if isinstance(layer, Permute):
        return tuple(first[axis - 1] for axis in layer.axes)
    if isinstance(layer, ExpandDims):
        full.insert(layer.axis % (len(full) + 1), NONE)
    elif isinstance(layer, Index | Squeeze):
        del full[layer.axis % len(full)]
    elif isinstance(layer, Mean | Reduction | GlobalPooling1D):
        axes = (1,) if isinstance(layer, GlobalPooling1D) else layer.axes
        gone = {axis % len(full) for axis in axes}
        full = [
            NONE if k in gone else one
            for k, one in enumerate(full)
            if layer.keepdims or k not in gone
        ]
    elif not isinstance(layer, Flip | Slice | Pooling1D | Repeat | Take) and before != after:
        return (NONE,) * len(after)
    return tuple(full[1:])


def _merged(taken: Sequence[Axes], rank: int) -> Axes:
    aligned = [(NONE,) * (rank - len(axes)) + axes for axes in taken]
    return tuple(frozenset().union(*one) for one in zip(*aligned, strict=True))


def _multiplied(layer: Einsum, taken: Sequence[Axes]) -> Axes:
    left, right, out = layer.terms
    known: dict[str, frozenset[Place]] = {}
    for letters, axes in zip((left, right), taken, strict=True):
        for letter, own in zip(letters[1:], axes, strict=True):
            known[letter] = known.get(letter, NONE) | own
    return tuple(known[letter] for letter in out[1:])


def _relaid(first: Axes, before: Shape, after: Shape) -> Axes:
    """Keep the axes at the front and at the back; those between are of all that lay there."""
    shortest = min(len(before), len(after))
    front = next((k for k in range(shortest) if before[k] != after[k]), shortest)
    rest = shortest - front
    back = next((k for k in range(rest) if before[-1 - k] != after[-1 - k]), rest)
    old = first[front : len(first) - back]
    between = [frozenset().union(*old)] * (len(after) - front - back)
    if old and between and _in_blocks(before[front], after[front]):
        between[0] = old[0]
    return (*first[:front], *between, *first[len(first) - back :])


def _in_blocks(before: int | None, after: int | None) -> bool:
    """Say whether a new axis counts whole blocks of places of the one that lay there."""
    return bool(before and after) and (before or 0) % (after or 1) == 0
