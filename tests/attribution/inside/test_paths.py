"""Contributions by the gate of entry: summed over gates they are the secant's, in any network."""

import numpy as np
import pytest

from naive import lstm_loop
from networks import CELLS, cell, chain, equations, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.inside.paths import paths
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import entries, forward
from rnnlens.errors import InputError
from rnnlens.network.layers import Dense, Masking, Recurrent

FIRST = ResolvedTarget((0,))


def both(network, x, baseline="background", layer=None):
    given = entries(network, x), FIRST, make_baseline(baseline, x)
    return paths(question(network, *given), layer=layer), secant(question(network, *given))


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_gates_sum_to_the_secant_by_lag_and_feature(kind, scale, rng):
    network = forecaster(kind, rng, scale=scale)
    found, whole = both(network, rng.normal(size=(5, 7, 3)))
    gates = len(network["recurrent"].layer.cell.gates)
    assert found.contribution.shape == (5, 7, 3, gates)
    # one product more, summed in another order: float64 rounding
    np.testing.assert_allclose(found.contribution.sum(3), whole.contribution, rtol=0, atol=1e-10)
    assert np.abs(found.elsewhere).max() < 1e-10
    np.testing.assert_allclose(found.forecast, whole.forecast, rtol=0, atol=1e-12)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
def test_two_directions_sum_to_the_secant_and_each_says_what_went_elsewhere(merge, rng):
    network = stacked_bidirectional(rng, merge=merge)
    x = rng.normal(size=(4, 6, 3))
    one, whole = both(network, x, "mean", "bidirectional.forward")
    two, _ = both(network, x, "mean", "bidirectional.backward")
    total = (one.contribution + two.contribution).sum(axis=3)
    np.testing.assert_allclose(total, whole.contribution, rtol=0, atol=1e-10)
    np.testing.assert_allclose(one.elsewhere, two.contribution.sum((1, 2, 3)), rtol=0, atol=1e-10)
    assert np.abs(one.elsewhere).min() > 1e-6


@pytest.mark.parametrize("layer", ["recurrent", "recurrent_1"])
def test_a_stacked_layer_sums_to_its_own_secant_by_lag(layer, rng):
    network = stacked_bidirectional(rng)
    x, x0 = rng.normal(size=(2, 6, 3))
    found, _ = both(network, x[None], x0, layer)
    run, run0 = (forward(network, entries(network, w[None])) for w in (x, x0))
    (ref,) = network[layer].inputs
    own = multipliers(run, run0, FIRST.weight(run))[ref] * (run.value(ref) - run0.value(ref))
    np.testing.assert_allclose(found.contribution.sum(3)[:, ::-1], own, rtol=0, atol=1e-10)
    assert np.abs(found.elsewhere).max() < 1e-10


def test_with_one_step_it_is_the_product_rule_written_out(rng):
    layer, readout = Recurrent(cell("lstm", rng)), Dense(rng.normal(size=(5, 1)))
    x, x0 = rng.normal(size=(2, 1, 3))
    found, _ = both(chain(layer, readout, shape=(1, 3)), x[None], x0)
    p = equations(layer.cell)
    (now,), (then,) = lstm_loop(p, x.tolist()), lstm_loop(p, x0.tolist())
    expected = np.zeros((4, 3))
    for u in range(5):
        w, tanh = readout.W[u, 0], np.tanh
        c, c0 = now["c"][u], then["c"][u]
        to_c = w * (now["o"][u] + then["o"][u]) / 2 * (tanh(c) - tanh(c0)) / (c - c0)
        gates = {
            "i": to_c * (now["g"][u] + then["g"][u]) / 2,
            "f": 0.0,  # there is nothing before the first step to keep
            "g": to_c * (now["i"][u] + then["i"][u]) / 2,
            "o": w * (tanh(c) + tanh(c0)) / 2,
        }
        for k, (name, m) in enumerate(gates.items()):
            a, a0 = now[f"a_{name}"][u], then[f"a_{name}"][u]
            slope = m * (now[name][u] - then[name][u]) / (a - a0)
            for j in range(3):
                kernel = p["W_" + {"g": "c"}.get(name, name)]
                expected[k, j] += slope * kernel[j][u] * (x[0, j] - x0[0, j])
    np.testing.assert_allclose(found.contribution[0, 0].T, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_a_gate_that_the_input_does_not_reach_passes_exactly_nothing(kind, rng):
    network = forecaster(kind, rng)
    gates = network["recurrent"].layer.cell.gates
    list(gates.values())[-1].W[:] = 0.0
    found, _ = both(network, rng.normal(size=(4, 7, 3)))
    assert not found.contribution[..., -1].any()
    assert found.contribution[..., :-1].any() == (len(gates) > 1)


def test_padding_passes_exactly_nothing(rng):
    x = rng.normal(size=(3, 6, 3))
    x[0, :2] = x[1, 4:] = -9.0
    core = Recurrent(cell("gru_before", rng))
    network = chain(Masking(-9.0), core, head(rng, 5), shape=(6, 3))
    found, whole = both(network, x, "zero")
    assert not found.contribution[0, 4:].any() and not found.contribution[1, :2].any()
    np.testing.assert_allclose(found.contribution.sum(3), whole.contribution, rtol=0, atol=1e-10)


def test_an_unknown_layer_is_refused_with_those_there_are(rng):
    network = stacked_bidirectional(rng)
    with pytest.raises(InputError, match=r"'lstm': the network has bidirectional.forward, bidirec"):
        both(network, rng.normal(size=(1, 6, 3)), layer="lstm")
    with pytest.raises(InputError, match="4 recurrent layers: name one of"):
        both(network, rng.normal(size=(1, 6, 3)))
