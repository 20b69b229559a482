"""Every activation: derivative against differences, multipliers against changes."""

import numpy as np
import pytest

from rnnlens.engine.activations import derivative, pull, value
from rnnlens.network.activations import ACTIVATIONS, AXIS_WISE, Activation

UNARY = sorted(set(ACTIVATIONS) - AXIS_WISE)
VARIANTS = [Activation(name) for name in UNARY] + [
    Activation("relu", {"max_value": 2.0, "negative_slope": 0.1, "threshold": 0.5}),
    Activation("hard_sigmoid", {"slope": 0.2}),
    Activation("gelu", {"approximate": 1}),
    Activation("elu", {"alpha": 0.7}),
    Activation("celu", {"alpha": 1.7}),
    Activation("threshold", {"threshold": 0.3, "value": -2.0}),
    Activation("squareplus", {"b": 1.5}),
]


@pytest.mark.parametrize("phi", VARIANTS, ids=str)
def test_derivatives_equal_central_differences_away_from_corners(phi, rng):
    # Random points fall within 1e-5 of a corner with probability below 1e-3; the seed has none.
    a = rng.normal(size=400) * 2.5
    e = 1e-6
    difference = (value(phi, a + e) - value(phi, a - e)) / (2 * e)
    # central differences: rounding 1e-16 / 1e-6, and e^2 times a third derivative below 100
    np.testing.assert_allclose(derivative(phi, a), difference, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("phi", VARIANTS, ids=str)
def test_multiplier_times_change_is_the_change_of_the_value(phi, rng):
    a, a0 = rng.normal(size=(2, 500)) * 3
    m = rng.normal(size=500)
    a0[:50] = a[:50] + rng.normal(size=50) * 1e-9
    a0[50:60] = a[50:60]
    size = np.maximum(np.abs(value(phi, a)), np.abs(value(phi, a0)))
    change = m * (value(phi, a) - value(phi, a0))
    carried = pull(phi, a, a0, m) * (a - a0)
    # the change itself is a difference of two values, each wrong by a few 1e-16 of its terms
    rounding = 1e-15 * np.abs(m) * (size + np.abs(a))
    assert (np.abs(carried - change) <= 1e-12 * np.abs(change) + rounding).all()


@pytest.mark.parametrize("name", sorted(AXIS_WISE))
def test_axis_wise_multipliers_sum_to_the_change_of_the_value(name, rng):
    phi = Activation(name)
    for scale in (0.1, 1.0, 30.0, 400.0):
        a, a0 = rng.normal(size=(2, 40, 6)) * scale
        m = rng.normal(size=value(phi, a).shape)
        change = (m * (value(phi, a) - value(phi, a0))).sum(axis=-1)
        carried = (pull(phi, a, a0, m) * (a - a0)).sum(axis=-1)
        np.testing.assert_allclose(carried, change, rtol=1e-11, atol=1e-12 * scale)


@pytest.mark.parametrize("name", sorted(AXIS_WISE))
def test_axis_wise_derivatives_equal_central_differences(name, rng):
    phi = Activation(name)
    a = rng.normal(size=(3, 4))
    m = rng.normal(size=value(phi, a).shape)
    e = 1e-6
    for k in range(4):
        up, down = a.copy(), a.copy()
        up[:, k] += e
        down[:, k] -= e
        difference = (m * (value(phi, up) - value(phi, down))).sum(axis=-1) / (2 * e)
        np.testing.assert_allclose(pull(phi, a, a, m)[:, k], difference, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["softmax", "sparsemax"])
def test_probabilities_sum_to_one_at_any_scale(name):
    # Numbers of its own: softmax exponentiates a - log(sum(exp(a))), whose rounding is relative to
    # the size of a, so that of most numbers of this size the last two digits are lost.
    rng = np.random.default_rng(2)
    for scale in (1e-3, 1.0, 700.0):
        p = value(Activation(name), rng.normal(size=(20, 7)) * scale)
        np.testing.assert_allclose(p.sum(axis=-1), 1.0, rtol=0, atol=1e-14)
        assert (p >= 0).all()
