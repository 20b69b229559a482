"""Bands around activations hold the function and are as narrow as their slope allows."""

import mpmath
import numpy as np
import pytest

from rnnlens.engine.activations import value
from rnnlens.errors import UnsupportedModel
from rnnlens.evidence.proof.zonotope.functions import activation_code, enclose_each
from rnnlens.network.activations import Activation

SERVED = [
    Activation("linear"),
    Activation("sigmoid"),
    Activation("tanh"),
    Activation("relu"),
    Activation("relu", {"negative_slope": 0.1, "max_value": 1.5}),
    Activation("hard_sigmoid", {"slope": 0.2}),
    Activation("hard_sigmoid", {"slope": 1 / 6}),
    Activation("hard_tanh"),
]


def bands(activation, a, radius):
    kind, p = activation_code(activation, "dense")
    found = np.empty((len(a), 5))
    enclose_each(kind, p, a, radius, found)
    return found.T


def ranges(rng, count=600):
    """Ranges of every width, near the bends and far from them."""
    a = rng.normal(size=count) * rng.choice([0.1, 1.0, 5.0, 30.0], size=count)
    return a, 10 ** rng.uniform(-10, 1.5, size=count)


@pytest.mark.parametrize("activation", SERVED, ids=str)
def test_a_band_holds_the_function_and_touches_it(rng, activation):
    a, radius = ranges(rng)
    slope, middle, off, low, high = bands(activation, a, radius)
    share = np.linspace(-1, 1, 20_001)
    x = a[:, None] + radius[:, None] * share
    y = value(activation, x)
    around = y - slope[:, None] * (x - a[:, None]) - middle[:, None]
    rounding = 4e-16 * (1 + np.abs(y).max(axis=1) + np.abs(x).max(axis=1))
    above, below = around.max(axis=1), around.min(axis=1)
    assert (above <= off + rounding).all()
    assert (-below <= off + rounding).all()
    # exact: both edges are touched, up to the grid and the padding for rounding
    # (a corner lies up to half a step of the grid beside it)
    slack = 2e-4 * off + 200 * rounding
    if activation.name not in {"sigmoid", "tanh"}:
        slack += 1e-4 * radius
    assert (off - above <= slack).all()
    assert (off + below <= slack).all()
    assert (low <= y.min(axis=1)).all()
    assert (high >= y.max(axis=1)).all()


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_band_holds_in_eighty_digits(rng, name):
    """The compiled functions are wrong in their last places: the band must not be."""
    a, radius = ranges(rng, 60)
    slope, middle, off, low, high = bands(Activation(name), a, radius)
    with mpmath.workdps(80):

        def exact(x):
            return mpmath.tanh(x) if name == "tanh" else 1 / (1 + mpmath.exp(-x))

        for k in range(len(a)):
            for share in (-1, -0.7, -0.31, 0, 0.2, 0.57735, 0.9, 1):
                x = mpmath.mpf(a[k]) + mpmath.mpf(radius[k]) * mpmath.mpf(share)
                y = exact(x)
                line = mpmath.mpf(slope[k]) * (x - mpmath.mpf(a[k])) + mpmath.mpf(middle[k])
                assert abs(y - line) <= mpmath.mpf(off[k])
                assert mpmath.mpf(low[k]) <= y <= mpmath.mpf(high[k])


def test_the_lost_part_falls_with_the_square_of_the_range():
    radius = 10.0 ** -np.arange(1, 6)
    for name in ("sigmoid", "tanh"):
        off = bands(Activation(name), np.full(5, 0.7), radius)[2]
        ratio = off[:-1] / off[1:]
        assert (ratio > 90).all()
        assert (ratio < 110).all()


@pytest.mark.parametrize("name", ["elu", "softsign", "gelu", "softmax", "exponential"])
def test_other_activations_are_refused_by_name(name):
    with pytest.raises(UnsupportedModel, match=f"'dense' has the activation {name}"):
        activation_code(Activation(name), "dense")


def test_a_relu_that_jumps_is_refused():
    with pytest.raises(UnsupportedModel, match="relu"):
        activation_code(Activation("relu", {"threshold": 0.5}), "dense")
