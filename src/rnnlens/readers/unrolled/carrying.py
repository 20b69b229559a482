"""Which recurrent layers of a network carry their states from one call to the next.

A layer that its source keeps stateful does; so does one that starts from inputs of the network
whose states after the call are outputs of the network, for the caller to hand back.
"""

from __future__ import annotations

from rnnlens.network.axes import ExpandDims, Index, Slice, Squeeze, Take
from rnnlens.network.layers import (
    Concatenate,
    Flatten,
    Identity,
    Input,
    Layer,
    Permute,
    Recurrent,
    Reshape,
)
from rnnlens.network.network import Network, Ref

__all__ = ["carrying_layers"]

#: Layers that only lay numbers out anew.
MOVING = (
    Concatenate,
    ExpandDims,
    Flatten,
    Identity,
    Index,
    Permute,
    Reshape,
    Slice,
    Squeeze,
    Take,
)


def carrying_layers(network: Network) -> tuple[str, ...]:
    """Name the recurrent layers that carry their states on, in order.

    Examples
    --------
    >>> from rnnlens.demo.weather import demo_files
    >>> from rnnlens.readers.open import read
    >>> carrying_layers(read(demo_files().network))
    ()
    """
    layers: dict[str, Layer] = {node.name: node.layer for node in network.nodes}
    given = {end for ref in network.outputs for end in _ends(network, ref)}
    found = []
    for node in network.nodes:
        layer = node.layer
        if not isinstance(layer, Recurrent):
            continue
        starts = [_ends(network, ref) for ref in node.inputs[1:]]
        from_inputs = bool(starts) and all(
            ends and all(isinstance(layers[name], Input) for name, _ in ends) for ends in starts
        )
        if layer.stateful or (from_inputs and _last_state(layer, node.name) & given):
            found.append(node.name)
    return tuple(found)


def _last_state(layer: Recurrent, name: str) -> set[Ref]:
    """Give the outputs that are the last of a layer's states: the cell's, of an LSTM."""
    states = len(layer.cell.states)
    last = {(name, states)} if layer.return_state else set()
    return last | ({(name, 0)} if states == 1 else set())


def _ends(network: Network, ref: Ref) -> set[Ref]:
    """Follow an output back through what only lays numbers out anew."""
    nodes = {node.name: node for node in network.nodes}
    ends, ahead = set(), [ref]
    while ahead:
        one = ahead.pop()
        node = nodes[one[0]]
        if isinstance(node.layer, MOVING):
            ahead += node.inputs
        else:
            ends.add(one)
    return ends
