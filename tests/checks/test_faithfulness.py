"""Curves and infidelity: by hand, on networks with known contributions, and for wrong ones."""

from math import ceil

import numpy as np
import pytest

from checks_lines import leaky
from networks import cell, chain, forecaster, head
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.checks.faithfulness import TOP, curves
from rnnlens.checks.hidden import Ends, hidden_forecasts
from rnnlens.checks.infidelity import infidelity
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.stepwise import stretches
from rnnlens.network.layers import Masking, Recurrent

FIRST = ResolvedTarget((0,))


def asked(network, x, baseline="mean"):
    given = question(network, entries(network, x), FIRST, make_baseline(baseline, x))
    found = secant(given)
    ends = Ends(found.forecast, found.baseline_forecast)
    return given, found.contribution.sum(axis=2), ends


def test_curves_are_the_runs_with_the_largest_lags_hidden_one_by_one(rng):
    network = forecaster("lstm", rng, targets=1, steps=6)
    x = rng.normal(size=(4, 6, 3))
    given, by_lag, ends = asked(network, x)
    found = curves(given, by_lag, ends, draws=3)
    b = x.mean(axis=(0, 1))
    scale = np.sqrt(np.mean((ends.forecast - ends.baseline_forecast) ** 2))
    for k, count in enumerate(found.removed):
        hidden, shown = 0.0, 0.0
        for n in range(4):
            lags = sorted(range(1, 7), key=lambda lag: -abs(by_lag[n, lag - 1]))[:count]
            without, alone = x[n].copy(), np.tile(b, (6, 1))
            for lag in lags:
                without[6 - lag], alone[6 - lag] = b, x[n, 6 - lag]
            pair = predict(network, np.stack([without, alone]))[:, 0]
            hidden += abs(pair[0] - ends.forecast[n]) / 4 / scale
            shown += abs(pair[1] - ends.forecast[n]) / 4 / scale
        np.testing.assert_allclose(found.deletion[k], hidden, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.insertion[k], shown, rtol=0, atol=1e-12)
    assert found.top == ceil(TOP * 6) == 2
    assert found.comprehensiveness == found.deletion[list(found.removed).index(2)]
    assert found.sufficiency == found.insertion[list(found.removed).index(2)]


@pytest.mark.parametrize("steps", [1, 2, 7, 30, 61])
def test_curves_begin_and_end_where_nothing_and_everything_is_hidden(steps, rng):
    given, by_lag, ends = asked(leaky(steps), rng.normal(size=(3, steps, 2)), "zero")
    found = curves(given, by_lag, ends, draws=2)
    change = ends.forecast - ends.baseline_forecast
    everything = np.mean(np.abs(change)) / np.sqrt(np.mean(change**2))
    for hiding in (found.deletion, found.deletion_random):
        np.testing.assert_allclose(hiding[[0, -1]], [0, everything], rtol=0, atol=1e-12)
    for showing in (found.insertion, found.insertion_random):
        np.testing.assert_allclose(showing[[0, -1]], [everything, 0], rtol=0, atol=1e-12)
    assert found.removed[0] == 0 and found.removed[-1] == steps and len(found.removed) <= 27


def test_a_right_order_gains_on_random_ones_and_the_reverse_loses(rng):
    given, by_lag, ends = asked(leaky(12), np.abs(rng.normal(size=(30, 12, 2))) * [1, -1], "zero")
    right = curves(given, by_lag, ends)
    wrong = curves(given, 1 / by_lag, ends)
    for name in ("deletion", "insertion"):
        assert getattr(right, f"{name}_gain") > 5 * getattr(right, f"{name}_gain_error") > 0
        assert getattr(wrong, f"{name}_gain") < -5 * getattr(wrong, f"{name}_gain_error") < 0
    assert right.comprehensiveness > right.comprehensiveness_random > wrong.comprehensiveness
    assert right.sufficiency < right.sufficiency_random < wrong.sufficiency


def test_exact_contributions_have_no_infidelity_and_wrong_sizes_are_found_by_the_scale(rng):
    given, by_lag, ends = asked(leaky(9), rng.normal(size=(5, 9, 2)))
    exact = infidelity(given, by_lag, ends.forecast)
    assert exact.infidelity < 1e-12 and abs(exact.infidelity_scale - 1) < 1e-12
    double = infidelity(given, 2 * by_lag, ends.forecast)
    # twice the sum misses the change by the change itself
    np.testing.assert_allclose(double.infidelity, 1.0, rtol=1e-12)
    np.testing.assert_allclose(double.infidelity_scale, 0.5, rtol=1e-12)
    assert double.infidelity_scaled < 1e-12
    turned = infidelity(given, by_lag[:, ::-1], ends.forecast)
    assert turned.infidelity > 0.5


def test_infidelity_is_the_root_of_the_mean_square_written_out(rng):
    network = forecaster("gru_after", rng, targets=1, steps=3)
    x = rng.normal(size=(1, 3, 3))
    given, _, ends = asked(network, x, "zero")
    claimed = rng.normal(size=(1, 3))
    miss, power = [], []
    for size in (1, 2):  # every set of a size is as likely as another
        of_size = [s for s in range(1, 7) if bin(s).count("1") == size]
        for s in of_size:
            hidden = x.copy()
            for step in range(3):
                if s >> step & 1:
                    hidden[0, step] = 0
            change = ends.forecast[0] - predict(network, hidden)[0, 0]
            total = sum(claimed[0, 2 - step] for step in range(3) if s >> step & 1)
            miss.append((total - change) ** 2 / len(of_size))
            power.append(change**2 / len(of_size))
    found = infidelity(given, claimed, ends.forecast, draws=20_000)
    expected = np.sqrt(sum(miss) / sum(power))
    # 20,000 draws leave a standard error of about 1 % of a figure of order one
    np.testing.assert_allclose(found.infidelity, expected, rtol=0.03)


def test_padding_stays_as_it_is_and_backgrounds_are_averaged(rng):
    network = chain(Masking(-9.0), Recurrent(cell("lstm", rng)), head(rng, 5, 1), shape=(6, 3))
    x = rng.normal(size=(3, 6, 3))
    x[0, 4:] = -9.0
    inputs, stand_in = entries(network, x), make_baseline(rng.normal(size=(2, 6, 3)), x)
    sets = np.zeros((3, 3, 6), bool)
    sets[:, 1] = True
    sets[:, 2, 4:] = True
    found = hidden_forecasts(question(network, inputs, FIRST, stand_in), sets)
    np.testing.assert_allclose(found[:, 0], predict(network, x)[:, 0], rtol=1e-12)
    assert found[0, 2] == found[0, 0] and (found[1:, 2] != found[1:, 0]).all()
    whole = secant(question(network, inputs, FIRST, stand_in)).baseline_forecast
    np.testing.assert_allclose(found[:, 1], whole, rtol=1e-12)


@pytest.mark.parametrize("backgrounds", [1, 3])
def test_hidden_sets_come_to_the_same_from_products_as_from_whole_windows(
    backgrounds, rng, monkeypatch
):
    network, x = forecaster("lstm", rng, targets=1, steps=40), rng.normal(size=(5, 40, 3))
    stand_in = make_baseline(rng.normal(size=(backgrounds, 40, 3)), x)
    given = question(network, entries(network, x), FIRST, stand_in)
    sets = rng.random((5, 6, 40)) < np.array([0, 0.1, 0.5, 0.5, 0.9, 1])[:, None]
    whole = hidden_forecasts(given, sets)
    monkeypatch.setattr(stretches, "FEWEST_FEATURES", 0)

    def never(*_, **__):
        raise AssertionError("windows are mixed and run in full")

    monkeypatch.setattr("rnnlens.checks.hidden.mixed_runs", never)
    # float64 sums in another order
    np.testing.assert_allclose(hidden_forecasts(given, sets), whole, rtol=0, atol=1e-13)
