"""Derivatives in one pass are those of the general way, and are taken where that is allowed."""

import numpy as np
import pytest

from networks import CELLS, cell, chain, forecaster, head
from rnnlens.attribution.gradient import gradient
from rnnlens.attribution.target import Target
from rnnlens.engine import direct
from rnnlens.engine.forward import entries
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation

TARGET = Target((1,), 0, 3.0, 5.0)


@pytest.mark.parametrize("kind", CELLS)
def test_one_pass_gives_what_two_give(kind, rng, monkeypatch):
    network = forecaster(kind, rng, steps=9)
    inputs = entries(network, rng.normal(size=(70, 9, 3)))
    assert direct.direct(network, inputs, "x", TARGET.pick) is not None
    once = gradient(network, inputs, TARGET, of="x")
    monkeypatch.setattr(direct, "LEAST", 71)
    twice = gradient(network, inputs, TARGET, of="x")
    # sums of 7 products in another order, nine steps deep
    np.testing.assert_allclose(once.sensitivity, twice.sensitivity, rtol=0, atol=1e-13)
    np.testing.assert_allclose(once.forecast, twice.forecast, rtol=0, atol=1e-13)


def nonlinear(rng):
    dense = L.Dense(rng.normal(size=(7, 2)), None, Activation("tanh"))
    return chain(L.Recurrent(cell("lstm", rng, features=3, units=7)), dense, shape=(9, 3))


def stacked(rng):
    first = L.Recurrent(cell("lstm", rng, features=3, units=4), return_sequences=True)
    second = L.Recurrent(cell("lstm", rng, features=4, units=7))
    return chain(first, second, head(rng, 7), shape=(9, 3))


def masked(rng):
    return chain(
        L.Masking(0.0),
        L.Recurrent(cell("lstm", rng, features=3, units=7)),
        head(rng, 7),
        shape=(9, 3),
    )


@pytest.mark.parametrize("make", [nonlinear, stacked, masked])
def test_other_networks_go_the_general_way(make, rng):
    network = make(rng)
    inputs = entries(network, rng.normal(size=(70, 9, 3)))
    assert direct.direct(network, inputs, "x", TARGET.pick) is None


def test_few_windows_go_the_general_way(rng):
    network = forecaster("lstm", rng, steps=6)
    inputs = entries(network, rng.normal(size=(63, 6, 3)))
    assert direct.direct(network, inputs, "x", Target((0,)).pick) is None
