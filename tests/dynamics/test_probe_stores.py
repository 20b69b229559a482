"""What each unit takes in and lets go, against loops over windows, steps and units."""

from itertools import pairwise

import numpy as np
import pytest

from naive import gru_loop, lstm_loop
from networks import cell, chain, equations, forecaster, head
from rnnlens.dynamics.probes.states import newest_step, states_in, stores
from rnnlens.engine.forward import entries
from rnnlens.engine.recurrent_layers import locate_layer
from rnnlens.network.layers import Masking, Recurrent


def stored(network, X):
    place = locate_layer(network, None)
    return stores(network, entries(network, X), [place])[place.name]


def summed(runs, flows, units):
    """Sums over windows and steps but the first real one: steps, inflow, held, lost."""
    sums = np.zeros((4, units))
    for steps in runs:
        for before, here in pairwise(steps):
            for u in range(units):
                held, keep, inflow = flows(before, here, u)
                sums[:, u] += 1, abs(inflow), abs(held), (1 - keep) * abs(held)
    return sums


def test_an_lstms_units_take_in_and_let_go_as_loops_say(rng):
    network, X = forecaster("lstm", rng), rng.normal(size=(5, 7, 3))
    p = equations(network["recurrent"].layer.cell)

    def flows(before, here, u):
        return before["c"][u], here["f"][u], here["i"][u] * here["g"][u]

    count, inflow, held, lost = summed([lstm_loop(p, x) for x in X], flows, 5)
    found = stored(network, X)
    np.testing.assert_allclose(found.inflow, inflow / count, rtol=1e-10)
    np.testing.assert_allclose(found.loss_rate, lost / held, rtol=1e-10)
    np.testing.assert_allclose(found.residence_time, held / lost, rtol=1e-10)


def test_a_grus_units_take_in_and_let_go_as_loops_say(rng):
    network, X = forecaster("gru_after", rng), rng.normal(size=(5, 7, 3))
    p = equations(network["recurrent"].layer.cell)

    def flows(before, here, u):
        return before["h"][u], here["z"][u], (1 - here["z"][u]) * here["n"][u]

    count, inflow, held, lost = summed([gru_loop(p, x, True) for x in X], flows, 5)
    found = stored(network, X)
    np.testing.assert_allclose(found.inflow, inflow / count, rtol=1e-10)
    np.testing.assert_allclose(found.residence_time, held / lost, rtol=1e-10)


def test_padding_counts_for_nothing_and_backwards_is_the_window_turned_round(rng):
    core, out, X = cell("lstm", rng), head(rng, 5), rng.normal(size=(5, 7, 3))
    plain = chain(Recurrent(core), out, shape=(7, 3))
    turned = chain(Recurrent(core, go_backwards=True), out, shape=(7, 3))
    masked = chain(Masking(-9.0), Recurrent(core), out, shape=(9, 3))
    padded = np.concatenate([np.full((5, 2, 3), -9.0), X], axis=1)
    expected = stored(plain, X)
    for found in (stored(turned, X[:, ::-1]), stored(masked, padded)):
        # of the masked window the first real step counts too, from a state of zero
        for name in ("loss_rate", "residence_time"):
            np.testing.assert_allclose(
                getattr(found, name), getattr(expected, name), rtol=1e-10, err_msg=name
            )
    place, other = locate_layer(plain, None), locate_layer(turned, None)
    one = states_in(plain, entries(plain, X), [(place, "cell")])["recurrent", "cell"]
    back = states_in(turned, entries(turned, X[:, ::-1]), [(other, "cell")])["recurrent", "cell"]
    np.testing.assert_allclose(one, back, rtol=1e-12)
    assert newest_step(place, 7) == 6 and newest_step(other, 7) == 0


def test_cells_without_a_gate_over_their_state_have_no_store(rng):
    network, X = forecaster("simple_rnn", rng), rng.normal(size=(4, 7, 3))
    assert stores(network, entries(network, X), [locate_layer(network, None)]) == {}


@pytest.mark.parametrize("kind", ["lstm", "gru_after"])
def test_what_is_never_stored_has_no_residence_time(kind, rng):
    network = forecaster(kind, rng, steps=1)
    assert np.isnan(stored(network, rng.normal(size=(4, 1, 3))).residence_time).all()
