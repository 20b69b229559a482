"""Occlusion of long windows: what came before a hidden step is run once, and changes nothing."""

import numpy as np
import pytest

from naive_methods import lstm_forecast, occluded
from networks import cell, chain, equations, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.games import one_step
from rnnlens.attribution.methods.occlusion import occlusion_of_lags, occlusion_of_lags_and_features
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.engine.stepwise import forks, replaced, stretches
from rnnlens.network.layers import Dense, Masking, Recurrent

BOTH = (occlusion_of_lags, occlusion_of_lags_and_features)


def hide(method, network, x, baseline):
    made = make_baseline(baseline, x)
    return method(question(network, entries(network, x), ResolvedTarget((0,)), made)).change


def both_ways(method, network, x, baseline, monkeypatch):
    monkeypatch.setattr(one_step, "FEWEST_STEPS", 10**9)
    whole = hide(method, network, x, baseline)
    monkeypatch.setattr(one_step, "FEWEST_STEPS", 1)
    return whole, hide(method, network, x, baseline)


@pytest.fixture(autouse=True)
def _products(monkeypatch):
    """Take the products of an input however few features it has."""
    monkeypatch.setattr(stretches, "FEWEST_FEATURES", 0)


def test_shared_beginnings_equal_hiding_by_hand(rng, monkeypatch):
    monkeypatch.setattr(one_step, "FEWEST_STEPS", 1)
    layer, readout = Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1)))
    x, x0 = rng.normal(size=(2, 5, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    found = hide(BOTH[1], chain(layer, readout, shape=(5, 2)), x[None], x0)[0]
    for t in range(5):
        for k in range(2):
            by_hand = occluded(
                lambda v: lstm_forecast(p, w, 0.0, v), x.tolist(), x0.tolist(), [(t, k)]
            )
            assert found[4 - t, k] == pytest.approx(by_hand, abs=1e-13)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("kind", ["lstm", "gru", "simple_rnn"])
def test_every_cell_in_two_layers_gives_what_whole_runs_give(
    kind, method, together, rng, monkeypatch
):
    # more histories than what an input puts in is worked out once for, and several groups of them
    monkeypatch.setattr(forks, "MOST_RUNS", 50)
    # runs that begin with the stretch, and some that begin within it
    monkeypatch.setattr(replaced, "WORTH", 5)
    if not together:
        monkeypatch.setattr(one_step, "stretches", lambda *network: None)
    layers = (
        Recurrent(cell(kind, rng, 4, 5), return_sequences=True),
        Recurrent(cell(kind, rng, 5, 3)),
    )
    network = chain(*layers, Dense(rng.normal(size=(3, 1))), shape=(40, 4))
    x, many = rng.normal(size=(3, 40, 4)), rng.normal(size=(2, 40, 4))
    whole, shared = both_ways(method, network, x, many, monkeypatch)
    np.testing.assert_allclose(shared, whole, rtol=0, atol=1e-13)
    assert np.abs(whole).max() > 1e-3


def test_padding_and_steps_that_equal_their_baseline_change_nothing(rng, monkeypatch):
    network = chain(
        Masking(0.0), Recurrent(cell("gru", rng, 2, 3)), Dense(np.ones((3, 1))), shape=(20, 2)
    )
    x = rng.normal(size=(2, 20, 2))
    x[0, :6] = 0.0
    x0 = rng.normal(size=(20, 2))
    x0[9] = x[1, 9]
    whole, shared = both_ways(occlusion_of_lags, network, x, x0, monkeypatch)
    np.testing.assert_allclose(shared, whole, rtol=0, atol=1e-13)
    assert (shared[0, 14:] == 0).all() and shared[1, 10] == 0 and shared[1, 11] != 0


def test_a_run_that_has_come_back_ends_and_its_change_is_nothing(rng, monkeypatch):
    forgets = cell("simple_rnn", rng, 2, 3)
    forgets.hidden.U[:] = 0.0  # the state is the newest step's alone
    network = chain(Recurrent(forgets), Dense(rng.normal(size=(3, 1))), shape=(60, 2))
    x = rng.normal(size=(2, 60, 2))
    monkeypatch.setattr(one_step, "stretches", lambda *network: None)
    seen = []
    apart = forks._apart
    monkeypatch.setattr(forks, "_apart", lambda state: seen.append(apart(state)) or seen[-1])
    whole, shared = both_ways(BOTH[1], network, x, "zero", monkeypatch)
    np.testing.assert_allclose(shared, whole, rtol=0, atol=1e-13)
    assert (shared[:, 1:] == 0).all() and max(map(len, seen)) <= 2 * (forks.LOOKED_AFTER + 1) + 1


def test_whole_lags_of_many_windows_are_hidden_stretch_by_stretch(rng, monkeypatch):
    network = chain(
        Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1))), shape=(50, 2)
    )
    x, x0 = rng.normal(size=(4, 50, 2)), rng.normal(size=(50, 2))
    x0[20] = x[2, 20]  # of one window that hides nothing
    seen = []
    followed = one_step.changes_by_stretch

    def spied(*given):
        seen.append(followed(*given))
        return seen[-1]

    monkeypatch.setattr(one_step, "changes_by_stretch", spied)
    whole, shared = both_ways(occlusion_of_lags, network, x, x0, monkeypatch)
    np.testing.assert_allclose(shared, whole, rtol=0, atol=1e-13)
    assert len(seen) == 1 and shared[2, 29] == 0 and (shared[[0, 1, 3], 29] != 0).all()


def test_a_network_that_needs_whole_sequences_is_run_as_before(rng, monkeypatch):
    x = rng.normal(size=(2, 6, 3))
    whole, shared = both_ways(
        occlusion_of_lags, stacked_bidirectional(rng), x, rng.normal(size=(6, 3)), monkeypatch
    )
    np.testing.assert_array_equal(shared, whole)
