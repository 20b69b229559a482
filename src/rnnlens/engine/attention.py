"""The weights by which a network attends: what a softmax gives that is then multiplied.

A softmax whose values go, perhaps laid out anew, into a product with other values of the network
makes weights of them: those of dot-product, additive and multi-head attention, of pooling by a
softmax, and of attention over features. A softmax that is an output is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnnlens.engine.forward import Run
from rnnlens.engine.operations.registry import Array
from rnnlens.names import declared
from rnnlens.network.axes import ExpandDims, Repeat, Squeeze
from rnnlens.network.layers import (
    Activate,
    Dense,
    Einsum,
    Flatten,
    Identity,
    Layer,
    Multiply,
    Permute,
    Reshape,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node

__all__ = ["AttentionTrace", "attention_nodes", "attention_traces"]

#: Layers that hand weights on.
PASSING = (ExpandDims, Flatten, Identity, Permute, Repeat, Reshape, Squeeze)


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """What a network attends to.

    Parameters
    ----------
    weight : array (sample, head, query, attended)
        Weights, which sum to one over what is attended to: the steps, oldest first, or the
        features. One head and one query where there is no such axis.
    """

    weight: Array = declared("sample", "head", "query", "attended", long_name="weight of attention")


def attention_nodes(network: Network) -> Iterator[tuple[Node, int]]:
    """Give the nodes whose softmax makes weights, and the axis over which they sum to one."""
    for node in network.nodes:
        axis = _softmax(node.layer)
        if axis is not None and _weighs(network, node.name):
            yield node, axis


def _softmax(layer: Layer) -> int | None:
    if isinstance(layer, TimeDistributed):
        axis = _softmax(layer.layer)
        return None if axis is None or axis >= 0 else axis
    if not isinstance(layer, Activate | Dense) or layer.activation.name != "softmax":
        return None
    return int(layer.activation["axis"])


def _weighs(network: Network, name: str) -> bool:
    """Say whether what a node gives is multiplied with something else of the network."""
    for user in network.nodes:
        if (name, 0) not in user.inputs:
            continue
        if isinstance(user.layer, Einsum | Multiply):
            return True
        if isinstance(user.layer, PASSING) and _weighs(network, user.name):
            return True
    return False


def attention_traces(run: Run) -> dict[str, AttentionTrace]:
    """Give the weights of every attention of a run."""
    return {
        node.name: AttentionTrace(_laid_out(run.tapes[node.name].outputs[0], axis))
        for node, axis in attention_nodes(run.network)
    }


def _laid_out(weights: Array, axis: int) -> Array:
    """Put what is attended to last: (sample, head, query, attended)."""
    moved = np.moveaxis(weights, axis, -1)
    while moved.ndim < 4:
        moved = moved[:, None]
    # axes before the queries are heads of one kind or another
    return moved.reshape(len(moved), -1, *moved.shape[-2:])
