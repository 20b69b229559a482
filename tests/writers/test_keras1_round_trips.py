"""A Keras 1 file through every format in turn: the forward run stays what Keras itself gives."""

import numpy as np
import pytest

import rnnlens
from old_keras import as_keras_1

EVERY = (".keras", ".safetensors", ".onnx", ".npz", ".keras")


def layers_of(kind):
    from keras import layers as L

    return {
        "LSTM": [L.LSTM(5, name="a")],
        "GRU, reset before": [L.GRU(5, reset_after=False, name="a")],
        "SimpleRNN": [L.SimpleRNN(5, name="a")],
        "stacked": [L.LSTM(5, return_sequences=True, name="a"), L.LSTM(4, name="b")],
        "bidirectional": [L.Bidirectional(L.LSTM(5, name="inner"), name="a")],
        "both": [
            L.Bidirectional(L.LSTM(5, return_sequences=True, name="inner"), name="a"),
            L.LSTM(4, name="b"),
        ],
    }[kind]


@pytest.mark.parametrize(
    "kind", ["LSTM", "GRU, reset before", "SimpleRNN", "stacked", "bidirectional", "both"]
)
def test_a_keras_1_file_goes_through_every_format_that_holds_it(kind, rng, tmp_path):
    import keras

    head = keras.layers.Dense(2, name="head")
    model = keras.Sequential([keras.layers.Input((7, 3), name="x"), *layers_of(kind), head])
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    X = rng.normal(size=(6, 7, 3)).astype("float32")
    expected = model.predict(X, verbose=0)
    source = as_keras_1(model, tmp_path / "old.h5")
    assert rnnlens.read(source).origin.format == "Keras 1 HDF5"
    # PyTorch's GRU resets after the product alone
    formats = [each for each in EVERY if "before" not in kind or each != ".safetensors"]
    for number, suffix in enumerate(formats):
        done = rnnlens.convert(source, tmp_path / f"{number}{suffix}", check=False)
        # float32 in Keras over 7 steps of values of size 1 to 5
        got = rnnlens.predict(done.network, X)
        np.testing.assert_allclose(got.reshape(expected.shape), expected, rtol=0, atol=2e-6)
        source = done.network
