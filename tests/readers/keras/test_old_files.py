"""Small files as Keras 1, Keras 2 and tf.keras wrote them, against the equations, in every clone.

The files that others made (`test_keras1`, `test_files`) stand beside the repository and not in it.
These are made here, in the same layouts and of the same kinds of models, with distinct weights.
"""

import json
import math
from functools import cache

import h5py
import keras
import numpy as np
import pytest
from keras import layers as L

import rnnlens
from naive import gru_loop, logistic, lstm_loop, simple_rnn_loop
from old_keras import as_keras_1, as_keras_2, parts_of_keras_1, parts_of_keras_2
from rnnlens.engine.forward import predict
from rnnlens.errors import UnreadableFile
from rnnlens.network.describe import describe
from rnnlens.network.inventory import inventory
from rnnlens.network.network import Network
from rnnlens.readers.open import read

STEPS, FEATURES, TOKENS = 5, 3, 7


def hard_sigmoid(a):
    """That of Keras 1 and 2: Keras 3 made its slope 1/6."""
    return min(1.0, max(0.0, 0.2 * a + 0.5))


def weights_of(layer):
    """The weights as they are in the files, in float64 as the equations want them."""
    return [values.astype(float) for values in layer.get_weights()]


def gates_of(weights, order, letters="WUb"):
    """Take Keras 3's arrays apart by gate."""
    return {
        f"{letter}_{gate}": part
        for letter, whole in zip(letters, weights, strict=True)
        for gate, part in zip(order, np.split(whole, len(order), axis=-1), strict=True)
    }


# --- each layer as the equations have it, one window at a time: (values, real steps) --------------


def run_lstm(layer, window, real):
    sigma = hard_sigmoid if layer.recurrent_activation.__name__ == "hard_sigmoid" else logistic
    weights = gates_of(weights_of(layer), "ifco")
    steps = lstm_loop(weights, list(window), sigma, real=real)
    return np.array([step["h"] for step in steps])


def run_gru(layer, window, real):
    assert real is None
    weights = gates_of(weights_of(layer), "zrn")
    weights |= {f"b_r{gate}": np.zeros(layer.units) for gate in "zrn"}
    return np.array([step["h"] for step in gru_loop(weights, window, False)])


def run_simple_rnn(layer, window, real):
    assert real is None
    weights = dict(zip("WUb", weights_of(layer), strict=True))
    return np.array([step["h"] for step in simple_rnn_loop(weights, window)])


RECURRENT = {"LSTM": run_lstm, "GRU": run_gru, "SimpleRNN": run_simple_rnn}


def run_recurrent(layer, window, real):
    whole = RECURRENT[type(layer).__name__](layer, window, real)
    return whole if layer.return_sequences else whole[-1]


def run_both_ways(layer, window, real):
    assert real is None
    forward = RECURRENT[type(layer.forward_layer).__name__](layer.forward_layer, window, None)
    turned = window[::-1]
    backward = RECURRENT[type(layer.backward_layer).__name__](layer.backward_layer, turned, None)
    if layer.forward_layer.return_sequences:
        return np.concatenate([forward, backward[::-1]], axis=-1)
    return np.concatenate([forward[-1], backward[-1]])


def run_naively(model, window):
    """Run a chain of layers on one window."""
    value, real = np.asarray(window), None
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Embedding":
            real = [token != 0 for token in value] if layer.mask_zero else None
            value = np.array([weights_of(layer)[0][int(token)] for token in value])
        elif kind == "Masking":
            real = [any(number != layer.mask_value for number in step) for step in value]
        elif kind in RECURRENT:
            value = run_recurrent(layer, value, real)
            real = real if layer.return_sequences else None
        elif kind == "Bidirectional":
            value = run_both_ways(layer, value, real)
        elif kind == "Dense":
            kernel, bias = weights_of(layer)
            value = value @ kernel + bias
        elif kind == "Flatten":
            value = value.reshape(-1)
        elif kind == "Reshape":
            value = value.reshape(layer.target_shape)
        else:
            assert kind in {"Dropout", "InputLayer"}
    return value


# --- the models -------------------------------------------------------------------------------


def series():
    return L.Input((STEPS, FEATURES), name="x")


def tokens():
    return L.Input((STEPS,), name="x")


def lstm(**options):
    return L.LSTM(4, recurrent_activation="hard_sigmoid", **options)


MODELS = {
    "lstm": lambda: [series(), lstm(name="a"), L.Dense(2, name="d")],
    "gru, reset before": lambda: [series(), L.GRU(4, reset_after=False, name="a"), L.Dense(2)],
    "simple rnn": lambda: [series(), L.SimpleRNN(4, name="a"), L.Dense(2, name="d")],
    "two lstms": lambda: [
        series(),
        lstm(return_sequences=True, name="a"),
        L.Dropout(0.4),
        lstm(name="b"),
        L.Dense(1, name="d"),
    ],
    "bidirectional": lambda: [
        series(),
        L.Bidirectional(lstm(return_sequences=True, name="lstm_1"), name="both"),
        L.SimpleRNN(3, name="a"),
    ],
    "bidirectional, last step": lambda: [
        series(),
        L.Bidirectional(lstm(name="lstm_1"), name="both"),
        L.Dense(2, name="d"),
    ],
    "embedding": lambda: [tokens(), L.Embedding(TOKENS, 3, name="e"), lstm(name="a"), L.Dense(1)],
    "embedding, masked": lambda: [
        tokens(),
        L.Embedding(TOKENS, 3, mask_zero=True, name="e"),
        lstm(name="a"),
        L.Dense(1, name="d"),
    ],
    "masking, two lstms": lambda: [
        series(),
        L.Masking(0.0, name="m"),
        lstm(return_sequences=True, name="a"),
        lstm(name="b"),
        L.Dense(2, name="d"),
    ],
    "flattened": lambda: [
        series(),
        lstm(return_sequences=True, name="a"),
        L.Flatten(name="f"),
        L.Dense(2, name="d"),
    ],
    "reshaped": lambda: [
        L.Input((STEPS * FEATURES,), name="x"),
        L.Reshape((STEPS, FEATURES), name="r"),
        lstm(name="a"),
        L.Dense(2, name="d"),
    ],
}


@cache
def made(name):
    """A model with distinct weights, the same in every run."""
    model = keras.Sequential(MODELS[name]())
    rng = np.random.default_rng(list(name.encode()))
    model.set_weights([0.7 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def windows_for(name):
    rng = np.random.default_rng(1)
    if "embedding" in name:
        return np.array([[3, 1, 6, 2, 5], [4, 0, 2, 0, 0], [1, 6, 6, 3, 0]])
    X = rng.normal(size=(3, STEPS, FEATURES)).astype("float32")
    if "masking" in name:
        X[1, :2] = 0.0
        X[2, 3] = 0.0
    return X.reshape(3, -1) if name == "reshaped" else X


LAYOUTS = {
    "Keras 1, TensorFlow": as_keras_1,
    "Keras 1, Theano": lambda model, path: as_keras_1(model, path, backend="theano"),
    "Keras 1, gates side by side": lambda model, path: as_keras_1(model, path, consume_less="gpu"),
    "Keras 2.1": lambda model, path: as_keras_2(model, path, version="2.1.2"),
    "Keras 2.3": lambda model, path: as_keras_2(model, path, version="2.3.1"),
    "tf.keras": lambda model, path: as_keras_2(model, path, version="2.15.0"),
}


def agree(network, model, X):
    expected = [run_naively(model, window) for window in X]
    # The weights are those of float32 on both sides; all else runs in float64.
    np.testing.assert_allclose(predict(network, X), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", MODELS)
def test_an_old_file_gives_what_the_equations_give(name, layout, tmp_path):
    model = made(name)
    path = LAYOUTS[layout](model, tmp_path / "m.h5")
    network = read(path)
    generation = layout if layout == "tf.keras" else layout[: len("Keras 1")]
    assert network.origin.format == f"{generation} HDF5"
    agree(network, model, windows_for(name))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", MODELS)
def test_an_old_file_is_read_whole(name, layout, tmp_path):
    model = made(name)
    path = LAYOUTS[layout](model, tmp_path / "m.h5")
    with h5py.File(path) as file:
        kept: list[int] = []
        file["model_weights"].visititems(
            lambda _, item: kept.append(item.size) if isinstance(item, h5py.Dataset) else None
        )
        arrays = inventory(read(path))
        for array in arrays:
            assert array.source.stored_at in file
            if layout in {"Keras 1, TensorFlow", "Keras 1, Theano"}:
                stored = file[array.source.stored_at][()]
                np.testing.assert_array_equal(array.values, stored)
    assert sum(array.values.size for array in arrays) == sum(kept) == model.count_params()


def structure(network):
    described = describe(network)
    for layer in described["layers"]:
        for array in layer["arrays"]:
            del array["source"], array["stored_at"]
    return described["layers"]


@pytest.mark.parametrize("name", MODELS)
def test_theano_tensorflow_and_keras_2_state_the_same_network(name, tmp_path):
    model = made(name)
    tensorflow, theano, newer = (
        structure(read(LAYOUTS[layout](model, tmp_path / f"{number}.h5")))
        for number, layout in enumerate(["Keras 1, TensorFlow", "Keras 1, Theano", "Keras 2.1"])
    )
    assert tensorflow == theano
    assert [layer["kind"] for layer in newer] == [layer["kind"] for layer in theano]
    assert [layer["arrays"] for layer in newer] == [layer["arrays"] for layer in theano]


def test_what_every_layer_of_an_old_file_gives_is_what_the_equations_give(tmp_path):
    model, X = made("lstm"), windows_for("lstm")
    network = read(as_keras_1(model, tmp_path / "m.h5"))
    hidden = [run_recurrent(model.layers[0], window, None) for window in X]
    inner = Network(network.nodes, (("a", 0),), network.origin)
    np.testing.assert_allclose(predict(inner, X), hidden, rtol=0, atol=1e-12)


def test_another_slope_of_the_hard_sigmoid_is_noticed(tmp_path):
    model = made("lstm")
    network = read(as_keras_2(model, tmp_path / "m.h5", version="2.1.2"))
    ((_, layer),) = network.recurrent()
    assert layer.cell.recurrent_activation["slope"] == pytest.approx(0.2, rel=1e-15)
    newer = read(model)  # Keras 3 itself takes 1/6
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        agree(newer, model, windows_for("lstm"))


def two_branches():
    """A functional model: an LSTM and a dense branch beside it, put side by side."""
    series, static = L.Input((STEPS, FEATURES), name="series"), L.Input((2,), name="static")
    hidden = lstm(name="a")(series)
    beside = L.Dense(3, activation="tanh", name="s")(static)
    both = L.Concatenate(name="c")([hidden, beside])
    model = keras.Model([series, static], L.Dense(1, name="d")(both))
    rng = np.random.default_rng(5)
    model.set_weights([0.7 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_old_functional_model_gives_what_the_equations_give(layout, tmp_path):
    model, rng = two_branches(), np.random.default_rng(6)
    series, static = rng.normal(size=(3, STEPS, FEATURES)), rng.normal(size=(3, 2))
    network = read(LAYOUTS[layout](model, tmp_path / "m.h5"))
    assert list(network.inputs) == ["series", "static"]
    kernel, bias = weights_of(model.get_layer("s"))
    last, offset = weights_of(model.get_layer("d"))
    expected = []
    for window, beside in zip(series, static, strict=True):
        hidden = run_recurrent(model.get_layer("a"), window, None)
        tall = [math.tanh(value) for value in beside @ kernel + bias]
        expected.append(np.concatenate([hidden, tall]) @ last + offset)
    ours = predict(network, {"series": series, "static": static})
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


# --- weights and architecture apart -----------------------------------------------------------


@pytest.mark.parametrize("parts", [parts_of_keras_1, parts_of_keras_2])
@pytest.mark.parametrize("name", MODELS)
def test_weights_take_their_architecture(parts, name, tmp_path):
    model = made(name)
    weights = parts(model, tmp_path)
    stated = rnnlens.read(weights, architecture=tmp_path / "architecture.json")
    agree(stated, model, windows_for(name))
    beside = rnnlens.read(weights)
    agree(beside, model, windows_for(name))
    assert "architecture.json" in beside.origin.notes[0]


def test_weights_of_keras_1_take_stated_layers(tmp_path):
    model = made("lstm")
    weights = parts_of_keras_1(model, tmp_path)
    stated = rnnlens.read(weights, layers="LSTM(tanh, hard_sigmoid) > Dense(linear)")
    agree(stated, model, windows_for("lstm"))
    assert stated["a"].sources["W_i"].text == "a/a_W_i:0"


def test_weights_of_another_model_do_not_belong(tmp_path):
    weights = parts_of_keras_2(made("two lstms"), tmp_path)
    (tmp_path / "other").mkdir()
    parts_of_keras_2(made("lstm"), tmp_path / "other")
    with pytest.raises(UnreadableFile, match="the weights do not belong to|do not belong together"):
        rnnlens.read(weights, architecture=tmp_path / "other" / "architecture.json")


def test_an_architecture_in_yaml_is_read_as_plain_values(tmp_path):
    import yaml

    model = made("lstm")
    weights = parts_of_keras_2(model, tmp_path, version="2.1.2")
    stated = json.loads((tmp_path / "architecture.json").read_text())
    stated["config"][0]["config"]["batch_input_shape"] = (None, STEPS, FEATURES)
    path = tmp_path / "a.yaml"
    path.write_text(yaml.dump(stated))
    assert "!!python/tuple" in path.read_text()
    agree(rnnlens.read(weights, architecture=path), model, windows_for("lstm"))


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")
@pytest.mark.parametrize("name", MODELS)
def test_a_keras_1_file_becomes_a_keras_3_model(name, tmp_path):
    network = read(as_keras_1(made(name), tmp_path / "old.h5"))
    done = rnnlens.convert(network, tmp_path / "new.keras")
    assert done.library.startswith("Keras 3")
    # Keras computes in float32; the tolerance is 1e-5 of the outputs' size.
    assert done.library_difference is not None
    assert done.library_difference < 0.2 * done.tolerance
    hard = any(layer.cell.kind == "LSTM" for _, layer in network.recurrent())
    assert hard == any("of the slope 0.2" in note for note in done.notes)
