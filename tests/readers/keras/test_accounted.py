"""Every array of a Keras file serves one layer or is named as left over, wherever it stands."""

import h5py
import keras
import numpy as np
import pytest

from keras_models import agree, outputs_of, saved, scrambled, sequence
from rnnlens import api
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnreadableFile

L = keras.layers


def two_ways(folder):
    """An HDF5 file of a Bidirectional layer, and its group of weights."""
    made = keras.Sequential([L.Input((6, 3)), L.Bidirectional(L.LSTM(4), name="b")])
    return saved(scrambled(made), folder, "h5")


def renamed(path, names, layer="b"):
    """List a layer's arrays under other names."""
    with h5py.File(path, "a") as file:
        group = file["model_weights"]
        arrays = [group[layer][name][()] for name in group[layer].attrs["weight_names"]]
        del group[layer]
        made = group.create_group(layer)
        made.attrs["weight_names"] = names
        for name, values in zip(names, arrays, strict=False):
            if name not in made:
                made[name] = values
    return path


@pytest.mark.parametrize(
    "names",
    [
        ["kernel", "recurrent_kernel", "bias"] * 2,  # of Keras 3.0 and 3.1
        ["lstm/kernel:0", "lstm/recurrent_kernel:0", "lstm/bias:0"] * 2,
        ["f/kernel", "f/recurrent_kernel", "f/bias", "k/kernel", "k/recurrent_kernel", "f/bias"],
    ],
)
def test_names_of_arrays_that_repeat_are_refused(tmp_path, names):
    with pytest.raises(UnreadableFile, match="one of them is lost"):
        api.read(renamed(two_ways(tmp_path), names))


def test_names_that_repeat_in_a_file_of_weights_alone_are_refused(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["layer_names"] = ["d"]
        file.create_group("d").attrs["weight_names"] = ["kernel", "kernel"]
        file["d"]["kernel"] = np.ones((3, 2))
    with pytest.raises(UnreadableFile, match="one of them is lost"):
        api.read(tmp_path / "w.h5", layers="Dense(linear)")
    with pytest.raises(UnreadableFile, match="one of them is lost"):
        api.describe(tmp_path / "w.h5")


def test_names_of_both_directions_that_differ_are_read(tmp_path, rng):
    made = keras.Sequential([L.Input((6, 3)), L.Bidirectional(L.LSTM(4), name="b")])
    model = scrambled(made)
    X = sequence(rng)
    agree(predict(api.read(saved(model, tmp_path, "h5")), X), outputs_of(model, X))


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_file_whose_arrays_all_serve_says_nothing_of_any_left_over(tmp_path, ending):
    made = keras.Sequential([
        L.Input((6, 3)),
        L.BatchNormalization(),
        L.LSTM(4),
        L.Dropout(0.1),
        L.Dense(2),
    ])
    made.compile("adam", "mse")
    made.optimizer.build(made.trainable_variables)
    assert not any(
        "left over" in note for note in api.read(saved(made, tmp_path, ending)).origin.notes
    )


def test_an_array_that_no_layer_uses_is_named(tmp_path):
    path = two_ways(tmp_path)
    with h5py.File(path, "a") as file:
        file["model_weights"]["b"]["phase"] = np.ones(4)
        file["model_weights"].create_group("gone")["kernel"] = np.ones((4, 2))
    (said,) = api.read(path).origin.left_out
    assert said.startswith("2 arrays that no layer of the network uses: ")
    assert "model_weights/b/phase" in said
    assert "model_weights/gone/kernel" in said


class Forecaster(keras.Model):
    """The head's name comes before "layers", the LSTM's after it."""

    def __init__(self):
        super().__init__()
        self.lstm, self.dense = L.LSTM(8), L.Dense(1)

    def call(self, x):
        return self.dense(self.lstm(x))


class Early(keras.Model):
    """All names come before "layers"."""

    def __init__(self):
        super().__init__()
        self.enc, self.head = L.LSTM(8), L.Dense(1)

    def call(self, x):
        return self.head(self.enc(x))


class Nested(keras.Model):
    """Models and lists of layers within a model."""

    def __init__(self):
        super().__init__()
        self.back = keras.Sequential([L.Bidirectional(L.GRU(3))])
        self.ahead = [L.Dense(4, activation="tanh"), L.Dense(2)]

    def call(self, x):
        x = self.back(x)
        for layer in self.ahead:
            x = layer(x)
        return x


class Two(keras.Model):
    """Two layers of one class, whose names stand in another order than they do in the model."""

    def __init__(self):
        super().__init__()
        self.z = L.Dense(3)
        self.a = L.Dense(3)
        self.g = L.GRU(3)

    def call(self, x):
        return self.a(self.z(self.g(x)))


STATED = {
    Forecaster: "LSTM(tanh, sigmoid) > Dense(linear)",
    Early: "LSTM(tanh, sigmoid) > Dense(linear)",
    Nested: "Bidirectional(GRU(tanh, sigmoid)) > Dense(tanh, name={0}) > Dense(linear, name={1})",
    Two: "GRU(tanh, sigmoid) > Dense(linear, name={0}) > Dense(linear, name={1})",
}


def heads_of(model):
    """The names that Keras gave the heads of a model, in their order."""
    heads = getattr(model, "ahead", None) or [getattr(model, name, model) for name in "za"]
    return [head.name for head in heads]


@pytest.mark.parametrize("kind", STATED, ids=lambda kind: kind.__name__)
def test_a_class_of_the_users_own_keeps_all_its_arrays(tmp_path, rng, kind):
    model, X = kind(), sequence(rng)
    model(X)
    path = tmp_path / "m.weights.h5"
    scrambled(model).save_weights(path)
    assert api.describe(path)["parameters"] == model.count_params()
    network = api.read(path, layers=STATED[kind].format(*heads_of(model)))
    agree(predict(network, X), outputs_of(model, X))
    assert network.origin.left_out == ()


def test_layers_of_one_class_in_no_order_must_be_named(tmp_path, rng):
    model = Two()
    model(sequence(rng))
    model.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(InputError, match="does not say in which order they stand"):
        api.read(
            tmp_path / "m.weights.h5", layers="GRU(tanh, sigmoid) > Dense(linear) > Dense(linear)"
        )
    assert "Dense(linear, name=" in " ".join(api.describe(tmp_path / "m.weights.h5")["notes"])


class Memory(L.LSTM):
    """A class that changes nothing."""


def test_a_class_that_stands_for_an_lstm_is_told_by_its_parts_and_its_name(tmp_path, rng):
    entry = keras.Input((6, 3))
    model = scrambled(keras.Model(entry, Memory(5, name="memory")(entry)))
    model.save_weights(tmp_path / "m.weights.h5")
    plain = keras.Model(entry, L.LSTM(5, name="memory")(entry))
    (tmp_path / "plain.txt").write_text(plain.to_json())
    X = sequence(rng)
    for told in ({"architecture": tmp_path / "plain.txt"}, {"layers": "LSTM(tanh, sigmoid)"}):
        agree(predict(api.read(tmp_path / "m.weights.h5", **told), X), outputs_of(model, X))
    described = api.describe(tmp_path / "m.weights.h5")
    assert described["layers"][0]["kind"] == "LSTM"
    assert "same ones serve every step" in described["time_steps"]


def test_nothing_is_said_of_steps_where_a_class_cannot_be_told(tmp_path):
    class Odd(L.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(2, 3), name="w")
            self.phase = self.add_weight(shape=(4,), name="phase")

        def call(self, x):
            return x

    entry = keras.Input((6, 3))
    keras.Model(entry, Odd()(entry)).save_weights(tmp_path / "m.weights.h5")
    described = api.describe(tmp_path / "m.weights.h5")
    assert "cannot be told" in described["time_steps"]
    assert "--layers" not in " ".join(described["notes"])
