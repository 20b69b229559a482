"""One feature is moved in its own unit, others are held, and points are those found alone."""

from __future__ import annotations

import numpy as np
import pytest

import rnnlens
from networks import chain, forecaster
from rnnlens.errors import DataError, InputError
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Recurrent


def switch():
    """One unit of two inputs: h = tanh(2 h + a + b), forecast 3 h."""
    cell = SimpleRNN(Gate(np.ones((2, 1)), np.array([[2.0]])), Activation("tanh"))
    return chain(Recurrent(cell), Dense(np.array([[3.0]]), np.zeros(1)), shape=(None, 2))


def test_two_rest_states_become_one_where_paper_says(rng):
    X = rng.normal(size=(10, 6, 2))
    h = np.sqrt(0.5)
    fold = 2 * h - np.arctanh(h)
    found = rnnlens.bifurcations(switch(), X, 1, [0.0, 1.0], at={"feature 0": 0.25}, target=0)
    assert found.stable.values.tolist() == [2, 1] and found.points.values.tolist() == [3, 1]
    assert float(found.change_low[0]) < fold - 0.25 < float(found.change_high[0])
    assert found.attrs["feature"] == "feature 1" and found.proven.all()
    np.testing.assert_allclose(found.forecast, 3 * found.location[..., 0], atol=1e-12)


def test_each_value_gives_the_points_that_are_found_there_alone(rng):
    net = forecaster("gru_after", rng, scale=0.5)
    X = rng.normal(size=(6, 7, 3))
    along = rnnlens.bifurcations(net, X, "feature 2", [-1.0, 0.5], at=3, target=0)
    for k, value in enumerate((-1.0, 0.5)):
        held = X[3, -1].copy()
        held[2] = value
        alone = rnnlens.fixed_points(net, X, at=held, target=0)
        np.testing.assert_allclose(along.location[k], alone.location, atol=1e-9)
        np.testing.assert_allclose(along.forecast[k], alone.forecast, atol=1e-9)


def test_values_are_in_the_features_own_unit(rng):
    table = {"a": rng.normal(size=40), "b": 100 + 10 * rng.normal(size=40)}
    sidecar = rnnlens_sidecar(["a", "b"])
    windows = rnnlens.windows(table, sidecar)
    net = switch()
    own = rnnlens.bifurcations(net, windows, "b", [90.0, 110.0], at=-1)
    scaled = windows.feature_scaling[[1]].apply(np.array([[90.0], [110.0]])).ravel()
    plain = rnnlens.bifurcations(net, windows.values, 1, scaled, at=-1)
    np.testing.assert_allclose(own.location, plain.location, atol=1e-9)
    assert own.value.values.tolist() == [90.0, 110.0]


def test_where_one_feature_is_all_there_is_nothing_is_said_of_others(rng):
    net, X = forecaster("gru_after", rng, features=1), rng.normal(size=(6, 7, 1))
    assert rnnlens.bifurcations(net, X, 0, [-1.0, 1.0], target=0).attrs["at"] == ""
    assert rnnlens.fixed_points(net, X, target=0).attrs["at"] == "the mean of the windows"


def rnnlens_sidecar(names):
    from rnnlens.series.sidecar import Sidecar

    return Sidecar.plain(names, window=6)


def test_what_cannot_be_moved_is_refused_in_one_sentence(rng):
    net, X = switch(), rng.normal(size=(4, 6, 2))
    cases = [
        (("rain", [0.0, 1.0]), InputError, "no feature is called 'rain'"),
        ((2, [0.0, 1.0]), InputError, "feature=2 is none: there are 2, from 0 to 1"),
        ((0, [1.0, 0.0]), DataError, "values must rise"),
        ((0, [1.0]), InputError, "values must be two or more numbers, rising"),
    ]
    for given, error, said in cases:
        with pytest.raises(error, match=said) as caught:
            rnnlens.bifurcations(net, X, *given)
        assert "\n" not in str(caught.value)
