"""Long windows: what is hidden depends on the steps beside it."""

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from rnnlens.attribution.baselines.banded import ROWS, Shrinking, _Fold, band_moments
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.errors import DataError

STEPS, FEATURES = 10, 3
A = np.array([[0.6, 0.2, 0.0], [0.0, 0.5, -0.3], [0.1, 0.0, 0.7]])


def var(rng, length, A=A):
    x = np.zeros((length + 200, len(A)))
    for t in range(1, len(x)):
        x[t] = x[t - 1] @ A.T + rng.normal(size=len(A))
    return x[200:]


def cut(series, steps, every=1):
    views = np.lib.stride_tricks.sliding_window_view(series, steps, axis=0)[::every]
    return np.ascontiguousarray(views.transpose(0, 2, 1))


def full_covariance(A, steps):
    """The covariance of all numbers of a window of a VAR(1) process, by its definition."""
    F, C = len(A), np.zeros((steps * len(A), steps * len(A)))
    own = solve_discrete_lyapunov(A, np.eye(F))
    for t in range(steps):
        for u in range(t + 1):
            block = np.linalg.matrix_power(A, t - u) @ own
            C[t * F : (t + 1) * F, u * F : (u + 1) * F] = block
            C[u * F : (u + 1) * F, t * F : (t + 1) * F] = block.T
    return C


def conditional(C, hidden):
    """Slope and covariance of what is hidden given the rest, by inverting what is shown."""
    slope = C[np.ix_(hidden, ~hidden)] @ np.linalg.inv(C[np.ix_(~hidden, ~hidden)])
    return slope, C[np.ix_(hidden, hidden)] - slope @ C[np.ix_(~hidden, hidden)]


def fill(moments, x, shown, z=None):
    """Windows of which what is hidden was filled in: (sample, draw, number)."""
    values = moments.hidden_values(x, shown, None if z is None else z[..., ~shown])
    filled = x[:, None].repeat(values.shape[1], axis=1)
    filled[..., ~shown] = values
    return filled


HIDDEN = {
    "a lag": (5, slice(None)),
    "a feature at a lag": (5, 1),
    "a feature": (slice(None), 1),
    "older lags": (slice(0, 6), slice(None)),
    "the newest": (-1, slice(None)),
    "lags apart": ([1, 7], slice(None)),
}


def hide(name):
    hidden = np.zeros((STEPS, FEATURES), bool)
    hidden[HIDDEN[name]] = True
    return hidden.ravel()


@pytest.fixture(scope="module")
def long_run():
    # 40,000 steps of one series: seed of its own, for the module makes it once
    return band_moments(cut(var(np.random.default_rng(4), 40_000), STEPS, every=2))


@pytest.mark.parametrize("name", HIDDEN)
def test_given_the_steps_beside_it_a_var_process_has_its_full_conditional(long_run, rng, name):
    """With neighbours within one step shown, a VAR(1) process forgets all that lies beyond."""
    hidden, C = hide(name), full_covariance(A, STEPS)
    slope, left = conditional(C, hidden)
    x = rng.multivariate_normal(np.zeros(len(C)), C, size=50)
    mean = fill(long_run, x, ~hidden)[:, 0][:, hidden]
    # slopes learned from 20,000 windows are wrong by about 0.01 each
    np.testing.assert_allclose(mean, x[:, ~hidden] @ slope.T, atol=0.15)
    z = rng.standard_normal((50, 400, len(C)))
    drawn = fill(long_run, x, ~hidden, z)
    missed = (drawn[..., hidden] - mean[:, None]).reshape(-1, hidden.sum())
    np.testing.assert_allclose(np.cov(missed.T), np.atleast_2d(left), atol=0.12)
    np.testing.assert_array_equal(drawn[:, 7][:, ~hidden], x[:, ~hidden])


@pytest.mark.parametrize("name", HIDDEN)
def test_means_and_draws_are_those_of_the_dense_formula(rng, name):
    """The chain of blocks, against the covariance that its own precision says, inverted whole."""
    moments = band_moments(cut(var(rng, 90), STEPS))
    hidden, scale = hide(name), moments.deviation
    C = np.linalg.inv(moments.precision.toarray()) * np.outer(scale, scale)
    slope, left = conditional(C, hidden)
    x = rng.normal(size=(4, len(C)))
    mean = fill(moments, x, ~hidden)[:, 0][:, hidden]
    away = (x - moments.mean)[:, ~hidden]
    np.testing.assert_allclose(mean, moments.mean[hidden] + away @ slope.T, atol=1e-9)
    # draws are linear in the normal numbers: a unit vector each gives the root of the covariance
    z = np.zeros((1, hidden.sum(), len(C)))
    z[0, :, hidden] = np.eye(hidden.sum())
    root = fill(moments, x[:1], ~hidden, z)[0][:, hidden] - mean[:1]
    np.testing.assert_allclose(root.T @ root, left, atol=1e-9)


def test_within_the_band_the_covariances_are_those_of_the_data(rng):
    """Two features, no shrinking to speak of: neighbours vary together as they did."""
    x = cut(var(rng, 3000, np.array([[0.9, 0.1], [0.0, 0.9]])), 8)
    moments = band_moments(x)
    C = np.linalg.inv(moments.precision.toarray())
    R = np.corrcoef(x.reshape(len(x), -1).T)
    within = (np.abs(np.subtract.outer(np.arange(16) // 2, np.arange(16) // 2))) <= moments.band
    # the ridge takes off at most its own share
    assert max(moments.shrinking.ridge) < 0.01
    np.testing.assert_allclose(C[within], R[within], atol=0.011)


def test_shrinking_takes_its_share_off_correlations_and_leaves_variances(rng):
    R = np.corrcoef(rng.normal(size=(6, 40)))  # two steps of three features
    ridge = (0.2, 0.01, 1.0)
    shrunk = Shrinking(0.7, ridge).of(R)
    for i in range(6):
        for j in range(6):
            kept = np.sqrt((1 - ridge[i % 3]) * (1 - ridge[j % 3]))
            share = 1.0 if i == j else kept * (1.0 if i % 3 == j % 3 else 0.3)
            assert shrunk[i, j] == pytest.approx(share * R[i, j], rel=1e-12)
    more = Shrinking(0.0, ridge).more(0.3, 0.5)
    assert more.towards_own == 0.3
    assert more.ridge == pytest.approx((0.6, 0.505, 1.0))


def test_with_few_windows_and_many_features_that_have_nothing_in_common_they_are_kept_apart(rng):
    x = cut(var(rng, 160, 0.8 * np.eye(12)), 60)
    moments = band_moments(x)
    assert moments.shrinking.towards_own == 1.0
    assert "those between features by 1" in moments.shrunk


def test_a_longer_memory_takes_a_wider_band(rng):
    """y_t depends on y_t-3 alone: one step beside it says nothing of it."""
    y = np.zeros(3000)
    for t in range(3, len(y)):
        y[t] = 0.9 * y[t - 3] + rng.normal()
    moments = band_moments(cut(y[200:, None], 30))
    assert moments.band >= 3
    assert moments.given == f"the {moments.band} steps on either side"


def test_constants_take_no_windows_and_stay_as_they_are(rng):
    x = cut(var(rng, 300), 20)
    padded = np.full((len(x), 20, 40), 0.1)
    padded[..., [3, 17, 30]] = x
    padded[:, :5, 30] = 4.0  # and one is constant at some steps
    moments = band_moments(padded)
    assert len(moments.places) == 60
    z = rng.standard_normal((len(x), 2, 800))
    drawn = fill(moments, padded.reshape(len(x), -1), np.zeros(800, bool), z)
    drawn = drawn.reshape(len(x), 2, 20, 40)
    fixed = np.ones((20, 40), bool)
    fixed[:, [3, 17, 30]] = False
    fixed[:5, 30] = True
    np.testing.assert_array_equal(drawn[:, :, fixed], padded[:, None, fixed].repeat(2, axis=1))
    assert np.isfinite(drawn).all()


def test_what_is_constant_in_one_half_of_the_windows_breaks_nothing_else(rng):
    """Snow falls in the newer half alone; the band of the rest is as narrow in its draws."""
    rest = cut(var(rng, 600, np.array([[0.9]])), 40)
    snow = cut(np.concatenate([np.zeros(320), rng.exponential(size=280)])[:, None], 40)
    both = band_moments(np.concatenate([rest, snow], axis=2))
    assert np.isfinite(both.precision.toarray()).all()
    alone = band_moments(rest)
    hidden = np.zeros((40, 2), bool)
    hidden[20, 0] = True
    x = np.concatenate([rest, snow], axis=2).reshape(len(rest), -1)
    mean = fill(both, x, ~hidden.ravel())[:, 0, 40]
    wanted = fill(alone, rest.reshape(len(rest), -1), ~hidden[:, 0])[:, 0, 20]
    assert np.std(mean - wanted) < 0.1 * np.std(wanted)


def test_a_conditional_baseline_of_a_long_window_says_what_it_is_given(rng):
    x = cut(var(rng, 300), 120)
    given = gaussian_conditional(x)
    assert "given the step on either side (conditional mean; covariance of 181" in given.text
    shown = np.ones((1, 120), bool)
    shown[0, 60] = False
    found = given.stand_in(x, shown)[:, 0, 0]
    slope, _ = conditional(full_covariance(A, 3), np.repeat([False, True, False], 3))
    wanted = x[:, [59, 61]].reshape(len(x), -1) @ slope.T
    # learned from 181 windows that overlap
    assert np.corrcoef(found[:, 60].ravel(), wanted.ravel())[0, 1] > 0.95


def test_too_few_windows_and_too_many_features_are_refused(rng):
    with pytest.raises(DataError, match="needs at least 20 windows, but 12 came"):
        band_moments(rng.normal(size=(12, 9, 4)))
    with pytest.raises(DataError, match="up to 600 features that change, but 700 came"):
        band_moments(rng.normal(size=(30, 2, 700)))


@pytest.mark.parametrize("band", [0, 1, 3])
def test_the_loss_of_windows_left_out_is_the_likelihood_of_the_oldest_step_given_the_next(
    band, rng
):
    x = cut(var(rng, 400), 4)
    z = ((x - x.mean(axis=0)) / x.std(axis=0)).reshape(len(x), -1)
    learned, left_out = z[:300], z[300:]
    shrinking = Shrinking(0.3, (0.1, 0.01, 0.2))
    size = (band + 1) * FEATURES
    fold = _Fold(learned.T @ learned / 300, left_out.T @ left_out, len(left_out), FEATURES)
    R = shrinking.of(fold.learned[:size, :size])
    slope, left = conditional(R, np.arange(size) < FEATURES)
    missed = left_out[:, :FEATURES] - left_out[:, FEATURES:size] @ slope.T
    far = np.einsum("sf,fg,sg->", missed, np.linalg.inv(left), missed)
    found = fold.of_band(band).loss(*shrinking.shares(size))
    assert found == pytest.approx(len(left_out) * np.linalg.slogdet(left)[1] + far)


def test_correlations_that_no_windows_can_have_are_no_likelihood():
    R = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert _Fold(R, np.eye(2), 1, 1).loss(np.ones((2, 2)), np.zeros(2)) == np.inf


def test_windows_are_filled_in_as_each_is_alone(rng):
    """However many stand beside it, and whatever number of them is solved for at once."""
    x = cut(var(rng, 400), STEPS)
    x[..., 2] = np.where(np.arange(STEPS) < 4, 1.0, x[..., 2])  # numbers that never change
    moments, draws = band_moments(x), 3
    flat, hidden = x.reshape(len(x), -1), np.zeros((STEPS, FEATURES), bool)
    hidden[1:6] = True
    z = rng.normal(size=(len(x), draws, int(hidden.sum())))
    assert len(x) * draws > 2 * ROWS
    together = moments.hidden_values(flat, ~hidden.ravel(), z)
    for some in (slice(0, 1), slice(170, 175), slice(len(x) - 1, None)):
        own = moments.hidden_values(flat[some], ~hidden.ravel(), z[some])
        np.testing.assert_allclose(together[some], own, rtol=0, atol=1e-12)
    still = hidden.copy()
    still[:, :2] = still[4:] = False
    np.testing.assert_array_equal(together[..., still[hidden]], 1.0)
