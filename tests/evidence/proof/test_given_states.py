"""Certificates of layers that start from states which are inputs, made of one, or handed over."""

import numpy as np
import pytest

import rnnlens
from networks import TANH, cell
from rnnlens.network.layers import Bidirectional, Concatenate, Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

STEPS, UNITS, WINDOWS = 4, 3, 2


def dense(rng, features, units, **options):
    return Dense(rng.normal(size=(features, units)) * 0.6, rng.normal(size=units), **options)


def from_inputs(rng, kind="lstm", **options):
    """A layer whose states are inputs themselves."""
    own = cell(kind, rng, units=UNITS)
    sizes = dict(zip(("h", "c"), own.state_sizes, strict=False))
    layer = Recurrent(own, **options)
    nodes = [Node("x", Input((STEPS, 3)))]
    nodes += [Node(name, Input((size,))) for name, size in sizes.items()]
    nodes.append(Node("rnn", layer, (("x", 0), *((name, 0) for name in sizes))))
    nodes.append(Node("head", dense(rng, own.state_sizes[0], 1), (("rnn", 0),)))
    return Network(tuple(nodes), (("head", 0),), Origin("test"))


def from_statics(rng):
    """States that linear layers make of a static vector, the second layer of two from one too."""
    nodes = (
        Node("x", Input((STEPS, 3))),
        Node("site", Input((2,))),
        Node("h", dense(rng, 2, UNITS, activation=TANH), (("site", 0),)),
        Node("c", dense(rng, 2, UNITS), (("site", 0),)),
        Node(
            "lower",
            Recurrent(cell("lstm", rng, units=UNITS), return_sequences=True),
            (("x", 0), ("h", 0), ("c", 0)),
        ),
        Node("upper", Recurrent(cell("gru_after", rng, UNITS, UNITS)), (("lower", 0), ("h", 0))),
        Node("head", dense(rng, UNITS, 1), (("upper", 0),)),
    )
    return Network(nodes, (("head", 0),), Origin("test"))


def both_ways(rng):
    """Two directions, each from states of its own, one of them made of a static vector."""
    one, two = (Recurrent(cell("gru_before", rng, units=UNITS)) for _ in range(2))
    two = Recurrent(two.cell, go_backwards=True)
    nodes = (
        Node("x", Input((STEPS, 3))),
        Node("h", Input((UNITS,))),
        Node("site", Input((2,))),
        Node("made", dense(rng, 2, UNITS), (("site", 0),)),
        Node("rnn", Bidirectional(one, two, "concat"), (("x", 0), ("h", 0), ("made", 0))),
        Node("head", dense(rng, 2 * UNITS, 1), (("rnn", 0),)),
    )
    return Network(nodes, (("head", 0),), Origin("test"))


def handed_over(rng, kind, **options):
    """An encoder whose states start a decoder of another input; the head sees its output too."""
    encoder, decoder = cell(kind, rng, units=UNITS), cell(kind, rng, 2, UNITS)
    states = [("encoder", 1 + k) for k in range(len(encoder.state_sizes))]
    output = encoder.state_sizes[0]
    nodes = (
        Node("x", Input((STEPS, 3))),
        Node("future", Input((STEPS, 2))),
        Node("encoder", Recurrent(encoder, return_state=True, **options), (("x", 0),)),
        Node("decoder", Recurrent(decoder), (("future", 0), *states)),
        Node("both", Concatenate(), (("decoder", 0), states[0])),
        Node("head", dense(rng, 2 * output, 1), (("both", 0),)),
    )
    return Network(nodes, (("head", 0),), Origin("test"))


def two_ways_handed_over(rng):
    """The states of both directions side by side start a decoder twice as wide."""
    ways = [
        Recurrent(
            cell("lstm", rng, units=2), go_backwards=back, return_sequences=True, return_state=True
        )
        for back in (False, True)
    ]
    nodes = (
        Node("x", Input((STEPS, 3))),
        Node("future", Input((STEPS, 2))),
        Node("encoder", Bidirectional(ways[0], ways[1], "concat"), (("x", 0),)),
        Node("h", Concatenate(), (("encoder", 1), ("encoder", 3))),
        Node("c", Concatenate(), (("encoder", 2), ("encoder", 4))),
        Node(
            "decoder",
            Recurrent(cell("lstm", rng, 2, 4)),
            (("future", 0), ("h", 0), ("c", 0)),
        ),
        Node("head", dense(rng, 4, 1), (("decoder", 0),)),
    )
    return Network(nodes, (("head", 0),), Origin("test"))


NETS = {
    "LSTM": from_inputs,
    "LSTM with a projection": lambda rng: from_inputs(rng, "lstm_projected"),
    "LSTM with peepholes, newest first": lambda rng: from_inputs(
        rng, "lstm_peephole", go_backwards=True
    ),
    "GRU": lambda rng: from_inputs(rng, "gru_after"),
    "simple cell": lambda rng: from_inputs(rng, "simple_rnn"),
    "states made of statics, two layers": from_statics,
    "both directions": both_ways,
    "LSTM handed over": lambda rng: handed_over(rng, "lstm"),
    "LSTM with a projection handed over": lambda rng: handed_over(rng, "lstm_projected"),
    "GRU handed over": lambda rng: handed_over(rng, "gru_before"),
    "LSTM that reads the newest first handed over": lambda rng: handed_over(
        rng, "lstm", go_backwards=True
    ),
    "both directions handed over": two_ways_handed_over,
}


@pytest.mark.parametrize("name", NETS)
def test_no_value_of_any_input_moves_a_forecast_further_than_is_certified(name, rng):
    network = NETS[name](rng)
    inputs = {
        given: rng.normal(size=(WINDOWS, *entry.shape)) for given, entry in network.inputs.items()
    }
    limits = rnnlens.Certificates(range=0.4, tolerance=0.1, budget=60)
    before = rnnlens.predict(network, inputs)[:, 0]
    for given, array in inputs.items():
        lags = [1, STEPS] if array.ndim == 3 else [1]
        features = [0, 1]
        proof = rnnlens.certify(
            network, inputs, lag=lags, of=given, features=features, certificates=limits
        )
        bound = proof.bound.values.reshape(WINDOWS, len(lags))
        for k, lag in enumerate(lags):
            largest = np.zeros(WINDOWS)
            for draw in range(60):
                by = rng.uniform(-0.4, 0.4, (WINDOWS, 2))
                by = np.sign(by) * 0.4 if draw % 3 == 0 else by  # corners too
                moved = array.copy()
                # what a decoder reads is counted from the forecast on
                step = lag - 1 if given == "future" else STEPS - lag
                place = (slice(None), step) if array.ndim == 3 else (slice(None),)
                moved[*place, slice(2)] += by
                change = rnnlens.predict(network, inputs | {given: moved})[:, 0] - before
                largest = np.maximum(largest, np.abs(change))
            assert (largest <= bound[:, k]).all(), (given, lag)
            # and it says something: no more than what was found, the tolerance and a little over
            assert (bound[:, k] <= 1.5 * largest + 0.12).all(), (given, lag)


def test_a_state_that_is_held_is_the_state_that_the_bound_is_about(rng):
    network = from_inputs(rng)
    inputs = {given: rng.normal(size=(2, *entry.shape)) for given, entry in network.inputs.items()}
    limits = rnnlens.Certificates(range=0.4, tolerance=0.05)
    asked = {"lag": STEPS, "of": "x", "features": [0], "certificates": limits}
    held = rnnlens.certify(network, inputs, **asked)
    np.testing.assert_allclose(held.forecast, rnnlens.predict(network, inputs)[:, 0], rtol=1e-12)
    other = rnnlens.certify(network, inputs | {"c": inputs["c"] + 1}, **asked)
    assert (abs(held.bound / other.bound - 1) > 0.05).any()


def test_the_cell_state_handed_over_carries_what_the_hidden_state_does_not(rng):
    # an output gate that is shut: what the encoder knows leaves it by its cell state alone
    network = handed_over(rng, "lstm")
    shut = network["encoder"].layer.cell.gates["output"]
    shut.W[...] = shut.U[...] = 0.0
    shut.b[...] = -40.0
    inputs = {given: rng.normal(size=(2, *one.shape)) for given, one in network.inputs.items()}
    limits = rnnlens.Certificates(range=0.4, tolerance=1e-6, budget=60)
    proof = rnnlens.certify(network, inputs, lag=1, of="x", features=[0], certificates=limits)
    moved = inputs["x"].copy()
    moved[:, -1, 0] += 0.4
    change = rnnlens.predict(network, inputs | {"x": moved}) - rnnlens.predict(network, inputs)
    assert (np.abs(change[:, 0]) > 1e-5).all()
    assert (proof.bound.values.ravel() >= np.abs(change[:, 0])).all()
