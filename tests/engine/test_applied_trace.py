"""Layers that are applied to every step alone are traced inside."""

import numpy as np
import pytest

import rnnlens
from keras_zoo import drawn
from networks import CELLS, cell, chain
from rnnlens.network.layers import Bidirectional, Recurrent, TimeDistributed

#: The same sums of the same numbers, laid out otherwise.
CLOSE = {"rtol": 0, "atol": 1e-14}


def each_alone(layer, x):
    """Trace a layer on every step of every window by itself: the slow twin."""
    network = chain(layer, shape=x.shape[2:], name="alone")
    return [[rnnlens.trace(network, step[None]) for step in window] for window in x]


@pytest.mark.parametrize("kind", CELLS)
def test_every_step_is_traced_as_if_it_were_a_window_of_its_own(kind, rng):
    layer = Recurrent(cell(kind, rng), return_sequences=True)
    x = rng.normal(size=(2, 3, 4, 3))
    (traced,) = rnnlens.trace(chain(TimeDistributed(layer), shape=(3, 4, 3)), x).children.values()
    for n, window in enumerate(each_alone(layer, x)):
        for k, one in enumerate(window):
            (alone,) = one.children.values()
            here = traced.isel(sample=n, outer_step=k)
            assert set(here.data_vars) == set(alone.data_vars)
            assert list(here["gate"].values) == list(alone["gate"].values)
            for array in alone.data_vars:
                np.testing.assert_allclose(here[array], alone[array][0], **CLOSE)


def test_directions_and_steps_within_steps_are_told_apart(rng):
    both = Bidirectional(Recurrent(cell("lstm", rng)), Recurrent(cell("lstm", rng)))
    x = rng.normal(size=(2, 2, 3, 4, 3))
    network = chain(TimeDistributed(TimeDistributed(both)), shape=x.shape[1:])
    (traced,) = rnnlens.trace(network, x).children.values()
    for direction in ("forward", "backward"):
        flat = traced[direction]["cell"]
        assert flat.dims == ("sample", "outer_step", "step", "unit")
        for n, window in enumerate(each_alone(TimeDistributed(both), x)):
            for k, one in enumerate(window):
                (alone,) = one.children.values()
                within = alone[direction]["cell"][0]
                np.testing.assert_allclose(flat[n, 3 * k : 3 * k + 3], within, **CLOSE)


def test_a_keras_model_on_every_day_shows_the_states_of_its_layers():
    model, inputs = vars(drawn("model with a recurrent layer on every day")).values()
    applied = next(one.layer for one in model.layers if hasattr(one, "layer"))
    lstm = next(one for one in applied.layers if "lstm" in one.name)
    traced = rnnlens.trace(model, inputs["days"].astype(np.float64))
    (node,) = (one for one in traced.children.values() if "outer_step" in one.dims)
    for k in range(3):
        theirs = np.asarray(lstm(inputs["days"][:, k]).detach())
        # Keras reckons in single precision
        np.testing.assert_allclose(node["hidden"][:, k, -1], theirs, rtol=0, atol=1e-6)
