"""Layers that pick and turn axes, in layers that Keras has.

Keras picks places by code, not by layers. A place or a run of places of an axis is also a product
with a matrix of zeros and ones, which is exact; so a Dense without bias does it, between two
Permutes where the axis is the step. The newest of steps whose number is not stated is what a plain
recurrent layer ends with that hands its input on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.axes import ExpandDims, Flip, Index, Mean, Slice, Squeeze, Unmask
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import (
    Bidirectional,
    Dense,
    GlobalPooling1D,
    Layer,
    Permute,
    Recurrent,
    Reshape,
)
from rnnlens.network.network import Network, Node, Ref, layer_kind
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.readers.keras.graph.masks import Expression, mask_after, needs_mask
from rnnlens.writers.written import refuse

__all__ = ["in_keras_layers"]

AXES = (ExpandDims, Flip, Index, Mean, Slice, Squeeze)


def in_keras_layers(network: Network, dtype: np.dtype, notes: list[str]) -> Network:
    """Replace the layers that Keras does not have by some that it has."""
    shapes = output_shapes(network)
    masks = _masks(network)
    moved: dict[Ref, Ref] = {}
    nodes: list[Node] = []
    for node in network.nodes:
        taken = tuple(moved.get(ref, ref) for ref in node.inputs)
        if isinstance(node.layer, Unmask):
            _check_unmask(network, node, masks)
            moved[node.name, 0] = taken[0]
            continue
        if not isinstance(node.layer, AXES):
            _check_masks(node, masks)
            nodes.append(replace(node, inputs=taken))
            continue
        source, number = node.inputs[0]
        if masks[node.inputs[0]] is not None:
            refuse(
                node.name,
                node.layer,
                "Keras picks no steps of a masked sequence; write .npz, which holds it",
            )
        result = shapes[node.name][0]
        layers = _lowered(node, shapes[source][number], result, dtype)
        kinds = " and ".join(dict.fromkeys(layer_kind(layer) for layer in layers))
        notes.append(
            f"{node.name} ({layer_kind(node.layer)}) is written as {kinds} that computes the same"
        )
        for count, layer in enumerate(layers):
            name = node.name if count == len(layers) - 1 else f"{node.name}_{count}"
            nodes.append(Node(name, layer, taken))
            taken = ((name, 0),)
    outputs = tuple(moved.get(ref, ref) for ref in network.outputs)
    return replace(network, nodes=tuple(nodes), outputs=outputs)


def _masks(network: Network) -> dict[Ref, Expression | None]:
    """Give the mask that every tensor carries, by the rules of Keras and the engine."""
    masks: dict[Ref, Expression | None] = {}
    for node in network.nodes:
        taken = [masks.get(ref) for ref in node.inputs] or [None]
        after = mask_after(node.layer, node.inputs, taken, "newest")
        masks |= {(node.name, number): None for number in range(8)}
        masks[node.name, 0] = after
        if isinstance(node.layer, Bidirectional) and node.layer.merge_mode is None:
            masks[node.name, 1] = after
    return masks


def _check_unmask(network: Network, unmask: Node, masks: dict[Ref, Expression | None]) -> None:
    """Keras takes a mask off where a recurrent layer is given states, and only there."""
    takers = [node for node in network.nodes if (unmask.name, 0) in node.inputs]
    alone = all(
        isinstance(node.layer, Recurrent | Bidirectional) and len(node.inputs) > 1
        for node in takers
    )
    if masks[unmask.inputs[0]] is not None and not (alone and takers):
        refuse(
            unmask.name,
            unmask.layer,
            "Keras takes a mask off only where a recurrent layer is given states to start from; "
            "write .npz, which holds it",
        )


def _check_masks(node: Node, masks: dict[Ref, Expression | None]) -> None:
    if not needs_mask(node.layer) or masks[node.inputs[0]] is None:
        return
    if len(node.inputs) > 1:
        refuse(
            node.name,
            node.layer,
            "it takes a masked sequence and states to start from, and Keras leaves the mask out "
            "there; write .npz, which holds it",
        )
    layer = node.layer
    if isinstance(layer, Bidirectional) and any(
        side.zero_output_for_mask != side.return_sequences
        for side in (layer.forward, layer.backward)
    ):
        refuse(
            node.name,
            layer,
            "Keras 3 gives zero at masked steps of a Bidirectional, and it does not; write .npz, "
            "which holds it",
        )


def _lowered(node: Node, shape: Shape, result: Shape, dtype: np.dtype) -> list[Layer]:
    layer = node.layer
    if isinstance(layer, ExpandDims | Squeeze):
        return [_reshape(node, result)]
    if isinstance(layer, Mean):
        return _mean(node, layer, shape, result, dtype)
    assert isinstance(layer, Flip | Index | Slice)
    axis = layer.axis % (len(shape) + 1)
    size, width = shape[axis - 1], shape[-1]
    if isinstance(layer, Index) and (axis, len(shape)) == (1, 2) and size is None and width:
        return [_end(node, layer.index, width, dtype)]
    if size is None or len(shape) > 2:
        why = "the number of steps is not stated" if size is None else "the sample has three axes"
        refuse(
            node.name,
            layer,
            f"{why}, so Keras has no layer that picks these places; write .onnx or .npz instead",
        )
    if isinstance(layer, Index):
        places = np.array([layer.index % size])
    elif isinstance(layer, Flip):
        places = np.arange(size)[::-1]
    else:
        places = np.arange(size)[layer.start : layer.stop : layer.step]
    picked = _along(axis, len(shape), np.eye(size, dtype=dtype)[:, places])
    return [*picked, _reshape(node, result)] if isinstance(layer, Index) else picked


def _end(node: Node, index: int, width: int, dtype: np.dtype) -> Recurrent:
    """Pick the newest or the oldest of any number of steps: ``h' = x I + h 0`` ends with it."""
    if index not in {-1, 0}:
        raise UnsupportedModel(
            f"layer {node.name!r} (Index) picks place {index} of steps whose number is not stated, "
            "and Keras has no layer that does; write .onnx or .npz instead"
        )
    one = Gate(np.eye(width, dtype=dtype), np.zeros((width, width), dtype=dtype))
    return Recurrent(SimpleRNN(one, Activation("linear")), go_backwards=index == 0)


def _along(axis: int, rank: int, matrix: np.ndarray) -> list[Layer]:
    """Multiply one axis by a matrix (from, to)."""
    if axis == rank:
        return [Dense(matrix)]
    return [Permute((2, 1)), Dense(matrix), Permute((2, 1))]


def _mean(node: Node, layer: Mean, shape: Shape, result: Shape, dtype: np.dtype) -> list[Layer]:
    axes = {axis % (len(shape) + 1) for axis in layer.axes}
    if axes == {1} and len(shape) == 2:
        return [GlobalPooling1D("average", layer.keepdims)]
    size = shape[-1]
    if axes == {len(shape)} and size is not None and len(shape) <= 2:
        mean = Dense(np.full((size, 1), 1 / size, dtype=dtype))
        return [mean] if layer.keepdims else [mean, _reshape(node, result)]
    refuse(
        node.name,
        layer,
        "Keras has no layer that takes the mean over these axes; write .onnx or .npz instead",
    )


def _reshape(node: Node, result: Shape) -> Reshape:
    if sum(side is None for side in result) > 1:
        refuse(
            node.name,
            node.layer,
            "more than one side of its shape is not stated; write .onnx or .npz instead",
        )
    return Reshape(tuple(-1 if side is None else side for side in result))
