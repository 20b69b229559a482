"""Which numbers of a window can reach the forecast at all, read from the weights alone.

A number cannot where its way meets zero weights in every gate of the first layer that computes
with it, or where a layer cuts its step off. That is a statement about the network, whatever the
data: the strongest there is. Numbers are followed through layers that move, select or rescale
them; where any other layer takes them they are counted as reaching the forecast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import forward
from rnnlens.engine.operations.registry import Array, run
from rnnlens.errors import DataError
from rnnlens.network.axes import ExpandDims, Flip, Index, Slice, Squeeze
from rnnlens.network.layers import (
    Bidirectional,
    Concatenate,
    Dense,
    Flatten,
    Identity,
    Input,
    Layer,
    Permute,
    Recurrent,
    RepeatVector,
    Rescaling,
    Reshape,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.network import Network, Ref

__all__ = ["reaching"]

Used = NDArray[np.bool_]

#: Layers that move or select numbers and compute nothing.
MOVERS = (
    Concatenate,
    ExpandDims,
    Flatten,
    Flip,
    Index,
    Permute,
    RepeatVector,
    Reshape,
    Slice,
    Squeeze,
)
#: Layers that leave every number at its place.
KEEPERS = (Identity, Rescaling, Standardization)


def reaching(network: Network, of: str, shape: tuple[int, ...]) -> Used:
    """Tell which numbers of a window can reach an output of the network."""
    if of not in network.inputs:
        raise DataError(f"the network has no input {of!r}: it has {', '.join(network.inputs)}")
    reached = np.zeros(int(np.prod(shape)) + 1, bool)
    # every value that is a copy of numbers of the input says which: 0 is none of them
    copies: dict[Ref, Array] = {}
    values = forward(network, _blank(network, of, shape))
    for node in network.nodes:
        if node.name == of:
            copies[node.name, 0] = np.arange(1.0, len(reached)).reshape(1, *shape)
            continue
        taken = [copies.get(ref) for ref in node.inputs]
        if all(one is None for one in taken):
            continue
        if isinstance(node.layer, KEEPERS) and taken[0] is not None:
            copies[node.name, 0] = taken[0]
        elif isinstance(node.layer, MOVERS):
            filled = tuple(
                np.zeros_like(values.value(ref)[:1]) if one is None else one
                for ref, one in zip(node.inputs, taken, strict=True)
            )
            moved = run(node.layer, filled, (None,) * len(filled), None).outputs
            copies |= {(node.name, k): one for k, one in enumerate(moved)}
        else:
            for place, one in enumerate(taken):
                if one is not None:
                    reached[_used(node.layer, place, one)] = True
    for ref in network.outputs:
        if ref in copies:
            reached[copies[ref].astype(int).ravel()] = True
    return reached[1:].reshape(shape)


def _used(layer: Layer, place: int, copies: Array) -> NDArray[np.int64]:
    """Give the numbers that a layer computes with, among those that it takes at one place."""
    while isinstance(layer, TimeDistributed):
        layer = layer.layer
    rows = None
    if place == 0 and isinstance(layer, Recurrent):
        rows = _rows(layer)
    elif place == 0 and isinstance(layer, Bidirectional):
        rows = _rows(layer.forward) | _rows(layer.backward)
    elif isinstance(layer, Dense):
        rows = (layer.W != 0).any(axis=1)
    return (copies if rows is None else copies[..., rows]).astype(np.int64).ravel()


def _rows(layer: Recurrent) -> Used:
    """Tell which features have a weight that is not zero, in any gate."""
    return np.any([(gate.W != 0).any(axis=1) for gate in layer.cell.gates.values()], axis=0)


def _blank(network: Network, of: str, shape: tuple[int, ...]) -> dict[str, Array]:
    steps = shape[0]

    def size(entry: Input) -> tuple[int, ...]:
        return tuple(steps if one is None else one for one in entry.shape)

    blank = {name: np.zeros((1, *size(entry))) for name, entry in network.inputs.items()}
    blank[of] = np.zeros((1, *shape))
    return blank
