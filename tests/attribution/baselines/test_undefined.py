"""A network that is plainly defined gives a number for every baseline, and none other is taken so.

No tolerance: numbers are finite or they are not.
"""

import numpy as np
import pytest

from networks import cell, forecaster
from rnnlens.attribution.baselines.undefined import _always_defined
from rnnlens.engine.activations import no_larger, value, within_one
from rnnlens.engine.forward import outputs
from rnnlens.engine.operations.registry import always_finite
from rnnlens.network.activations import ACTIVATIONS, Activation
from rnnlens.network.axes import Flip
from rnnlens.network.cells import SimpleRNN
from rnnlens.network.layers import (
    Bidirectional,
    Dense,
    Einsum,
    LayerNormalization,
    Recurrent,
    Reshape,
    TimeDistributed,
)
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


def test_each_layer_is_asked_and_what_it_wraps_too(rng):
    last = Dense(np.eye(2), None, Activation("linear"))
    wide = Dense(np.eye(2), None, Activation("exponential"))
    assert always_finite(TimeDistributed(last)) and not always_finite(TimeDistributed(wide))
    assert always_finite(Reshape((3, 2))) and always_finite(Flip(1))
    assert not always_finite(Einsum("aqd,akd->aqk"))
    grows = SimpleRNN(cell("simple_rnn", rng).hidden, Activation("relu"))
    stays, grown = Recurrent(cell("simple_rnn", rng)), Recurrent(grows)
    assert always_finite(Bidirectional(stays, stays, "concat"))
    assert not always_finite(Bidirectional(stays, grown, "concat"))


def test_every_function_that_is_taken_for_no_larger_is(rng):
    far = np.array([-1e300, -1e9, -1.0, 0.0, 1.0, 1e9, 1e300])
    for name in ACTIVATIONS:
        phi = Activation(name)
        if within_one(phi):
            assert no_larger(phi) and (np.abs(value(phi, far)) <= 1).all(), name
        elif no_larger(phi):
            # selu stretches by 1.05, softplus adds 0.7 at zero
            assert (np.abs(value(phi, far)) <= 1.1 * np.abs(far) + 2).all(), name
