"""A quick look at usual networks: whether every output plainly sees every number of the window.

It answers yes for chains of forward recurrent layers, dense layers and layers that act on each
number alone, with no zero among the weights; of others it does not know. What exactly can reach
what is followed, layer by layer, in `rnnlens.evidence.reach`.
"""

from __future__ import annotations

import numpy as np

from rnnlens.network.axes import Index
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Dense,
    Identity,
    Input,
    Layer,
    PReLU,
    Recurrent,
    Standardization,
)
from rnnlens.network.network import Network

__all__ = ["sees_everything"]

#: What a value is: every step sees itself and all before; or the whole window is seen.
STEPS, WHOLE = "steps", "whole"


def sees_everything(network: Network) -> bool:
    """Say whether every output sees every number of the window, where that is plain."""
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        return False
    value, before = None, None
    for node in network.nodes:
        if isinstance(node.layer, Input):
            value = STEPS if len(node.layer.shape) == 2 else None
        elif len(node.inputs) != 1 or node.inputs[0] != (before, 0):
            return False
        else:
            value = _after(node.layer, value)
        if value is None:
            return False
        before = node.name
    return value == WHOLE and network.outputs[0] == (before, 0)


def _after(layer: Layer, value: str | None) -> str | None:
    """Give what a layer makes of a value, None where it takes more than a look."""
    if isinstance(layer, Identity | PReLU | Standardization):
        return value
    if isinstance(layer, Activate):
        return None if layer.activation.axis_wise and value == STEPS else value
    if isinstance(layer, BatchNormalization):
        return value if layer.gamma is None or np.all(layer.gamma) else None
    if isinstance(layer, Index):
        return WHOLE if (layer.index, layer.axis, value) == (-1, 1, STEPS) else None
    if isinstance(layer, Dense):
        return value if np.all(layer.W) else None
    if isinstance(layer, Recurrent) and value == STEPS:
        gates = layer.cell.gates.values()
        full = all(gate.W.all() and gate.U.all() for gate in gates)
        projection = getattr(layer.cell, "projection", None)
        if full and not layer.go_backwards and (projection is None or np.all(projection)):
            return STEPS if layer.return_sequences else WHOLE
    return None
