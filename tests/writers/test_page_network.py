"""What the page's module cannot run is said in one true sentence; the rest is given whole."""

import base64

import numpy as np
import pytest

from networks import cell, chain, forecaster, head
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation
from rnnlens.network.network import Network, Node, Origin
from rnnlens.writers.page import page_network, text_of


def behind(rng, *layers, shape=(5, 3), units=4):
    """A recurrent layer with some layers before it and a head behind."""
    return chain(*layers, L.Recurrent(cell("lstm", rng, 3, units)), head(rng, units), shape=shape)


def two_inputs(rng):
    net = forecaster("lstm", rng, steps=5)
    still = Node("still", L.Input((2,)))
    both = Node("both", L.Concatenate(), (net.outputs[0], ("still", 0)))
    return Network((still, *net.nodes, both), (("both", 0),), Origin("made in a test"))


def residual(rng):
    net = behind(rng)
    twice = Node("twice", L.Add(), (net.outputs[0], (net.nodes[-2].name, 0)))
    return Network((*net.nodes, twice), (("twice", 0),), Origin("made in a test"))


CANNOT = {
    "its forecast is not made from one sequence": two_inputs,
    "does not take the layer before it alone": residual,
    "'conv1d' (Conv1D) is not among the layers": lambda rng: behind(
        rng, L.Conv1D(rng.normal(size=(2, 3, 3)))
    ),
    "has the activation gelu": lambda rng: chain(
        L.Recurrent(cell("lstm", rng, 3, 4)),
        head(rng, 4, activation="gelu"),
        shape=(5, 3),
    ),
    "is more than a dense layer at each step": lambda rng: behind(
        rng, L.TimeDistributed(L.LayerNormalization(rng.normal(size=3)))
    ),
    "does not scale the last axis": lambda rng: behind(
        rng, L.BatchNormalization(np.zeros(5), np.ones(5), axis=1)
    ),
    "scales each step by numbers of its own": lambda rng: behind(
        rng, L.Rescaling(rng.normal(size=(5, 3)), np.zeros((5, 3)))
    ),
    "more than two axes": lambda rng: chain(
        L.Recurrent(cell("lstm", rng, 3, 4)), L.Reshape((2, 2, 1)), shape=(5, 3)
    ),
    "leaves its two directions apart": lambda rng: chain(
        L.Bidirectional(
            L.Recurrent(cell("lstm", rng, 3, 4)),
            L.Recurrent(cell("lstm", rng, 3, 4), go_backwards=True),
            None,
        ),
        shape=(5, 3),
    ),
}


@pytest.mark.parametrize("why", CANNOT)
def test_what_the_page_cannot_run_is_said_in_one_sentence(why, rng):
    spec, sentence = page_network(CANNOT[why](rng))
    assert spec == {}
    assert sentence.startswith("This page cannot run the network itself: ")
    assert why in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_every_number_of_the_network_is_there_once(rng):
    net = behind(rng, L.Identity("Dropout"), L.Activate(Activation("tanh")))
    spec, why_not = page_network(net)
    assert why_not == ""
    assert [layer["name"] for layer in spec["layers"]] == ["activate", "recurrent", "dense"]
    numbers = np.frombuffer(base64.b64decode(spec["weights"]), "<f4")
    lstm, dense = net["recurrent"].layer.cell, net["dense"].layer
    held = sum(gate.W.size + gate.U.size + gate.b.size for gate in lstm.gates.values())
    assert len(numbers) == held + dense.W.size + dense.b.size
    first, length = spec["layers"][1]["cells"][0]["U"]["at"]
    packed = np.concatenate([gate.U for gate in lstm.gates.values()], axis=1)
    np.testing.assert_array_equal(
        numbers[first : first + length].reshape(packed.shape), packed.astype(np.float32)
    )


def test_numbers_are_written_in_single_precision():
    assert np.frombuffer(base64.b64decode(text_of(np.array([1e-3, -7.0]))), "<f4").tolist() == [
        np.float32(1e-3), -7.0,
    ]  # fmt: skip
