"""The shape of every layer's output, from the shape of the window alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Constant, ExpandDims, Index, Mean, Repeat, Slice, Squeeze, Take
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    Bidirectional,
    Binary,
    Concatenate,
    Conv1D,
    Dense,
    DescribedRecurrent,
    Einsum,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Input,
    Layer,
    MaskValues,
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
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Network

__all__ = ["Shape", "is_sequence", "output_shapes", "shapes_after"]

#: Shape of one sample; ``None`` where any length serves.
Shape = tuple[int | None, ...]


def output_shapes(
    network: Network,
    *,
    longer: int = 0,
    along: Mapping[str, int] | None = None,
    given: Mapping[str, Shape] | None = None,
) -> dict[str, tuple[Shape, ...]]:
    """Work out the shape of every output of every node, perhaps of windows longer along an axis.

    Shapes of the inputs that are given stand in for the network's own.
    """
    shapes: dict[str, tuple[Shape, ...]] = {}
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Input):
            sides = list((given or {}).get(node.name, layer.shape))
            place = (along or {}).get(node.name, 1) - 1
            if longer and is_sequence(network, node.name) and sides[place] is not None:
                sides[place] = (sides[place] or 0) + longer
            shapes[node.name] = (tuple(sides),)
        else:
            taken = [_taken(shapes, ref, f"layer {node.name!r}") for ref in node.inputs]
            shapes[node.name] = _outputs(layer, taken)
    for ref in network.outputs:
        _taken(shapes, ref, "the network")
    return shapes


def _taken(shapes: Mapping[str, tuple[Shape, ...]], ref: tuple[str, int], taker: str) -> Shape:
    """Give the shape of an output that is taken, of those that a node has."""
    name, number = ref
    if not 0 <= number < len(shapes[name]):
        raise UnsupportedModel(
            f"{taker} takes output {number}, counted from 0, of {name!r}, which has "
            f"{len(shapes[name])}; the file is damaged: save the model again"
        )
    return shapes[name][number]


def shapes_after(layer: Layer, taken: list[Shape]) -> tuple[Shape, ...]:
    """Work out the shapes of a layer's outputs from those of its inputs."""
    return (layer.shape,) if isinstance(layer, Input) else _outputs(layer, taken)


def is_sequence(network: Network, name: str) -> bool:
    """Say whether an input is a sequence: it has steps and features, or tokens to look up."""
    shape = network.inputs[name].shape
    takers = (node.layer for node in network.nodes if (name, 0) in node.inputs)
    return len(shape) > 1 or (bool(shape) and any(isinstance(each, Embedding) for each in takers))


def _outputs(layer: Layer, taken: list[Shape]) -> tuple[Shape, ...]:
    if isinstance(layer, Recurrent):
        return _recurrent(layer, taken[0])
    if isinstance(layer, Bidirectional):
        return _bidirectional(layer, taken[0])
    if isinstance(layer, DescribedRecurrent):
        first, *others = ((taken[0][0], size) for size in layer.sizes)
        return (first, *((size,) for size in layer.sizes), *others)
    if isinstance(layer, TimeDistributed):
        return tuple((taken[0][0], *each) for each in _outputs(layer.layer, [taken[0][1:]]))
    if isinstance(layer, Add | Subtract | Multiply | Average | Binary | Where):
        return (_broadcast(taken),)
    if isinstance(layer, Einsum):
        return (_multiplied(layer, taken),)
    if isinstance(layer, Repeat):
        return (_repeated(layer, taken),)
    if isinstance(layer, Concatenate):
        return (_concatenated(layer, taken),)
    if isinstance(layer, RepeatVector):
        return ((taken[1][0] if layer.times is None else layer.times, *taken[0]),)
    return (_rearranged(layer, taken[0]),)


def _rearranged(layer: Layer, shape: Shape) -> Shape:
    if isinstance(layer, Dense):
        return _activated((*shape[:-1], layer.W.shape[-1]), layer.activation)
    if isinstance(layer, Activate):
        return _activated(shape, layer.activation)
    if isinstance(layer, Embedding):
        return (*shape, layer.E.shape[1])
    if isinstance(layer, Flatten):
        return (_size(shape),)
    if isinstance(layer, Reshape):
        return _reshaped(layer.shape, shape)
    if isinstance(layer, Permute):
        return tuple(shape[axis - 1] for axis in layer.axes)
    return _over_steps(layer, shape)


def _along_axes(layer: Layer, shape: Shape) -> Shape:
    """Work out the shape after a layer of `rnnlens.network.axes`; axes count the batch axis."""
    full = [None, *shape]
    if isinstance(layer, Constant):
        return layer.C.shape
    if isinstance(layer, Unjoin):
        return layer.shape
    if isinstance(layer, ExpandDims):
        full.insert(layer.axis % (len(full) + 1), 1)
    elif isinstance(layer, Index | Squeeze):
        del full[layer.axis % len(full)]
    elif isinstance(layer, Slice):
        axis = layer.axis % len(full)
        length = full[axis]
        places = slice(layer.start, layer.stop, layer.step)
        full[axis] = None if length is None else len(range(*places.indices(length)))
    elif isinstance(layer, Take):
        full[layer.axis % len(full)] = len(layer.places)
    elif isinstance(layer, Mean | Reduction):
        gone = {axis % len(full) for axis in layer.axes}
        full = [
            1 if k in gone else n for k, n in enumerate(full) if layer.keepdims or k not in gone
        ]
    return tuple(full[1:])


def _over_steps(layer: Layer, shape: Shape) -> Shape:
    if isinstance(layer, Conv1D):
        span = layer.dilation * (layer.W.shape[0] - 1) + 1
        steps = _slid(shape[0], span, layer.stride, fit=layer.padding == "valid")
        return _activated((steps, layer.W.shape[-1]), layer.activation)
    if isinstance(layer, Pooling1D):
        steps = _slid(shape[0], layer.size, layer.stride, fit=layer.padding == "valid")
        return (steps, *shape[1:])
    if isinstance(layer, MaskValues):
        return shape[:1]
    if isinstance(layer, GlobalPooling1D):
        return (1, *shape[1:]) if layer.keepdims else shape[1:]
    return _along_axes(layer, shape)


def _recurrent(layer: Recurrent, shape: Shape) -> tuple[Shape, ...]:
    sizes = layer.cell.state_sizes
    output = (shape[0], sizes[0]) if layer.return_sequences else (sizes[0],)
    return (output, *(((size,) for size in sizes) if layer.return_state else ()))


def _bidirectional(layer: Bidirectional, shape: Shape) -> tuple[Shape, ...]:
    forward, *forward_states = _recurrent(layer.forward, shape)
    backward, *backward_states = _recurrent(layer.backward, shape)
    states = (*forward_states, *backward_states)
    if layer.merge_mode is None:
        return (forward, backward, *states)
    if layer.merge_mode == "concat":
        width = layer.forward.cell.state_sizes[0] + layer.backward.cell.state_sizes[0]
        return ((*forward[:-1], width), *states)
    return (forward, *states)


def _size(shape: Shape) -> int | None:
    known = [length for length in shape if length is not None]
    return prod(known) if len(known) == len(shape) else None


def _reshaped(wanted: tuple[int, ...], shape: Shape) -> Shape:
    size = _size(shape)
    rest = -prod(wanted)
    free = None if size is None or rest <= 0 else size // rest
    return tuple(free if length == -1 else length for length in wanted)


def _slid(steps: int | None, span: int, stride: int, *, fit: bool) -> int | None:
    if steps is None:
        return None
    return (steps - span) // stride + 1 if fit else -(-steps // stride)


def _activated(shape: Shape, activation: Activation) -> Shape:
    if activation.name != "glu":
        return shape
    axis = int(activation["axis"])
    place = axis - 1 if axis > 0 else axis % len(shape)
    # A gated linear unit multiplies one half of the axis by the sigmoid of the other.
    halved = (None if shape[place] is None else (shape[place] or 0) // 2,)
    return shape[:place] + halved + shape[place + 1 :]


def _broadcast(shapes: list[Shape]) -> Shape:
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(
        next((length for length in lengths if length != 1), 1)
        for lengths in zip(*padded, strict=True)
    )


def _multiplied(layer: Einsum, shapes: list[Shape]) -> Shape:
    left, right, out = layer.terms
    lengths: dict[str, int | None] = {}
    for letters, shape in zip((left, right), shapes, strict=True):
        for letter, length in zip(letters[1:], shape, strict=True):
            if lengths.get(letter, 1) == 1:
                lengths[letter] = length
    return tuple(lengths[letter] for letter in out[1:])


def _repeated(layer: Repeat, shapes: list[Shape]) -> Shape:
    shape = shapes[0]
    place = layer.axis - 1 if layer.axis > 0 else layer.axis % len(shape)
    times = shapes[1][place] if layer.times is None else layer.times
    length = shape[place]
    longer = None if times is None or length is None else times * length
    return (*shape[:place], longer, *shape[place + 1 :])


def _concatenated(layer: Concatenate, shapes: list[Shape]) -> Shape:
    place = layer.axis - 1 if layer.axis > 0 else layer.axis % len(shapes[0])
    lengths = [shape[place] for shape in shapes]
    known = [length for length in lengths if length is not None]
    total = sum(known) if len(known) == len(lengths) else None
    return (*shapes[0][:place], total, *shapes[0][place + 1 :])
