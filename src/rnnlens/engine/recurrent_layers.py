"""Where in a network a recurrent layer stands, each direction of a bidirectional one apart."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.errors import InputError
from rnnlens.network.layers import Bidirectional, DescribedRecurrent, Recurrent
from rnnlens.network.network import Network, Node

__all__ = ["LayerLocation", "cells_of", "locate_layer"]


@dataclass(frozen=True, eq=False)
class LayerLocation:
    """One recurrent layer of a network.

    Parameters
    ----------
    name : str
        Its full name, such as ``"lstm"`` or ``"bidirectional.backward"``.
    node : Node
        The node that runs it.
    layer : Recurrent
        The layer itself.
    side : int or None
        0 for the forward and 1 for the backward layer of a bidirectional one.
    """

    name: str
    node: Node
    layer: Recurrent
    side: int | None = None


def cells_of(network: Network) -> int:
    """Count the cells that a step of a whole window takes, one at the least.

    A cell that has no name is one too, and a network in which nothing recurs takes time as well:
    what costs nothing would fit every budget, however many windows there are.
    """
    described = sum(isinstance(node.layer, DescribedRecurrent) for node in network.nodes)
    return max(1, described + sum(1 for _ in network.recurrent()))


def locate_layer(network: Network, layer: str | None) -> LayerLocation:
    """Find a recurrent layer by its full name."""
    locations = _locations(network)
    names = ", ".join(location.name for location in locations)
    if not locations:
        described = any(isinstance(node.layer, DescribedRecurrent) for node in network.nodes)
        what = "no recurrent layer of a cell that has a name" if described else "no recurrent layer"
        only = "trace alone looks into its cell" if described else "there is no cell to look into"
        raise InputError(f"the network has {what}, so {only}")
    if layer is None and len(locations) == 1:
        return locations[0]
    if layer is None:
        raise InputError(
            f"the network has {len(locations)} recurrent layers: name one of {names} with layer= "
            "(--layer)"
        )
    for location in locations:
        if location.name == layer:
            return location
    raise InputError(f"no recurrent layer is called {layer!r}: the network has {names}")


def _locations(network: Network) -> list[LayerLocation]:
    locations = []
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Recurrent):
            locations.append(LayerLocation(node.name, node, layer))
        elif isinstance(layer, Bidirectional):
            locations.append(LayerLocation(f"{node.name}.forward", node, layer.forward, 0))
            locations.append(LayerLocation(f"{node.name}.backward", node, layer.backward, 1))
    return locations
