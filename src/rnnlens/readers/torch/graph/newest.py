"""One step of each sequence, picked by what the data say: as a rule the newest real one.

``o[arange(N), n - 1]`` and ``o.gather(1, ...)`` give of each sample the step before its end. What
a layer gives there depends on no later step where all layers before it go forward alone, so the
same is the final state of a sequence that ends there, and is read so: as `Lengths`, for windows of
any length, with the steps behind the end as padding. Elsewhere the step is a product with 1 at the
place that is picked, and 0 at the others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rnnlens.network.activations import AXIS_WISE, Activation
from rnnlens.network.axes import ExpandDims, Index, Lengths, Repeat
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Concatenate,
    Dense,
    Einsum,
    Input,
    Layer,
    LayerNormalization,
    Recurrent,
    RepeatVector,
    Rescaling,
    Reshape,
    Subtract,
)
from rnnlens.network.network import Node, Ref
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.values import TorchValue

__all__ = ["picked_by_data"]


def picked_by_data(call: TorchCall) -> TorchValue | None:
    """Read ``o[arange(N), place]``; None where it picks otherwise."""
    nodes = [None if one is None else call.results[one] for one in call.raw["indices"]]
    value = call.given("self")
    if not isinstance(value, TorchValue) or value.fold is not None or len(value.shape) != 2:
        return None
    if len(nodes) != 2 or value.batch > 1:
        return None
    samples, place = nodes[value.batch], nodes[1 - value.batch]
    if not isinstance(place, TorchValue) or place.shape or not _is_every_sample(samples):
        return None
    return TorchValue(_step(call, value, place.ref), value.shape[1:], 0)


def _is_every_sample(places: Any) -> bool:
    if isinstance(places, TorchValue) or not hasattr(places, "numpy") or places.ndim != 1:
        return False
    return np.array_equal(places.numpy(), np.arange(len(places)))


@operation("gather")
def _gathered(call: TorchCall) -> TorchValue:
    value, index = call.unfolded(call.value("self")), call.given("index")
    axis = call.axis(value, call["dim"])
    if not isinstance(index, TorchValue) or len(value.shape) != 2 or axis != 1:
        raise call.refuse("it gathers other places than one step of each sequence")
    place = _one_place(call, index)
    ref = call.builder.add(f"{call.function}_step", ExpandDims(1), _step(call, value, place))
    return TorchValue(ref, (1, value.shape[1]), value.batch)


def _one_place(call: TorchCall, index: TorchValue) -> Ref:
    """Give the one number a sample that an index of PyTorch repeats for every feature."""
    if index.fold is not None or index.shape[:1] != (1,) or len(index.shape) != 2:
        raise call.refuse("it gathers other places than one step of each sequence")
    ref = index.ref
    while True:
        node = call.builder.node(ref)
        alike = isinstance(node.layer, Concatenate) and len(set(node.inputs)) == 1
        if not (alike or isinstance(node.layer, ExpandDims | Repeat | RepeatVector)):
            break
        ref = node.inputs[0]
    node = call.builder.node(ref)
    if isinstance(node.layer, Reshape) and set(node.layer.shape) == {1}:
        ref = node.inputs[0]
    if _is_one_number(call, ref):
        return ref
    features = index.shape[1] > 1 and ref == index.ref
    if features:
        raise call.refuse("it gathers another step for each feature")
    ref = call.builder.add(f"{call.function}_place", Index(0, 1), index.ref)
    return call.builder.add(f"{call.function}_place", Index(0, 1), ref)


def _is_one_number(call: TorchCall, ref: Ref) -> bool:
    """Say whether a value is one number a sample that was given, or such a number less one."""
    node = call.builder.node(ref)
    if isinstance(node.layer, Rescaling):
        node = call.builder.node(node.inputs[0])
    return isinstance(node.layer, Input) and node.layer.shape == ()


def _step(call: TorchCall, value: TorchValue, place: Ref) -> Ref:
    """Give the step at a place of each sequence: (sample, feature)."""
    chain = _forward_chain(call, value.ref)
    only = len(call.raw["self"].users) == 1
    if chain and only:
        return _final(call, chain, _length(call, place))
    steps = call.builder.constant(f"{call.function}_steps", np.arange(value.shape[0], dtype=float))
    at = call.builder.add(f"{call.function}_at", ExpandDims(1), place)
    apart = call.builder.add(f"{call.function}_apart", Subtract(), steps, at)
    chosen = call.builder.add(f"{call.function}_chosen", Activate(Activation("is_zero")), apart)
    return call.builder.add(call.function, Einsum("at,atd->ad"), chosen, value.ref)


def _length(call: TorchCall, place: Ref) -> Ref:
    """Give the length of a sequence of which a place is the newest: one more."""
    node = call.builder.node(place)
    layer = node.layer
    if isinstance(layer, Rescaling) and (layer.scale == 1).all() and (layer.offset == -1).all():
        return node.inputs[0]
    one = Rescaling(np.array(1.0), np.array(1.0))
    return call.builder.add(f"{call.function}_length", one, place)


def _forward_chain(call: TorchCall, ref: Ref) -> list[Node]:
    """Give the nodes from the first recurrent layer on, where none looks at a later step."""
    nodes: list[Node] = []
    while True:
        node = call.builder.node(ref)
        if ref[1] or not (_goes_forward(node.layer) or _is_stepwise(node.layer)):
            break
        nodes.append(node)
        ref = node.inputs[0]
    while nodes and not isinstance(nodes[-1].layer, Recurrent):
        nodes.pop()
    return nodes[::-1]


def _goes_forward(layer: Layer) -> bool:
    return isinstance(layer, Recurrent) and layer.return_sequences and not layer.go_backwards


def _is_stepwise(layer: Layer) -> bool:
    """Say whether a layer treats every step alone, and a vector as it treats a step."""
    if isinstance(layer, Activate):
        return layer.activation.name not in AXIS_WISE
    if isinstance(layer, Rescaling):
        return max(layer.scale.ndim, layer.offset.ndim) < 2
    if isinstance(layer, LayerNormalization):
        return layer.axes == (-1,)
    return isinstance(layer, Dense) or (isinstance(layer, BatchNormalization) and layer.axis == -1)


def _final(call: TorchCall, chain: list[Node], length: Ref) -> Ref:
    """Run the same layers over sequences that end there, and take the last of all."""
    ref = call.builder.add("lengths", Lengths(), chain[0].inputs[0], length)
    last = max(k for k, node in enumerate(chain) if isinstance(node.layer, Recurrent))
    for k, node in enumerate(chain):
        layer = node.layer
        if k == last and isinstance(layer, Recurrent):
            layer = replace(layer, return_sequences=False, return_state=False)
        ref = call.builder.add(node.name, layer, ref, *node.inputs[1:], sources=node.sources)
    return ref
