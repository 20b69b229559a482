"""The tests err as often as they say, over simulated sets whose true changes are known.

An exactly linear network forecasts from an autoregression; its errors are autocorrelated. Replacing
lags S changes the mean squared error by twice ``b_S' C b_S``, with b the coefficients and C the
covariance that the other lags leave. The full-length simulations are in
``benchmarks/lag_statistics``.
"""

from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import pytest
from scipy.linalg import toeplitz

from linear_networks import ar, cut_windows, linear_network
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.equivalence import equivalence
from rnnlens.evidence.statistics.horizon import horizon
from rnnlens.evidence.statistics.losses import Losses
from rnnlens.evidence.statistics.parts import lag_parts
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.samplers import gaussian_sampler

RHO, SETS, WINDOWS, ALPHA = 0.5, 500, 300, 0.05
#: Coefficients of lags 1 to 4.
B = np.array([0.5, 0.3, 0.25, 0.1])
#: Three standard errors of a share of 5 % among so many sets.
CHANCE = 3 * sqrt(ALPHA * (1 - ALPHA) / SETS)


def true_change(lags):
    """Of the mean squared error, where these lags are replaced together."""
    C = toeplitz(RHO ** np.arange(4)) / (1 - RHO**2)
    S = np.array(lags) - 1
    A = np.setdiff1d(np.arange(4), S)
    left = C[np.ix_(S, S)] - C[np.ix_(S, A)] @ np.linalg.solve(C[np.ix_(A, A)], C[np.ix_(A, S)])
    return 2 * B[S] @ left @ B[S]


@dataclass
class Found:
    """p-values and claims, one a set."""

    at_margin: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    in_vain: list[float] = field(default_factory=list)
    in_use: list[float] = field(default_factory=list)
    looks_back: list[int] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)


@pytest.fixture(scope="module")
def found():
    """Run all sets once; each test looks at one thing."""
    found, network = Found(), linear_network(B[:, None])
    second, third = lag_parts((4, 1), lags=[2, 3])
    for seed in range(SETS):
        rng = np.random.default_rng(seed)
        x = cut_windows(ar(WINDOWS + 4, RHO, rng), 4)
        y = x[:, ::-1, 0] @ B + ar(WINDOWS, 0.4, rng)
        target, inputs = ResolvedTarget((0,)), entries(network, x)
        windows = Replacement(Question(network=network, inputs=inputs, of="x", target=target))
        others = cut_windows(ar(4 * WINDOWS, RHO, np.random.default_rng([seed, 1])), 4)
        sampler = gaussian_sampler(x, background=others)
        losses = Losses(windows, sampler, y, draws=2, seed=seed)
        edge = true_change([2])
        one = equivalence(losses, [second], Criterion(margin=edge))
        found.at_margin.append(one.p_equivalent[0])
        found.in_use.append(one.p_used[0])
        found.covered.append(one.change_low[0] <= edge <= one.change_high[0])
        found.inside.append(
            equivalence(losses, [second], Criterion(margin=3 * edge)).p_equivalent[0]
        )
        # without its part of the actuals, lag 3 is used for nothing: its true change is zero
        vain = Losses(windows, sampler, y - B[2] * x[:, 1, 0], draws=2, seed=seed)
        found.in_vain.append(equivalence(vain, [third]).p_used[0])
        found.looks_back.append(horizon(losses, Criterion(margin=true_change([3, 4]))).looks_back)
    return found


def share(p):
    return np.mean(np.array(p) <= ALPHA)


def test_equivalence_is_claimed_at_the_margin_no_more_often_than_alpha(found):
    assert share(found.at_margin) <= ALPHA + CHANCE


def test_equivalence_is_claimed_inside_the_margin(found):
    """The first test has power: a change of a third of the margin is mostly cleared."""
    assert share(found.inside) > 0.9


def test_use_is_claimed_of_a_lag_without_effect_no_more_often_than_alpha(found):
    assert share(found.in_vain) <= ALPHA + CHANCE
    assert share(found.in_use) > 0.9


def test_the_interval_holds_the_true_change_as_often_as_it_says(found):
    assert abs(np.mean(found.covered) - 0.9) <= 3 * sqrt(0.9 * 0.1 / SETS)


def test_a_wrong_horizon_is_claimed_no_more_often_than_alpha(found):
    """Lags 3 and 4 together change as much as the margin: looking back less than 3 is wrong."""
    looks_back = np.array(found.looks_back)
    assert np.mean(looks_back < 3) <= ALPHA + CHANCE
    assert np.mean(looks_back == 3) > 0.5  # and lag 4 alone, inside the margin, is mostly cleared
