"""Weights drawn anew as a library draws them before training."""

from dataclasses import replace

import numpy as np
import pytest

from networks import forecaster, stacked_bidirectional
from rnnlens.engine.random_weights import initial_scheme, with_initial_weights
from rnnlens.network.network import Origin


def of_library(network, name):
    return replace(network, origin=Origin(name))


def gates(network, name="recurrent"):
    return network[name].layer.cell.gates


def test_scheme_is_that_of_the_library_that_made_the_network(rng):
    network = forecaster("lstm", rng)
    assert initial_scheme(network) == ""
    for origin, scheme in (("Keras 3 archive (.keras)", "Keras"), ("live Keras 3 model", "Keras"),
                           ("PyTorch state dict (zip)", "PyTorch"), ("ONNX", "")):  # fmt: skip
        assert initial_scheme(of_library(network, origin)) == scheme


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "simple_rnn"])
def test_keras_kernels_are_glorots_and_recurrent_ones_orthogonal(kind, rng):
    network = of_library(forecaster(kind, rng, units=20), "Keras 3 archive (.keras)")
    drawn = gates(with_initial_weights(network, 3))
    wide = np.concatenate([gate.U for gate in drawn.values()], axis=1)
    np.testing.assert_allclose(wide @ wide.T, np.eye(20), atol=1e-12)
    kernel = np.concatenate([gate.W for gate in drawn.values()], axis=1)
    limit = np.sqrt(6 / (3 + kernel.shape[1]))
    assert 0.9 * limit < np.abs(kernel).max() <= limit
    for name, gate in drawn.items():
        assert (gate.b == (1.0 if name == "forget" else 0.0)).all()


@pytest.mark.parametrize("kind", ["lstm", "lstm_projected", "gru_after"])
def test_pytorch_draws_everything_within_one_over_the_root_of_the_units(kind, rng):
    network = of_library(forecaster(kind, rng, units=25), "PyTorch state dict (zip)")
    one, other = (with_initial_weights(network, seed) for seed in (3, 4))
    for name, gate in gates(one).items():
        for array in (gate.W, gate.U):
            assert 0.15 < np.abs(array).max() <= 0.2
        # one bias where a reader has added up two
        assert np.abs(gate.b).max() <= (0.2 if gate.b_r is not None else 0.4)
        assert not np.allclose(gate.W, gates(other)[name].W)


def test_each_direction_and_layer_is_drawn_by_itself(rng):
    network = of_library(stacked_bidirectional(rng), "Keras 3 archive (.keras)")
    drawn = with_initial_weights(network, 0)
    both = drawn["bidirectional"].layer
    assert not np.allclose(both.forward.cell.input.W, both.backward.cell.input.W)
    assert not np.allclose(drawn["dense"].layer.W, network["dense"].layer.W)
