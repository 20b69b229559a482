"""SavedModel folders: the architecture from the metadata, the arrays from the checkpoint.

TensorFlow is not among the libraries of the tests, so what it hands over stands in for it here: the
variables of a Keras model by the names and places that the object graph gives them.
"""

import numpy as np
import pytest

from refused.keras_files import metadata
from rnnlens.engine.forward import predict
from rnnlens.readers.keras import saved_model
from rnnlens.readers.open import read


@pytest.fixture
def keras_model(rng):
    import keras

    model = keras.Sequential([
        keras.layers.Input((7, 3)),
        keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True, name="lstm")),
        keras.layers.GRU(5, name="gru"),
        keras.layers.Dense(2, name="dense"),
    ])
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def checkpoint_of(model):
    """Names as tf.keras gives them, in no order that would help."""
    variables = []
    for layer in model.layers:
        for number, weight in enumerate(layer.weights):
            inner = weight.path.split("/")[-3:] if "bidirectional" in layer.name else [weight.name]
            name = "/".join([layer.name, *inner[:-1], weight.name])
            variables.append((name, f"variables/{layer.name}-{number}", np.array(weight.numpy())))
    return variables[::-1]


@pytest.fixture
def folder(tmp_path, keras_model, monkeypatch):
    entry = {"class_name": "Sequential", "keras_version": "2.13.1", **legacy(keras_model)}
    (tmp_path / "saved_model.pb").write_bytes(b"\n\x00")
    (tmp_path / saved_model.METADATA).write_bytes(metadata(entry))
    monkeypatch.setattr(saved_model, "find_spec", lambda _: object())
    monkeypatch.setattr(saved_model, "_checkpoint", lambda _: checkpoint_of(keras_model))
    return tmp_path


def legacy(model):
    """The configuration in the words of tf.keras, tuples marked as it marks them."""
    shape = {"class_name": "__tuple__", "items": [None, 7, 3]}
    common = {"trainable": True, "dtype": "float32"}
    rnn = {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True}
    lstm = {"name": "lstm", "units": 4, "return_sequences": True, **rnn}
    both = {
        "name": model.layers[0].name,
        "layer": {"class_name": "LSTM", "config": lstm},
        "merge_mode": "concat",
    }
    gru = {"name": "gru", "units": 5, "reset_after": True, **rnn}
    dense = {"name": "dense", "units": 2, "activation": "linear", "use_bias": True}
    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "name": "x"}},
        {"class_name": "Bidirectional", "config": both | common},
        {"class_name": "GRU", "config": gru | common},
        {"class_name": "Dense", "config": dense | common},
    ]
    return {"config": {"name": "sequential", "layers": layers}}


def test_a_folder_gives_what_its_model_gives(folder, keras_model, rng):
    network = read(folder)
    x = rng.normal(size=(5, 7, 3)).astype("float32")
    expected = keras_model.predict(x, verbose=0)
    # float32 in Keras: a few 6e-8 of values of size 1 over 7 steps
    np.testing.assert_allclose(predict(network, x), expected, rtol=0, atol=2e-6)
    assert network.origin.format == "TensorFlow SavedModel"
    assert network["gru"].sources["W_z"].stored_at == "variables/gru-0"
