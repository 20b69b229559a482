"""Certificates of layers that start from states which are inputs, or are made of one."""

import numpy as np
import pytest

import rnnlens
from networks import TANH, cell
from rnnlens.network.layers import Bidirectional, Dense, Input, Recurrent
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
                place = (slice(None), STEPS - lag) if array.ndim == 3 else (slice(None),)
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
