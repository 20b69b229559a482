"""A convolution and its activation, carried back at once, against each layer carried back alone."""

import tracemalloc

import numpy as np
import pytest

from networks import cell, chain
from rnnlens.engine.backward import backward, multipliers
from rnnlens.engine.forward import entries, forward, outputs
from rnnlens.engine.operations.registry import pull
from rnnlens.engine.schedule.fused import fused_layers
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Activate, Add, Conv1D, Dense, Permute, Recurrent
from rnnlens.network.network import Network, Node

ACTIVATIONS = [Activation("relu"), Activation("tanh"), Activation("relu", {"negative_slope": 0.2})]
TURN = Permute((2, 1))


def convolution(rng, features=3, units=4, **options):
    return Conv1D(rng.normal(size=(3, features, units)), rng.normal(size=units), **options)


def convolved(rng, phi, **options):
    """As PyTorch states it: the activation has channels before steps."""
    rnn = Recurrent(cell("lstm", rng, 4))
    head = Dense(rng.normal(size=(5, 2)))
    return chain(convolution(rng, **options), TURN, Activate(phi), TURN, rnn, head, shape=(9, 3))


def layer_by_layer(run, run0, m):
    """Multipliers of every value in a chain of layers, one layer after the other."""
    found = dict(m)
    for node in reversed(run.network.nodes[1:]):
        tapes = run.tapes[node.name], run0.tapes[node.name]
        found[node.inputs[0]] = pull(node.layer, *tapes, (found[node.name, 0],))[0]
    return found


def runs(network, rng, precision="float64"):
    x, x0 = rng.normal(size=(2, 37, 9, 3))
    x0[::3] = x[::3]
    return [forward(network, entries(network, one, precision)) for one in (x, x0)]


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("options", [{"padding": "same"}, {"stride": 2}, {"dilation": 2}], ids=str)
@pytest.mark.parametrize(("precision", "near"), [("float64", 1e-12), ("float32", 1e-4)])
def test_multipliers_are_those_of_each_layer_alone(phi, options, precision, near, rng):
    network = convolved(rng, phi, **options)
    assert [node.name for joint in fused_layers(network).values() for node in joint.nodes] == [
        "conv1d",
        "permute",
        "activate",
    ]
    run, run0 = runs(network, rng, precision)
    m = {network.outputs[0]: rng.normal(size=run.outputs[0].shape).astype(precision)}
    for other in (run, run0):
        found, expected = multipliers(run, other, m), layer_by_layer(run, other, m)
        assert set(found) == set(expected) - {("conv1d", 0), ("permute", 0)}
        for ref, value in found.items():
            # sums of some dozen terms of size one, in another order
            np.testing.assert_allclose(value, expected[ref], rtol=near, atol=near)


def test_an_activation_that_follows_without_a_turn_is_joined_too(rng):
    layers = convolution(rng), Activate(ACTIVATIONS[0]), Dense(rng.normal(size=(4, 1)))
    network = chain(*layers, shape=(9, 3))
    assert list(fused_layers(network)) == ["activate"]
    run, run0 = runs(network, rng)
    m = {network.outputs[0]: rng.normal(size=run.outputs[0].shape)}
    found, expected = multipliers(run, run0, m), layer_by_layer(run, run0, m)
    np.testing.assert_allclose(found["x", 0], expected["x", 0], rtol=1e-12, atol=1e-12)


def test_values_that_others_take_are_not_passed_over(rng):
    nodes = (
        *chain(convolution(rng), Activate(ACTIVATIONS[1]), shape=(9, 3)).nodes,
        Node("sum", Add(), (("activate", 0), ("conv1d", 0))),
    )
    origin = chain(shape=(9, 3)).origin
    both = Network(nodes, (("sum", 0),), origin)
    shown = Network(nodes[:3], (("activate", 0), ("conv1d", 0)), origin)
    assert not fused_layers(both)
    assert not fused_layers(shown)
    run, _ = runs(both, rng)
    m = {("sum", 0): rng.normal(size=run.outputs[0].shape)}
    found = backward(run, m)
    slope = 1 - np.tanh(run.value(("conv1d", 0))) ** 2
    np.testing.assert_allclose(found["conv1d", 0], m["sum", 0] * (1 + slope), rtol=1e-12)


def test_multipliers_given_within_a_joint_are_carried_back_beside_its_own(rng):
    network = convolved(rng, ACTIVATIONS[0])
    run, run0 = runs(network, rng)
    within = {("conv1d", 0): rng.normal(size=run.value(("conv1d", 0)).shape)}
    end = {network.outputs[0]: rng.normal(size=run.outputs[0].shape)}
    found = multipliers(run, run0, within | end)["x", 0]
    parts = [multipliers(run, run0, one)["x", 0] for one in (within, end)]
    np.testing.assert_allclose(found, parts[0] + parts[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "layers",
    [
        lambda rng: (convolution(rng), Activate(Activation("softmax"))),
        lambda rng: (convolution(rng, activation=ACTIVATIONS[0]), Activate(ACTIVATIONS[1])),
        lambda rng: (Dense(rng.normal(size=(3, 4))), Activate(ACTIVATIONS[0])),
        lambda rng: (Activate(ACTIVATIONS[0]), TURN, Activate(ACTIVATIONS[1])),
    ],
    ids=["softmax", "bent already", "no convolution", "two activations"],
)
def test_other_layers_are_left_apart(layers, rng):
    assert not fused_layers(chain(*layers(rng), shape=(9, 3)))


@pytest.mark.parametrize("phi", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_run_for_outputs_alone_gives_what_a_kept_run_gives(phi, precision, rng):
    for network in (
        convolved(rng, phi, padding="same"),
        chain(convolution(rng, activation=phi), Dense(rng.normal(size=(4, 2))), shape=(9, 3)),
        chain(convolution(rng, features=3, groups=1, activation=phi), shape=(9, 3)),
    ):
        inputs = entries(network, rng.normal(size=(37, 9, 3)), precision)
        (found,), (expected,) = outputs(network, inputs), forward(network, inputs).outputs
        # another tanh, right to three units in the last place
        np.testing.assert_allclose(found, expected, rtol=0, atol=64 * np.finfo(precision).eps)


def test_values_that_are_taken_twice_or_given_out_stay_until_then(rng):
    dense = Dense(rng.normal(size=(3, 3)))
    nodes = (
        *chain(dense, shape=(9, 3)).nodes,
        Node("twice", Add(), (("dense", 0), ("dense", 0))),
        Node("late", Add(), (("twice", 0), ("dense", 0))),
    )
    origin = chain(shape=(9, 3)).origin
    network = Network(nodes, (("twice", 0), ("late", 0)), origin)
    inputs = entries(network, rng.normal(size=(5, 9, 3)))
    for found, expected in zip(
        outputs(network, inputs), forward(network, inputs).outputs, strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_run_for_outputs_alone_holds_what_it_still_needs(rng):
    layers = [Dense(rng.normal(size=(64, 64))) for _ in range(12)]
    network = chain(*layers, shape=(9, 64))
    inputs = entries(network, rng.normal(size=(300, 9, 64)))
    room = 300 * 9 * 64 * 8
    peaks = []
    for work in (outputs, forward):
        work(network, inputs)
        tracemalloc.start()
        work(network, inputs)
        peaks.append(tracemalloc.get_traced_memory()[1] / room)
        tracemalloc.stop()
    # what a layer takes and gives, and the activation's copy; against that of every layer
    assert peaks[0] < 5
    assert peaks[1] > 11
