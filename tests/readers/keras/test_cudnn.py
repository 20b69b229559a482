"""CuDNNLSTM and CuDNNGRU, against cuDNN's own equations run on the numbers in cuDNN's order."""

import math

import numpy as np
import pytest

from keras_models import write_hdf5
from rnnlens.engine.forward import predict
from rnnlens.readers.keras.layers.cudnn import cudnn_gates
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.open import read

FEATURES, UNITS = 3, 4


def logistic(a):
    return 1 / (1 + math.exp(-a))


def cudnn_matrices(arrays, gates):
    """Cut Keras's arrays into what it hands to cuDNN: matrices by rows, then two biases a gate."""
    configs = []
    for g in range(gates):
        columns = slice(g * UNITS, (g + 1) * UNITS)
        flat_w = [value for row in arrays["kernel"][:, columns] for value in row]
        flat_r = [value for row in arrays["recurrent_kernel"][:, columns] for value in row]
        configs.append({
            "W": [flat_w[u * FEATURES : (u + 1) * FEATURES] for u in range(UNITS)],
            "R": [flat_r[u * UNITS : (u + 1) * UNITS] for u in range(UNITS)],
            "bW": arrays["bias"][columns],
            "bR": arrays["bias"][gates * UNITS :][columns],
        })
    return configs


def times(matrix, column):
    return [sum(a * b for a, b in zip(row, column, strict=True)) for row in matrix]


def cudnn_lstm(arrays, window):
    """i, f, o by a sigmoid, c by tanh of W x + R h + bW + bR; Keras's order is i, f, c, o."""
    gates = cudnn_matrices(arrays, 4)
    h, c = [0.0] * UNITS, [0.0] * UNITS
    for x in window:
        i, f, n, o = (
            [
                a + b + u + v
                for a, b, u, v in zip(
                    times(g["W"], x), times(g["R"], h), g["bW"], g["bR"], strict=True
                )
            ]
            for g in gates
        )
        c = [logistic(f[u]) * c[u] + logistic(i[u]) * math.tanh(n[u]) for u in range(UNITS)]
        h = [logistic(o[u]) * math.tanh(c[u]) for u in range(UNITS)]
    return h


def cudnn_gru(arrays, window):
    """h' = (1 - i) h~ + i h with h~ = tanh(W x + r (R h + bR) + bW); Keras's order is z, r, h."""
    update, reset, new = cudnn_matrices(arrays, 3)
    h = [0.0] * UNITS
    for x in window:
        z, r = (
            [
                logistic(a + b + u + v)
                for a, b, u, v in zip(
                    times(g["W"], x), times(g["R"], h), g["bW"], g["bR"], strict=True
                )
            ]
            for g in (update, reset)
        )
        from_x, from_h = times(new["W"], x), times(new["R"], h)
        h = [
            (1 - z[u]) * math.tanh(from_x[u] + new["bW"][u] + r[u] * (from_h[u] + new["bR"][u]))
            + z[u] * h[u]
            for u in range(UNITS)
        ]
    return h


TWINS = {"LSTM": (4, cudnn_lstm), "GRU": (3, cudnn_gru)}


def made(rng, kind):
    gates, _ = TWINS[kind]
    return {
        "kernel": rng.normal(size=(FEATURES, gates * UNITS)),
        "recurrent_kernel": rng.normal(size=(UNITS, gates * UNITS)) * 0.5,
        "bias": rng.normal(size=2 * gates * UNITS),
    }


def config_of(kind, **options):
    shape = {"batch_input_shape": [None, 5, FEATURES]}
    return {"class_name": kind, "config": {"name": "a", "units": UNITS, **shape, **options}}


def written(path, layer, arrays, name="a"):
    weights = {name: {f"{name}/{role}:0": values for role, values in arrays.items()}}
    return write_hdf5(path, [layer], weights, version="2.2.4")


@pytest.mark.parametrize("kind", TWINS)
@pytest.mark.parametrize("stated", ["CuDNN", "plain"])
def test_the_equations_of_cudnn_give_what_the_network_gives(tmp_path, rng, kind, stated):
    arrays = made(rng, kind)
    layer = config_of(f"CuDNN{kind}")
    if stated == "plain":
        options = {"activation": "tanh", "recurrent_activation": "sigmoid"}
        layer = config_of(kind, **options, **({"reset_after": True} if kind == "GRU" else {}))
    network = read(written(tmp_path / "m.h5", layer, arrays))
    windows = rng.normal(size=(3, 5, FEATURES))
    expected = [TWINS[kind][1](arrays, window) for window in windows]
    # Both run in float64 on the same numbers: only the order of sums differs.
    np.testing.assert_allclose(predict(network, windows), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", TWINS)
def test_plain_arrays_under_a_cudnn_class_are_read_as_plain(tmp_path, rng, kind):
    arrays = made(rng, kind)
    gates = TWINS[kind][0]
    plain = {**arrays, "bias": arrays["bias"][: gates * UNITS]}
    options = {"recurrent_activation": "sigmoid"}
    if kind == "GRU":
        plain["bias"] = arrays["bias"].reshape(2, -1)
        options["reset_after"] = True
    one = read(written(tmp_path / "one.h5", config_of(f"CuDNN{kind}"), plain))
    other = read(written(tmp_path / "other.h5", config_of(kind, **options), plain))
    windows = rng.normal(size=(3, 5, FEATURES))
    np.testing.assert_array_equal(predict(one, windows), predict(other, windows))


def test_both_directions_are_of_cudnn(tmp_path, rng):
    sides = {side: made(rng, "LSTM") for side in ("forward", "backward")}
    inner = {"class_name": "CuDNNLSTM", "config": {"name": "l", "units": UNITS}}
    layer = {
        "class_name": "Bidirectional",
        "config": {"name": "a", "layer": inner, "batch_input_shape": [None, 5, FEATURES]},
    }
    arrays = {
        f"a/{side}_l/{role}:0": values
        for side, own in sides.items()
        for role, values in own.items()
    }
    path = write_hdf5(tmp_path / "m.h5", [layer], {"a": arrays}, version="2.2.4")
    window = rng.normal(size=(5, FEATURES))
    expected = [*cudnn_lstm(sides["forward"], window), *cudnn_lstm(sides["backward"], window[::-1])]
    np.testing.assert_allclose(predict(read(path), window[None])[0], expected, rtol=0, atol=1e-13)


def test_sources_say_how_a_block_was_turned(tmp_path, rng):
    sources = read(written(tmp_path / "m.h5", config_of("CuDNNGRU"), made(rng, "GRU")))["a"].sources
    assert sources["W_r"].text == "a/kernel[:, 4:8].reshape(4, 3).T"
    assert sources["U_n"].text == "a/recurrent_kernel[:, 8:12].T"
    assert (sources["b_z"].text, sources["b_rz"].text) == ("a/bias[0:4]", "a/bias[12:16]")


def test_a_block_left_as_it_is_would_be_noticed(rng):
    arrays = made(rng, "LSTM")
    cell = {
        letter: CellArray(arrays[role], role)
        for letter, role in (("W", "kernel"), ("U", "recurrent_kernel"), ("b", "bias"))
    }
    gates, _ = cudnn_gates("LSTM", cell, UNITS)
    assert not np.allclose(gates["input"].W, arrays["kernel"][:, :UNITS])
    assert not np.allclose(gates["input"].U, arrays["recurrent_kernel"][:, :UNITS])
