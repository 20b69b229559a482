"""How unlike the data mixtures are, and how far answers depend on the baseline."""

import numpy as np
import pytest

from networks import chain, forecaster
from questions import question
from rnnlens.attribution.baselines import plausibility
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.baselines.comparison import compare_baselines
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.attribution.baselines.plausibility import mixed_place
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.errors import InputError
from rnnlens.network.layers import Dense, Flatten

FIRST = ResolvedTarget((0,))


def walks(rng, count, steps=6):
    """Windows of a slow process: neighbouring steps are alike, windows are not."""
    start = 5 * rng.normal(size=(count, 1, 2))
    return start + 0.3 * rng.normal(size=(count, steps, 2)).cumsum(axis=1)


def test_mixtures_of_real_windows_that_do_not_belong_together_jump(rng):
    x = walks(rng, 400)
    other = mixed_place(make_baseline("background", x, count=8), x)
    own = mixed_place(gaussian_conditional(x, draws=8), x)
    assert other > 0.95
    # filled in from what is shown, mixtures are spread like the data
    assert 0.35 < own < 0.65


def naive_joint_place(x, x0, cuts):
    pairs = np.array([x[n, t : t + 2].ravel() for n in range(len(x)) for t in range(5)])
    mean, C = pairs.mean(axis=0), np.cov(pairs.T, bias=True)

    def distance(row):
        return (row - mean) @ np.linalg.solve(C, row - mean)

    ordered = [distance(row) for row in pairs]
    places = []
    for n in range(len(x)):
        for c in cuts:
            d = distance(np.concatenate([x0, x[n, c]]))
            places.append(sum(other < d for other in ordered) / len(ordered))
    return np.mean(places)


def test_the_joint_place_is_the_rank_of_the_pair_at_the_cut(rng):
    x = walks(rng, 60)
    x0 = x.mean(axis=(0, 1))
    found = mixed_place(make_baseline("mean", x), x)
    # the shrinkage of a covariance of 4 numbers from 300 pairs moves ranks by a percent or so
    assert found == pytest.approx(naive_joint_place(x, x0, range(1, 6)), abs=0.02)


def test_held_features_and_few_windows_are_seen(rng):
    x = walks(rng, 8)
    assert not np.isnan(mixed_place(make_baseline("mean", x), x))
    assert np.isnan(mixed_place(make_baseline("mean", x[:1, :3]), x[:1, :3]))
    held = mixed_place(make_baseline("mean", x, held=np.array([0, 1])), x)
    assert np.isnan(held)
    real = np.ones((8, 6), bool)
    real[:, :2] = False
    assert mixed_place(make_baseline("zero", x), x, real=real) < 1.0


def test_contributions_stand_side_by_side_with_their_baseline_forecasts(rng):
    network = forecaster("lstm", rng, steps=6, features=2)
    x = walks(rng, 200)
    inputs = entries(network, x[:5])
    baselines = {
        "zero": make_baseline("zero", x[:5]),
        "mean": make_baseline("mean", x[:5], background=x),
        "conditional": gaussian_conditional(x[:5], background=x),
    }
    found = compare_baselines(question(network, inputs, FIRST, newest=4), baselines, background=x)
    assert found.contribution.shape == (3, 5, 5) and found.baseline_forecast.shape == (3, 5)
    assert found.kinds == ("interventional", "interventional", "conditional")
    assert found.lag_from.tolist() == [1, 2, 3, 4, 5] and found.lag_to.tolist() == [1, 2, 3, 4, 6]
    total = found.baseline_forecast + found.contribution.sum(axis=2)
    np.testing.assert_allclose(total, np.broadcast_to(found.forecast, (3, 5)), atol=1e-12)
    for lag in range(5):
        apart = [
            max(found.contribution[b, n, lag] for b in range(3))
            - min(found.contribution[b, n, lag] for b in range(3))
            for n in range(5)
        ]
        assert found.spread[lag] == pytest.approx(sum(apart) / 5, rel=1e-12)
    alone = secant(question(network, inputs, FIRST, baselines["mean"]))
    both = compare_baselines(
        question(network, inputs, FIRST),
        {k: baselines[k] for k in ("zero", "mean")},
        method="secant",
    )
    np.testing.assert_array_equal(both.contribution[1], alone.contribution.sum(axis=2))
    assert both.lag_to.tolist() == [1, 2, 3, 4, 5, 6]


def test_equal_baselines_leave_no_spread_and_opposite_ones_a_large_one(rng):
    network = chain(Flatten(), Dense(rng.normal(size=(12, 1)), np.zeros(1)), shape=(6, 2))
    x = walks(rng, 10)
    inputs = entries(network, x)
    mean = make_baseline("mean", x)
    same = compare_baselines(
        question(network, inputs, FIRST), {"a": mean, "b": mean}, method="secant"
    )
    assert same.dependence == 0.0
    far = {"low": make_baseline([-100.0, -100.0], x), "high": make_baseline([100.0, 100.0], x)}
    found = compare_baselines(question(network, inputs, FIRST), far, method="secant")
    assert found.dependence == pytest.approx(2.0, rel=0.1)  # +c and -c: apart by twice their size


def test_comparisons_that_cannot_be_made_are_refused(rng):
    network = forecaster("lstm", rng, steps=6, features=2)
    x = walks(rng, 50)
    inputs = entries(network, x[:2])
    zero, given = make_baseline("zero", x[:2]), gaussian_conditional(x[:2], background=x)
    with pytest.raises(InputError, match="needs two baselines or more, but 1 came"):
        compare_baselines(question(network, inputs, FIRST), {"zero": zero})
    with pytest.raises(InputError, match="one of tree, secant, not 'gradient'"):
        compare_baselines(
            question(network, inputs, FIRST), {"a": zero, "b": zero}, method="gradient"
        )
    with pytest.raises(InputError, match="'secant' compares with one window"):
        compare_baselines(
            question(network, inputs, FIRST), {"a": zero, "b": given}, method="secant"
        )


def test_data_that_are_asked_about_again_are_described_once_and_changed_ones_anew(rng, monkeypatch):
    data = rng.normal(size=(60, 6, 2)).cumsum(axis=1)
    x = rng.normal(size=(1, 6, 2)).cumsum(axis=1)
    baseline = make_baseline("mean", x, background=data)
    first = mixed_place(baseline, x, background=data)
    made = []
    whole = plausibility.window_moments

    def counted(rows):
        made.append(len(rows))
        return whole(rows)

    monkeypatch.setattr(plausibility, "window_moments", counted)
    assert mixed_place(baseline, x, background=data.copy()) == first and not made
    data[:30] *= 10.0  # written in place: the same array holds other data
    assert mixed_place(baseline, x, background=data) != first and len(made) == 1
    for k in range(2 * plausibility.MOST_KEPT):
        mixed_place(baseline, x, background=data + k)
    assert len(plausibility._KEPT) <= plausibility.MOST_KEPT
