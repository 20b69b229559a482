"""Windows of more axes than steps and features: those within a step are laid side by side.

A convolution within each block of a window, before a recurrent layer over the blocks, takes windows
(block, row, feature). Its lags are blocks. The network is given an input (step, feature) in front,
which lays a step's numbers out as before, so that all that is asked of windows is asked of these.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.network.layers import Input, Reshape
from rnnlens.network.network import Network, Node

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Inputs = dict[str, NDArray[np.float64]]

__all__ = ["names_within", "side_by_side"]


def side_by_side(network: Network, inputs: Inputs, of: str) -> tuple[Network, Inputs]:
    """Lay the numbers of each step side by side, and give the network an input that takes them.

    Shapes: inputs mapping of str to (sample, ...).
    """
    array = inputs[of]
    flat = array.reshape(*array.shape[:2], -1)
    inner = f"{of} (step by step)"
    nodes: list[Node] = []
    for node in network.nodes:
        taken = tuple((inner, n) if name == of else (name, n) for name, n in node.inputs)
        nodes.append(replace(node, inputs=taken))
        if node.name == of:
            steps = network.inputs[of].shape[0]
            nodes[-1] = replace(node, layer=Input((steps, flat.shape[2])))
            nodes.append(Node(inner, Reshape((-1, *array.shape[2:])), ((of, 0),)))
    outputs = tuple((inner, n) if name == of else (name, n) for name, n in network.outputs)
    return replace(network, nodes=tuple(nodes), outputs=outputs), {**inputs, of: flat}


def names_within(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Name the numbers of a step by their places on its axes.

    Examples
    --------
    >>> names_within((2, 2))
    ('number 0, 0', 'number 0, 1', 'number 1, 0', 'number 1, 1')
    """
    return tuple("number " + ", ".join(map(str, place)) for place in np.ndindex(*shape))
