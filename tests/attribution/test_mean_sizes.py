"""Shares in single precision: by how much they may be off, and where they are not."""

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.attribution import default, mean_sizes
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.errors import NotAdditive

MANY = 10**9
WINDOWS, STEPS, FEATURES = 300, 20, 4


@pytest.fixture
def network(rng):
    return forecaster("lstm", rng, steps=STEPS, features=FEATURES)


@pytest.fixture
def X(rng):
    return rng.normal(size=(WINDOWS, STEPS, FEATURES))


def question(network, X):
    return Question(
        network=network,
        inputs={"x": X},
        of="x",
        target=ResolvedTarget((0,)),
        baseline=make_baseline("mean", X),
    )


def lags(network, X, **shares):
    asked = rnnlens.Shares(**shares)
    return rnnlens.lags(network, X, target=0, certificates=None, test=None, shares=asked)


@pytest.mark.parametrize("method", ["auto", "secant"])
def test_shares_are_those_of_double_precision_to_a_thousandth_of_their_error(
    network, X, method, monkeypatch
):
    monkeypatch.setattr(mean_sizes, "FELT", 0)
    rough = lags(network, X, method=method)
    assert rough.attrs["shares_precision"] == "float32"
    assert 0 < rough.attrs["shares_rounding"] <= mean_sizes.ENOUGH
    enough = mean_sizes.ENOUGH
    monkeypatch.setattr(mean_sizes, "ENOUGH", -1.0)
    own = lags(network, X, method=method)
    assert "shares_precision" not in own.attrs
    assert rough.attrs["method"] == own.attrs["method"]
    contribution = rnnlens.explain(network, X, target=0, method="secant").contribution
    error = np.abs(contribution.sum("feature")).std("sample", ddof=1).values / np.sqrt(WINDOWS)
    away = np.abs(rough.mean_size - own.mean_size).values
    assert (away <= enough * error).all()
    assert away.max() > 0
    np.testing.assert_allclose(rough.share, own.share, rtol=0, atol=1e-6)


def test_what_is_off_is_measured_on_sums_over_lags_and_features_and_on_each_number(network, X):
    asked = question(network, X)
    rough, off = mean_sizes.enough_for_sizes(asked, secant, MANY)
    assert rough.x.dtype == np.float32
    own, single = secant(asked), secant(rough)
    allowed = []
    for axes in ((), (1,), (2,)):
        sizes = [np.abs(one.contribution.sum(axis=axes, dtype=float)) for one in (own, single)]
        error = sizes[0].std(axis=0, ddof=1) / np.sqrt(WINDOWS)
        allowed.append((np.abs(sizes[1] - sizes[0]).mean(axis=0) / error).max())
    # on some of the windows, and on all
    assert off == pytest.approx(max(allowed), rel=0.5)


def test_few_windows_little_work_and_single_precision_are_left_as_they_are(network, X):
    assert mean_sizes.enough_for_sizes(question(network, X[:255]), secant, MANY) is None
    assert (
        mean_sizes.enough_for_sizes(question(network, X.astype(np.float32)), secant, MANY) is None
    )
    assert mean_sizes.enough_for_sizes(question(network, X), secant, 10**5) is None
    assert mean_sizes.enough_for_sizes(question(network, X), secant, 10**6) is not None


def test_numbers_that_single_precision_cannot_hold_stay_in_double(network, X):
    X[:, :, 1] *= 1e60
    assert mean_sizes.enough_for_sizes(question(network, X), secant, MANY) is None


def test_what_does_not_sum_in_single_precision_is_explained_in_double(network, X, monkeypatch):
    """The sample may sum where some other window does not."""
    monkeypatch.setattr(mean_sizes, "FELT", 0)

    def not_summing(asked, **options):
        if asked.x.dtype == np.float32 and asked.windows == WINDOWS:
            raise NotAdditive("made in a test")
        return secant(asked, **options)

    monkeypatch.setattr(default, "secant", not_summing)
    found = lags(network, X)
    assert "shares_precision" not in found.attrs
    assert found.attrs["max_residual"] < 1e-12


def test_explanations_stay_in_the_precision_that_they_are_asked_in(network, X):
    found = rnnlens.explain(network, X, target=0, baseline="mean")
    assert found.contribution.dtype == np.float64
    assert "shares_precision" not in found.attrs


def test_what_moves_nothing_needs_no_digits():
    own = np.abs(np.random.default_rng(0).normal(size=(64, 3))) * [1.0, 1e-12, 0.0]
    rough = own * [1.0, 2.0, 1.0]
    assert mean_sizes._largest(own, rough, 1000) <= 1e-5
    rough = own * [1.001, 1.0, 1.0]
    error = own[:, 0].std(ddof=1) / np.sqrt(1000)
    assert mean_sizes._largest(own, rough, 1000) == pytest.approx(1e-3 * own[:, 0].mean() / error)
