"""Shares sum to one, and their intervals hold what they say."""

import numpy as np
import pytest

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
