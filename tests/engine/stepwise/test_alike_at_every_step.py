"""What differs from step to step is not walked as if it were the same at each."""

import numpy as np
import pytest

from networks import cell, chain
from rnnlens import explain, interactions
from rnnlens.engine.forward import predict
from rnnlens.engine.stepwise.split import split_by_step
from rnnlens.network.layers import Dense, Recurrent, Rescaling, Standardization

STEPS, FEATURES = 4, 2
PLACES = {
    "offset by step": lambda a: Rescaling(np.array(1.0), a(STEPS, FEATURES)),
    "scale by step": lambda a: Rescaling(a(STEPS, 1), np.array(0.0)),
    "mean by step": lambda a: Standardization(a(STEPS, FEATURES), np.ones(FEATURES)),
    "variance by step": lambda a: Standardization(np.zeros(FEATURES), a(STEPS, 1) ** 2 + 1),
    "offset by feature": lambda a: Rescaling(a(FEATURES), a(1, FEATURES)),
}


@pytest.mark.parametrize("name", PLACES)
def test_exact_values_are_those_of_the_network_whatever_its_steps_are_scaled_by(name, rng):
    layer = PLACES[name](lambda *shape: rng.normal(size=shape))
    head = Dense(rng.normal(size=(3, 1)), rng.normal(size=1))
    lstm = Recurrent(cell("lstm", rng, FEATURES, 3))
    network = chain(layer, lstm, head, shape=(STEPS, FEATURES))
    assert (split_by_step(network, "x") is not None) == (name == "offset by feature")
    x = rng.normal(size=(3, STEPS, FEATURES))
    at_zero = predict(network, np.zeros((1, STEPS, FEATURES)))[0, 0]
    for method in ("owen", "tree", "permutation"):
        found = explain(network, x, method=method, baseline="zero")
        # sums of some tens of products in float64
        np.testing.assert_allclose(found.baseline_forecast, at_zero, rtol=0, atol=1e-13)
        assert np.abs(found.residual).max() < 1e-12
    pairs = interactions(network, x, baseline="zero")
    np.testing.assert_allclose(pairs.baseline_forecast, at_zero, rtol=0, atol=1e-13)
