"""Means of dependent series: errors by three routes, each against its formula spelt out."""

import math

import numpy as np
import pytest
from scipy import stats

from linear_networks import ar
from naive_rests import hall, skewness_of_the_mean
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.statistics import dependent_mean
from rnnlens.evidence.statistics.dependent_mean import (
    ERRORS,
    BootstrapMean,
    StudentMean,
    dependent_means,
)
from rnnlens.evidence.statistics.multiplicity import adjusted


def naive_cosine(d, v):
    """The mean square of v weighted sums with cosine weights, by the number of windows."""
    n = len(d)
    total = 0.0
    for j in range(1, v + 1):
        weights = [math.sqrt(2 / n) * math.cos(math.pi * j * (t + 0.5) / n) for t in range(n)]
        total += sum(w * value for w, value in zip(weights, d, strict=True)) ** 2
    return math.sqrt(total / v / n)


def naive_newey_west(d, lags):
    n, away = len(d), [value - sum(d) / len(d) for value in d]
    total = sum(a * a for a in away)
    for k in range(1, lags + 1):
        total += 2 * (1 - k / (lags + 1)) * sum(away[t] * away[t - k] for t in range(k, n))
    return math.sqrt(total / n / n * n / (n - 1))


def test_the_cosine_error_is_its_formula(rng):
    d = ar(120, 0.5, rng)
    mean = dependent_means(d[:, None])[0][0]
    v = int(0.4 * 120 ** (2 / 3))
    assert mean.freedom == v == 9
    assert mean.error == pytest.approx(naive_cosine(d, v), rel=1e-12)
    skewness = 1.75 * skewness_of_the_mean(d.tolist(), 4)
    assert mean.skewness == pytest.approx(skewness, rel=1e-9)
    for value in (-0.4, 0.1, 0.5):
        t = (d.mean() - value) / mean.error
        above = max(stats.t.sf(t, v), stats.t.sf(hall(t, skewness), v))
        below = max(stats.t.cdf(t, v), stats.t.cdf(hall(t, skewness), v))
        assert mean.above(value) == pytest.approx(above, rel=1e-9)
        assert mean.below(value) == pytest.approx(below, rel=1e-9)


def test_the_newey_west_error_is_its_formula(rng):
    d = ar(120, 0.5, rng)
    mean = dependent_means(d[:, None], how="newey-west", block_length=7)[0][0]
    assert mean.error == pytest.approx(naive_newey_west(d.tolist(), 7), rel=1e-12)
    assert mean.freedom == 119


def test_all_three_errors_agree_with_the_known_one(rng):
    """The mean of an AR(1) has variance 1 / (1 - rho)^2 / n, nearly."""
    d = ar(20_000, 0.6, rng)
    known = 1 / 0.4 / math.sqrt(20_000)
    for how in ERRORS:
        error = dependent_means(d[:, None], how=how)[0][0].error
        # 294 degrees of freedom leave 4 % of error, the other two are of the same order
        assert error == pytest.approx(known, rel=0.15), how


@pytest.mark.parametrize("how", list(ERRORS))
def test_equivalence_at_alpha_is_the_interval_at_1_minus_2_alpha_within_the_margin(rng, how):
    d = ar(300, 0.4, rng) * 0.3
    mean = dependent_means(d[:, None], how=how)[0][0]
    low, high = mean.interval(0.9)
    edge = max(abs(low), abs(high))
    assert mean.within(1.02 * edge) <= 0.05 < mean.within(0.98 * edge)


@pytest.mark.parametrize("skewness", [-0.9, -1e-9, 0.0, 1e-7, 0.3, 1.2])
def test_the_interval_ends_where_the_corrected_test_begins_to_reject(skewness):
    mean = StudentMean(2.0, 0.5, 9, skewness)
    low, high = mean.interval(0.9)
    # 1e-6 of the error is far above rounding, and far below what a wrong end would be off by
    assert mean.above(low - 5e-7) <= 0.05 <= mean.above(low + 5e-7)
    assert mean.below(high + 5e-7) <= 0.05 <= mean.below(high - 5e-7)
    plain = stats.t.ppf(0.95, 9) * 0.5
    assert low <= 2 - plain + 1e-12
    assert high >= 2 + plain - 1e-12


def test_slow_dependence_leaves_the_slowest_cosines_alone(rng):
    d = rng.normal(size=(1000, 2))
    means, text = dependent_means(d, lengths=[1.0, 4.5])
    assert [mean.freedom for mean in means] == [39, 8]
    assert text.endswith("8 to 39 degrees of freedom")
    assert means[1].error == pytest.approx(naive_cosine(d[:, 1], 8), rel=1e-9)
    wanted = 1.75 * skewness_of_the_mean(d[:, 1].tolist(), 9)
    assert means[1].skewness == pytest.approx(wanted, rel=1e-9)


def test_a_bootstrap_p_value_counts_the_series_itself():
    mean = BootstrapMean(2.0, 1.0, np.array([-1.0, 0.0, 1.0, 2.0]))
    assert mean.above(0.0) == pytest.approx(2 / 5)
    assert mean.above(9.0) == 1.0
    assert mean.below(0.0) == 1.0
    assert mean.above(-9.0) == pytest.approx(1 / 5)


def test_a_series_that_never_changes_has_no_error_and_its_place_is_certain():
    for how in ("cosine", "newey-west"):
        mean = dependent_means(np.full((64, 1), 0.1), how=how)[0][0]
        assert mean.error == 0.0
        assert mean.within(0.2) == 0.0
        assert mean.within(0.1) == 1.0


def test_the_size_of_the_one_sided_test_is_kept_under_autocorrelation():
    """Diebold-Mariano under AR errors: 400 series of 500 with correlation 0.5; the default keeps
    5 % within three standard errors of the simulation, a test that takes windows as independent
    does not come near."""
    rng = np.random.default_rng(0)
    series = np.column_stack([ar(500, 0.5, rng) for _ in range(400)])
    means = dependent_means(series)[0]
    error = math.sqrt(0.05 * 0.95 / 400)
    assert np.mean([mean.above(0.0) <= 0.05 for mean in means]) <= 0.05 + 3 * error
    naive = stats.ttest_1samp(series, 0.0, alternative="greater").pvalue
    assert np.mean(naive <= 0.05) > 0.05 + 3 * error


@pytest.mark.parametrize(
    ("windows", "options", "sentence"),
    [
        (31, {}, "this test needs at least 32 windows, but there are 31"),
        (
            79,
            {"block_length": 20},
            "blocks of 20 windows need at least 80 windows, but there are 79: give a longer series",
        ),
        (
            79,
            {"block_length": 20, "how": "bootstrap"},
            "blocks of 20 windows need at least 80 windows",
        ),
    ],
)
def test_too_few_windows_for_the_block_length_are_refused(windows, options, sentence):
    with pytest.raises(DataError, match=sentence):
        dependent_means(np.zeros((windows, 1)), **options)


def test_blocks_that_the_data_ask_for_are_held_against_their_number_too(monkeypatch):
    slow = np.linspace(0.0, 1.0, 60)[:, None] ** 2  # blocks of 11
    dependent_means(slow, how="bootstrap")
    monkeypatch.setattr(dependent_mean, "BLOCKS", 6)
    with pytest.raises(DataError, match="blocks of 11 windows need at least 66 windows"):
        dependent_means(slow, how="bootstrap")


def test_options_that_are_not_known_are_refused():
    with pytest.raises(InputError, match="one of cosine, newey-west, bootstrap, not 'iid'"):
        dependent_means(np.zeros((50, 1)), how="iid")
    with pytest.raises(InputError, match="block length must be 1 or more, but is 0"):
        dependent_means(np.zeros((50, 1)), block_length=0)
    with pytest.raises(InputError, match="correction must be one of holm, by, none"):
        adjusted(np.array([0.5]), "bonferroni")


def test_corrections_are_their_papers_formulas():
    p = np.array([0.04, 0.001, np.nan, 0.03, 0.2])
    order = [1, 3, 0, 4]  # rising
    holm, largest = {}, 0.0
    for rank, k in enumerate(order):
        largest = max(largest, min(1.0, (4 - rank) * p[k]))
        holm[k] = largest
    by, smallest = {}, 1.0
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    for rank in (4, 3, 2, 1):
        k = order[rank - 1]
        smallest = min(smallest, p[k] * 4 * harmonic / rank)
        by[k] = smallest
    for name, wanted in (("holm", holm), ("by", by)):
        found = adjusted(p, name)
        assert np.isnan(found[2])
        for k in order:
            assert found[k] == pytest.approx(wanted[k]), name
    np.testing.assert_array_equal(adjusted(p, "none"), p)
    assert np.isnan(adjusted(np.array([np.nan]), "holm")).all()


def test_corrections_are_those_of_statsmodels(rng):
    from statsmodels.stats.multitest import multipletests

    for p in (rng.random(30) ** 3, np.repeat([0.001, 0.02, 0.6], 4), np.zeros(3), np.ones(5)):
        for name, method in (("holm", "holm"), ("by", "fdr_by")):
            known = multipletests(p, method=method)[1]
            np.testing.assert_allclose(adjusted(p, name), known, rtol=1e-12)
