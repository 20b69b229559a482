"""Draws of a part of a window given the rest, and whether they fit."""

import warnings
from threading import get_ident

import numpy as np
import pytest
from scipy.signal import lfilter

from linear_networks import ar, arx, cut_windows
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.statistics.parts import lag_feature_parts, lag_parts, older_part
from rnnlens.evidence.statistics.sampler_fit import (
    FARTHEST,
    RIDGE,
    _logistic,
    _Terms,
    sampler_fit,
)
from rnnlens.evidence.statistics.samplers import OwnSampler, gaussian_sampler, neighbour_sampler

STEPS, RHO = 5, 0.8


def hide(*steps, steps_in_all=STEPS, features=1):
    hidden = np.zeros((steps_in_all, features), bool)
    hidden[list(steps)] = True
    return hidden


def shuffled(x, hidden, rng):
    """The part from another window: what does not go with the rest."""
    found = x.copy()
    found[:, hidden] = x[rng.permutation(len(x))][:, hidden]
    return found


@pytest.fixture
def x(rng):
    return cut_windows(ar(6000, RHO, rng), STEPS)


@pytest.mark.parametrize("make", [gaussian_sampler, neighbour_sampler])
def test_draws_in_the_gap_of_an_ar_process_have_its_conditional_distribution(x, rng, make):
    """Between two neighbours: mean rho (left + right) / (1 + rho^2), variance 1 / (1 + rho^2)."""
    drawn = make(x).draw(x, hide(2), 3, rng)
    assert drawn.shape == (len(x), 3, STEPS, 1)
    mean = RHO * (x[:, 1, 0] + x[:, 3, 0]) / (1 + RHO**2)
    missed = drawn[:, :, 2, 0] - mean[:, None]
    # 18,000 draws from 6,000 dependent windows: two or three percent
    assert missed.var() == pytest.approx(1 / (1 + RHO**2), rel=0.06)
    assert abs(missed.mean()) < 0.05
    assert abs(np.corrcoef(missed[:, 0], x[:, 1, 0])[0, 1]) < 0.05
    shown = ~hide(2)
    np.testing.assert_array_equal(drawn[:, 0][:, shown], x[:, shown])


def test_draws_are_independent_between_windows_and_between_draws(x, rng):
    drawn = gaussian_sampler(x).draw(x, hide(2), 2, rng)[:, :, 2, 0]
    missed = drawn - RHO * (x[:, 1] + x[:, 3]) / (1 + RHO**2)
    assert abs(np.corrcoef(missed[:, 0], missed[:, 1])[0, 1]) < 0.05
    assert abs(np.corrcoef(missed[1:, 0], missed[:-1, 0])[0, 1]) < 0.05


def test_older_lags_together_keep_their_own_dependence(x, rng):
    """Drawn from step 2 backwards, the chain goes on with its correlation of rho."""
    drawn = gaussian_sampler(x).draw(x, older_part((STEPS, 1), 3).hidden, 1, rng)[:, 0, :, 0]
    found = np.corrcoef(drawn.T)
    assert found[0, 1] == pytest.approx(RHO, abs=0.03)
    assert found[2, 3] == pytest.approx(RHO, abs=0.03)  # across the edge


def test_a_neighbours_residual_is_drawn_from_the_nearest_means_and_never_its_own(rng):
    """With one neighbour the draw is that of brute force over all other windows."""
    x = cut_windows(ar(90, RHO, rng), 3)
    sampler = neighbour_sampler(x, neighbours=1)
    drawn = sampler.draw(x, hide(1, steps_in_all=3), 1, rng)[:, 0, 1, 0]
    blank = np.zeros((len(x), 1, 3))
    flat = x.reshape(len(x), -1)
    mean = sampler.given.fill(flat, np.array([True, False, True]), blank)[:, 0, 1]
    missed = flat[:, 1] - mean
    for k in range(len(x)):
        others = [j for j in range(len(x)) if j != k]
        nearest = min(others, key=lambda j: abs(mean[j] - mean[k]))
        assert drawn[k] == pytest.approx(mean[k] + missed[nearest], rel=1e-9)
        assert drawn[k] != flat[k, 1]


def test_a_window_that_the_data_hold_twice_is_replaced_too(rng):
    x = cut_windows(ar(90, RHO, rng), 3)
    hidden = hide(1, steps_in_all=3)
    twice = neighbour_sampler(x, background=np.concatenate([x, x]), neighbours=2)
    drawn = twice.draw(x, hidden, 20, rng)[:, :, 1, 0]
    assert (drawn != x[:, None, 1, 0]).all()
    assert all(len(set(row)) == 2 for row in drawn.tolist())  # both neighbours are drawn


def test_neighbours_follow_noise_that_grows_with_the_level_where_the_gaussian_does_not(rng):
    level = rng.uniform(0.2, 2.0, size=4000)
    x = np.stack([level, level * (1 + 0.5 * rng.normal(size=4000))], axis=1)[..., None]
    hidden = hide(1, steps_in_all=2)
    part = lag_parts((2, 1), lags=[1])
    low, high = level < 0.6, level > 1.6
    for make, grows, fits in (
        (gaussian_sampler, False, False),
        (neighbour_sampler, True, True),
    ):
        sampler = make(x)
        drawn = sampler.draw(x, hidden, 1, rng)[:, 0, 1, 0] - level
        assert (drawn[high].std() > 2 * drawn[low].std()) == grows
        assert sampler_fit(sampler, x, part).fits.all() == fits


def test_a_classifier_tells_marginal_draws_from_real_windows_but_not_conditional_ones():
    x = cut_windows(arx(3000, seed=2), 8)
    parts = lag_feature_parts((8, 2), lags=[2, 4, 7])
    for make in (gaussian_sampler, neighbour_sampler):
        found = sampler_fit(make(x), x, parts)
        assert found.fits.all(), found.auc
        assert found.sentence.startswith("the sampler fits: a classifier tells")
    wrong = sampler_fit(OwnSampler(shuffled), x, parts)
    assert not wrong.fits.any()
    assert (wrong.auc > 0.6).all()
    assert "the sampler does not fit 6 of 6 parts" in wrong.sentence


def test_few_windows_do_not_make_a_good_sampler_look_bad(rng):
    """The classifier has more terms than it can learn from 75 windows; it is judged on others."""
    series = ar(2000, 0.5, rng)
    for start in range(0, 2000, 200):
        x = cut_windows(series[start : start + 160], 5)
        found = sampler_fit(gaussian_sampler(x), x, lag_parts((5, 1)))
        assert found.fits.all(), found.auc


def test_windows_too_short_for_the_memory_of_the_data_leave_correlation(rng):
    series = arx(3000, seed=3)
    long = sampler_fit(gaussian_sampler(w := cut_windows(series, 8)), w, lag_parts((8, 2)))
    assert (long.p_white > 0.01).all()
    assert (long.correlation < 0.06).all()
    short = sampler_fit(gaussian_sampler(w := cut_windows(series, 2)), w, lag_parts((2, 2)))
    assert short.p_white[0] < 1e-6
    assert short.correlation[0] > 0.1


def drifting(x, hidden, rng):
    """Draws that lie below in the older half of the windows and above in the newer."""
    found = x.copy()
    shift = np.repeat([-1.0, 1.0], [len(x) // 2, len(x) - len(x) // 2])
    found[:, hidden] += shift[:, None]
    return found


def test_an_area_far_below_a_half_is_no_fit_either(rng):
    """What shows draws up in one half of the data says the opposite in the other."""
    x = cut_windows(ar(1200, 0.5, rng), 4)
    found = sampler_fit(OwnSampler(drifting), x, lag_parts((4, 1)))
    assert (found.auc < 0.4).all()
    assert not found.fits.any()
    assert found.away > 0.1
    assert "does not fit 4 of 4 parts" in found.sentence
    assert "the other way round in either half of the data" in found.sentence


def test_walks_and_trends_are_said_and_what_comes_back_is_not(rng):
    walk, trend = rng.normal(size=1000).cumsum(), np.linspace(0, 8, 1000) + rng.normal(size=1000)
    season = np.sin(np.arange(1000) / 4) + 0.3 * rng.normal(size=1000)
    series = np.column_stack([ar(1000, 0.5, rng), walk, trend, season])
    x = cut_windows(series, 4)
    found = sampler_fit(gaussian_sampler(x), x, lag_parts((4, 4)))
    assert found.drifts.tolist() == [False, True, True, False]
    names = ["calm", "walk", "trend", "season"]
    said = found.drift_sentence(names, range(4))
    assert found.p_walk[1] > 0.1 > found.p_walk[0]
    assert "walk drifts: its level" in said or "walk cannot be told from a walk (unit" in said
    assert "trend drifts: its level in the newer half of the windows is 2." in said
    assert "standard deviations above the older half's" in said
    assert "calm" not in said and "season" not in said
    assert found.drift_sentence(names, [0, 3]) == ""


def test_the_unit_root_is_tested_as_dickey_and_fuller_did(rng):
    """Against statsmodels' own regression, given the same number of lagged differences."""
    from statsmodels.tsa.stattools import adfuller

    for rho in (0.5, 0.95, 1.0):
        series = lfilter([1], [1, -rho], rng.normal(size=400))
        found = sampler_fit(
            OwnSampler(shuffled), cut_windows(np.append(series, 0.0), 1), lag_parts((1, 1))
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that its result will be an object
            wanted = adfuller(series, maxlag=5, autolag=None)[1]
        assert found.p_walk[0] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("make", [gaussian_sampler, neighbour_sampler])
def test_what_is_constant_in_one_half_of_the_windows_gives_numbers(make, rng):
    """Snow that falls in the newer half alone; the older half gives it no scale."""
    rest = cut_windows(ar(400, 0.8, rng), 4)
    snow = np.zeros((len(rest), 4, 1))
    snow[220:] = rng.exponential(size=(len(rest) - 220, 4, 1))
    x = np.concatenate([rest, snow], axis=2)
    found = sampler_fit(make(x), x, lag_feature_parts((4, 2)))
    for numbers in (found.auc, found.correlation, found.p_white, found.p_walk):
        assert np.isfinite(numbers).all()
    # one that is constant in both halves, at another value, drifts by any measure
    x[..., 1] = np.repeat([1.0, 2.0], [200, len(rest) - 200])[:, None]
    stepped = sampler_fit(make(x), x, lag_feature_parts((4, 2)))
    assert np.isfinite(stepped.auc).all()
    assert stepped.drifts[1]


@pytest.mark.parametrize("shape", [(60, 8), (120, 2)])
def test_long_windows_are_drawn_from_and_judged_with_fewer_windows_than_numbers(shape, rng):
    """A linear mean given the steps beside it: the diagnostic needs no more windows than it."""
    steps, features = shape
    series = lfilter([1], [1, -0.7], rng.normal(size=(360 + steps, features)), axis=0)
    x = cut_windows(series, steps)
    parts = [*lag_parts(shape, lags=[1, 2, steps // 2, steps]), older_part(shape, steps // 2)]
    for make in (gaussian_sampler, neighbour_sampler):
        sampler = make(x)
        assert "given the step on either side" in sampler.text
        assert sampler_fit(sampler, x, parts).fits.all()
    wrong = sampler_fit(OwnSampler(shuffled), x, parts)
    assert not wrong.fits.any()


def test_a_constant_feature_stays_as_it_is_and_a_copied_one_needs_the_stated_ridge(rng):
    base = cut_windows(ar(1500, RHO, rng), 3)
    x = np.concatenate([base, np.full_like(base, 7.0), base], axis=2)
    sampler = gaussian_sampler(x)
    hidden = np.zeros((3, 3), bool)
    hidden[1, 1:] = True
    drawn = sampler.draw(x, hidden, 1, rng)[:, 0]
    np.testing.assert_array_equal(drawn[:, 1, 1], 7.0)
    assert np.abs(drawn[:, 1, 2] - x[:, 1, 2]).std() < 0.01 * x[:, 1, 2].std()
    assert "shrunk by" in sampler.text
    found = sampler_fit(sampler, x, lag_parts((3, 3)))
    assert np.isfinite(found.auc).all()
    assert found.correlation[1] == 0.0
    assert found.p_white[1] == 1.0


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda x, hidden, rng: x[:, :2], r"windows of shape \(4, 3, 1\), but gave \(4, 2, 1\)"),
        (lambda x, hidden, rng: x * np.nan, "gave NaN or infinity"),
        (lambda x, hidden, rng: x + 1, "changed numbers that were not to be replaced"),
    ],
)
def test_what_a_users_sampler_gives_is_checked(rng, function, sentence):
    x = rng.normal(size=(4, 3, 1))
    with pytest.raises(DataError, match=sentence):
        OwnSampler(function).draw(x, hide(1, steps_in_all=3), 2, rng)


def test_a_users_sampler_cannot_write_into_the_windows(rng):
    x = rng.normal(size=(4, 3, 1))
    before = x.copy()

    def careless(x, hidden, rng):
        x[:, hidden] = 0.0
        return x

    drawn = OwnSampler(careless).draw(x, hide(1, steps_in_all=3), 1, rng)
    np.testing.assert_array_equal(x, before)
    assert (drawn[:, 0, 1] == 0).all()


def test_samplers_refuse_windows_that_do_not_fit(x, rng):
    with pytest.raises(DataError, match=r"made for windows of shape \(5, 1\)"):
        gaussian_sampler(x).draw(x[:, :3], hide(1, steps_in_all=3), 1, rng)
    with pytest.raises(InputError, match="neighbours must be 1 or more, but is 0"):
        neighbour_sampler(x, neighbours=0)
    with pytest.raises(
        DataError, match="20 neighbours need more than 20 different windows, but there are 9"
    ):
        neighbour_sampler(x[:9])
    with pytest.raises(DataError, match="needs at least 100 windows to tell, but there are 50"):
        sampler_fit(gaussian_sampler(x), x[:50], lag_parts((STEPS, 1)))


def test_what_the_classifier_sees_has_an_end_however_little_changed_where_it_learned(rng):
    """What is one scale in one half of the windows may be billions of them in the other."""
    rows = rng.normal(size=(80, 4))
    rows[:, 3] *= 1e-11
    terms = _Terms(rows, part=np.array([3]), beside=np.array([0, 1, 2]))
    far = rng.normal(size=(80, 4))
    assert np.abs(terms(far)).max() == FARTHEST
    # only such are cut off
    assert np.abs(terms(rows)).max() < 15


def test_the_classifier_is_the_ridge_regression_of_statsmodels(rng):
    """Both stop where a step changes little: slopes to 1e-3 of the largest, ranks of windows."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    terms = np.column_stack([np.ones(400), rng.normal(size=(400, 6))])
    real, drawn = terms[:200], terms[200:] + np.array([0, 0.3, -0.5, 0, 0, 1.0, 0])
    found = _logistic(real, drawn)
    label = np.repeat([0.0, 1.0], 200)
    model = GLM(label, np.vstack([real, drawn]), family=Binomial())
    known = np.asarray(model.fit_regularized(alpha=RIDGE, L1_wt=0.0).params)
    np.testing.assert_allclose(found, known, atol=1e-3 * np.abs(known).max())
    # told apart by a plane without an error, the ridge alone keeps the slope finite
    apart = _logistic(real, real + 100.0)
    assert np.isfinite(apart).all()
    assert (real @ apart).max() < ((real + 100.0) @ apart).min()


@pytest.mark.parametrize("make", [gaussian_sampler, neighbour_sampler])
def test_parts_are_measured_side_by_side_as_one_after_the_other(make, x, monkeypatch):
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("RNNLENS_THREADS", threads)
        found.append(sampler_fit(make(x), x, lag_parts(x.shape[1:])))
    np.testing.assert_array_equal(found[0].auc, found[1].auc)
    np.testing.assert_array_equal(found[0].fits, found[1].fits)


def test_a_users_sampler_is_called_by_one_thread_alone(x, monkeypatch):
    called = set()

    def own(windows, hidden, rng):
        called.add(get_ident())
        return np.where(hidden, windows[rng.permutation(len(windows))], windows)

    monkeypatch.setenv("RNNLENS_THREADS", "3")
    fit = sampler_fit(OwnSampler(own), x, lag_parts(x.shape[1:]))
    assert np.isfinite(fit.auc).all()
    assert called == {get_ident()}
