"""Fidelity holds for what was read right, and fails for anything read wrong."""

import importlib
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from networks import forecaster, with_gates
from rnnlens.checks.fidelity import fidelity
from rnnlens.engine.forward import predict
from rnnlens.network.layers import Recurrent
from rnnlens.readers.open import read


@pytest.fixture(scope="module")
def keras():
    return importlib.import_module("keras")


def keras_model(keras, kind, seed=3):
    keras.utils.set_random_seed(seed)
    layer = {
        "lstm": keras.layers.LSTM(6),
        "gru_after": keras.layers.GRU(6),
        "gru_before": keras.layers.GRU(6, reset_after=False),
        "simple_rnn": keras.layers.SimpleRNN(6),
    }[kind]
    model = keras.Sequential([keras.layers.Input((9, 4)), layer, keras.layers.Dense(3)])
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) * 0.5 for w in model.get_weights()])
    return model


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "gru_before", "simple_rnn"])
def test_a_live_model_and_its_reading_agree(kind, keras, rng):
    model = keras_model(keras, kind)
    found = fidelity(read(model), model, rng.normal(size=(20, 9, 4)))
    assert found.agrees and found.largest < 1e-6
    assert found.largest_difference.shape == (3,)
    assert found.against.startswith("Keras 3.") and found.against.endswith("on torch")
    assert found.samples == 20


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "gru_before"])
def test_gates_swapped_on_purpose_are_found_out(kind, keras, rng):
    model = keras_model(keras, kind)
    network = read(model)
    x = rng.normal(size=(20, 9, 4))
    outputs = model.predict(x, verbose=0)
    assert fidelity(network, outputs, x).agrees
    names = next(iter(network.recurrent()))[1].cell.gates
    pairs = list(combinations(names, 2))
    assert len(pairs) == (6 if kind == "lstm" else 3)
    for one, other in pairs:
        wrong = fidelity(with_gates(network, one, other), outputs, x)
        assert not wrong.agrees and wrong.largest > 1e-2, (one, other)


def test_the_other_reset_convention_is_found_out(keras, rng):
    model = keras_model(keras, "gru_after")
    network = read(model)
    x = rng.normal(size=(20, 9, 4))
    nodes = tuple(
        replace(node, layer=replace(node.layer, cell=replace(node.layer.cell, reset_after=False)))
        if isinstance(node.layer, Recurrent)
        else node
        for node in network.nodes
    )
    wrong = fidelity(replace(network, nodes=nodes), model, x)
    assert not wrong.agrees and wrong.largest > 1e-2


def test_one_changed_weight_is_found_out(rng):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(30, 7, 3))
    outputs = predict(network, x)
    network["recurrent"].layer.cell.forget.U[2, 3] += 0.05
    found = fidelity(network, outputs, x)
    assert not found.agrees


def test_a_path_is_run_by_keras(keras, rng, tmp_path):
    model = keras_model(keras, "lstm")
    path = tmp_path / "m.keras"
    model.save(path)
    found = fidelity(read(path), path, rng.normal(size=(5, 9, 4)))
    assert found.agrees and "Keras 3." in found.against


def test_float32_drift_stays_within_the_stated_tolerance_over_long_windows(keras, rng):
    model = keras.Sequential([keras.layers.Input((300, 4)), keras.layers.LSTM(12)])
    model.set_weights([rng.normal(size=w.shape) * 0.6 for w in model.get_weights()])
    found = fidelity(read(model), model, rng.normal(size=(8, 300, 4)))
    assert 0 < found.largest <= found.tolerance


def test_nan_from_the_source_is_no_agreement(rng):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(4, 7, 3))
    outputs = predict(network, x)
    outputs[2, 1] = np.nan
    assert not fidelity(network, outputs, x).agrees


def fixed(keras, kind, batch, stateful=True):
    """A model that takes so many windows at a time, and keeps its state from one to the next."""
    L = keras.layers
    x = keras.Input(batch_shape=(batch, 6, 4))
    made = {
        "lstm": lambda: L.LSTM(5, stateful=stateful)(x),
        "bidirectional": lambda: L.Bidirectional(L.GRU(3, stateful=stateful))(x),
        "stack": lambda: L.SimpleRNN(3, stateful=stateful)(
            L.LSTM(4, stateful=stateful, return_sequences=True)(x)
        ),
    }[kind]()
    model = keras.Model(x, L.Dense(2)(made))
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=w.shape) * 0.5 for w in model.get_weights()])
    return model


@pytest.mark.parametrize("windows", [1, 7, 12])
@pytest.mark.parametrize(
    ("kind", "batch", "stateful"),
    [
        ("lstm", 1, True),
        ("lstm", 4, True),
        ("bidirectional", 4, True),
        ("stack", 3, True),
        ("stack", 5, False),
    ],
)
def test_a_source_of_a_fixed_batch_is_run_in_its_own(keras, rng, kind, batch, stateful, windows):
    model = fixed(keras, kind, batch, stateful)
    network = read(model)
    found = fidelity(network, model, rng.normal(size=(windows, 6, 4)))
    assert found.agrees
    assert found.samples == windows
    if kind == "lstm":
        wrong = with_gates(network, "input", "output")
        assert not fidelity(wrong, model, rng.normal(size=(windows, 6, 4))).agrees


def test_a_live_stateful_model_keeps_the_state_that_it_had(keras, rng):
    model = fixed(keras, "lstm", 2)
    X = rng.normal(size=(2, 6, 4)).astype("float32")
    model.predict(X, verbose=0)
    before = [np.array(state.numpy()) for state in model.layers[1].states]
    assert all(np.any(state) for state in before)
    fidelity(read(model), model, X)
    for was, now in zip(before, model.layers[1].states, strict=True):
        np.testing.assert_array_equal(was, now.numpy())
