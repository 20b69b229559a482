"""Derivatives in one pass are those of the general way, and are taken where that is allowed."""

import numpy as np
import pytest

from networks import CELLS, cell, chain, forecaster, head
from questions import question
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine import last_state
from rnnlens.engine.forward import entries
from rnnlens.engine.kernels import run
from rnnlens.engine.kernels.tile import BLOCK
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation

TARGET = ResolvedTarget((1,), 0, 3.0, 5.0)


@pytest.mark.parametrize("kind", CELLS)
def test_one_pass_gives_what_two_give(kind, rng, monkeypatch):
    network = forecaster(kind, rng, steps=9)
    inputs = entries(network, rng.normal(size=(70, 9, 3)))
    assert last_state.derivatives(network, inputs, "x", TARGET.pick) is not None
    once = gradient(question(network, inputs, TARGET))
    monkeypatch.setattr(last_state, "FEWEST_WINDOWS", 71)
    twice = gradient(question(network, inputs, TARGET))
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
    assert last_state.derivatives(network, inputs, "x", TARGET.pick) is None


@pytest.mark.parametrize("kind", CELLS)
def test_the_mean_along_a_way_is_the_mean_of_derivatives(kind, rng):
    network = forecaster(kind, rng, steps=9)
    x, start = rng.normal(size=(2, 40, 9, 3))
    places, shares = np.array([0.0, 0.25, 1.0]), np.array([0.5, 0.3, 0.2])
    found = last_state.mean_derivatives(
        network, {"x": x}, "x", TARGET.pick, start, (places, shares)
    )
    points = [entries(network, start + u * (x - start)) for u in places]
    slopes = [gradient(question(network, each, TARGET)).sensitivity[:, ::-1] for each in points]
    expected = sum(share * slope for share, slope in zip(shares, slopes, strict=True))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("make", [nonlinear, stacked, masked])
def test_other_networks_have_no_short_way_to_the_mean(make, rng):
    x, start = rng.normal(size=(2, 5, 9, 3))
    nodes = np.array([0.5]), np.array([1.0])
    assert last_state.mean_derivatives(make(rng), {"x": x}, "x", TARGET.pick, start, nodes) is None


def test_few_windows_go_the_general_way(rng):
    network = forecaster("lstm", rng, steps=6)
    inputs = entries(network, rng.normal(size=(63, 6, 3)))
    assert last_state.derivatives(network, inputs, "x", ResolvedTarget((0,)).pick) is None


def test_windows_whose_records_outgrow_the_cache_go_the_general_way(rng, monkeypatch):
    network = forecaster("lstm", rng, steps=9)
    inputs = entries(network, rng.normal(size=(70, 9, 3)))
    expected = gradient(question(network, inputs, TARGET)).sensitivity
    weights = run.packed(network.nodes[1].layer.cell, np.dtype(float))
    monkeypatch.setattr(run, "WHOLE", 9 * weights.record * BLOCK * 8 - 1)
    assert last_state.derivatives(network, inputs, "x", TARGET.pick) is None
    found = gradient(question(network, inputs, TARGET)).sensitivity
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    monkeypatch.setattr(run, "WHOLE", 9 * weights.record * BLOCK * 8)
    assert last_state.derivatives(network, inputs, "x", TARGET.pick) is not None
