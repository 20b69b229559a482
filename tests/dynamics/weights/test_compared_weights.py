"""Two networks side by side: units are matched whatever their order and signs."""

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

import rnnlens
from layers_of_results import nodes
from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.dynamics.weights.incoming import arranged, is_odd
from rnnlens.dynamics.weights.matching import (
    distances,
    matched_by_states,
    matched_by_weights,
)
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Bidirectional, Dense, Recurrent


def shuffled(rng, units, odd=True):
    return rng.permutation(units), rng.choice([-1, 1], units) if odd else np.ones(units, int)


def moved(rng, core, size):
    """A cell whose every array is moved a little: another epoch."""
    gates = {
        name: replace(gate, **{kind: a + size * rng.normal(size=a.shape)
                               for kind, a in gate.arrays().items()})
        for name, gate in core.gates.items()
    }  # fmt: skip
    return replace(core, **gates)


def reordered(rng, net):
    """The same network, the units of every layer in another order and with other signs."""
    nodes, rows = [], None
    for node in net.nodes:
        layer = node.layer
        if isinstance(layer, Recurrent):
            order = shuffled(rng, layer.cell.units)
            layer = replace(layer, cell=arranged(layer.cell, order, rows))
            rows = order if getattr(layer.cell, "projection", None) is None else None
        elif isinstance(layer, Bidirectional):
            orders = [shuffled(rng, layer.forward.cell.units) for _ in range(2)]
            sides = [
                replace(one, cell=arranged(one.cell, order, rows))
                for one, order in zip((layer.forward, layer.backward), orders, strict=True)
            ]
            layer = replace(layer, forward=sides[0], backward=sides[1])
            (a, s), (b, t) = orders
            rows = np.concatenate([a, b + len(a)]), np.concatenate([s, t])
        elif isinstance(layer, Dense) and rows is not None:
            layer, rows = replace(layer, W=layer.W[rows[0]] * rows[1][:, None]), None
        nodes.append(replace(node, layer=layer))
    return replace(net, nodes=tuple(nodes))


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("data", [False, True])
def test_a_network_whose_units_were_reordered_is_the_same_once_matched(kind, data, rng):
    net = forecaster(kind, rng, units=9)
    other = reordered(rng, net)
    x = rng.normal(size=(20, 7, 3))
    np.testing.assert_allclose(predict(net, x), predict(other, x), rtol=1e-12)
    tree = rnnlens.compare_weights(net, other, *([x] if data else []),
                                   **({"target": 0} if data else {}))  # fmt: skip
    (node,) = nodes(tree).values()
    assert tree.attrs["matched_by"] == ("hidden states" if data else "incoming weights")
    for name in ("distance", "input_difference", "recurrent_difference", "bias_difference"):
        assert not node[name].values.any()  # moved about and turned: not even rounded
    assert node["distance_as_they_stand"].values.max() > 0.1
    assert "once matched, the weights are the same" in tree.attrs["summary"]
    if data:
        np.testing.assert_allclose(node["state_correlation"], 1.0)
        np.testing.assert_allclose(*node["influence"].values, rtol=1e-9)


@pytest.mark.parametrize("data", [False, True])
def test_every_layer_of_a_stack_in_two_directions_is_matched(data, rng):
    net = stacked_bidirectional(rng)
    other = reordered(rng, net)
    x = rng.normal(size=(30, 6, 3))
    np.testing.assert_allclose(predict(net, x), predict(other, x), rtol=1e-10)
    given = {"X": x, "target": 0} if data else {}
    tree = rnnlens.compare_weights(net, other, **given)
    assert len(nodes(tree)) == 4 and json.loads(tree.attrs["not_given"]) == {}
    for node in nodes(tree).values():
        assert not node["input_difference"].values.any()
        assert not node["recurrent_difference"].values.any()


@pytest.mark.parametrize("kind", CELLS)
def test_another_epoch_in_another_order_is_matched_all_the_same(kind, rng):
    core = cell(kind, rng, units=8)
    order = shuffled(rng, 8)
    later = arranged(moved(rng, core, 0.02), order)
    partner, sign = matched_by_weights(core, later, as_they_stand_of_inputs(core))
    assert order[0][partner].tolist() == list(range(8))
    assert (order[1][partner] * sign == 1).all()


def as_they_stand_of_inputs(core):
    return np.arange(core.features), np.ones(core.features, int)


def test_units_stay_where_they_stand_where_that_is_as_good(rng):
    net = forecaster("lstm", rng)
    (node,) = nodes(rnnlens.compare_weights(net, net)).values()
    assert node["partner"].values.tolist() == [0, 1, 2, 3, 4]
    assert (node["sign"].values == 1).all()


@pytest.mark.parametrize("kind", ["lstm", "gru_before", "simple_rnn"])
def test_no_order_of_all_is_better_than_the_one_found_for_another_epoch(kind, rng):
    # 4 units: all 24 orders with all 16 choices of signs, tried one by one
    core = cell(kind, rng, units=4)
    later = arranged(moved(rng, core, 0.05), shuffled(rng, 4))
    rows = as_they_stand_of_inputs(core)

    def cost(order):
        own = [np.sqrt(sum((np.asarray(a)[..., k] ** 2).sum() for g in core.gates.values()
                           for a in g.arrays().values())) for k in range(4)]  # fmt: skip
        return float(((distances(core, later, rows, order) * own) ** 2).sum())

    found = cost(matched_by_weights(core, later, rows))
    signs = [np.array([1 if b >> k & 1 else -1 for k in range(4)]) for b in range(16)]
    best = min(cost((np.array(p), s)) for p in permutations(range(4)) for s in signs)
    np.testing.assert_allclose(found, best, rtol=1e-9)


def test_signs_are_not_turned_where_the_activation_is_not_odd(rng):
    core = replace(cell("simple_rnn", rng), activation=Activation("relu"))
    assert not is_odd(core)
    turned = arranged(core, (np.arange(5), -np.ones(5, int)))
    _, sign = matched_by_weights(core, turned, as_they_stand_of_inputs(core))
    assert (sign == 1).all()
    _, sign = matched_by_states(core, -np.eye(5))
    assert (sign == 1).all()


def test_layers_of_other_sizes_stand_side_by_side_and_units_are_not_matched(rng):
    tree = rnnlens.compare_weights(
        forecaster("lstm", rng, units=5), forecaster("lstm", rng, units=6)
    )
    (node,) = nodes(tree).values()
    assert "partner" not in node and node["spectral_radius"].shape == (2, 4)
    said = json.loads(tree.attrs["not_given"])["recurrent"]
    assert "there are 5 in one network and 6 in the other" in said


def test_input_kernels_are_left_out_where_what_they_take_is_not_known(rng):
    def net(seed):
        own = np.random.default_rng(seed)
        return chain(
            Recurrent(cell("lstm", own), return_sequences=True),
            Dense(own.normal(size=(5, 4))),
            Recurrent(cell("gru_after", own, features=4)),
            head(own, 5),
            shape=(6, 3),
        )

    tree = rnnlens.compare_weights(net(1), net(2))
    assert "input_difference" not in nodes(tree)["recurrent_1"]
    assert "input kernels are not compared" in json.loads(tree.attrs["not_given"])["recurrent_1"]
    # units that stand where their partners do say where a layer between them stands
    same = rnnlens.compare_weights(net(1), net(1))
    assert not nodes(same)["recurrent_1"]["input_difference"].values.any()


@pytest.mark.parametrize("data", [False, True])
def test_networks_of_other_kinds_are_refused_with_advice_that_works(data, rng):
    one, two, x = forecaster("lstm", rng), forecaster("gru_after", rng), rng.normal(size=(4, 7, 3))
    given = {"X": x, "target": 0} if data else {}
    with pytest.raises(
        InputError, match=r"the first are recurrent \(LSTM\) and those of the other"
    ):
        rnnlens.compare_weights(one, two, **given)
    for net in (one, two):
        rnnlens.summarize_weights(net, **given)


def test_what_has_no_cells_is_refused(rng):
    from small_networks import small

    net, _ = small("no recurrent layer")
    for ask in (rnnlens.summarize_weights, lambda one: rnnlens.compare_weights(one, one)):
        with pytest.raises(InputError, match="nothing is carried from step to step"):
            ask(net)
