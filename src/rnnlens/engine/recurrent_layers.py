"""Where in a network a recurrent layer stands, each direction of a bidirectional one apart."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.errors import InputError
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.network import Network, Node

__all__ = ["Place", "place_of"]


@dataclass(frozen=True, eq=False)
class Place:
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


def place_of(network: Network, layer: str | None) -> Place:
    """Find a recurrent layer by its full name."""
    places = list(_places(network))
    names = ", ".join(place.name for place in places)
    if not places:
        raise InputError("the network has no recurrent layer, so there is no cell to look into")
    if layer is None and len(places) == 1:
        return places[0]
    if layer is None:
        raise InputError(f"the network has {len(places)} recurrent layers: name one of {names}")
    for place in places:
        if place.name == layer:
            return place
    raise InputError(f"no recurrent layer is called {layer!r}: the network has {names}")


def _places(network: Network) -> list[Place]:
    found = []
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Recurrent):
            found.append(Place(node.name, node, layer))
        elif isinstance(layer, Bidirectional):
            found.append(Place(f"{node.name}.forward", node, layer.forward, 0))
            found.append(Place(f"{node.name}.backward", node, layer.backward, 1))
    return found
