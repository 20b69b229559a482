"""What is hidden, filled in from what is shown."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from networks import chain, forecaster
from questions import question
from rnnlens.attribution.baselines import conditional
from rnnlens.attribution.baselines.conditional import GaussianConditional, gaussian_conditional
from rnnlens.attribution.baselines.covariance import (
    SHRINKAGES,
    WindowMoments,
    shrinkage,
    window_moments,
)
from rnnlens.attribution.games.conditional import ConditionalGame
from rnnlens.attribution.methods.occlusion import conditional_occlusion
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, forward, predict
from rnnlens.engine.stepwise.coalitions import CellCounter
from rnnlens.errors import DataError, InputError
from rnnlens.network.layers import Masking

FIRST = ResolvedTarget((0,))


def ar_windows(rng, count, steps, rho):
    x = np.zeros((count, steps))
    x[:, 0] = rng.normal(size=count) / np.sqrt(1 - rho**2)
    for t in range(1, steps):
        x[:, t] = rho * x[:, t - 1] + rng.normal(size=count)
    return x[..., None]


def ar_baseline(rho, steps, draws=0):
    lags = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps)))
    moments = WindowMoments(np.zeros(steps), np.arange(steps), rho**lags / (1 - rho**2), 0.0)
    return GaussianConditional("AR", moments, (steps, 1), np.array([], int), draws, 0)


def naive_shrinkage(z, tried):
    """The likeliest of those tried, by the density of every window that was left out."""
    thirds = np.array_split(z, 3)
    best = {}
    for s in tried:
        best[s] = 0.0
        for k in range(3):
            kept = np.concatenate([thirds[j] for j in range(3) if j != k])
            C = (1 - s) * kept.T @ kept / len(kept) + s * np.eye(z.shape[1])
            best[s] += multivariate_normal(np.zeros(z.shape[1]), C).logpdf(thirds[k]).sum()
    return max(best, key=best.get)


def test_the_gap_of_an_ar_process_is_filled_by_its_closed_form(rng):
    """Hidden next to shown: rho^k x; hidden between two: rho (left + right) / (1 + rho^2)."""
    rho, x = 0.8, rng.normal(size=(4, 5, 1))
    given = ar_baseline(rho, 5)
    shown = np.array([[1, 1, 0, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 1, 1]], bool)
    found = given.stand_in(x, shown)[:, :, 0, :, 0]
    between = rho * (x[:, 1, 0] + x[:, 3, 0]) / (1 + rho**2)
    np.testing.assert_allclose(found[:, 0, 2], between, rtol=1e-12)
    np.testing.assert_allclose(found[:, 1, 3], rho * x[:, 2, 0], rtol=1e-12)
    np.testing.assert_allclose(found[:, 1, 4], rho**2 * x[:, 2, 0], rtol=1e-12)
    np.testing.assert_array_equal(found[:, 2], 0.0)
    np.testing.assert_allclose(found[:, 3, 0], rho**2 * x[:, 2, 0], rtol=1e-12)
    np.testing.assert_array_equal(found[:, 0, [0, 1, 3, 4]], x[:, [0, 1, 3, 4], 0])


def test_from_ar_data_alone_the_closed_form_is_found_within_sampling_error(rng):
    data = ar_windows(rng, 20_000, 5, 0.8)
    x = data[:50]
    shown = np.array([[1, 1, 0, 1, 1]], bool)
    found = gaussian_conditional(data).stand_in(x, shown)[:, 0, 0, 2, 0]
    wanted = 0.8 * (x[:, 1, 0] + x[:, 3, 0]) / 1.64
    # a regression on 20,000 windows leaves errors of 1 / sqrt(20,000) = 0.007 a coefficient
    np.testing.assert_allclose(found, wanted, atol=0.1)
    assert np.corrcoef(found, wanted)[0, 1] > 0.9999


def test_var_data_give_the_conditional_mean_of_a_naive_regression(rng):
    """Feature by feature and step by step, against least squares on the same windows."""
    A = np.array([[0.6, 0.3], [-0.2, 0.5]])
    data = np.zeros((4000, 3, 2))
    data[:, 0] = rng.normal(size=(4000, 2))
    for t in (1, 2):
        data[:, t] = data[:, t - 1] @ A.T + rng.normal(size=(4000, 2))
    shown = np.ones((1, 3, 2), bool)
    shown[0, 1, 0] = shown[0, 2, 1] = False
    found = gaussian_conditional(data).stand_in(data[:6], shown)[:, 0, 0]
    flat, seen = data.reshape(4000, 6), shown.reshape(6)
    design = np.column_stack([np.ones(4000), flat[:, seen]])
    for place in np.flatnonzero(~seen):
        slope = np.linalg.lstsq(design, flat[:, place], rcond=None)[0]
        # a shrinkage of 0.001 or so moves the slopes by as much
        np.testing.assert_allclose(found.reshape(6, 6)[:, place], design[:6] @ slope, atol=0.05)


def test_both_ways_to_regress_agree_and_draws_have_the_right_mean_and_spread(rng):
    rho = 0.7
    given = ar_baseline(rho, 6, draws=40_000)
    x = rng.normal(size=(1, 6, 1))
    shown = np.array([[1, 1, 0, 1, 1, 1], [1, 0, 0, 0, 0, 0]], bool)  # few hidden, most hidden
    drawn = given.stand_in(x, shown)[0, :, :, :, 0]
    mean = ar_baseline(rho, 6).stand_in(x, shown)[0, :, 0, :, 0]
    # 40,000 draws of standard deviation about 1: standard error 0.005
    np.testing.assert_allclose(drawn.mean(axis=1), mean, atol=0.03)
    assert drawn[0, :, 2].var() == pytest.approx(1 / (1 + rho**2), rel=0.03)
    assert drawn[1, :, 1].var() == pytest.approx(1.0, rel=0.03)
    one_step = np.cov(drawn[1, :, 1], drawn[1, :, 2])
    assert one_step[0, 1] == pytest.approx(rho, rel=0.05)


def test_draws_are_the_same_in_any_company_and_order():
    # Numbers of its own: the conditional mean is a product of matrices, in which BLAS may round the
    # last digit of a row otherwise when it is alone.
    rng = np.random.default_rng(8)
    data = ar_windows(rng, 500, 4, 0.5)
    given = gaussian_conditional(data, draws=3, seed=5)
    masks = rng.random((6, 4)) < 0.5
    all_at_once = given.stand_in(data[:4], masks)
    alone = given.stand_in(data[2:3], masks[[4]])
    np.testing.assert_array_equal(alone[0, 0], all_at_once[2, 4])
    other = gaussian_conditional(data, draws=3, seed=6).stand_in(data[:4], masks)
    assert (other != all_at_once).any()


def test_the_shrinkage_is_the_one_under_which_windows_left_out_are_likeliest(rng):
    chosen = set()
    for windows, numbers in ((30, 6), (60, 20), (900, 3)):
        z = rng.normal(size=(windows, numbers)) @ rng.normal(size=(numbers, numbers))
        z = (z - z.mean(axis=0)) / z.std(axis=0)
        parts = np.array_split(z, 3)
        found = shrinkage(np.stack([part.T @ part for part in parts]), [len(p) for p in parts])
        chosen.add(found)
        assert found == pytest.approx(naive_shrinkage(z, SHRINKAGES), rel=1e-12)
    assert len(chosen) > 1


def test_correlations_are_shrunk_by_their_share_and_variances_are_kept(rng):
    """30 numbers without anything in common, and 40 windows: the formula shows at a large share."""
    data = rng.normal(size=(40, 30, 1)) + 0.3 * rng.normal(size=(40, 1, 1))
    found = window_moments(data)
    assert found.shrinkage > 0.2
    plain = np.cov(data[..., 0].T, bias=True)
    wanted = (1 - found.shrinkage) * plain
    np.fill_diagonal(wanted, np.diag(plain))
    np.testing.assert_allclose(found.covariance, wanted, rtol=1e-10, atol=1e-12)


def test_constant_and_copied_numbers_do_not_break_the_covariance(rng):
    data = ar_windows(rng, 300, 4, 0.5).repeat(3, axis=2)
    data[..., 1] = 0.1
    given = gaussian_conditional(data)
    hidden = np.zeros((1, 4), bool)
    assert (given.stand_in(data[:5], hidden)[..., 1] == 0.1).all()
    assert window_moments(data).varying.tolist() == [0, 2, 3, 5, 6, 8, 9, 11]
    shown = np.ones((1, 4, 3), bool)
    shown[..., 2] = False  # a copy of feature 0, which is shown
    found = given.stand_in(data[:5], shown)[:, 0, 0]
    np.testing.assert_allclose(found[..., 2], data[:5, :, 0], atol=0.05)


def test_held_features_are_always_shown_and_conditioned_on(rng):
    data = ar_windows(rng, 400, 3, 0.5).repeat(2, axis=2) + 0.1 * rng.normal(size=(400, 3, 2))
    given = gaussian_conditional(data, held=np.array([1]))
    found = given.stand_in(data[:8], np.zeros((1, 3), bool))[:, 0, 0]
    np.testing.assert_array_equal(found[..., 1], data[:8, :, 1])
    assert np.corrcoef(found[..., 0].ravel(), data[:8, :, 0].ravel())[0, 1] > 0.95


def naive_conditional_shapley(f, fill, steps):
    """All orders are too many; all subsets by the definition."""
    phi = np.zeros(steps)
    for k in range(steps):
        others = [t for t in range(steps) if t != k]
        for size in range(steps):
            weight = factorial(size) * factorial(steps - size - 1) / factorial(steps)
            for chosen in combinations(others, size):
                phi[k] += weight * (f(fill({*chosen, k})) - f(fill(set(chosen))))
    return phi


@pytest.mark.parametrize("draws", [0, 3])
def test_conditional_shapley_values_are_those_of_the_definition(draws, rng):
    network = forecaster("lstm", rng, steps=5, features=1)
    given = ar_baseline(0.6, 5, draws)
    x = rng.normal(size=(2, 5, 1))
    found = shapley_tree(question(network, entries(network, x), FIRST, given, newest=5))
    lags = 0.6 ** np.abs(np.subtract.outer(np.arange(5), np.arange(5))) / (1 - 0.36)
    z = np.random.default_rng(0).standard_normal((draws, 5)) if draws else np.zeros((1, 5))
    for n in range(2):

        def fill(shown, n=n):
            A, S = sorted(shown), [t for t in range(5) if t not in shown]
            windows = np.repeat(x[n : n + 1, :, 0], len(z), axis=0)
            if S:
                slope = lags[np.ix_(S, A)] @ np.linalg.inv(lags[np.ix_(A, A)])
                left = lags[np.ix_(S, S)] - slope @ lags[np.ix_(A, S)]
                windows[:, S] = x[n, A, 0] @ slope.T + z[:, S] @ np.linalg.cholesky(left).T
            return windows[..., None]

        phi = naive_conditional_shapley(lambda w: predict(network, w)[:, 0].mean(), fill, 5)
        np.testing.assert_allclose(found.contribution[n], phi[::-1], atol=1e-12)
    np.testing.assert_allclose(found.residual, 0.0, atol=1e-12)


def test_older_lags_are_one_player_and_cells_are_counted(rng):
    network = forecaster("lstm", rng, steps=6, features=1)
    x = rng.normal(size=(3, 6, 1))
    found = shapley_tree(
        question(network, entries(network, x), FIRST, ar_baseline(0.6, 6), newest=2)
    )
    assert found.lag_from.tolist() == [1, 2, 3] and found.lag_to.tolist() == [1, 2, 6]
    assert found.cells == 3 * 8 * 6


def test_a_lag_that_the_network_ignores_gets_credit_for_what_it_foretells(rng):
    """The difference between conditional and interventional, on a network that reads lag 1."""
    from rnnlens.attribution.baselines.baseline import make_baseline
    from rnnlens.network.layers import Dense, Flatten

    W = np.array([[0.0], [0.0], [2.0]])
    network = chain(Flatten(), Dense(W, np.zeros(1)), shape=(3, 1))
    x = rng.normal(size=(4, 3, 1))
    inputs = entries(network, x)
    given = shapley_tree(question(network, inputs, FIRST, ar_baseline(0.6, 3), newest=3))
    plain = shapley_tree(question(network, inputs, FIRST, make_baseline("zero", x), newest=3))
    assert (np.abs(given.contribution[:, 1]) > 1e-3).all()
    np.testing.assert_array_equal(plain.contribution[:, 1:], 0.0)


def test_occlusion_fills_a_lag_in_from_its_neighbours(rng):
    """On a linear network the change is its weight times what the neighbours do not foretell."""
    from rnnlens.network.layers import Dense, Flatten

    W = rng.normal(size=(4, 1))
    network = chain(Flatten(), Dense(W, np.zeros(1)), shape=(4, 1))
    x = rng.normal(size=(3, 4, 1))
    found = conditional_occlusion(question(network, {"x": x}, FIRST, ar_baseline(0.6, 4))).change
    middle = 0.6 * (x[:, 1, 0] + x[:, 3, 0]) / 1.36
    np.testing.assert_allclose(found[:, 1], W[2] * (x[:, 2, 0] - middle), atol=1e-12)
    np.testing.assert_allclose(found[:, 0], W[3] * (x[:, 3, 0] - 0.6 * x[:, 2, 0]), atol=1e-12)


def test_feature_masks_are_games_too(rng):
    network = forecaster("lstm", rng, steps=4, features=2)
    data = rng.normal(size=(300, 4, 2))
    given = gaussian_conditional(data)
    run = forward(network, entries(network, data[:3]))
    masks = rng.random((5, 4, 2)) < 0.5
    found = ConditionalGame(run, given, "x", FIRST.pick, CellCounter()).evaluate(masks)
    for k in range(5):
        windows = given.stand_in(data[:3], masks[k : k + 1])[:, 0, 0]
        np.testing.assert_allclose(found[:, k], predict(network, windows)[:, 0], atol=1e-14)


def test_what_a_conditional_baseline_cannot_do_is_refused_in_a_sentence(rng):
    data = ar_windows(rng, 300, 4, 0.5)
    given = gaussian_conditional(data)
    network = forecaster("lstm", rng, steps=4, features=1)
    with pytest.raises(InputError, match="'secant' compares with one window: use 'tree'"):
        secant(question(network, entries(network, data[:2]), FIRST, given))
    with pytest.raises(DataError, match="at least 20 windows, but 4 came"):
        gaussian_conditional(data[:4])
    with pytest.raises(DataError, match="hold nan at index"):
        gaussian_conditional(np.where(data > 2, np.nan, data))
    with pytest.raises(DataError, match=r"must have shape \(window, 4, 1\)"):
        gaussian_conditional(data[:3], background=data[:, :3])
    with pytest.raises(DataError, match=r"came to windows of \(3, 1\)"):
        given.stand_in(data[:, 1:], np.ones((1, 3), bool))
    with pytest.raises(DataError, match="2,100 numbers that change"):
        window_moments(rng.normal(size=(3, 700, 3)))
    with pytest.raises(DataError, match="of 4 steps of 1 features needs more than 4 windows, but"):
        window_moments(data[:4])
    with pytest.raises(InputError, match="draws must be 0 or more, but is -1"):
        gaussian_conditional(data, draws=-1)
    long, x = forecaster("lstm", rng, steps=20, features=1), rng.normal(size=(1, 20, 1))
    with pytest.raises(DataError, match="takes up to 14 players, but 20 came"):
        shapley_tree(question(long, {"x": x}, FIRST, ar_baseline(0.5, 20), newest=20))


def test_padding_has_no_distribution(rng):
    from networks import cell, head
    from rnnlens.network.layers import Recurrent

    core = cell("lstm", rng, 1)
    network = chain(Masking(0.0), Recurrent(core), head(rng, 5), shape=(4, 1))
    x = ar_windows(rng, 300, 4, 0.5)
    given = gaussian_conditional(x)
    x = x[:2].copy()
    x[0, :2] = 0.0
    with pytest.raises(DataError, match="without padding, but the network masks 2 steps"):
        shapley_tree(question(network, entries(network, x), FIRST, given, newest=4))


def test_what_was_learned_of_windows_is_remembered_by_their_content(rng, monkeypatch):
    learned = []
    learn = conditional._learned
    monkeypatch.setattr(conditional, "_learned", lambda x: learned.append(len(x)) or learn(x))
    x = rng.normal(size=(80, 3, 2)).cumsum(axis=1)
    one = gaussian_conditional(x)
    assert gaussian_conditional(x.copy(), draws=3).moments is one.moments
    assert gaussian_conditional(x[:5], background=x).moments is one.moments
    assert learned == [80]
    x[3, 1] += 1.0  # the same array, changed in place
    assert gaussian_conditional(x).moments is not one.moments and learned == [80, 80]
    for k in range(4):
        gaussian_conditional(x + k)
    assert len(conditional._LEARNED) == conditional.KEPT
