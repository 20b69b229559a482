"""A network that is plainly defined gives a number for every baseline, and none other is taken so.

No tolerance: numbers are finite or they are not.
"""

import numpy as np
import pytest

from networks import forecaster
from rnnlens.attribution.baselines.undefined import _always_defined
from rnnlens.engine.forward import outputs
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Dense, LayerNormalization, Recurrent
from rnnlens.network.network import Network, Node


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_what_is_plainly_defined_gives_numbers_for_windows_far_out(rng, kind):
    network = forecaster(kind, rng, steps=50, features=3)
    assert _always_defined(network)
    far = np.stack([np.full((50, 3), value) for value in (0.0, 1e9, -1e9, 1e-300)])
    for made in outputs(network, {next(iter(network.inputs)): far}):
        assert np.isfinite(made).all()


def test_a_state_that_can_grow_and_a_layer_that_divides_are_tried(rng):
    network = forecaster("rnn", rng, steps=50, features=3)
    grown = []
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Recurrent):
            cell = type(layer.cell)(layer.cell.hidden, Activation("relu"))
            node = Node(node.name, Recurrent(cell), node.inputs)
        grown.append(node)
    assert not _always_defined(Network(tuple(grown), network.outputs, network.origin))
    last, number = network.outputs[0]
    norm = Node("norm", LayerNormalization(axes=(-1,), epsilon=0.0), ((last, number),))
    divides = Network((*network.nodes, norm), (("norm", 0),), network.origin)
    assert not _always_defined(divides)
    exponential = Node("exp", Dense(np.eye(1), None, Activation("exponential")), ((last, number),))
    overflows = Network((*network.nodes, exponential), (("exp", 0),), network.origin)
    assert not _always_defined(overflows)
