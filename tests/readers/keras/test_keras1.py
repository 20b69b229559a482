"""Keras 1: other words, an array a gate, Theano; against files of its time and the equations."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from keras_models import write_hdf5
from naive import gru_loop, lstm_loop, simple_rnn_loop
from rnnlens.engine.forward import predict
from rnnlens.network.describe import describe
from rnnlens.network.inventory import inventory
from rnnlens.readers.open import read

TWINS = (
    "bidirectional_lstm_no_return_sequences",
    "bidirectional_lstm",
    "embedding_lstm",
    "lstm",
)
FILES = (
    *(f"{twin}_{backend}_1" for twin in TWINS for backend in ("tensorflow", "theano")),
    "simple_rnn_tensorflow_1",
    "simple_lstm_tf_keras_1_model",
)
LETTERS = {"LSTM": "icfo", "GRU": "zrh", "SimpleRNN": " "}
#: Names of arrays: of TensorFlow, of a second session of TensorFlow, of Theano, of neither.
NAMINGS = {
    "tensorflow": "a_{}:0".format,
    "tensorflow again": "a_{}_1:0".format,
    "theano": "a_{}".format,
}


def hard_sigmoid(a):
    return min(1.0, max(0.0, 0.2 * a + 0.5))


def recurrent(kind, **options):
    config = {"name": "a", "output_dim": 4, "activation": "tanh", "init": "glorot_uniform"}
    config |= {"inner_init": "orthogonal", "dropout_W": 0.2, "dropout_U": 0.0, "input_dim": 3}
    config |= {"batch_input_shape": [None, 5, 3], "input_dtype": "float32", "consume_less": "cpu"}
    if kind != "SimpleRNN":
        config["inner_activation"] = "hard_sigmoid"
    return {"class_name": kind, "config": {**config, **options}}


def gate_arrays(rng, kind, features=3, units=4):
    """Distinct float64 arrays by the names of Keras 1, in its file order."""
    arrays = {}
    for letter in LETTERS[kind]:
        end = f"_{letter}".rstrip(" _")
        arrays[f"W{end}"] = rng.normal(size=(features, units))
        arrays[f"U{end}"] = rng.normal(size=(units, units)) * 0.5
        arrays[f"b{end}"] = rng.normal(size=units)
    return arrays


def run_naively(kind, arrays, window, sigma=hard_sigmoid):
    if kind == "SimpleRNN":
        return simple_rnn_loop(arrays, window)[-1]["h"]
    if kind == "LSTM":
        return lstm_loop(arrays, window, sigma)[-1]["h"]
    named = {name.replace("_h", "_n"): values for name, values in arrays.items()}
    named |= {f"b_r{gate}": np.zeros(4) for gate in "zrn"}
    return gru_loop(named, window, False, sigma)[-1]["h"]


def assert_equal_to_the_equations(path, kind, arrays, rng):
    windows = rng.normal(size=(3, 5, 3))
    expected = [run_naively(kind, arrays, window) for window in windows]
    # Both run in float64 on the same numbers: only the order of sums differs.
    np.testing.assert_allclose(predict(read(path), windows), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("kind", LETTERS)
def test_an_array_a_gate_is_read_as_the_equations_have_it(tmp_path, rng, kind, naming):
    arrays = gate_arrays(rng, kind)
    named = {NAMINGS[naming](name): values for name, values in arrays.items()}
    path = write_hdf5(tmp_path / "m.h5", [recurrent(kind)], {"a": named}, version="1.2.2")
    assert_equal_to_the_equations(path, kind, arrays, rng)


@pytest.mark.parametrize("kind", LETTERS)
def test_arrays_without_names_are_told_by_their_order(tmp_path, rng, kind):
    arrays = gate_arrays(rng, kind)
    plain = {f"param_{number}": values for number, values in enumerate(arrays.values())}
    path = write_hdf5(tmp_path / "m.h5", [recurrent(kind)], {"a": plain}, version="1.0.4")
    assert_equal_to_the_equations(path, kind, arrays, rng)


@pytest.mark.parametrize(("kind", "order"), [("LSTM", "ifco"), ("GRU", "zrh")])
def test_gates_side_by_side_are_cut_in_their_order(tmp_path, rng, kind, order):
    arrays = gate_arrays(rng, kind)
    packed = {
        f"a_{letter}:0": np.concatenate([arrays[f"{letter}_{gate}"] for gate in order], axis=-1)
        for letter in "WUb"
    }
    layers = [recurrent(kind, consume_less="gpu")]
    path = write_hdf5(tmp_path / "m.h5", layers, {"a": packed}, version="1.2.2")
    assert_equal_to_the_equations(path, kind, arrays, rng)


def test_two_gates_changed_round_are_noticed(tmp_path, rng):
    arrays = gate_arrays(rng, "LSTM")
    names = list(arrays)
    swapped = [*names[:3], *names[6:9], *names[3:6], *names[9:]]
    plain = {f"param_{number}": arrays[name] for number, name in enumerate(swapped)}
    path = write_hdf5(tmp_path / "m.h5", [recurrent("LSTM")], {"a": plain}, version="1.2.2")
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_equal_to_the_equations(path, "LSTM", arrays, rng)


def test_names_are_canonical_and_sources_are_those_of_the_file(tmp_path, rng):
    named = {f"a_{name}:0": values for name, values in gate_arrays(rng, "GRU").items()}
    path = write_hdf5(tmp_path / "m.h5", [recurrent("GRU")], {"a": named}, version="1.2.2")
    sources = {array.name: array.source for array in inventory(read(path))}
    assert sources["a.W_n"].text == "a/a_W_h:0"
    assert sources["a.U_z"].stored_at == "model_weights/a/a_U_z:0"
    with h5py.File(path) as file:
        assert all(source.stored_at in file for source in sources.values())


@pytest.mark.parametrize("name", FILES)
def test_files_of_keras_1_are_read_whole(shared, name):
    path = shared / "models/keras1" / f"{name}.h5"
    network = read(path)
    assert (network.origin.format, network.origin.version) == ("Keras 1 HDF5", "1.2.2")
    with h5py.File(path) as file:
        kept: list[int] = []
        file["model_weights"].visititems(
            lambda _, item: kept.append(item.size) if isinstance(item, h5py.Dataset) else None
        )
        for array in inventory(network):
            stored = file[array.source.stored_at][()]
            np.testing.assert_array_equal(array.values, stored)
    assert sum(array.values.size for array in inventory(network)) == sum(kept)


def test_outputs_and_activations_that_keras_1_gave_are_reproduced(shared):
    folder = shared / "models/keras1"
    network = read(folder / "simple_lstm_tf_keras_1_model.h5")
    with h5py.File(folder / "simple_lstm_tf_keras_1_inputs_and_outputs.h5") as file:
        windows = file["inputs/lstm_input_1"][()]
        outputs = {name: file[f"activations/{name}"][()] for name in ("lstm_1", "dense_1")}
        np.testing.assert_array_equal(outputs["dense_1"], file["predictions/dense_1"][()])
    for name, stored in outputs.items():
        ours = predict(replace(network, outputs=((name, 0),)), windows)
        # Keras 1 computed in float32: 50 units sum to about 4e-6.
        np.testing.assert_allclose(ours, stored, rtol=0, atol=4e-6)


def _structure(network):
    described = describe(network)
    for layer in described["layers"]:
        for array in layer["arrays"]:
            del array["source"], array["stored_at"]
    return described["layers"]


@pytest.mark.parametrize("twin", TWINS)
def test_theano_tensorflow_and_keras_2_state_the_same_network(shared, twin):
    models = shared / "models"
    tensorflow = read(models / f"keras1/{twin}_tensorflow_1.h5")
    theano = read(models / f"keras1/{twin}_theano_1.h5")
    newer = read(models / f"keras2/{twin}_tensorflow_2.h5")
    assert _structure(tensorflow) == _structure(theano)
    assert [layer["kind"] for layer in _structure(newer)] == [
        layer["kind"] for layer in _structure(theano)
    ]
    shapes = [
        [(array["name"].split(".", 1)[1], array["shape"]) for array in layer["arrays"]]
        for layer in _structure(newer)
    ]
    assert shapes == [
        [(array["name"].split(".", 1)[1], array["shape"]) for array in layer["arrays"]]
        for layer in _structure(theano)
    ]


def _bidirectional(rng, names):
    sides = {side: gate_arrays(rng, "LSTM") for side in ("forward", "backward")}
    weights = {
        names(side, name): values for side, own in sides.items() for name, values in own.items()
    }
    wrapped = recurrent("LSTM", name="lstm_1")
    shape = wrapped["config"].pop("batch_input_shape")
    config = {"name": "b", "layer": wrapped, "merge_mode": "concat", "batch_input_shape": shape}
    return [{"class_name": "Bidirectional", "config": config}], {"b": weights}, sides


@pytest.mark.parametrize("named", [True, False])
def test_both_directions_are_told_apart(tmp_path, rng, named):
    counted = iter(range(24))

    def names(side, name):
        return f"{side}_lstm_1_{name}:0" if named else f"param_{next(counted)}"

    layers, weights, sides = _bidirectional(rng, names)
    path = write_hdf5(tmp_path / "m.h5", layers, weights, version="1.2.2")
    window = rng.normal(size=(5, 3))
    expected = [
        *run_naively("LSTM", sides["forward"], window),
        *run_naively("LSTM", sides["backward"], window[::-1]),
    ]
    np.testing.assert_allclose(predict(read(path), window[None])[0], expected, rtol=0, atol=1e-13)


def convolve(window, kernel, bias, *, flipped):
    """Slide a kernel (tap, feature, unit) over a window, turned round or not."""
    taps = len(kernel)
    turned = kernel[::-1] if flipped else kernel
    return [
        [
            bias[u]
            + sum(
                window[t + k][f] * turned[k][f][u]
                for k in range(taps)
                for f in range(len(window[0]))
            )
            for u in range(len(bias))
        ]
        for t in range(len(window) - taps + 1)
    ]


@pytest.mark.parametrize("backend", ["tensorflow", "theano"])
@pytest.mark.parametrize("old", [False, True])
def test_convolutions_turn_round_with_theano_alone(tmp_path, rng, backend, old):
    kernel, bias = rng.normal(size=(3, 2, 4)), rng.normal(size=4)
    kept = kernel.transpose(2, 1, 0)[..., None] if old else kernel[:, None]
    end = ":0" if backend == "tensorflow" else ""
    config = {"name": "c", "nb_filter": 4, "filter_length": 3, "border_mode": "valid"}
    config |= {"subsample_length": 1, "activation": "linear", "bias": True, "init": "uniform"}
    config["batch_input_shape"] = [None, 6, 2]
    layers = [{"class_name": "Convolution1D", "config": config}]
    weights = {"c": {f"c_W{end}": kept, f"c_b{end}": bias}}
    path = write_hdf5(tmp_path / "m.h5", layers, weights, version="1.2.2")
    window = rng.normal(size=(6, 2))
    expected = convolve(window, kernel, bias, flipped=backend == "theano")
    np.testing.assert_allclose(predict(read(path), window[None])[0], expected, rtol=0, atol=1e-13)
    source = read(path)["c"].sources["W"].text
    assert source.startswith("c/c_W") and source.endswith("[::-1]") == (backend == "theano")


def test_a_merge_of_branches_becomes_a_graph(tmp_path, rng):
    def branch(name):
        dense = {"name": name, "output_dim": 2, "activation": "tanh", "bias": True}
        entry = {"class_name": "Dense", "config": {**dense, "batch_input_shape": [None, 3]}}
        return {"class_name": "Sequential", "config": [entry]}

    merge = {"name": "m", "mode": "concat", "mode_type": "raw", "concat_axis": -1, "dot_axes": -1}
    head = {"name": "d", "output_dim": 1, "activation": "linear"}
    layers = [
        {"class_name": "Merge", "config": {**merge, "layers": [branch("l"), branch("r")]}},
        {"class_name": "Dense", "config": head},
    ]
    weights = {
        name: {f"{name}_W:0": rng.normal(size=shape), f"{name}_b:0": rng.normal(size=shape[1])}
        for name, shape in {"l": (3, 2), "r": (3, 2), "d": (4, 1)}.items()
    }
    network = read(write_hdf5(tmp_path / "m.h5", layers, weights, version="1.1.2"))
    left, right = rng.normal(size=(2, 5, 3))
    assert list(network.inputs) == ["l_input", "r_input"]
    both = [
        np.tanh(x @ weights[n][f"{n}_W:0"] + weights[n][f"{n}_b:0"])
        for x, n in ((left, "l"), (right, "r"))
    ]
    expected = np.concatenate(both, axis=-1) @ weights["d"]["d_W:0"] + weights["d"]["d_b:0"]
    ours = predict(network, {"l_input": left, "r_input": right})
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-13)


def test_the_other_layers_are_read_in_their_old_words(tmp_path, rng):
    layers = [
        {"class_name": "TimeDistributedDense", "config": {
            "name": "t", "output_dim": 4, "activation": "relu", "batch_input_shape": [None, 6, 3]}},
        {"class_name": "Dropout", "config": {"name": "drop", "p": 0.5}},
        {"class_name": "MaxPooling1D", "config": {
            "name": "pool", "pool_length": 2, "stride": 2, "border_mode": "valid"}},
        {"class_name": "BatchNormalization", "config": {
            "name": "n", "mode": 0, "axis": -1, "momentum": 0.9, "epsilon": 1e-3,
            "gamma_init": "one", "beta_init": "zero"}},
        {"class_name": "Flatten", "config": {"name": "flat"}},
    ]  # fmt: skip
    moments = {"gamma": 1.5, "beta": -0.2, "running_mean": 0.3, "running_std": 0.7}
    weights = {
        "t": {"t_W:0": rng.normal(size=(3, 4)), "t_b:0": rng.normal(size=4)},
        "n": {f"n_{name}:0": at + 0.1 * rng.random(4) for name, at in moments.items()},
    }
    network = read(write_hdf5(tmp_path / "m.h5", layers, weights, version="1.2.2"))
    windows = rng.normal(size=(3, 6, 3))
    steps = np.maximum(windows @ weights["t"]["t_W:0"] + weights["t"]["t_b:0"], 0)
    pooled = steps.reshape(3, 3, 2, 4).max(axis=2)
    own = {name: weights["n"][f"n_{name}:0"] for name in moments}
    # The array that Keras 1.2 calls running_std holds the variance.
    scaled = (pooled - own["running_mean"]) / np.sqrt(own["running_std"] + 1e-3)
    expected = (own["gamma"] * scaled + own["beta"]).reshape(3, 12)
    np.testing.assert_allclose(predict(network, windows), expected, rtol=0, atol=1e-13)


def _dense(**options):
    config = {"name": "d", "output_dim": 2, "batch_input_shape": [None, 3], **options}
    return {"class_name": "Dense", "config": config}


def test_a_file_without_a_version_is_of_keras_1_and_says_so(tmp_path, rng):
    weights = {"d": {"d_W": rng.normal(size=(3, 2)), "d_b": rng.normal(size=2)}}
    network = read(write_hdf5(tmp_path / "m.h5", [_dense()], weights, version=None))
    assert network.origin.version == ""
    assert any("of Keras 1.0 or 1.1" in note for note in network.origin.notes)
    x = rng.normal(size=(4, 3))
    expected = x @ weights["d"]["d_W"] + weights["d"]["d_b"]
    np.testing.assert_allclose(predict(network, x), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("backend", ["tensorflow", "theano", None])
def test_keras_2_states_its_backend_and_theano_alone_turns_kernels_round(tmp_path, rng, backend):
    kernel, bias = rng.normal(size=(3, 2, 4)), rng.normal(size=4)
    config = {"name": "c", "filters": 4, "kernel_size": [3], "activation": "linear"}
    layers = [{"class_name": "Conv1D", "config": {**config, "batch_input_shape": [None, 6, 2]}}]
    weights = {"c": {"c/kernel": kernel, "c/bias": bias}}
    path = write_hdf5(tmp_path / "m.h5", layers, weights, version="2.1.2")
    if backend is not None:
        with h5py.File(path, "r+") as file:
            file.attrs["backend"] = backend.encode()
    window = rng.normal(size=(6, 2))
    expected = convolve(window, kernel, bias, flipped=backend == "theano")
    np.testing.assert_allclose(predict(read(path), window[None])[0], expected, rtol=0, atol=1e-13)
