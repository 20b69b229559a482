"""What the weights alone say of a number's way to the forecast."""

import numpy as np
import pytest

from linear_networks import linear_network
from networks import cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError
from rnnlens.evidence.reach.follow import follow
from rnnlens.evidence.reach.rules import Counting
from rnnlens.network.axes import Slice
from rnnlens.network.cells import GRU, LSTM, SimpleRNN
from rnnlens.network.layers import (
    Bidirectional,
    Concatenate,
    Dense,
    Flatten,
    Identity,
    Input,
    LayerNormalization,
    Masking,
    MaskValues,
    Recurrent,
    Rescaling,
)
from rnnlens.network.network import Network, Node, Origin


def without(layer_cell, feature):
    """The cell with every input weight of a feature set to zero."""
    for gate in layer_cell.gates.values():
        gate.W[feature] = 0.0
    return layer_cell


def moved_by(network, rng, steps, features):
    """The numbers whose change moves the output, tried one by one."""
    x = rng.normal(size=(1, steps, features))
    own = predict(network, x)
    found = np.zeros((steps, features), bool)
    for t in range(steps):
        for f in range(features):
            other = x.copy()
            other[0, t, f] += 1.0
            found[t, f] = (predict(network, other) != own).any()
    return found


def check(network, rng, steps=4, features=3):
    found = follow(network, {"x": (steps, features)})["x"]
    np.testing.assert_array_equal(found, moved_by(network, rng, steps, features))
    return found


@pytest.mark.parametrize("kind", ["lstm", "lstm_peephole", "gru_after", "gru_before", "simple_rnn"])
def test_a_feature_with_zero_weights_in_every_gate_is_out_of_reach(kind, rng):
    core = without(cell(kind, rng), 1)
    assert isinstance(core, LSTM | GRU | SimpleRNN)
    found = check(chain(Recurrent(core), head(rng, 5), shape=(4, 3)), rng)
    assert not found[:, 1].any()
    assert found[:, [0, 2]].all()


def test_one_weight_in_one_gate_brings_it_back(rng):
    core = without(cell("lstm", rng), 1)
    core.output.W[1, 3] = 1e-3
    assert check(chain(Recurrent(core), head(rng, 5), shape=(4, 3)), rng).all()


def test_steps_that_are_cut_off_are_out_of_reach(rng):
    network = chain(
        Identity("Dropout"),
        Rescaling(np.array([2.0]), np.array([1.0])),
        Slice(2, None),
        Recurrent(without(cell("gru_after", rng), 0)),
        head(rng, 5),
        shape=(4, 3),
    )
    found = check(network, rng)
    assert np.argwhere(found).tolist() == [[2, 1], [2, 2], [3, 1], [3, 2]]


def test_both_directions_must_leave_a_feature_out(rng):
    ahead = Recurrent(without(cell("lstm", rng), 2), return_sequences=True)
    back = Recurrent(cell("lstm", rng), return_sequences=True, go_backwards=True)
    one = chain(Bidirectional(ahead, back), Flatten(), head(rng, 40), shape=(4, 3))
    assert check(one, rng).all()
    without(back.cell, 2)
    assert not check(one, rng)[:, 2].any()


def test_a_dense_layer_over_the_flat_window_is_read_number_by_number(rng):
    W = rng.normal(size=(12, 2))
    W[[3, 7]] = 0.0
    found = check(chain(Flatten(), Dense(W), shape=(4, 3)), rng)
    assert np.argwhere(~found).tolist() == [[1, 0], [2, 1]]


def test_a_number_that_goes_two_ways_is_used_if_either_way_uses_it(rng):
    core = without(without(cell("lstm", rng), 0), 1)
    W = np.zeros((12, 1))
    W[0] = 1.0
    nodes = (
        Node("x", Input((4, 3))),
        Node("lstm", Recurrent(core), (("x", 0),)),
        Node("flat", Flatten(), (("x", 0),)),
        Node("beside", Dense(W), (("flat", 0),)),
        Node("both", Concatenate(), (("lstm", 0), ("beside", 0))),
    )
    network = Network(nodes, (("both", 0),), Origin("made in a test"))
    found = check(network, rng)
    assert np.argwhere(found[:, :2]).tolist() == [[0, 0]]
    assert found[:, 2].all()


def test_layers_that_compute_with_all_numbers_are_counted_as_using_them(rng):
    """Never structural by mistake: such a layer may be read too cautiously, not too boldly."""
    for first in (Masking(0.0), LayerNormalization()):
        core = Recurrent(without(cell("lstm", rng), 1))
        assert follow(chain(first, core, head(rng, 5), shape=(4, 3)), {"x": (4, 3)})["x"].all()
    assert follow(stacked_bidirectional(rng), {"x": (6, 3)})["x"].all()


def test_zero_weights_deep_inside_cut_off_what_stands_before_them(rng):
    assert not follow(linear_network(np.zeros((2, 1))), {"x": (2, 1)})["x"].any()
    wired = follow(linear_network(np.zeros((2, 1))), {"x": (2, 1)}, counting=Counting(zeros=True))
    assert wired["x"].all()


def test_a_layer_without_a_rule_needs_nothing_where_nothing_of_it_is_wanted(rng):
    for weights, seen in ((np.zeros((4, 1)), False), (rng.normal(size=(4, 1)), True)):
        nodes = (
            Node("x", Input((4, 3))),
            Node("real", MaskValues(), (("x", 0),)),
            Node("beside", Dense(weights), (("real", 0),)),
            Node("core", Recurrent(cell("lstm", rng)), (("x", 0),)),
            Node("head", Dense(np.zeros((5, 1))), (("core", 0),)),
            Node("both", Concatenate(), (("beside", 0), ("head", 0))),
        )
        network = Network(nodes, (("both", 0),), Origin("made in a test"))
        assert follow(network, {"x": (4, 3)})["x"].any() == seen  # too cautious, never too bold
        assert not moved_by(network, rng, 4, 3).any()


def test_an_output_that_is_the_input_itself_is_reached(rng):
    nodes = (Node("x", Input((4, 3))), Node("newest", Slice(3, None), (("x", 0),)))
    network = Network(nodes, (("newest", 0),), Origin("made in a test"))
    assert np.argwhere(follow(network, {"x": (4, 3)})["x"])[:, 0].tolist() == [3, 3, 3]


def test_an_input_that_is_not_there_is_refused(rng):
    with pytest.raises(DataError, match="has no input 'u': it has x"):
        follow(forecaster("lstm", rng), {"u": (7, 3)})
