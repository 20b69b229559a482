"""Derivatives and multipliers of every layer, against differences and against sums."""

import numpy as np
import pytest

from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.engine.backward import backward, multipliers
from rnnlens.engine.forward import entries, forward
from rnnlens.network import axes as A
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation
from rnnlens.network.network import Network, Node, Origin

TANH = Activation("tanh")


def weights(run, rng):
    return {ref: rng.normal(size=run.value(ref).shape) for ref in run.network.outputs}


def derivative(run, m):
    """The input's derivative; zero where nothing depends on the input."""
    return backward(run, m).get(("x", 0), np.zeros_like(run.value(("x", 0))))


def difference(network, x, m, e=1e-6):
    """Central differences of the weighted output, entry by entry of the first sample."""
    found = np.zeros(x.shape[1:])
    for place in np.ndindex(*x.shape[1:]):
        total = []
        for sign in (1, -1):
            moved = x.copy()
            moved[0, *place] += sign * e
            run = forward(network, entries(network, moved))
            total.append(sum((m[ref] * run.value(ref)).sum() for ref in m))
        found[place] = (total[0] - total[1]) / (2 * e)
    return found


def on_sequences(rng):
    """One network for every layer kind, each taking (6, 3) sequences."""
    square = rng.normal(size=(3, 3))
    rnn = L.Recurrent(cell("lstm", rng), return_sequences=True)
    yield "dense", [L.Dense(square, rng.normal(size=3), TANH)]
    yield "dense_softmax", [L.Dense(square, None, Activation("softmax"))]
    yield "time_distributed", [L.TimeDistributed(L.Dense(square, None, TANH))]
    yield "activation", [L.Activate(TANH)]
    yield "identity", [L.Identity("Dropout")]
    yield "prelu", [L.PReLU(rng.normal(size=(1, 3)))]
    yield (
        "batch_norm",
        [
            L.BatchNormalization(
                rng.normal(size=3), rng.uniform(0.5, 2, 3), rng.normal(size=3), rng.normal(size=3)
            )
        ],
    )
    yield (
        "batch_norm_over_steps",
        [L.BatchNormalization(rng.normal(size=6), rng.uniform(0.5, 2, 6), axis=1)],
    )
    yield "layer_norm", [L.LayerNormalization(rng.normal(size=3), rng.normal(size=3))]
    yield "layer_norm_all", [L.LayerNormalization(rng.normal(size=(6, 3)), None, axes=(1, 2))]
    yield "layer_norm_rms", [L.LayerNormalization(rng.normal(size=3), None, centred=False)]
    yield "rescaling", [L.Rescaling(np.array(1.7), np.array(-0.3))]
    yield "standardization", [L.Standardization(rng.normal(size=3), rng.uniform(0.5, 2, 3))]
    yield "inverse", [L.Standardization(rng.normal(size=3), rng.uniform(0.5, 2, 3), invert=True)]
    yield "flatten", [L.Flatten(), L.Dense(rng.normal(size=(18, 2)), None, TANH)]
    yield "reshape", [L.Reshape((9, 2)), L.Dense(rng.normal(size=(2, 2)), None, TANH)]
    yield "permute", [L.Permute((2, 1)), L.Dense(rng.normal(size=(6, 2)), None, TANH)]
    yield "repeat", [L.Recurrent(cell("lstm", rng)), L.RepeatVector(3), L.Activate(TANH)]
    for padding in ("valid", "same", "causal"):
        W = rng.normal(size=(3, 3, 4))
        yield f"conv_{padding}", [L.Conv1D(W, rng.normal(size=4), TANH, padding=padding)]
        yield f"conv_{padding}_dilated", [L.Conv1D(W, None, TANH, dilation=2, padding=padding)]
    yield "conv_stride", [L.Conv1D(rng.normal(size=(2, 3, 4)), None, TANH, stride=2)]
    yield (
        "conv_same_stride",
        [L.Conv1D(rng.normal(size=(3, 3, 4)), None, TANH, stride=2, padding="same")],
    )
    yield (
        "conv_groups",
        [rnn_to(6, rng), L.Conv1D(rng.normal(size=(2, 3, 4)), None, TANH, groups=2)],
    )
    for kind in ("max", "average"):
        yield f"pool_{kind}", [rnn, L.Pooling1D(kind, 2, 2)]
        yield f"pool_{kind}_same", [rnn, L.Pooling1D(kind, 3, 2, "same")]
        yield f"global_{kind}", [rnn, L.GlobalPooling1D(kind)]
        yield f"global_{kind}_kept", [rnn, L.GlobalPooling1D(kind, keepdims=True)]
    yield "index", [rnn, A.Index(-2)]
    yield "index_feature", [A.Index(1, axis=2), L.Activate(TANH)]
    yield "slice", [rnn, A.Slice(1, -1, 2)]
    yield "slice_back", [rnn, A.Slice(None, None, -2, axis=-1)]
    yield "flip", [A.Flip(), rnn]
    yield "expand", [A.ExpandDims(1), A.Squeeze(1), rnn]
    yield "mean", [rnn, A.Mean((1,))]
    yield "mean_kept", [rnn, A.Mean((1, 2), keepdims=True)]
    yield "constant", [A.Constant(rng.normal(size=4)), L.Dense(rng.normal(size=(4, 2)))]
    yield "masking", [L.Masking(0.0), rnn, L.GlobalPooling1D("average")]


def rnn_to(units, rng):
    return L.Recurrent(cell("gru_after", rng, units=units), return_sequences=True)


NAMES = [name for name, _ in on_sequences(np.random.default_rng(0))]


def built(name, rng):
    return chain(*dict(on_sequences(rng))[name], shape=(6, 3))


@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_of_every_layer_equals_central_differences(name, rng):
    network = built(name, rng)
    x = rng.normal(size=(2, 6, 3))
    run = forward(network, entries(network, x))
    m = weights(run, rng)
    # central differences of smooth functions of size 10: rounding 1e-15 / 1e-6
    expected = difference(network, x, m)
    np.testing.assert_allclose(derivative(run, m)[0], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_multipliers_of_every_layer_sum_to_the_change_of_its_output(name, rng):
    network = built(name, rng)
    x, x0 = rng.normal(size=(2, 4, 6, 3))
    if name == "masking":
        x[:, :2] = x0[:, :2] = 0.0
    assert_complete(network, x, x0, rng)


def assert_complete(network, x, x0, rng, tolerance=1e-11):
    run, run0 = (forward(network, entries(network, one)) for one in (x, x0))
    m = weights(run, rng)
    change = sum(
        (m[ref] * (run.value(ref) - run0.value(ref))).reshape(len(x), -1).sum(axis=1) for ref in m
    )
    carried = (
        (multipliers(run, run0, m).get(("x", 0), 0.0) * (x - x0)).reshape(len(x), -1).sum(axis=1)
    )
    np.testing.assert_allclose(carried, change, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_the_derivative_of_every_cell_equals_central_differences(kind, backwards, sequences, rng):
    layer = L.Recurrent(cell(kind, rng), go_backwards=backwards, return_sequences=sequences)
    network = chain(layer, shape=(5, 3))
    x = rng.normal(size=(2, 5, 3))
    run = forward(network, entries(network, x))
    m = weights(run, rng)
    expected = difference(network, x, m)
    np.testing.assert_allclose(backward(run, m)["x", 0][0], expected, rtol=1e-7, atol=1e-8)
    assert_complete(network, x, rng.normal(size=(2, 5, 3)), rng)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
def test_stacked_and_bidirectional_networks_are_differentiated_and_complete(merge, rng):
    network = stacked_bidirectional(rng, merge=merge)
    x, x0 = rng.normal(size=(2, 3, 6, 3))
    run = forward(network, entries(network, x))
    m = weights(run, rng)
    expected = difference(network, x, m)
    np.testing.assert_allclose(backward(run, m)["x", 0][0], expected, rtol=1e-7, atol=1e-8)
    assert_complete(network, x, x0, rng)


def two_branches(layer, rng):
    """Two recurrent layers over one input, merged."""
    nodes = (
        Node("x", L.Input((5, 3))),
        Node("a", L.Recurrent(cell("lstm", rng)), (("x", 0),)),
        Node("b", L.Recurrent(cell("gru_before", rng)), (("x", 0),)),
        Node("both", layer, (("a", 0), ("b", 0))),
    )
    return Network(nodes, (("both", 0),), Origin("test"))


@pytest.mark.parametrize("merge", [L.Add, L.Subtract, L.Multiply, L.Average, L.Concatenate])
def test_merges_are_differentiated_and_complete(merge, rng):
    network = two_branches(merge(), rng)
    x, x0 = rng.normal(size=(2, 3, 5, 3))
    run = forward(network, entries(network, x))
    m = weights(run, rng)
    expected = difference(network, x, m)
    np.testing.assert_allclose(backward(run, m)["x", 0][0], expected, rtol=1e-7, atol=1e-8)
    assert_complete(network, x, x0, rng)


def encoder_decoder(rng):
    """States of one LSTM start another: the path through every output of a layer."""
    nodes = (
        Node("x", L.Input((5, 3))),
        Node("enc", L.Recurrent(cell("lstm", rng), return_state=True), (("x", 0),)),
        Node("times", L.RepeatVector(4), (("enc", 0),)),
        Node(
            "dec",
            L.Recurrent(cell("lstm", rng, features=5), return_sequences=True),
            (("times", 0), ("enc", 1), ("enc", 2)),
        ),
        Node("out", head(rng, 5), (("dec", 0),)),
    )
    return Network(nodes, (("out", 0),), Origin("test"))


def test_states_handed_from_layer_to_layer_are_differentiated_and_complete(rng):
    network = encoder_decoder(rng)
    x, x0 = rng.normal(size=(2, 3, 5, 3))
    run = forward(network, entries(network, x))
    m = weights(run, rng)
    expected = difference(network, x, m)
    np.testing.assert_allclose(backward(run, m)["x", 0][0], expected, rtol=1e-7, atol=1e-8)
    assert_complete(network, x, x0, rng)


def test_a_given_initial_state_gets_its_own_multipliers_and_the_sum_is_whole(rng):
    network = forecaster("lstm", rng)
    x, x0 = rng.normal(size=(2, 3, 7, 3))
    states, states0 = rng.normal(size=(2, 2, 3, 5))
    run = forward(network, entries(network, x), initial_state={"recurrent": states})
    run0 = forward(network, entries(network, x0), initial_state={"recurrent": states0})
    m = weights(run, rng)
    found = multipliers(run, run0, m)
    carried = (found["x", 0] * (x - x0)).sum()
    for k in range(2):
        carried += (found["recurrent initial state", k] * (states[k] - states0[k])).sum()
    change = sum((m[ref] * (run.value(ref) - run0.value(ref))).sum() for ref in m)
    np.testing.assert_allclose(carried, change, rtol=1e-12)


def test_the_multiplier_of_a_token_carries_the_change_of_its_vector(rng):
    network = chain(
        L.Embedding(rng.normal(size=(9, 3))),
        L.Recurrent(cell("lstm", rng)),
        head(rng, 5),
        shape=(6,),
    )
    x, x0 = rng.integers(0, 9, size=(2, 4, 6)).astype(float)
    assert_complete(network, x, x0, rng)
    run = forward(network, entries(network, x))
    assert not backward(run, weights(run, rng))["x", 0].any()
