"""The newest steps of a tree of coalitions, walked within the cache where the network allows it.

That is where one recurrent layer, from zero and without masks, carries everything from step to
step, and its last hidden state goes through linear layers alone: the usual forecaster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.run import forks, grow, packed
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.stepwise.walk import State, Walk
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

__all__ = ["LEAST", "Forks", "quick", "readout_of"]

#: Histories from which on blocks are full and every thread has some.
LEAST = 128

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


@dataclass(frozen=True, eq=False)
class Forks:
    """What the kernel needs of a network.

    Parameters
    ----------
    walk : Walk
        The network's walk.
    name : str
        Its recurrent layer.
    weights : named tuple
        The layer's cell, packed.
    x : array (2, step, feature)
        The layer's inputs where steps are hidden, and where they are shown.
    readout : array (output,)
        Weights of the layer's last hidden state in the value.
    constant : float
        The value for a hidden state of zero.
    """

    walk: Walk
    name: str
    weights: Any
    x: Array
    readout: Array
    constant: float

    def grow(self, state: State, first: int) -> Array:
        """Evaluate every choice of the steps from one on: (2 ** steps, history)."""
        *states, _ = state[self.name]
        steps = self.x.shape[1] - first
        self.walk.count(len(states[0]) * ((2 << steps) - 2))
        return grow(self.weights, self.x[:, first:], tuple(states), self.readout, self.constant)


def _linear(layer: Layer) -> bool:
    if isinstance(layer, Dense | Activate):
        return layer.activation.name == "linear"
    return isinstance(layer, _LINEAR)


def quick(
    walk: Walk,
    mixed: Callable[[NDArray[np.bool_], int], Array],
    value: Callable[[tuple[Array, ...]], Array],
) -> Forks | None:
    """Find what the kernel needs of a network."""
    window = walk.window.value((walk.of, 0))
    found = readout_of(walk, value) if len(window) == 1 else None
    if found is None:
        return None
    node, readout, constant = found
    layer = node.layer
    assert isinstance(layer, Recurrent)
    weights = packed(layer.cell, window.dtype)
    if weights is None or not forks(weights):
        return None
    both = np.array([False, True])
    steps = [walk.inputs_of(node, mixed(both, t), t) for t in range(window.shape[1])]
    return Forks(walk, node.name, weights, np.stack(steps, axis=1), readout, constant)


def readout_of(
    walk: Walk, value: Callable[[tuple[Array, ...]], Array]
) -> tuple[Node, Array, float] | None:
    """Find how the last hidden state of the only recurrent layer makes the value, if linearly.

    Shapes: gives tuple of Node, (output,) and float.
    """
    recurrent = [node for node in walk.stream.stepwise if isinstance(node.layer, Recurrent)]
    if len(recurrent) != 1 or recurrent[0] is not walk.stream.stepwise[-1]:
        return None
    node = recurrent[0]
    layer = node.layer
    assert isinstance(layer, Recurrent)
    source, number = node.inputs[0]
    masked = walk.window.tapes[source].masks[number] is not None
    if layer.return_sequences or layer.return_state or masked:
        return None
    if not all(_linear(inner.layer) for inner in walk.stream.head):
        return None
    size, dtype = layer.cell.state_sizes[0], walk.window.value((walk.of, 0)).dtype
    probe = np.concatenate([np.zeros((1, size), dtype), np.eye(size, dtype=dtype)])
    values = value(walk.outputs({node.name: (probe,)}))
    return node, values[1:] - values[0], float(values[0])
