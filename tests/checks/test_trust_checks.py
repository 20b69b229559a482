"""Stability, randomised weights, agreement, crowding: what each must find and what it must not."""

from dataclasses import replace

import numpy as np
import pytest

from checks_lines import delay_line, leaky
from networks import cell, chain, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.occlusion import occlusion_of_lags
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.checks.agreement import METHODS, agreement, crowding
from rnnlens.checks.attributions import ATTRIBUTIONS, rank_correlation
from rnnlens.checks.hidden import Ends, hidden_forecasts, resolving
from rnnlens.checks.randomised import randomised
from rnnlens.checks.stability import stability
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.random_weights import learned_layers, with_random_weights
from rnnlens.network.layers import Embedding, Masking, Recurrent
from rnnlens.network.network import Network, Node

FIRST = ResolvedTarget((0,))
SECANT = ATTRIBUTIONS["secant"]


def asked(network, x, baseline="mean"):
    given = question(network, entries(network, x), FIRST, make_baseline(baseline, x))
    found = secant(given)
    return given, found.contribution, Ends(found.forecast, found.baseline_forecast)


def occluded_of(given):
    """Give what occlusion gives of all windows, and that it is of all of them."""
    return occlusion_of_lags(given).change, np.arange(given.windows)


def test_rank_correlation_is_one_minus_the_squared_rank_differences(rng):
    a, b = rng.normal(size=(2, 1, 9))
    ranks = [np.argsort(np.argsort(each[0])) for each in (a, b)]
    expected = 1 - 6 * np.sum((ranks[0] - ranks[1]) ** 2) / (9 * (81 - 1))
    np.testing.assert_allclose(rank_correlation(a, b), expected, rtol=1e-12)
    padded = [np.concatenate([each, np.zeros((1, 5))], axis=1) for each in (a, b)]
    np.testing.assert_allclose(rank_correlation(*padded), expected, rtol=1e-12)


def test_for_a_linear_network_noise_twice_as_large_moves_twice_as_much(rng):
    given, contribution, ends = asked(leaky(8), rng.normal(size=(6, 8, 2)), "zero")
    small, large = (
        stability(given, SECANT, contribution, ends, noise=noise) for noise in (0.01, 0.02)
    )
    np.testing.assert_allclose(large.sensitivity, 2 * small.sensitivity, rtol=1e-9)
    np.testing.assert_allclose(
        large.forecast_sensitivity, 2 * small.forecast_sensitivity, rtol=1e-9
    )
    # contributions are w x: the largest relative change lies within the radius over the size of x
    assert 0.001 < small.sensitivity < 0.05


def test_a_method_that_jumps_is_found(rng):
    given, contribution, ends = asked(leaky(8), rng.normal(size=(6, 8, 2)), "zero")

    def jumping(asked):
        return SECANT(asked) * np.sign(np.sin(1e6 * asked.x))

    start = jumping(given)
    assert stability(given, jumping, start, ends).sensitivity > 0.5
    assert stability(given, SECANT, contribution, ends).sensitivity < 0.05


def test_held_features_padding_and_tokens_are_not_shaken(rng):
    network = chain(Masking(-9.0), Recurrent(cell("lstm", rng)), head(rng, 5, 1), shape=(5, 3))
    x = rng.normal(size=(3, 5, 3))
    x[1, 3:] = -9.0
    stand_in = make_baseline("zero", x, held=np.array([1]))
    given = question(network, entries(network, x), FIRST, stand_in)
    seen = []

    def watching(asked):
        seen.append(asked.x.copy())
        return SECANT(asked)

    found = secant(given)
    ends = Ends(found.forecast, found.baseline_forecast)
    stability(given, watching, found.contribution, ends, draws=2)
    assert len(seen) == 2
    for shaken in seen:
        np.testing.assert_array_equal(shaken[1, 3:], x[1, 3:])
        np.testing.assert_array_equal(shaken[..., 1], x[..., 1])
        assert (shaken[0][:, [0, 2]] != x[0][:, [0, 2]]).all()
    words = chain(
        Embedding(rng.normal(size=(9, 3))),
        Recurrent(cell("lstm", rng)),
        head(rng, 5, 1),
        shape=(4,),
    )
    tokens = rng.integers(0, 9, size=(3, 4)).astype(float)
    stand_in = make_baseline("zero", tokens[..., None])
    given = question(words, entries(words, tokens), FIRST, stand_in)
    found = stability(given, SECANT, SECANT(given), ends)
    assert np.isnan(found.sensitivity)


def test_random_weights_have_the_scale_of_those_they_replace_and_leave_the_network_alone(rng):
    network = stacked_bidirectional(rng, units=30)
    assert learned_layers(network) == ("dense", "recurrent_1", "recurrent", "bidirectional")
    before = predict(network, np.ones((1, 6, 3)))
    changed = with_random_weights(network, ("dense", "recurrent_1"), seed=3)
    np.testing.assert_array_equal(predict(network, np.ones((1, 6, 3))), before)
    assert changed["bidirectional"].layer is network["bidirectional"].layer
    for name in ("dense", "recurrent_1"):
        old, new = network[name].layer, changed[name].layer
        pair = (old.W, new.W) if name == "dense" else (old.cell.hidden.U, new.cell.hidden.U)
        assert not np.any(pair[0] == pair[1])
        size = [np.sqrt(np.mean(each**2)) for each in pair]
        # the root mean square of 60 to 900 normal draws is right within a third
        assert abs(size[1] / size[0] - 1) < 0.33
    further = with_random_weights(network, ("dense", "recurrent_1", "recurrent"), seed=3)
    np.testing.assert_array_equal(further["dense"].layer.W, changed["dense"].layer.W)


def test_a_layer_that_is_called_twice_gets_the_same_random_weights(rng):
    network = chain(Recurrent(cell("lstm", rng, 5, 5), return_sequences=True), shape=(4, 5))
    (x, first) = network.nodes
    twice = Node("again", first.layer, ((first.name, 0),))
    shared = Network((x, first, twice), (("again", 0),), network.origin)
    assert learned_layers(shared) == ("again",)
    changed = with_random_weights(shared, ("again",), seed=0)
    assert changed["again"].layer is changed[first.name].layer is not first.layer


def test_what_ignores_the_weights_stays_alike_and_what_follows_them_does_not(rng):
    network = forecaster("lstm", rng, steps=10, targets=1)
    given, contribution, _ = asked(network, rng.normal(size=(8, 10, 3)))

    def blind(asked):
        return asked.x[:, ::-1] - asked.baseline.windows[0]

    kept = randomised(given, blind, blind(given), draws=2)
    np.testing.assert_allclose(kept.randomised, 1.0, rtol=1e-12)
    np.testing.assert_allclose(kept.randomised_size, 1.0, rtol=1e-12)
    found = randomised(given, SECANT, contribution, draws=10)
    assert found.randomised_layers == ("dense", "recurrent")
    assert abs(found.randomised[-1]) < 0.4 < 1


def test_layers_become_random_from_the_output_down_and_stay_so(rng):
    network = forecaster("simple_rnn", rng, steps=10, targets=1)
    given, _, _ = asked(network, rng.normal(size=(8, 10, 3)))

    def by_kernel(asked):
        kernel = asked.network["recurrent"].layer.cell.hidden.W
        return asked.x * kernel[:, 0]

    def by_head(asked):
        return asked.x * asked.network["dense"].layer.W[:3, 0]

    one = randomised(given, by_kernel, by_kernel(given), draws=3)
    assert one.randomised[0] == pytest.approx(1.0) and one.randomised[1] < 0.9
    two = randomised(given, by_head, by_head(given), draws=3)
    assert (two.randomised < 0.9).all()


def test_on_a_linear_network_every_method_ranks_lags_alike(rng):
    given, _, _ = asked(leaky(12), rng.normal(size=(5, 12, 2)))
    found = agreement(given, occlusion_of_lags(given).change)
    np.testing.assert_allclose(found.agreement, 1.0, rtol=1e-12)
    assert found.tree_gap < 1e-12 and found.audited == 5


def test_where_methods_differ_the_table_says_so_and_the_tree_is_told_apart(rng):
    network = forecaster("lstm", rng, steps=14, scale=6.0, targets=1)
    given, _, _ = asked(network, rng.normal(size=(20, 14, 3)))
    found = agreement(given, occlusion_of_lags(given).change)
    table = found.agreement
    np.testing.assert_allclose(table, table.T, rtol=1e-12)
    np.testing.assert_allclose(np.diag(table), 1.0)
    off = table[~np.eye(len(METHODS), dtype=bool)]
    assert off.max() < 0.99 and found.tree_gap > 0.05 and found.audited == 16


@pytest.mark.parametrize(("lag", "crowded"), [(1, "newest"), (4, ""), (6, "oldest")])
def test_a_delay_line_puts_everything_on_its_lag_and_the_ends_are_flagged(lag, crowded, rng):
    given, contribution, _ = asked(delay_line(lag, 6), rng.normal(size=(5, 6, 2)))
    found = crowding(given, contribution.sum(axis=2), *occluded_of(given))
    np.testing.assert_allclose(found.share, np.arange(1, 7) == lag, rtol=0, atol=1e-12)
    assert found.crowded == crowded
    ends = found.newest_share, found.oldest_share, found.newest_occlusion, found.oldest_occlusion
    np.testing.assert_allclose(ends, [lag == 1, lag == 6, lag == 1, lag == 6], atol=1e-12)


def test_a_method_that_crowds_is_told_from_a_network_that_does(rng):
    given, contribution, _ = asked(leaky(6, keep=1.0), rng.normal(size=(5, 6, 2)))
    crowds = np.zeros_like(contribution.sum(axis=2))
    crowds[:, 0] = 1.0
    found = crowding(given, crowds, *occluded_of(given))
    assert found.crowded == "newest" and found.newest_occlusion < 0.5


def test_the_newest_step_of_a_padded_window_is_its_last_real_one(rng):
    network = chain(Masking(-9.0), Recurrent(cell("lstm", rng)), head(rng, 5, 1), shape=(6, 3))
    x = rng.normal(size=(2, 6, 3))
    x[:, 4:] = -9.0
    given, _, _ = asked(network, x, "zero")
    claimed = np.zeros((2, 6))
    claimed[:, 2] = 1.0  # lag 3 is step 3, the last real one
    found = crowding(given, claimed, *occluded_of(given))
    assert found.newest_share == 1.0 and found.crowded == "newest"


def test_hidden_steps_are_run_in_single_precision_where_that_resolves_what_is_said(rng):
    # figures are read to a hundredth of the change from the baseline, and a thousandth of that
    # is what may be lost
    given, _, ends = asked(forecaster("lstm", rng, steps=6), rng.normal(size=(5, 6, 3)))
    resolved = resolving(given, ends)
    assert resolved.x.dtype == np.float32
    sets = rng.random((given.windows, 5, given.steps)) < 0.5
    exact, single = (hidden_forecasts(one, sets) for one in (given, resolved))
    assert single.dtype == np.float64 and (single != exact).any()
    np.testing.assert_allclose(single, exact, rtol=0, atol=1e-5 * ends.scale)
    far = replace(ends, baseline_forecast=ends.forecast + 1e-6)  # what is said is too small for it
    assert resolving(given, far) is given
