"""Small inputs that once failed in Keras: several inputs, windows of any rank, states, horizons."""

import keras
import numpy as np
import pytest
from keras import layers as K

import rnnlens
from rnnlens import errors


def filled(model, rng):
    model.set_weights([rng.normal(size=one.shape) * 0.4 for one in model.get_weights()])
    return model


def head_of(output):
    return K.Dense(1)(output)


def test_contributions_of_all_inputs_sum_to_the_change_that_keras_makes(rng):
    history, static = keras.Input((10, 4), name="history"), keras.Input((3,), name="static")
    joined = K.Concatenate()([K.LSTM(6)(history), K.Dense(5, activation="relu")(static)])
    model = filled(keras.Model([history, static], head_of(joined)), rng)
    given = {
        "history": rng.normal(size=(4, 10, 4)).astype("float32"),
        "static": rng.normal(size=(4, 3)).astype("float32"),
    }
    found = rnnlens.explain(rnnlens.read(model), given, baseline="zero")
    hidden = {name: 0 * one for name, one in given.items()}
    change = model.predict(given, verbose=0) - model.predict(hidden, verbose=0)
    parts = [found[name].contribution for name in given]
    sums = sum(one.sum([dim for dim in one.dims if dim != "sample"]).values for one in parts)
    # Keras computes in float32
    np.testing.assert_allclose(sums, change[:, 0], rtol=0, atol=1e-6)
    alone = rnnlens.explain(rnnlens.read(model), given, of="static", baseline="zero")
    assert "lag" not in alone.contribution.dims and alone.contribution.sizes["feature"] == 3
    assert (alone.attrs["inputs"], alone.attrs["held_inputs"]) == ("static", "history")


def test_windows_of_four_axes_have_the_lags_of_the_recurrent_layer(rng):
    blocks = keras.Input((3, 4, 2), name="blocks")
    features = K.TimeDistributed(K.Conv1D(3, 2, activation="relu"))(blocks)
    output = head_of(K.LSTM(4)(K.TimeDistributed(K.Flatten())(features)))
    model, x = filled(keras.Model(blocks, output), rng), rng.normal(size=(4, 3, 4, 2))
    network = rnnlens.read(model)
    np.testing.assert_allclose(
        rnnlens.predict(network, x), model.predict(x.astype("float32"), verbose=0), atol=1e-6
    )
    found = rnnlens.explain(network, x)
    assert (found.sizes["lag"], found.sizes["feature"]) == (3, 8)
    with pytest.raises(errors.UnsupportedModel, match="has 3 axes, where certificates serve at"):
        rnnlens.certify(network, x, lag=1)


def test_one_step_that_carries_its_state_is_unrolled_over_a_series(rng):
    model = filled(
        keras.Sequential([
            keras.Input(batch_shape=(1, 1, 4)),
            K.LSTM(8, stateful=True),
            K.Dense(1),
        ]),
        rng,
    )
    series = rng.normal(size=(12, 4)).astype("float32")
    model.layers[0].reset_state()
    for step in series:
        deployed = model.predict(step[None, None], verbose=0)
    with pytest.raises(errors.DataError, match=r"so read it with unroll=12 \(--unroll 12\)"):
        rnnlens.predict(rnnlens.read(model), series[None])
    network = rnnlens.read(model, unroll=12)
    # the source computes in float32
    np.testing.assert_allclose(rnnlens.predict(network, series[None]), deployed, atol=1e-6)
    assert rnnlens.explain(network, series[None]).sizes["lag"] == 12


def test_all_horizons_of_a_network_of_one_step_are_that_one_step(rng):
    model = filled(keras.Sequential([keras.Input((5, 2)), K.LSTM(3), K.Dense(1)]), rng)
    network, x = rnnlens.read(model), rng.normal(size=(3, 5, 2))
    found = rnnlens.explain(network, x, target=rnnlens.Target(horizon="all"))
    alone = rnnlens.explain(network, x)
    assert found.sizes["horizon"] == 1
    whole = found.contribution.isel(horizon=0).transpose(*alone.contribution.dims)
    np.testing.assert_allclose(whole, alone.contribution, rtol=0, atol=1e-12)
