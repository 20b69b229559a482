"""The same words mean different things in different versions of Keras."""

import json
import zipfile
from math import inf

import h5py
import keras
import numpy as np
import pytest

from keras_models import saved, scrambled, write_hdf5
from rnnlens.engine.forward import predict
from rnnlens.network.cells import GRU
from rnnlens.network.layers import Activate, Bidirectional, Recurrent
from rnnlens.readers.open import read

L = keras.layers


def _cell(tmp_path, version, kind="LSTM", **options):
    """Write a layer of two units over one feature as an old version wrote it."""
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[kind]
    bias = (2, 2 * gates) if options.get("reset_after") else (2 * gates,)
    rng = np.random.default_rng(1)
    config = {"name": "r", "units": 2, "batch_input_shape": [None, 3, 1], **options}
    arrays = {
        "r/kernel:0": rng.normal(size=(1, 2 * gates)).astype("float32"),
        "r/recurrent_kernel:0": rng.normal(size=(2, 2 * gates)).astype("float32"),
        "r/bias:0": rng.normal(size=bias).astype("float32"),
    }
    layers = [{"class_name": kind, "config": config}]
    return write_hdf5(tmp_path / "old.h5", layers, {"r": arrays}, version=version)


def _layer(tmp_path, kind, version="2.1.3", **options):
    config = {"name": "a", "batch_input_shape": [None, 3, 1], **options}
    layers = [{"class_name": kind, "config": config}]
    return read(write_hdf5(tmp_path / "old.h5", layers, {}, version=version))["a"].layer


@pytest.mark.parametrize(
    ("version", "slope"),
    [("2.1.3", 0.2), ("2.2.4-tf", 0.2), ("2.15.0", 0.2), ("3.0.0", 1 / 6), ("3.15.1", 1 / 6)],
)
def test_the_slope_of_hard_sigmoid_is_that_of_the_files_version(tmp_path, version, slope):
    path = _cell(tmp_path, version, recurrent_activation="hard_sigmoid")
    cell = read(path)["r"].layer.cell
    assert cell.recurrent_activation["slope"] == slope


def test_a_live_keras_3_model_has_the_slope_of_keras_3():
    model = keras.Sequential([L.Input((3, 1)), L.LSTM(2, recurrent_activation="hard_sigmoid")])
    (_, layer), *_ = read(model).recurrent()
    assert layer.cell.recurrent_activation["slope"] == pytest.approx(1 / 6, rel=1e-15)


def test_a_gru_that_does_not_state_reset_after_resets_before(tmp_path):
    cell = read(_cell(tmp_path, "2.1.3", "GRU"))["r"].layer.cell
    assert isinstance(cell, GRU)
    assert not cell.reset_after
    assert cell.reset.b_r is None


def test_a_gru_of_tf_keras_that_states_reset_after_has_two_biases(tmp_path):
    cell = read(_cell(tmp_path, "2.11.0", "GRU", reset_after=True))["r"].layer.cell
    assert cell.reset_after
    assert cell.reset.b_r is not None


@pytest.mark.parametrize(("version", "zero"), [("2.2.4", False), ("2.2.4-tf", True)])
def test_a_missing_backward_layer_is_the_forward_one_read_the_other_way(tmp_path, version, zero):
    rng = np.random.default_rng(2)
    arrays = {
        f"b/{side}_rnn_1/{name}:0": rng.normal(size=shape).astype("float32")
        for side in ("forward", "backward")
        for name, shape in (("kernel", (1, 2)), ("recurrent_kernel", (2, 2)), ("bias", (2,)))
    }
    inner = {"class_name": "SimpleRNN", "config": {"name": "rnn_1", "units": 2}}
    inner["config"] |= {"return_sequences": True, "go_backwards": False}
    config = {"name": "b", "layer": inner, "merge_mode": "sum", "batch_input_shape": [None, 3, 1]}
    layers = [{"class_name": "Bidirectional", "config": config}]
    network = read(write_hdf5(tmp_path / "old.h5", layers, {"b": arrays}, version=version))
    layer = network["b"].layer
    assert isinstance(layer, Bidirectional)
    assert (layer.forward.go_backwards, layer.backward.go_backwards) == (False, True)
    np.testing.assert_array_equal(layer.backward.cell.hidden.W, arrays["b/backward_rnn_1/kernel:0"])
    assert network["b"].sources["backward.W"].text == "b/backward_rnn_1/kernel"
    # Multi-backend Keras 2 repeats the last output at a masked step; tf.keras gives zero.
    assert layer.forward.zero_output_for_mask is layer.backward.zero_output_for_mask is zero


@pytest.mark.parametrize(
    ("options", "slope"), [({"alpha": 0.1}, 0.1), ({"negative_slope": 0.4}, 0.4), ({}, 0.3)]
)
def test_leaky_relu_takes_its_slope_under_either_name(tmp_path, options, slope):
    layer = _layer(tmp_path, "LeakyReLU", **options)
    assert isinstance(layer, Activate)
    assert layer.activation["negative_slope"] == slope


def test_relu_layers_keep_their_three_parameters(tmp_path):
    layer = _layer(tmp_path, "ReLU", max_value=6.0, negative_slope=0.1, threshold=1.0)
    assert dict(layer.activation.parameters) == {
        "max_value": 6.0,
        "negative_slope": 0.1,
        "threshold": 1.0,
    }
    assert _layer(tmp_path, "ReLU", max_value=None).activation["max_value"] == inf
    thresholded = _layer(tmp_path, "ThresholdedReLU", theta=0.7).activation
    assert (thresholded.name, thresholded["threshold"]) == ("threshold", 0.7)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "linear"),
        ("relu6", "relu(max_value=6)"),
        ("leaky_relu", "relu(negative_slope=0.2)"),
        ("swish", "silu"),
        ("gelu", "gelu"),
        ({"class_name": "function", "config": "tanh", "registered_name": "tanh"}, "tanh"),
        ({"class_name": "LeakyReLU", "config": {"alpha": 0.1}}, "relu(negative_slope=0.1)"),
        (
            {
                "module": "keras.layers",
                "class_name": "ELU",
                "config": {"name": "elu", "trainable": True, "alpha": 2.0},
                "registered_name": None,
            },
            "elu(alpha=2)",
        ),
    ],
)
def test_activations_are_read_in_every_form_in_which_keras_writes_them(tmp_path, value, shown):
    assert str(_layer(tmp_path, "Activation", activation=value).activation) == shown


def test_initial_states_listed_behind_the_sequence_are_states(tmp_path):
    rng = np.random.default_rng(3)
    state = {"name": "h", "batch_input_shape": [None, 2]}
    series = {"name": "x", "batch_input_shape": [None, 3, 1]}
    entries = [
        {"class_name": "InputLayer", "name": c["name"], "config": c, "inbound_nodes": []}
        for c in (series, state)
    ]
    rnn = {"class_name": "SimpleRNN", "name": "r", "config": {"name": "r", "units": 2}}
    model = {
        "class_name": "Model",
        "config": {
            "name": "m",
            "layers": [*entries, rnn | {"inbound_nodes": [[["x", 0, 0, {}], ["h", 0, 0, {}]]]}],
            "input_layers": [["x", 0, 0], ["h", 0, 0]],
            "output_layers": [["r", 0, 0]],
        },
    }
    shapes = {"kernel:0": (1, 2), "recurrent_kernel:0": (2, 2), "bias:0": (2,)}
    arrays = {f"r/{name}": rng.normal(size=shape) for name, shape in shapes.items()}
    path = write_hdf5(tmp_path / "m.h5", [], {"r": arrays}, model=model, version="2.3.1")
    node = read(path)["r"]
    assert isinstance(node.layer, Recurrent)
    assert node.inputs == (("x", 0), ("h", 0))


def test_an_archive_of_tf_keras_that_skips_numbers_is_read_in_order(tmp_path):
    """tf.keras 2.12 and 2.13 count a layer with weights twice: lstm, lstm_2, lstm_4."""
    model = scrambled(
        keras.Sequential([
            L.Input((4, 2)),
            *(L.LSTM(2, return_sequences=True, name=f"layer_{k}") for k in range(11)),
        ])
    )
    path = saved(model, tmp_path)
    old = tmp_path / "old.keras"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(old, "w") as copy:
        copy.writestr("config.json", archive.read("config.json"))
        copy.writestr("metadata.json", json.dumps({"keras_version": "2.13.1"}))
        archive.extract("model.weights.h5", tmp_path)
        renumbered = tmp_path / "weights.h5"
        with h5py.File(tmp_path / "model.weights.h5") as new, h5py.File(renumbered, "w") as out:
            for k in range(11):
                name = f"lstm_{k}" if k else "lstm"
                place = f"_layer_checkpoint_dependencies/lstm{f'_{2 * k}' if k else ''}"
                new.copy(f"layers/{name}", out.require_group(place).parent, name="moved")
                del out[place]
                out.move("_layer_checkpoint_dependencies/moved", place)
                del out[place]["vars"].attrs["name"]
        copy.write(renumbered, "model.weights.h5")
    network = read(old)
    assert network.origin.format == "tf.keras archive (.keras)"
    for k, layer in enumerate(model.layers):
        cell = network[f"layer_{k}"].layer.cell
        np.testing.assert_array_equal(cell.forget.W, layer.get_weights()[0][:, 2:4])
    at = network["layer_10"].sources["W_f"].stored_at
    assert at == "_layer_checkpoint_dependencies/lstm_20/cell/vars/0"


def test_layers_that_compute_in_half_precision_are_noted():
    model = keras.Sequential([L.Input((3, 1)), L.LSTM(2, dtype="mixed_float16", name="half")])
    assert "half computes in mixed_float16" in " ".join(read(model).origin.notes)


def half_layers(policy):
    """A model whose layers keep their arrays as the policy says, its output in single precision."""
    x = keras.Input((8, 3))
    # torch finds no orthogonal matrix of half numbers
    options = {"dtype": policy, "recurrent_initializer": "glorot_uniform"}
    both = L.Bidirectional(L.GRU(3, return_sequences=True, **options), dtype=policy)(x)
    inner = L.LSTM(4, **options)(L.LayerNormalization(dtype=policy)(both))
    return scrambled(keras.Model(x, L.Dense(1, dtype="float32")(inner)))


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("ending", ["", "keras", "h5"])
def test_half_precision_is_read_number_by_number(tmp_path, rng, policy, ending):
    model = half_layers(policy)
    network = read(saved(model, tmp_path, ending) if ending else model)
    kernel = np.asarray(model.layers[-2].get_weights()[0]).astype(np.float32)
    layer = next(node for node in network.nodes if getattr(node.layer, "cell", None)).layer
    np.testing.assert_array_equal(layer.cell.input.W, kernel[:, :4])
    X = rng.normal(size=(4, 8, 3)).astype("float32")
    # bfloat16 keeps 8 bits of a number: 4e-3 of values of size 1, a few of them over 8 steps
    ours, theirs = predict(network, X), model.predict(X, verbose=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-2)
