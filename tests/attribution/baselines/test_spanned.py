"""The covariance in the span of the windows equals the same covariance written down."""

import subprocess
import sys

import numpy as np
import pytest

from rnnlens.attribution.baselines import conditional
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.attribution.baselines.covariance import WindowMoments, shrinkage
from rnnlens.attribution.baselines.spanned import spanned_moments


@pytest.fixture
def data(rng):
    data = rng.normal(size=(25, 10, 4)).cumsum(axis=1)
    data[:, 3, 2] = 7.0  # a number that never changes
    return data


def written_down(made, data):
    """The naive twin: the shrunk covariance as a table of all numbers."""
    flat = data.reshape(len(data), -1)
    varying = np.flatnonzero(np.ptp(flat, axis=0) > 0)
    z = (flat - flat.mean(axis=0))[:, varying] / flat.std(axis=0)[varying]
    s = made.shrinkage
    R = (1 - s) * z.T @ z / len(z) + s * np.eye(len(varying))
    spread = flat.std(axis=0)[varying]
    return WindowMoments(flat.mean(axis=0), varying, R * np.outer(spread, spread), s)


@pytest.mark.parametrize("part", ["one number", "one step", "most", "all"])
def test_means_and_covariances_are_those_of_the_whole_table(part, data, rng):
    made = spanned_moments(data)
    twin = written_down(made, data)
    shown = np.ones((10, 4), bool)
    shown[{"one number": (5, 1), "one step": (5,), "most": slice(1, 9), "all": ...}[part]] = False
    shown = shown.ravel()
    x = rng.normal(size=(3, 40))
    mean = made.hidden_values(x, shown, None)
    # both solve systems whose condition is at most about 1e3 / shrinkage
    np.testing.assert_allclose(mean, twin.hidden_values(x, shown, None), rtol=0, atol=1e-9)
    hidden = int((~shown).sum())
    unit = np.eye(hidden)[None].repeat(3, axis=0)
    roots = [one.hidden_values(x, shown, unit) - mean for one in (made, twin)]
    # of either root of the covariance that is left, the products alone are comparable
    own, other = (root[0].T @ root[0] for root in roots)
    np.testing.assert_allclose(own, other, rtol=0, atol=1e-9)


def test_it_is_shrunk_as_a_table_is(data):
    flat = data.reshape(len(data), -1)
    varying = np.ptp(flat, axis=0) > 0
    z = ((flat - flat.mean(axis=0)) / np.where(varying, flat.std(axis=0), 1.0))[:, varying]
    parts = np.array_split(z, 3)
    by_table = shrinkage(np.stack([p.T @ p for p in parts]), [len(p) for p in parts])
    assert spanned_moments(data).shrinkage == by_table


def test_a_baseline_takes_it_where_neighbouring_steps_are_too_many(data, monkeypatch):
    assert "in the span" not in gaussian_conditional(data).text
    monkeypatch.setattr(conditional, "MOST_ENTRIES", 100)
    monkeypatch.setattr(conditional, "_LEARNED", type(conditional._LEARNED)())
    assert "in the span of 25 windows" in gaussian_conditional(data, draws=2).text


def test_windows_of_a_hundred_thousand_numbers_take_little_memory():
    program = (
        "import resource, numpy as np\n"
        "from rnnlens.evidence.statistics.samplers import gaussian_sampler\n"
        "x = np.random.default_rng(0).normal(size=(24, 597, 208))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "hidden = np.zeros((597, 208), bool); hidden[300] = True\n"
        "made = gaussian_sampler(x)\n"
        "made.draw(x, hidden, 1, np.random.default_rng(1))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    # the windows are 24 MB: they, their standardised copy, and the draws, some times over
    assert int(done.stdout) * unit < 300e6
