"""Forecasts that are linear in the last hidden state of the only recurrent layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnlens.engine.operations.registry import Array
from rnnlens.engine.stepwise.walk import Walk
from rnnlens.network.axes import ExpandDims, Index, Squeeze
from rnnlens.network.layers import (
    Activate,
    Add,
    BatchNormalization,
    Concatenate,
    Dense,
    Flatten,
    Identity,
    Layer,
    Recurrent,
    Rescaling,
    Reshape,
    Standardization,
    Subtract,
)
from rnnlens.network.network import Node

__all__ = ["LinearReadout", "linear_readout"]

_LINEAR = (
    Add,
    BatchNormalization,
    Concatenate,
    ExpandDims,
    Flatten,
    Identity,
    Index,
    Rescaling,
    Reshape,
    Squeeze,
    Standardization,
    Subtract,
)


class LinearReadout(NamedTuple):
    """The value of interest as ``h @ weights + constant``: the layer, (output,), and a number."""

    node: Node
    weights: Array
    constant: float


def _linear(layer: Layer) -> bool:
    if isinstance(layer, Dense | Activate):
        return layer.activation.name == "linear"
    return isinstance(layer, _LINEAR)


def linear_readout(walk: Walk, value: Callable[[tuple[Array, ...]], Array]) -> LinearReadout | None:
    """Find how the last hidden state of the only recurrent layer makes the value, if linearly."""
    recurrent = [node for node in walk.split.each_step if isinstance(node.layer, Recurrent)]
    if len(recurrent) != 1 or recurrent[0] is not walk.split.each_step[-1]:
        return None
    node = recurrent[0]
    layer = node.layer
    assert isinstance(layer, Recurrent)
    source, number = node.inputs[0]
    masked = walk.window.tapes[source].masks[number] is not None
    if layer.return_sequences or layer.return_state or masked:
        return None
    if not all(_linear(inner.layer) for inner in walk.split.head):
        return None
    size, dtype = layer.cell.state_sizes[0], walk.window.value((walk.of, 0)).dtype
    probe = np.concatenate([np.zeros((1, size), dtype), np.eye(size, dtype=dtype)])
    values = value(walk.outputs({node.name: (probe,)}))
    return LinearReadout(node, values[1:] - values[0], float(values[0]))
