"""Weights without an architecture at the command line."""

import json

import h5py
import numpy as np
import pytest

STATED = "GRU(tanh, sigmoid) > Dense(linear)"


@pytest.fixture
def weights(tmp_path, rng):
    """Weights of a GRU of two units over one feature, in the form of Keras 2."""
    shapes = {
        "g": {"kernel": (1, 6), "recurrent_kernel": (2, 6), "bias": (6,)},
        "d": {"kernel": (2, 1), "bias": (1,)},
    }
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in shapes]
        file.attrs["keras_version"] = b"2.1.2"
        for name, arrays in shapes.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{role}:0".encode() for role in arrays]
            for role, shape in arrays.items():
                group[f"{name}/{role}:0"] = rng.normal(size=shape)
    return path


@pytest.fixture
def architecture(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    gru = {"name": "g", "units": 2, "recurrent_activation": "sigmoid", "activation": "tanh"}
    layers = [
        {"class_name": "GRU", "config": {**gru, "batch_input_shape": [None, 4, 1]}},
        {"class_name": "Dense", "config": {"name": "d", "units": 1, "activation": "linear"}},
    ]
    model = {"class_name": "Sequential", "config": layers, "keras_version": "2.1.2"}
    path = folder / "model.json"
    path.write_text(json.dumps(model))
    return path


def test_inspect_names_arrays_by_their_shapes(call, weights):
    said = call("inspect", weights)
    assert said.code == 0
    assert "g.U_r (2, 2) recurrent kernel, reset gate, from g/recurrent_kernel[:, 2:4]" in said.out
    assert "The file holds weights alone." in said.out
    described = json.loads(call("inspect", weights, "--json").out)
    assert [layer["kind"] for layer in described["layers"]] == ["GRU", "Dense"]


def test_stated_layers_and_an_architecture_trace_alike(call, weights, architecture, tmp_path):
    series = tmp_path / "x.csv"
    series.write_text("x\n" + "\n".join(str(value) for value in np.linspace(-1, 1, 9)))
    rest = ("--features", "x", "--window", 4, "--json")
    stated = call("trace", weights, series, "--layers", STATED, *rest)
    told = call("trace", weights, series, "--architecture", architecture, *rest)
    assert stated.code == told.code == 0
    values = [json.loads(each.out) for each in (stated, told)]
    for one in values:  # the second in which each was made
        del one["attrs"]["created"]
    assert "as stated: GRU" in values[0]["attrs"].pop("assumed")  # which an architecture says
    for layer in values[0]["layers"].values():
        layer["attrs"].pop("assumed")
    assert values[0] == values[1]


@pytest.mark.parametrize("options", [(), ("--layers", "LSTM(tanh, sigmoid) > Dense(linear)")])
def test_what_is_missing_or_wrong_is_one_sentence(call, weights, tmp_path, options):
    series = tmp_path / "x.csv"
    series.write_text("x\n1\n2\n3\n4\n5\n")
    said = call("trace", weights, series, "--features", "x", "--window", 4, *options)
    assert (said.code, said.out) == (1, "")
    assert "--layers" in said.err or "LSTM stands where the arrays are 'g'" in said.err
    assert "Traceback" not in said.err
