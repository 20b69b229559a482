"""Sensitivities are derivatives."""

import numpy as np

from networks import forecaster
from questions import question
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict


def test_sensitivities_equal_central_differences_in_the_targets_unit(rng):
    network = forecaster("gru_before", rng)
    x = rng.normal(size=(2, 7, 3))
    found = gradient(
        question(network, entries(network, x), ResolvedTarget((1,), scale=4.0))
    ).sensitivity
    e = 1e-6
    for lag in (1, 4, 7):
        up, down = x.copy(), x.copy()
        up[:, 7 - lag, 2] += e
        down[:, 7 - lag, 2] -= e
        difference = 4 * (predict(network, up) - predict(network, down))[:, 1] / (2 * e)
        np.testing.assert_allclose(found[:, lag - 1, 2], difference, rtol=1e-7, atol=1e-8)
