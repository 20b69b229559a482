"""Small inputs of which evidence once said too much, or lost their meaning in silence."""

import keras
import numpy as np
import pytest
from keras import layers as K

import rnnlens
from networks import cell, chain, head
from rnnlens import Certificates, errors
from rnnlens.network import layers as L


def network(rng, steps=5):
    return chain(L.Recurrent(cell("lstm", rng, 2, 3)), head(rng, 3, 1), shape=(steps, 2))


@pytest.mark.parametrize("by", ["feature", "both"])
def test_a_feature_that_never_changes_is_not_called_irrelevant(by, rng):
    net, x = network(rng, 4), rng.normal(size=(200, 4, 2))
    x[:, :, 1] = 2.0
    y = rnnlens.predict(net, x)[:, 0] + 0.1 * rng.normal(size=200)
    table = rnnlens.lags(net, x, y, target=0, by=by, certificates=Certificates(windows=2))
    constant = table.sel(feature=table.feature[1])
    assert set(np.ravel(constant.verdict)) == {"undecided"}
    assert set(np.ravel(constant.rung)) == {"no evidence: constant"}
    assert table.attrs["missing"] == ""  # nor does it keep the others from being certified


def test_what_rounding_moves_is_not_refuted():
    """The forecast is a x + b x - (a + b) x, which is zero in exact arithmetic."""
    model = keras.Sequential([
        keras.Input((2, 1)),
        K.SimpleRNN(3, activation="linear"),
        K.Dense(1),
    ])
    a, b = 16777215.0, 16777213.0
    signs = np.array([[1.0], [1.0], [-1.0]])
    kernel = np.array([[a, b, a + b]])
    model.set_weights([kernel, np.zeros((3, 3)), np.zeros(3), signs, np.zeros(1)])
    found = rnnlens.certify(
        rnnlens.read(model),
        np.array([[[0.3], [0.7]]]),
        lag=1,
        features=0,
        certificates=Certificates(range=0.1, tolerance=1e-9),
    )
    assert "refuted" not in found.verdict.values.ravel()
    assert float(found.attained.max()) == 0.0


def test_arrays_whose_meaning_would_be_lost_are_refused(rng):
    net, x = network(rng), rng.normal(size=(40, 5, 2))
    masked = np.ma.masked_greater(x, 1.0)
    unknown = np.zeros(40)
    unknown[3] = np.inf
    for call, words in (
        (lambda: rnnlens.predict(net, masked), "masked values"),
        (lambda: rnnlens.predict(net, x + 5j), "complex128"),
        (lambda: rnnlens.predict(net, np.full((2, 5, 2), np.datetime64("2020-01-01"))), "datetime"),
        (lambda: rnnlens.lags(net, x, unknown, certificates=None), "1 infinite"),
        (lambda: Certificates(range=1e200, tolerance=0.01), "1e\\+100"),
    ):
        with pytest.raises(errors.RnnlensError, match=words):
            call()


def test_a_certificate_is_not_measured_against_another_network(rng):
    first, second = (
        keras.Sequential([keras.Input((5, 2)), K.LSTM(3), K.Dense(1)]) for _ in range(2)
    )
    with pytest.raises(errors.DataError, match="the source computes something else"):
        rnnlens.certify(
            rnnlens.read(first), rng.normal(size=(3, 5, 2)), lag=1, features=0, source=second
        )
