"""A network that ends with one of its layers: what an inner layer gives is the forecast."""

from __future__ import annotations

from dataclasses import replace

from rnnlens.arguments import did_you_mean
from rnnlens.errors import InputError
from rnnlens.network.network import Network, leading_to

__all__ = ["ending_with"]


def ending_with(network: Network, name: str) -> Network:
    """Give the part of a network that leads to a layer, whose output becomes the network's.

    Examples
    --------
    >>> from rnnlens.demo.weather import demo_files
    >>> from rnnlens.readers.open import read
    >>> ending_with(read(demo_files().network), "lstm")
    <Network 'weather' from Keras 3 archive (.keras): Input > LSTM>
    """
    names = [node.name for node in network.nodes]
    if name not in names:
        raise InputError(
            f"output = {name!r} is no layer of the network{did_you_mean(name, names)}; it has "
            f"{', '.join(names)}"
        )
    kept = leading_to(network.nodes, [name])
    nodes = tuple(node for node in network.nodes if node.name in kept)
    return replace(network, nodes=nodes, outputs=((name, 0),))
