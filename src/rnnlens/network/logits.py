"""A network without the activation that ends it: classifiers are explained before it.

A probability saturates, and the classes' probabilities push each other; what is added up inside is
the logit.
"""

from __future__ import annotations

from dataclasses import replace

from rnnlens.network.activations import Activation
from rnnlens.network.layers import Activate, Dense, Identity, Layer, TimeDistributed
from rnnlens.network.network import Network

__all__ = ["LOGITS", "before_activation", "last_activation"]

#: Activations that turn logits into probabilities, or their logarithms.
LOGITS = ("softmax", "log_softmax", "sigmoid", "log_sigmoid")


def last_activation(network: Network, output: int = 0) -> str:
    """Name the activation that ends an output."""
    layer = network[network.outputs[output][0]].layer
    if isinstance(layer, TimeDistributed):
        layer = layer.layer
    return layer.activation.name if isinstance(layer, Dense | Activate) else "linear"


def before_activation(network: Network, output: int = 0) -> Network:
    """Take the activation that ends an output away.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlens.network.layers import Input
    >>> from rnnlens.network.network import Node, Origin
    >>> head = Dense(np.ones((2, 3)), None, Activation("softmax"))
    >>> nodes = (Node("x", Input((2,))), Node("head", head, (("x", 0),)))
    >>> net = Network(nodes, (("head", 0),), Origin("test"))
    >>> last_activation(net), last_activation(before_activation(net))
    ('softmax', 'linear')
    """
    name, _ = network.outputs[output]
    nodes = tuple(
        replace(node, layer=_bare(node.layer)) if node.name == name else node
        for node in network.nodes
    )
    return replace(network, nodes=nodes)


def _bare(layer: Layer) -> Layer:
    if isinstance(layer, TimeDistributed):
        return replace(layer, layer=_bare(layer.layer))
    if isinstance(layer, Activate):
        return Identity(layer.activation.name)
    return replace(layer, activation=Activation("linear")) if isinstance(layer, Dense) else layer
