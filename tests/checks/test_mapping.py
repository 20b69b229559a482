"""The gate order of unnamed arrays is found, and what does not decide it is no finding."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import torch

import rnnlens
from naive import gru_loop, lstm_loop
from rnnlens.checks.mapping import identify
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError

LSTM = ("input", "forget", "cell", "output")
LETTERS = {"input": "i", "forget": "f", "cell": "c", "output": "o"}


def windows(rng, samples=12, steps=5, features=3):
    return rng.normal(size=(samples, steps, features))


def numbers(module):
    return [parameter.detach().double().numpy() for parameter in module.parameters()]


def lstm_parts(rng, features=3, units=4):
    """Arrays of an LSTM by the names of the equations."""
    made = {}
    for letter in "ifco":
        made[f"W_{letter}"] = rng.normal(size=(features, units))
        made[f"U_{letter}"] = rng.normal(size=(units, units)) / 2
        made[f"b_{letter}"] = rng.normal(size=units)
    return made


def outputs(parts, X):
    """Last hidden states, by the naive loop: no code of rnnlens computes them."""
    plain = {name: values.tolist() for name, values in parts.items()}
    return np.array([lstm_loop(plain, x.tolist())[-1]["h"] for x in X])


def packed(parts, order):
    letters = [LETTERS[gate] for gate in order]
    return [np.concatenate([parts[f"{k}_{a}"] for a in letters], axis=-1) for k in "WUb"]


@pytest.mark.parametrize("order", list(itertools.permutations(LSTM)))
def test_every_order_of_an_lstm_is_found(order, rng):
    parts, X = lstm_parts(rng), windows(rng)
    found = identify(packed(parts, order), X, outputs(parts, X))
    assert found.order == order
    assert found.kind == "LSTM" and found.convention == "sigmoid, tanh"
    assert found.tried == 72
    assert found.error < 1e-12 < found.tolerance < found.runner_up_error
    assert found.margin > 1e9
    cell = found.network["lstm"].layer.cell
    for gate in LSTM:
        assert np.array_equal(cell.gates[gate].W, parts[f"W_{LETTERS[gate]}"])


@pytest.mark.parametrize("features", [3, 4])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("by_turns", [False, True])
def test_twelve_arrays_are_found_in_the_order_of_keras_1(features, turned, by_turns, rng):
    parts, X = lstm_parts(rng, features), windows(rng, features=features)
    letters = "icfo"
    groups = (
        [[f"{k}_{a}" for k in "WUb"] for a in letters]
        if by_turns
        else [[f"{k}_{a}" for a in letters] for k in "WUb"]
    )
    names = [name for group in groups for name in group]
    arrays = {f"param_{n}": parts[name] for n, name in enumerate(names)}
    if turned:
        arrays = {key: values.T for key, values in arrays.items()}
    found = identify(arrays, X, outputs(parts, X))
    assert found.order == ("input", "cell", "forget", "output")
    place = found.network["lstm"].sources["W_f"].text
    assert place.startswith(f"param_{names.index('W_f')}")
    assert turned == place.endswith("transposed")


@pytest.mark.parametrize("features", [3, 4])
@pytest.mark.parametrize(
    ("kind", "order"),
    [("LSTM", LSTM), ("GRU", ("reset", "update", "candidate")), ("RNN", ("hidden",))],
)
def test_arrays_of_pytorch_are_found(kind, order, features, rng):
    torch.manual_seed(3)
    module = getattr(torch.nn, kind)(features, 4, batch_first=True).double()
    X = windows(rng, features=features)
    Y = module(torch.tensor(X))[0].detach().numpy()
    for wanted in (Y[:, -1], Y):
        found = identify(numbers(module), X, wanted)
        assert found.order == order
        assert found.reset_after is (True if kind == "GRU" else None)
        assert found.error < 1e-12


def test_the_relu_of_pytorch_is_told_from_tanh(rng):
    torch.manual_seed(3)
    module = torch.nn.RNN(3, 4, nonlinearity="relu", batch_first=True).double()
    X = windows(rng)
    found = identify(numbers(module), X, module(torch.tensor(X))[0][:, -1].detach().numpy())
    assert found.convention == "relu"


@pytest.mark.parametrize("steps", [False, True])
def test_a_linear_layer_is_found_with_the_cell(steps, rng):
    torch.manual_seed(3)
    lstm = torch.nn.LSTM(3, 4, batch_first=True).double()
    head = torch.nn.Linear(4, 2).double()
    X = windows(rng)
    h = lstm(torch.tensor(X))[0]
    Y = head(h if steps else h[:, -1]).detach().numpy()
    found = identify(numbers(head) + numbers(lstm), X, Y)
    assert found.order == LSTM
    np.testing.assert_allclose(predict(found.network, X), Y, atol=1e-12)
    assert found.network["dense"].sources["W"].text == "arrays[0] transposed"


@pytest.mark.parametrize(
    ("layer", "order", "convention"),
    [
        (lambda: keras.layers.LSTM(4, bias_initializer="normal"), LSTM, "sigmoid, tanh"),
        (
            lambda: keras.layers.LSTM(4, recurrent_activation="hard_sigmoid"),
            LSTM,
            "hard_sigmoid(slope=0.1667), tanh",
        ),
        (
            lambda: keras.layers.GRU(4, bias_initializer="normal"),
            ("update", "reset", "candidate"),
            "sigmoid, tanh, reset after the product",
        ),
        (
            lambda: keras.layers.GRU(4, reset_after=False, bias_initializer="normal"),
            ("update", "reset", "candidate"),
            "sigmoid, tanh, reset before the product",
        ),
        (lambda: keras.layers.SimpleRNN(4), ("hidden",), "tanh"),
    ],
)
def test_arrays_of_keras_are_found(layer, order, convention, rng):
    keras.utils.set_random_seed(5)
    made = layer()
    X = windows(rng).astype(np.float32)
    Y = keras.ops.convert_to_numpy(made(X))
    found = identify(made.get_weights(), X, Y)
    assert (found.order, found.convention) == (order, convention)
    assert found.error < 1e-6  # Keras computes in float32


def test_arrays_of_onnx_are_found(rng):
    parts, X = lstm_parts(rng), windows(rng)
    W, U, b = packed(parts, ("input", "output", "forget", "cell"))
    half = rng.normal(size=16)
    B = np.concatenate([b - half, half])
    found = identify([W.T[None], U.T[None], B[None]], X, outputs(parts, X))
    assert found.order == ("input", "output", "forget", "cell")


@pytest.mark.parametrize("reset_after", [False, True])
def test_both_resets_and_both_halves_of_the_bias_are_told_apart(reset_after, rng):
    order = ("candidate", "update", "reset")
    parts = {}
    for letter in "zrn":
        parts[f"W_{letter}"] = rng.normal(size=(3, 4))
        parts[f"U_{letter}"] = rng.normal(size=(4, 4)) / 2
        parts[f"b_{letter}"] = rng.normal(size=4)
        parts[f"b_r{letter}"] = rng.normal(size=4)
    X = windows(rng)
    plain = {name: values.tolist() for name, values in parts.items()}
    Y = np.array([gru_loop(plain, x.tolist(), reset_after)[-1]["h"] for x in X])
    letters = [gate[0].replace("c", "n").replace("u", "z") for gate in order]
    arrays = [
        np.concatenate([parts[f"{kind}{a}"] for a in letters], axis=-1)
        for kind in ("W_", "U_", "b_r", "b_")  # the recurrent half first
    ]
    found = identify(arrays, X, Y)
    assert (found.order, found.reset_after) == (order, reset_after)
    if reset_after:
        assert found.network["gru"].sources["b_n"].text == "arrays[3][0:4]"


def test_one_step_leaves_the_reset_gate_open(rng):
    order = ("update", "reset", "candidate")
    parts = {f"{k}_{a}": rng.normal(size=(3, 4)) for k in "W" for a in "zrn"}
    parts |= {f"U_{a}": rng.normal(size=(4, 4)) for a in "zrn"}
    parts |= {f"b_{a}": rng.normal(size=4) for a in "zrn"}
    arrays = [np.concatenate([parts[f"{k}_{a}"] for a in "zrn"], axis=-1) for k in "WUb"]
    plain = {name: values.tolist() for name, values in parts.items()}
    plain |= {f"b_r{a}": [0.0] * 4 for a in "zrn"}
    for steps in (1, 4):
        X = windows(rng, steps=steps)
        Y = np.array([gru_loop(plain, x.tolist(), False)[-1]["h"] for x in X])
        if steps > 1:
            assert identify(arrays, X, Y).order == order
            continue
        with pytest.raises(InputError, match="ambiguous"):
            identify(arrays, X, Y)


def test_only_the_windows_that_differ_tell_and_all_are_looked_at(rng):
    parts = lstm_parts(rng)
    X = windows(rng, samples=40)
    Y = outputs(parts, X)
    assert identify(packed(parts, LSTM), X, Y).order == LSTM
    Y[-1, 0] += 0.1
    with pytest.raises(InputError, match="none of 72"):
        identify(packed(parts, LSTM), X, Y)


def test_the_arrays_given_stay_the_callers(rng):
    parts, X = lstm_parts(rng), windows(rng)
    arrays = packed(parts, LSTM)
    copies = [values.copy() for values in arrays]
    found = rnnlens.identify(arrays, X, outputs(parts, X))
    for values, copy in zip(arrays, copies, strict=True):
        assert values.flags.writeable
        assert np.array_equal(values, copy)
    assert not found.network["lstm"].layer.cell.input.W.flags.writeable
    assert found.network["lstm"].sources["W_i"].text == "arrays[0][:, 0:4]"


def test_every_order_that_the_first_windows_leave_open_is_run_on_all_of_them(rng):
    parts = lstm_parts(rng)
    parts |= {f"b_{letter}": np.zeros(4) for letter in "ifco"}
    # nothing enters the first windows, so that all 24 orders give zero there
    X = np.concatenate([np.zeros((32, 5, 3)), windows(rng, samples=8)])
    Y = outputs(parts, X)
    for order in list(itertools.permutations(LSTM))[::-5]:
        assert identify(packed(parts, order), X, Y).order == order
