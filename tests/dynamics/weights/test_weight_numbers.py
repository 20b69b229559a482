"""Norms, shares, dead units and copies are what their definitions say."""

from dataclasses import replace

import numpy as np
import pytest

import naive_weights
import rnnlens
from layers_of_results import nodes
from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.dynamics.weights.copies import copies
from rnnlens.engine.forward import forward
from rnnlens.engine.trace import layer_traces
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Dense, Masking, Recurrent


@pytest.mark.parametrize("kind", CELLS)
def test_norms_radii_and_ranges_are_those_of_the_definitions(kind, rng):
    net = forecaster(kind, rng)
    core = net["recurrent"].layer.cell
    (node,) = nodes(rnnlens.summarize_weights(net)).values()
    for name, gate in core.gates.items():
        one = node.dataset.sel(gate=name)
        for side, kernel in (("input", gate.W), ("recurrent", gate.U)):
            np.testing.assert_allclose(one[f"{side}_frobenius"], naive_weights.frobenius(kernel))
            # power iteration converges as the gap of singular values allows
            np.testing.assert_allclose(
                one[f"{side}_spectral"], naive_weights.spectral_norm(kernel), rtol=1e-6
            )
            values = one[f"{side}_singular_value"].values
            np.testing.assert_allclose(values[0], one[f"{side}_spectral"])
            assert (np.diff(values) <= 0).all()
        U = gate.U if kind != "lstm_projected" else core.projection @ gate.U
        # |K^n|^(1/n) comes near the radius like n^(-1): a factor of c^(1/4096)
        np.testing.assert_allclose(
            one["spectral_radius"], naive_weights.spectral_radius(U), rtol=3e-3
        )
        bias = gate.b + (0 if gate.b_r is None else gate.b_r)
        expected = [min(bias), sum(bias) / len(bias), max(bias)]
        found = [float(one[f"bias_{end}"]) for end in ("low", "mean", "high")]
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("kind", CELLS)
def test_openness_and_saturation_are_shares_of_real_steps(kind, rng):
    core = cell(kind, rng, units=4, scale=3.0)
    net = chain(Masking(0.0), Recurrent(core), head(rng, core.state_sizes[0], 1), shape=(6, 3))
    x = rng.normal(size=(9, 6, 3))
    x[2, :3] = 0.0  # padding
    (node,) = nodes(rnnlens.summarize_weights(net, x, target=0)).values()
    (trace,) = layer_traces(forward(net, {"x": x})).values()
    for g, name in enumerate(core.gates):
        for unit in range(4):
            one = node.dataset.sel(gate=name).isel(unit=unit)
            mean, low, high = naive_weights.shares(trace.gate_value[:, :, g, unit].ravel())
            np.testing.assert_allclose(one["gate_mean"], mean)
            if name in {"cell", "candidate", "hidden"}:
                assert np.isnan(one["closed"]) and np.isnan(one["open"])
                np.testing.assert_allclose(one["saturated"], high)
            else:
                np.testing.assert_allclose([one["closed"], one["open"]], [low, high])
                np.testing.assert_allclose(one["saturated"], low + high)


def without_unit(core, unit):
    """The same cell, in which nothing comes into the candidate of a unit, and no other hears it."""
    gates = {}
    for name, gate in core.gates.items():
        W, U, b = gate.W.copy(), gate.U.copy(), gate.b.copy()
        U[unit] = 0.0
        if name in {"cell", "candidate", "hidden"}:
            W[:, unit], U[:, unit], b[unit] = 0.0, 0.0, 0.7
        gates[name] = replace(gate, W=W, U=U, b=b, b_r=None)
    return replace(core, **gates)


@pytest.mark.parametrize("kind", ["gru_after", "gru_before", "simple_rnn"])
def test_unit_whose_state_no_input_moves_is_constant_and_dead(kind, rng):
    core = without_unit(cell(kind, rng), 2)
    if kind != "simple_rnn":  # its update gate would still be moved by the inputs
        update = core.update
        W, U = update.W.copy(), update.U.copy()
        W[:, 2], U[:, 2] = 0.0, 0.0
        core = replace(core, update=replace(update, W=W, U=U))
    net = chain(Recurrent(core), head(rng, 5, 1), shape=(7, 3))
    (node,) = nodes(rnnlens.summarize_weights(net, rng.normal(size=(8, 7, 3)), target=0)).values()
    assert node["constant"].values.tolist() == [False, False, True, False, False]
    assert node["dead"].values.tolist() == [False, False, True, False, False]
    assert node["hidden_spread"].values[2] < 1e-12 < node["hidden_spread"].values[[0, 1]].min()


def test_unit_that_nothing_reads_is_dead_though_its_state_moves(rng):
    core = cell("lstm", rng)
    gates = {}
    for name, gate in core.gates.items():
        U = gate.U.copy()
        U[1] = 0.0
        gates[name] = replace(gate, U=U)
    W = rng.normal(size=(5, 1))
    W[1] = 0.0
    net = chain(Recurrent(replace(core, **gates)), Dense(W), shape=(7, 3))
    tree = rnnlens.summarize_weights(net, rng.normal(size=(8, 7, 3)), target=0)
    (node,) = nodes(tree).values()
    assert node["dead"].values.tolist() == [False, True, False, False, False]
    assert not node["constant"].values.any() and node["influence_rank"].values[1] == 5
    assert "unit 1 of 5 never moves the forecast, for nothing reads" in tree.attrs["summary"]


def with_copy(core, first, other, sign):
    """The same cell with one unit made a copy of another, their own weights spread over both."""
    gates = {}
    for name, gate in core.gates.items():
        turn = sign if name in {"cell", "candidate", "hidden"} else 1
        arrays = {kind: array.copy() for kind, array in gate.arrays().items()}
        for kind, array in arrays.items():
            array[..., other] = array[..., first] * (sign if kind == "V" else turn)
        if core.state_sizes[0] == core.units and not getattr(core, "projection", None):
            U = arrays["U"]
            together = U[first, first] + sign * U[other, first]
            # another split between the two units' states, which are one up to the sign
            U[first, other] = turn * together - sign * 0.3
            U[other, other] = 0.3
        gates[name] = replace(gate, **arrays)
    return replace(core, **gates)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", ["lstm", "lstm_peephole", "gru_after", "gru_before", "simple_rnn"])
def test_copies_are_found_and_their_states_are_the_same_up_to_the_sign(kind, sign, rng):
    core = with_copy(cell(kind, rng), 1, 3, sign)
    of, signs = copies(core)
    assert of.tolist() == [-1, -1, -1, 1, -1] and signs.tolist() == [0, 0, 0, sign, 0]
    net = chain(Recurrent(core), head(rng, 5, 1), shape=(7, 3))
    x = rng.normal(size=(8, 7, 3))
    (trace,) = layer_traces(forward(net, {"x": x})).values()
    # the theorem: rounding of seven steps
    np.testing.assert_allclose(trace.hidden[..., 3], sign * trace.hidden[..., 1], atol=1e-14)
    tree = rnnlens.summarize_weights(net, x, target=0)
    (node,) = nodes(tree).values()
    assert node["moves_with"].values[3] == 1
    np.testing.assert_allclose(node["correlation"].values[3], sign, rtol=1e-12)
    turned = " with the other sign" if sign < 0 else ""
    assert f"unit 3 is a copy of unit 1{turned}, by its weights" in tree.attrs["summary"]


def test_no_unit_is_a_copy_with_the_other_sign_where_the_activation_is_not_odd(rng):
    relu = replace(with_copy(cell("simple_rnn", rng), 1, 3, -1), activation=Activation("relu"))
    assert (copies(relu)[0] == -1).all()


@pytest.mark.parametrize("moved", ["W", "U", "b"])
def test_a_unit_moved_by_a_thousandth_is_a_copy_no_more(moved, rng):
    core = with_copy(cell("lstm", rng), 1, 3, 1)
    array = getattr(core.forget, moved).copy()
    array[..., 3] += 1e-3
    assert (copies(replace(core, forget=replace(core.forget, **{moved: array})))[0] == -1).all()


def test_influence_is_that_of_the_memory_page(rng):
    net, x = stacked_bidirectional(rng), rng.normal(size=(12, 6, 3))
    ours, memory = rnnlens.summarize_weights(net, x, target=0), rnnlens.memory(net, x, target=0)
    assert list(nodes(ours)) and set(nodes(ours)) == {
        str(n.attrs["layer"]) for n in memory.subtree if "half_life" in n
    }
    for name, node in nodes(ours).items():
        same = next(n for n in memory.subtree if n.attrs.get("layer") == name)
        np.testing.assert_allclose(node["influence"], same["influence"])


def test_a_stack_in_two_directions_has_every_layer_in_the_order_of_the_network(rng):
    from rnnlens.views.tables.inside.summarized_weights import weights_summary

    page = weights_summary(rnnlens.summarize_weights(stacked_bidirectional(rng)))
    layers = list(dict.fromkeys(row["layer"] for row in page["gates"]))
    assert layers == [
        "bidirectional.forward", "bidirectional.backward", "recurrent", "recurrent_1"
    ]  # fmt: skip
    assert len(page["singular_values"]["recurrent"]["recurrent"]["update"]) == 4


def test_one_window_says_nothing_of_what_differs_between_windows(rng):
    net = forecaster("lstm", rng)
    (node,) = nodes(rnnlens.summarize_weights(net, rng.normal(size=(1, 7, 3)), target=0)).values()
    assert "constant" not in node and "hidden_spread" not in node and not node["dead"].any()
