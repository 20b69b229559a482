"""Weights without an architecture: joined with one, completed by the caller, or named by shapes."""

import json

import h5py
import keras
import numpy as np
import pytest

from keras_models import agree, outputs_of, scrambled, sequence
from rnnlens import api
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnreadableFile
from rnnlens.network.arrays import Arrays, describe_arrays
from rnnlens.readers.keras.text import architecture_in
from rnnlens.readers.open import read_or_name_arrays
from rnnlens.views.tables.inspection import render_inspection

L = keras.layers
ECG = ("lstm", "bidirectional-lstm", "cnn-lstm")


def forecaster():
    return scrambled(
        keras.Sequential(
            [
                L.Input((6, 3)),
                L.Bidirectional(L.LSTM(4, return_sequences=True), name="both"),
                L.GRU(5, name="g"),
                L.Dense(2, name="head"),
            ],
            name="forecaster",
        )
    )


STATED = "Bidirectional(LSTM(tanh, sigmoid)) > GRU(tanh, sigmoid) > Dense(linear)"


def parts_of(model, folder, ending):
    """Write weights and architecture apart; the old form as Keras 2 wrote it."""
    weights, text = folder / f"w{ending}", folder / "architecture.json"
    text.write_text(model.to_json())
    if ending == ".weights.h5":
        model.save_weights(weights)
        return weights, text
    whole = folder / "whole.h5"
    model.save(whole)
    with h5py.File(whole) as file, h5py.File(weights, "w") as alone:
        for name in file["model_weights"]:
            file.copy(f"model_weights/{name}", alone)
        for name, value in file["model_weights"].attrs.items():
            alone.attrs[name] = value
    return weights, text


@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
def test_an_architecture_beside_weights_gives_what_keras_gives(tmp_path, rng, ending):
    model = forecaster()
    weights, text = parts_of(model, tmp_path, ending)
    X = sequence(rng)
    network = api.read(weights, architecture=text)
    agree(predict(network, X), outputs_of(model, X))
    assert network.origin.notes[0] == "The architecture is in architecture.json."


@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
def test_the_one_architecture_that_fits_is_found_and_named(tmp_path, rng, ending):
    model = forecaster()
    weights, text = parts_of(model, tmp_path, ending)
    other = keras.Sequential([L.Input((6, 3)), L.LSTM(4), L.Dense(2)])
    (tmp_path / "other.json").write_text(other.to_json())
    (tmp_path / "history.json").write_text('{"loss": [1.0, 0.5]}')
    network = api.read(weights)
    assert network.origin.notes[0] == (
        "The architecture is that of architecture.json, the only one beside the weights that fits."
    )
    X = sequence(rng)
    agree(predict(network, X), outputs_of(model, X))
    (tmp_path / "copy.json").write_text(text.read_text())
    with pytest.raises(UnreadableFile, match="2 files"):
        api.read(weights)


@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
def test_stated_layers_give_what_keras_gives(tmp_path, rng, ending):
    model = forecaster()
    weights, text = parts_of(model, tmp_path, ending)
    text.unlink()
    X = sequence(rng)
    network = api.read(weights, layers=STATED)
    agree(predict(network, X), outputs_of(model, X))
    assert network.origin.notes[0] == f"The layers are as stated: {STATED}."
    assert "GRU before Dense gives its last step, as nothing else was stated." in (
        network.origin.notes
    )


def test_a_stated_activation_is_used(tmp_path, rng):
    weights, _ = parts_of(forecaster(), tmp_path, ".h5")
    X = sequence(rng)
    one = predict(api.read(weights, layers=STATED), X)
    other = predict(api.read(weights, layers=STATED.replace("linear", "tanh")), X)
    np.testing.assert_allclose(np.tanh(one), other, rtol=0, atol=1e-13)


def test_weights_are_joined_in_their_order_where_names_differ(tmp_path, rng):
    model = forecaster()
    weights, text = parts_of(model, tmp_path, ".h5")
    renamed = json.loads(text.read_text())
    for number, layer in enumerate(renamed["config"]["layers"]):
        layer["config"]["name"] = f"layer_{number}"
    text.write_text(json.dumps(renamed))
    X = sequence(rng)
    agree(predict(api.read(weights, architecture=text), X), outputs_of(model, X))


@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
def test_arrays_are_named_by_their_shapes_alone(tmp_path, ending):
    weights, text = parts_of(forecaster(), tmp_path, ending)
    text.unlink()
    with pytest.raises(UnreadableFile, match="weights only"):
        api.read(weights)
    arrays = read_or_name_arrays(weights)
    assert isinstance(arrays, Arrays)
    described = describe_arrays(arrays)
    kinds = {layer["name"]: layer["kind"] for layer in described["layers"]}
    assert set(kinds.values()) == {"Bidirectional LSTM", "GRU", "Dense"}
    names = {array["name"] for layer in described["layers"] for array in layer["arrays"]}
    assert {"both.forward.W_i", "both.backward.U_o", "g.b_rn", "head.W"} <= names
    said = " ".join(described["notes"])
    assert "do not say which activations" in said
    assert "--layers" in said
    order = "is that of the file" if ending == ".h5" else "is not in the file"
    assert f"the order of the layers {order}" in said
    assert api.describe(weights) == described
    assert "both.forward.W_i (3, 4) input kernel, input gate" in render_inspection(described)


@pytest.mark.parametrize("name", ECG)
def test_ecg_models_are_read_with_their_architecture(shared, name):
    folder = shared / "models/json_weights/ecg"
    weights = folder / f"{name}-auto-encoder-weights.h5"
    joined = api.read(weights, architecture=folder / f"{name}-auto-encoder-architecture.json")
    beside = api.read(weights)
    assert joined.origin.version == "2.1.2"
    windows = np.loadtxt(folder / "ecg_discord_test.csv", delimiter=",")[..., None]
    ours = predict(joined, windows)
    assert ours.shape == (23, 210)
    np.testing.assert_array_equal(ours, predict(beside, windows))
    wrong = folder / f"{ECG[ECG.index(name) - 1]}-auto-encoder-architecture.json"
    with pytest.raises(UnreadableFile, match="the weights do not belong to|do not belong together"):
        api.read(weights, architecture=wrong)


def test_weights_of_keras_1_take_either_completion(shared):
    folder = shared / "models/keras1"
    weights = folder / "simple_lstm_tf_keras_1_weights.h5"
    joined = api.read(weights, architecture=folder / "simple_lstm_tf_keras_1_config.json")
    stated = api.read(weights, layers="LSTM(tanh, hard_sigmoid) > Dense(linear)")
    with h5py.File(folder / "simple_lstm_tf_keras_1_inputs_and_outputs.h5") as file:
        windows, stored = file["inputs/lstm_input_1"][()], file["predictions/dense_1"][()]
    for network in (joined, stated):
        # Keras 1 computed in float32: 50 units sum to about 4e-6.
        np.testing.assert_allclose(predict(network, windows), stored, rtol=0, atol=4e-6)
    assert joined["lstm_1"].sources["W_i"].text == "lstm_1/lstm_1_W_i:0"


def test_json_within_json_is_an_architecture(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(forecaster().to_json()))
    assert architecture_in(path).config["class_name"] == "Sequential"


def test_yaml_is_read_as_plain_values(tmp_path, shared):
    import yaml

    folder = shared / "models/json_weights/ecg"
    stated = json.loads((folder / "lstm-auto-encoder-architecture.json").read_text())
    stated["config"][0]["config"]["batch_input_shape"] = (None, 210, 1)
    path = tmp_path / "a.yaml"
    path.write_text(yaml.dump(stated))
    assert "!!python/tuple" in path.read_text()
    network = api.read(folder / "lstm-auto-encoder-weights.h5", architecture=path)
    assert network["lstm_1"].layer.cell.units == 128


def test_shapes_that_leave_it_open_are_listed_in_the_files_own_names(tmp_path, rng):
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"a", b"b"]
        file.attrs["keras_version"] = b"2.1.2"
        for name, arrays in {"a": {"x:0": (5, 4)}, "b": {"b/kernel:0": (4, 3)}}.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in arrays]
            for key, shape in arrays.items():
                group[key] = rng.normal(size=shape)
    arrays = read_or_name_arrays(path)
    assert isinstance(arrays, Arrays)
    first, second = arrays.groups
    assert (first.kind, second.kind) == ("Dense or Embedding or PReLU", "Dense")
    assert [array.name for array in first.arrays] == ["a.x"]
    assert [array.name for array in second.arrays] == ["b.W"]


def test_damaged_weights_end_in_one_sentence(tmp_path, rng):
    weights, text = parts_of(forecaster(), tmp_path, ".weights.h5")
    text.unlink()
    whole = weights.read_bytes()
    for _ in range(60):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), size=4):
            content[place] = int(rng.integers(256))
        weights.write_bytes(content)
        try:
            read_or_name_arrays(weights)
        except InputError as error:
            assert "\n" not in str(error)  # ruff: ignore[pytest-assert-in-except]
