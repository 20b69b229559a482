"""Shares sum to one, and their intervals hold what they say."""

import numpy as np
import pytest
from scipy import stats

from naive_rests import dependence
from rnnlens.attribution.share import lag_share
from rnnlens.errors import DataError


def test_shares_sum_to_one_and_equal_mean_sizes_over_their_total(rng):
    c = rng.normal(size=(60, 5)) * [5, 3, 1, 0.2, 0.0]
    found = lag_share(c, draws=200)
    sizes = [sum(abs(c[n, k]) for n in range(60)) / 60 for k in range(5)]
    np.testing.assert_allclose(found.share, np.array(sizes) / sum(sizes), rtol=1e-13)
    assert abs(found.share.sum() - 1) < 1e-13
    assert (found.share_low <= found.share).all() and (found.share <= found.share_high).all()
    assert found.share[4] == found.share_low[4] == found.share_high[4] == 0


def test_the_interval_holds_the_true_share_about_as_often_as_it_says(rng):
    # sizes |N(0, s)| have mean s sqrt(2/pi): the true shares are s / sum(s); windows are AR(1)
    scale = np.array([4.0, 2.0, 1.0])
    truth = scale / scale.sum()
    hits = []
    for _ in range(100):
        e = rng.normal(size=(240, 3))
        for t in range(1, 240):
            e[t] = 0.7 * e[t - 1] + np.sqrt(1 - 0.49) * e[t]
        found = lag_share(e * scale, draws=200, seed=int(rng.integers(1 << 30)))
        hits.append((found.share_low <= truth) & (truth <= found.share_high))
    # 95 % nominal; a percentile bootstrap of dependent data is a little short, and 100 sets of 3
    # correlated hits leave an error of 0.03
    assert 0.84 < np.mean(hits) <= 1.0


def test_dependence_widens_the_interval(rng):
    e = rng.normal(size=(400, 2))
    smooth = e.copy()
    for t in range(1, 400):
        smooth[t] = 0.95 * smooth[t - 1] + np.sqrt(1 - 0.95**2) * e[t]
    independent, dependent = lag_share(e, draws=300), lag_share(smooth, draws=300)
    width = [float((f.share_high - f.share_low)[0]) for f in (independent, dependent)]
    assert dependent.block_length > 3 * independent.block_length
    assert width[1] > 1.5 * width[0]


def calm_and_wild(rng, count):
    """Sizes of two lags, one of which is calm for long and wild for long."""
    log = np.zeros(count + 100)
    for t in range(1, count + 100):
        log[t] = 0.9 * log[t - 1] + 0.3 * rng.normal()
    return np.abs(rng.normal(size=(count, 2))) * np.column_stack([
        np.exp(log[100:]),
        np.ones(count),
    ])


def test_calm_and_wild_times_widen_the_interval_to_what_slow_cosines_ask_for(rng):
    """The interval is that of its own seeds' bootstrap, or wider by one factor on the log odds."""
    c = calm_and_wild(rng, 200)
    found, shuffled = lag_share(c, draws=300), lag_share(rng.permutation(c), draws=300)
    assert (found.share_high - found.share_low)[0] > 1.5 * (
        shuffled.share_high - shuffled.share_low
    )[0]
    away = (c[:, 0] - found.share[0] * c.sum(axis=1)) / c.sum(axis=1).mean()
    length = max(dependence(c[:, 0].tolist()), dependence(np.abs(away).tolist()))
    count = max(4, int(min(0.4 * 200 ** (2 / 3), 200 / (10 * length))))
    slow = []
    for j in range(1, count + 1):
        wave = np.cos(np.pi * j * (np.arange(200) + 0.5) / 200) * np.sqrt(2 / 200)
        slow.append((wave @ away) ** 2)
    error = np.sqrt(np.mean(slow) / 200) / (found.share[0] * (1 - found.share[0]))
    odds = [np.log(end[0] / (1 - end[0])) for end in (found.share_low, found.share_high)]
    assert odds[1] - odds[0] == pytest.approx(2 * error * stats.t.ppf(0.975, count), rel=1e-9)


def test_windows_that_depend_for_too_long_are_said(rng):
    few, many = lag_share(calm_and_wild(rng, 60)), lag_share(calm_and_wild(rng, 6000))
    assert few.note.startswith("neighbouring windows depend on each other over about ")
    assert "so that 60 of them are too few" in few.note
    assert many.note == ""
    assert lag_share(rng.normal(size=(60, 2))).note == ""


def test_the_seed_repeats_the_interval(rng):
    c = rng.normal(size=(30, 3))
    first, again, other = (lag_share(c, draws=100, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.share_low, again.share_low)
    assert (first.share_low != other.share_low).any()


@pytest.mark.parametrize(
    ("c", "options", "sentence"),
    [
        (np.ones((9, 3)), {}, "at least 10 windows, but there are 9"),
        (np.zeros((20, 3)), {}, "no lag contributes anything"),
        (np.ones((20, 3)), {"confidence": 95}, "between 0 and 1, but is 95"),
    ],
)
def test_what_cannot_have_an_interval_is_refused(c, options, sentence):
    with pytest.raises(DataError, match=sentence):
        lag_share(c, **options)
