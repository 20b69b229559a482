"""Exact Shapley values of gate x step: by brute force, and by what Shapley values must do."""

from itertools import product
from math import factorial

import numpy as np
import pytest

from networks import cell, chain, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.inside.gate_contributions import gate_contributions
from rnnlens.attribution.inside.multilinear import Carried, shapley_of_carried
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import Bidirectional, Masking, Recurrent

FIRST = ResolvedTarget((0,))


def carried(rng, steps, columns):
    gates = [rng.uniform(0, 1, (steps, columns)) for _ in range(2)]
    return Carried(*gates, rng.uniform(-1, 1, (steps, columns)), rng.normal(size=columns))


def state(gates):
    c = gates.start
    for f, i, g in zip(gates.f, gates.i, gates.g, strict=True):
        c = f * c + i * g
    return c


def by_all_coalitions(here, there):
    """Shapley's sum over all coalitions, players f_0 .. f_T, i_0 .., g_0 ..: (player, column)."""
    steps, columns = here.f.shape
    n = 3 * steps
    values = {}
    for members in product((0, 1), repeat=n):
        shown = np.array(members, bool).reshape(3, steps, 1)
        mixed = [np.where(s, a, b) for s, a, b in zip(shown, here[:3], there[:3], strict=True)]
        values[members] = state(Carried(*mixed, here.start))
    total = np.zeros((n, columns))
    for members, value in values.items():
        for k in range(n):
            if not members[k]:
                size = sum(members)
                share = factorial(size) * factorial(n - size - 1) / factorial(n)
                with_k = (*members[:k], 1, *members[k + 1 :])
                total[k] += share * (values[with_k] - value)
    return total


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(5)
    here, there = carried(rng, 4, 3), carried(rng, 4, 3)
    return here, there._replace(start=here.start)


def test_every_share_is_that_of_all_4096_coalitions(pair):
    found = np.concatenate(shapley_of_carried(*pair)[:3])
    # rounding in sums of 2,048 differences
    np.testing.assert_allclose(found, by_all_coalitions(*pair), rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 7, 60])
def test_shares_sum_to_the_change_of_the_state(steps, rng):
    here, there = carried(rng, steps, 5), carried(rng, steps, 5)
    *gates, start = shapley_of_carried(here, there)
    total = np.sum(gates, axis=(0, 1)) + start
    np.testing.assert_allclose(total, state(here) - state(there), rtol=0, atol=1e-12)


def test_a_gate_that_does_not_change_has_no_share(rng):
    here, there = carried(rng, 6, 4), carried(rng, 6, 4)
    there.f[2], there.g[5] = here.f[2], here.g[5]
    f, _, g, _ = shapley_of_carried(here, there)
    assert (f[2] == 0).all() and (g[5] == 0).all() and (f[3] != 0).all()


def test_gates_that_do_the_same_have_the_same_share(rng):
    here, there = carried(rng, 6, 4), carried(rng, 6, 4)
    # nothing is written between steps 3 and 4, whose forget gates then stand side by side
    for side in (here, there):
        side.i[3] = 0.0
        side.f[4] = side.f[3]
    f, *_ = shapley_of_carried(here, there)
    np.testing.assert_allclose(f[3], f[4], rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "gru_before"])
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_contributions_sum_to_the_change_of_the_forecast(kind, scale, rng):
    network = forecaster(kind, rng, scale=scale)
    x = rng.normal(size=(5, 7, 3))
    asked = question(network, entries(network, x), FIRST, make_baseline("background", x))
    found = gate_contributions(asked)
    gates = 4 if kind == "lstm" else 2
    assert found.contribution.shape[:3] == (5, 7, gates)
    assert np.abs(found.elsewhere).max() < 1e-10
    assert np.abs(found.contribution).max() > 1e-3
    if kind == "lstm":  # only the newest output gate is read
        assert (found.contribution[:, 1:, 3] == 0).all()


def test_two_directions_sum_together(rng):
    both = Bidirectional(
        Recurrent(cell("lstm", rng, 3, 4)), Recurrent(cell("lstm", rng, 3, 4), go_backwards=True)
    )
    network = chain(both, head(rng, 8), shape=(None, 3))
    x = rng.normal(size=(4, 6, 3))
    given = entries(network, x), FIRST, make_baseline("mean", x)
    one, two = (
        gate_contributions(question(network, *given), layer=f"bidirectional.{side}")
        for side in ("forward", "backward")
    )
    np.testing.assert_allclose(one.elsewhere, two.contribution.sum((1, 2, 3)), rtol=0, atol=1e-10)
    # the direction that goes back ends at the oldest step: its output gate is read there
    assert (two.contribution[:, :-1, 3] == 0).all() and (two.contribution[:, -1, 3] != 0).all()


def test_a_head_that_bends_is_passed_by_its_secants(rng):
    network = chain(
        Recurrent(cell("lstm", rng, 3, 4)), head(rng, 4, activation="tanh"), shape=(None, 3)
    )
    x = rng.normal(size=(4, 6, 3))
    asked = question(network, entries(network, x), FIRST, make_baseline("background", x))
    assert np.abs(gate_contributions(asked).elsewhere).max() < 1e-10


def test_a_layer_that_is_read_at_many_steps_and_one_without_gates_are_refused(rng):
    network = stacked_bidirectional(rng)
    x = rng.normal(size=(2, 6, 3))
    given = entries(network, x), FIRST, make_baseline("mean", x)
    with pytest.raises(UnsupportedModel, match="is read at 6: name the newest layer"):
        gate_contributions(question(network, *given), layer="bidirectional.forward")
    with pytest.raises(UnsupportedModel, match="SimpleRNN, which has no gates"):
        gate_contributions(question(network, *given), layer="recurrent_1")


def test_masked_steps_have_no_share(rng):
    network = chain(Masking(0.0), Recurrent(cell("lstm", rng, 3, 4)), head(rng, 4), shape=(None, 3))
    x = rng.normal(size=(3, 6, 3))
    x[0, :2] = 0.0
    x[1, 4:] = 0.0
    found = gate_contributions(
        question(network, entries(network, x), FIRST, make_baseline("mean", x))
    )
    assert (found.contribution[0, 4:] == 0).all() and (found.contribution[1, :2, :3] == 0).all()
    assert np.abs(found.elsewhere).max() < 1e-10


def test_progress_ends_at_all_windows(rng, monkeypatch):
    import rnnlens

    net, seen = forecaster("lstm", rng), []
    monkeypatch.setattr("rnnlens.engine.schedule.plan.CHUNK_BYTES", 1)  # several parts
    X = rng.normal(size=(600, 7, 3))
    rnnlens.gate_contributions(net, X, target=0, progress=lambda done, of: seen.append((done, of)))
    assert len(seen) > 1 and seen == sorted(seen) and seen[-1] == (600, 600)
