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

from rnnlens.engine.device import leaves as on_device
from rnnlens.engine.device.choice import chosen
from rnnlens.engine.kernels.run import evaluate_leaves, packed, takes_pairs
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.stepwise.readout import LinearReadout, linear_readout
from rnnlens.engine.stepwise.states import State
from rnnlens.engine.stepwise.walk import Walk
from rnnlens.network.layers import Recurrent

__all__ = ["FEWEST_HISTORIES", "Leaves", "kernel_leaves"]

#: Histories from which on blocks are full and every thread has some.
FEWEST_HISTORIES = 128


@dataclass(frozen=True, eq=False)
class Leaves:
    """What the kernel needs of a network to evaluate all leaves below a node.

    Parameters
    ----------
    walk : Walk
        The network's walk.
    weights : named tuple
        The cell of its recurrent layer, packed.
    x : array (2, step, feature)
        The layer's inputs where steps are hidden, and where they are shown.
    readout : LinearReadout
        How the layer's last hidden state makes the value.
    """

    walk: Walk
    weights: Any
    x: Array
    readout: LinearReadout

    def below(self, state: State, first: int) -> Array:
        """Evaluate every choice of the steps from one on: (2 ** steps, history)."""
        *states, _ = state[self.readout.node.name]
        steps = self.x.shape[1] - first
        self.walk.count(len(states[0]) * ((2 << steps) - 2))
        x, readout = self.x[:, first:], self.readout
        if device := chosen():
            layer = readout.node.layer
            assert isinstance(layer, Recurrent)
            return on_device.evaluate_leaves(
                layer.cell, device, x, tuple(states), readout.weights, readout.constant
            )
        return evaluate_leaves(self.weights, x, tuple(states), readout.weights, readout.constant)


def kernel_leaves(
    walk: Walk,
    mixed: Callable[[NDArray[np.bool_], int], Array],
    value: Callable[[tuple[Array, ...]], Array],
) -> Leaves | None:
    """Find what the kernel needs of a network."""
    window = walk.window.value((walk.of, 0))
    # steps of several inputs are not one value each for all histories
    alone = len(window) == 1 and not walk.split.joined
    readout = linear_readout(walk, value) if alone else None
    if readout is None:
        return None
    layer = readout.node.layer
    assert isinstance(layer, Recurrent)
    weights = packed(layer.cell, window.dtype)
    if weights is None or not takes_pairs(weights):
        return None
    both = np.array([False, True])
    steps = [walk.recurrent_input(readout.node, mixed(both, t), t) for t in range(window.shape[1])]
    return Leaves(walk, weights, np.stack(steps, axis=1), readout)
