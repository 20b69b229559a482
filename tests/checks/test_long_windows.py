"""Checks of long windows look at a part, evenly placed, and say at which.

Single precision is taken where it is off by a thousandth of what is to be told: figures agree to a
few times that, 0.005 of themselves.
"""

from dataclasses import replace

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.checks import faithfulness, trust
from rnnlens.checks.attributions import ATTRIBUTIONS
from rnnlens.checks.hidden import contributions_resolving
from rnnlens.checks.stability import stability
from rnnlens.checks.trust import Ends
from rnnlens.engine.forward import entries

SECANT = ATTRIBUTIONS["secant"]


def test_curves_of_long_windows_have_half_the_points_evenly_placed():
    short, long = faithfulness._grid(240), faithfulness._grid(600)
    assert len(long) < len(short) and long[0] == 0 and long[-1] == 600
    np.testing.assert_array_equal(long, 600 - long[::-1])  # the same from either end
    assert np.diff(long).max() == 50 and 120 in long


def asked(rng, steps=20, precision="float64"):
    network, x = forecaster("lstm", rng, steps=steps), rng.normal(size=(6, steps, 3))
    inputs = entries(network, x, precision)
    return question(network, inputs, ResolvedTarget((0,)), make_baseline("mean", x))


def test_noise_far_above_rounding_is_told_in_single_precision_and_alike(rng):
    given = asked(rng)
    single = replace(given, inputs={k: v.astype(np.float32) for k, v in given.inputs.items()})
    own, ends = SECANT(given), Ends(rng.normal(size=6), np.zeros(6))
    taken, rough = contributions_resolving(single, SECANT, given, own, part=0.02)
    assert taken is single and rough.dtype == np.float32
    exact, near = (stability(q, SECANT, c, ends) for q, c in ((given, own), (taken, rough)))
    np.testing.assert_allclose(near.sensitivity, exact.sensitivity, rtol=0.005)


def test_noise_as_small_as_rounding_is_told_in_double_precision(rng):
    given = asked(rng)
    single = replace(given, inputs={k: v.astype(np.float32) for k, v in given.inputs.items()})
    own = SECANT(given)
    taken, kept = contributions_resolving(single, SECANT, given, own, part=1e-6)
    assert taken is given and kept is own


@pytest.mark.parametrize("long", [True, False])
def test_of_long_windows_a_few_evenly_taken_are_witnesses(rng, monkeypatch, long):
    monkeypatch.setattr(trust, "LONG", 10 if long else 100)
    network, x = forecaster("gru", rng, steps=12), rng.normal(size=(20, 12, 3))
    page = rnnlens.trust(network, x, target=0)
    assert int(page.audited) == (trust.WITNESSED if long else 16)
    assert np.isfinite(page.agreement).all() and np.isfinite(page.randomised).all()
    assert 0 < float(page.sensitivity) < 1


def test_ends_of_windows_are_compared_with_those_of_the_witnesses(rng):
    given = asked(rng, steps=8)
    few = np.array([0, 3, 5])
    own = SECANT(given).sum(axis=2)
    found = trust.crowding(given, own, own[few], few)
    alone = trust.crowding(given.part(few), own[few], own[few], np.arange(3))
    assert found.newest_occlusion == alone.newest_occlusion
    assert found.oldest_occlusion == alone.oldest_occlusion
