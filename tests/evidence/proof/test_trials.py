"""Plain runs that begin where windows differ give what whole runs give."""

import numpy as np
import pytest

from networks import cell, chain, forecaster, head
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.evidence.proof.trials import LONG, Trials
from rnnlens.evidence.proof.zonotope.bounds import start
from rnnlens.network.layers import Recurrent

TARGET, STEPS = ResolvedTarget((1,)), LONG + 5


def stacked(rng):
    one = Recurrent(cell("lstm", rng, 3, 6), return_sequences=True)
    return chain(one, Recurrent(cell("gru_after", rng, 6, 5)), head(rng, 5), shape=(STEPS, 3))


def backwards(rng):
    """Which no stretch of steps serves."""
    layer = Recurrent(cell("lstm", rng), go_backwards=True)
    return chain(layer, head(rng, 5), shape=(STEPS, 3))


def whole_runs(network, x, window, step, feature, values):
    changed = x[window].copy()
    for run, (t, which, new) in enumerate(zip(step, feature, values, strict=True)):
        changed[run, t, which] = new
    return np.abs(predict(network, changed)[:, 1] - predict(network, x)[window, 1])


@pytest.mark.parametrize("make", [stacked, backwards])
@pytest.mark.parametrize("free", [1, 2])
def test_they_move_the_forecast_as_whole_runs_do(rng, make, free):
    network, x = make(rng), rng.normal(size=(4, STEPS, 3))
    runs = Trials(start(network, {"x": x}, TARGET, of="x"))
    window = rng.integers(4, size=60)
    step = rng.choice([0, 3, 20, STEPS - 2, STEPS - 1], size=60)
    feature = np.argsort(rng.random((60, 3)), axis=1)[:, :free]
    values = rng.normal(size=(60, free))
    found = runs.moves(window, step, feature, values)
    expected = whole_runs(network, x, window, step, feature, values)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert expected.max() > 0.01
    assert len(runs.moves(window[:0], step[:0], feature[:0], values[:0])) == 0


def test_the_value_that_is_there_moves_nothing(rng):
    network, x = forecaster("lstm", rng, steps=STEPS), rng.normal(size=(3, STEPS, 3))
    runs = Trials(start(network, {"x": x}, TARGET, of="x"))
    step = np.array([0, 30, STEPS - 1])
    own = x[np.arange(3), step, 2:3]
    found = runs.moves(np.arange(3), step, np.full((3, 1), 2), own)
    np.testing.assert_allclose(found, 0.0, rtol=0, atol=1e-14)
