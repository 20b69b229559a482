"""Holding gates, units and states: what the equations then give, step by step and by hand."""

import math

import numpy as np
import pytest

from naive import logistic
from networks import CELLS, cell, chain, equations, forecaster, stacked_bidirectional
from questions import question
from rnnlens.attribution.inside.gate_effects import effect_of, gate_means
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, forward
from rnnlens.engine.interventions.intervention import Clamp, Freeze, Patch, intervene, states_after
from rnnlens.engine.recurrent_layers import locate_layer
from rnnlens.engine.trace import layer_traces
from rnnlens.network.layers import Masking, Recurrent

FIRST = ResolvedTarget((0,))


def everywhere(network, x, name=None):
    place = locate_layer(network, name)
    units = place.layer.cell.units
    return place, np.ones(x.shape[1], bool), np.ones(units, bool)


def loop(p, x, hold=None, freeze=(), steps=()):
    """An LSTM in plain loops; ``hold`` maps a gate's letter to its value at the steps given."""
    H = len(p["b_i"])
    h, c = [0.0] * H, [0.0] * H
    for t, row in enumerate(x):
        gates = {}
        for name, squash in (("i", logistic), ("f", logistic), ("c", math.tanh), ("o", logistic)):
            gates[name] = []
            for u in range(H):
                a = p["b_" + name][u]
                a += sum(row[k] * p["W_" + name][k][u] for k in range(len(row)))
                a += sum(h[k] * p["U_" + name][k][u] for k in range(H))
                held = hold is not None and name in hold and t in steps
                gates[name].append(hold[name][u] if held else squash(a))
        new_c = [gates["f"][u] * c[u] + gates["i"][u] * gates["c"][u] for u in range(H)]
        new_c = [c[u] if u in freeze and t in steps else new_c[u] for u in range(H)]
        new_h = [gates["o"][u] * math.tanh(new_c[u]) for u in range(H)]
        h = [h[u] if u in freeze and t in steps else new_h[u] for u in range(H)]
        c = new_c
    return h


@pytest.mark.parametrize("kind", CELLS)
def test_without_acts_the_steps_are_those_of_the_equations_to_the_last_bit(kind, rng):
    network = forecaster(kind, rng)
    x = rng.normal(size=(3, 7, 3))
    clean = forward(network, entries(network, x))
    place, steps, units = everywhere(network, x)
    plain = intervene(clean, {place.name: ()})
    trace, own = layer_traces(clean)[place.name], layer_traces(plain)[place.name]
    np.testing.assert_array_equal(trace.hidden, own.hidden)
    np.testing.assert_allclose(plain.outputs[0], clean.outputs[0], rtol=0, atol=1e-13)
    # a gate clamped at no step, and units frozen at none
    nothing = [Freeze(place, ~steps, units, (0,))]
    gate = next(iter(place.layer.cell.gates))
    nothing.append(Clamp(place, ~steps, units, gate, np.ones(len(units))))
    np.testing.assert_array_equal(
        intervene(clean, {place.name: nothing}).outputs[0], plain.outputs[0]
    )


@pytest.mark.parametrize("letter", ["i", "f", "c", "o"])
def test_a_clamped_lstm_gate_is_the_loop_written_out(letter, rng):
    layer = Recurrent(cell("lstm", rng))
    network = chain(layer, shape=(6, 3))
    x, to = rng.normal(size=(1, 6, 3)), rng.uniform(size=5)
    place, _, units = everywhere(network, x)
    steps = np.array([False, True, False, True, True, False])
    name = {"i": "input", "f": "forget", "c": "cell", "o": "output"}[letter]
    act = Clamp(place, steps, units, name, to)
    found = intervene(forward(network, entries(network, x)), {place.name: [act]}).outputs[0][0]
    expected = loop(equations(layer.cell), x[0].tolist(), {letter: to}, steps=(1, 3, 4))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_frozen_units_are_the_loop_written_out(rng):
    layer = Recurrent(cell("lstm", rng))
    network = chain(layer, shape=(6, 3))
    x = rng.normal(size=(1, 6, 3))
    place, _, _ = everywhere(network, x)
    steps = np.array([False, False, True, True, False, False])
    units = np.array([True, False, False, True, False])
    act = Freeze(place, steps, units, (0, 1))
    found = intervene(forward(network, entries(network, x)), {place.name: [act]}).outputs[0][0]
    expected = loop(equations(layer.cell), x[0].tolist(), freeze=(0, 3), steps=(2, 3))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def answering_to_nothing(kind, gate, to, rng):
    """A network one of whose gates has no weights, only the bias that gives it a value."""
    network = forecaster(kind, rng)
    held = network["recurrent"].layer.cell.gates[gate]
    for array in held.arrays().values():
        array[:] = 0.0
    squashed = gate in {"cell", "candidate", "hidden"}  # by tanh, the others by the logistic curve
    held.b[:] = np.arctanh(to) if squashed else np.log(to / (1 - to))
    return network


GATES = [
    *[(kind, gate) for kind in CELLS[:3] for gate in ("input", "forget", "cell", "output")],
    *[(kind, gate) for kind in CELLS[3:5] for gate in ("update", "reset", "candidate")],
    ("simple_rnn", "hidden"),
]


@pytest.mark.parametrize(("kind", "gate"), GATES)
def test_a_clamped_gate_is_one_whose_weights_are_zero_and_whose_bias_gives_the_value(kind, gate):
    x, to = np.random.default_rng(1).normal(size=(3, 7, 3)), np.linspace(0.2, 0.7, 5)
    network = forecaster(kind, np.random.default_rng(2))
    place, steps, units = everywhere(network, x)
    act = Clamp(place, steps, units, gate, to)
    found = intervene(forward(network, entries(network, x)), {place.name: [act]}).outputs[0]
    twin = answering_to_nothing(kind, gate, to, np.random.default_rng(2))
    expected = forward(twin, entries(twin, x)).outputs[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_a_gate_clamped_to_what_it_is_changes_nothing(kind, rng):
    network = forecaster(kind, rng)
    x = rng.normal(size=(1, 7, 3))
    clean = forward(network, entries(network, x))
    place, _, units = everywhere(network, x)
    values = layer_traces(clean)[place.name].gate_value[0]
    acts = [
        Clamp(place, np.arange(7) == t, units, gate, values[t, k])
        for t in range(7)
        for k, gate in enumerate(place.layer.cell.gates)
    ]
    found = intervene(clean, {place.name: acts}).outputs[0]
    np.testing.assert_allclose(found, clean.outputs[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("at", [2, 6])
def test_patching_every_state_makes_the_rest_that_of_the_other_window(kind, at, rng):
    network = forecaster(kind, rng)
    x = rng.normal(size=(4, 7, 3))
    other = rng.normal(size=(1, 7, 3))
    joined = x.copy()
    joined[:, : at + 1] = other[:, : at + 1]
    place = locate_layer(network, None)
    donors = states_after(forward(network, entries(network, other)), place)
    steps = np.arange(7) == at
    acts = [
        Patch(place, steps, np.ones(donor.shape[2], bool), (k,), (donor,))
        for k, donor in enumerate(donors)
    ]
    found = intervene(forward(network, entries(network, x)), {place.name: acts}).outputs[0]
    expected = forward(network, entries(network, joined)).outputs[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_a_patch_of_a_layer_that_reads_backwards_leaves_only_older_steps_to_read(rng):
    network = stacked_bidirectional(rng)
    x, other = rng.normal(size=(1, 6, 3)), rng.normal(size=(1, 6, 3))
    place = locate_layer(network, "bidirectional.backward")
    clean = forward(network, entries(network, x))
    donors = states_after(forward(network, entries(network, other)), place)
    act = Patch(place, np.arange(6) == 2, np.ones(4, bool), (0, 1), donors)
    found = intervene(clean, {place.name: [act]})
    joined = x.copy()
    joined[:, 2:] = other[:, 2:]
    after = forward(network, entries(network, joined)).value(("bidirectional", 0))[..., 4:]
    mine = found.value(("bidirectional", 0))
    np.testing.assert_allclose(mine[:, :2, 4:], after[:, :2], rtol=0, atol=1e-13)
    kept = clean.value(("bidirectional", 0))
    np.testing.assert_allclose(mine[:, 3:, 4:], kept[:, 3:, 4:], rtol=0, atol=1e-13)
    np.testing.assert_allclose(mine[..., :4], kept[..., :4], rtol=0, atol=1e-13)
    assert np.abs(found.outputs[0] - clean.outputs[0]).max() > 1e-6


def test_frozen_throughout_a_network_forecasts_from_its_start_alone(rng):
    network = forecaster("gru_after", rng)
    x = rng.normal(size=(3, 7, 3))
    place, steps, units = everywhere(network, x)
    found = effect_of(
        question(network, entries(network, x), FIRST), [Freeze(place, steps, units, (0,))]
    )
    assert np.ptp(found.forecast_intervened) == 0 < np.ptp(found.forecast)
    np.testing.assert_array_equal(found.effect, found.forecast_intervened - found.forecast)


def test_nothing_happens_at_masked_steps(rng):
    x = rng.normal(size=(2, 6, 3))
    x[0, 4:] = -9.0
    network = chain(Masking(-9.0), Recurrent(cell("lstm", rng)), shape=(6, 3))
    place, _, units = everywhere(network, x)
    act = Clamp(place, np.arange(6) >= 4, units, "forget", np.zeros(5))
    found = effect_of(question(network, entries(network, x), FIRST), [act])
    assert found.effect[0] == 0 and abs(found.effect[1]) > 1e-3


def test_means_are_over_samples_and_real_steps(rng):
    x = rng.normal(size=(9, 6, 3))
    x[2, 1:] = -9.0
    network = chain(Masking(-9.0), Recurrent(cell("gru_before", rng)), shape=(6, 3))
    place = locate_layer(network, None)
    given = entries(network, x)
    values = layer_traces(forward(network, given))["recurrent"].gate_value
    real = [values[n, t] for n in range(9) for t in range(6) if n != 2 or t < 1]
    np.testing.assert_allclose(gate_means(network, given, place), np.mean(real, axis=0), rtol=1e-12)
