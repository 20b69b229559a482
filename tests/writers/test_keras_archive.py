"""Every network written as .keras is opened by Keras itself, safely, and gives the same."""

from __future__ import annotations

import json
import zipfile

import keras
import numpy as np
import pytest

from rnnlens.checks.inputs import random_inputs
from rnnlens.engine.forward import predict
from rnnlens.network.activations import Activation
from rnnlens.network.inventory import inventory
from rnnlens.readers.open import read
from rnnlens.writers.keras.archive import write
from writers_zoo import NAMES, as_float32, zoo

NOT_OF_KERAS = {"lstm_peephole", "lstm_projected"}


def many(outputs):
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


def written(network, folder):
    path = folder / "model.keras"
    path.write_bytes(write(network).data)
    return path


@pytest.fixture
def networks(rng):
    return zoo(rng)


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")
@pytest.mark.parametrize("name", sorted(set(NAMES) - NOT_OF_KERAS))
def test_keras_opens_what_is_written_and_gives_the_same(name, networks, tmp_path):
    network = as_float32(networks[name])
    inputs = random_inputs(network, samples=6)
    ours = many(predict(network, inputs))
    path = written(network, tmp_path)
    model = keras.saving.load_model(path, safe_mode=True)
    given = [array.astype(np.float32) for array in inputs.values()]
    theirs = many(model(given if len(given) > 1 else given[0], training=False))
    back = read(path)
    again = many(predict(back, dict(zip(back.inputs, inputs.values(), strict=True))))
    assert len(ours) == len(theirs) == len(again)
    for mine, other, same in zip(ours, theirs, again, strict=True):
        scale = max(1.0, np.abs(mine).max())
        # float32 keeps seven digits; arrays that were multiplied or added are rounded to it.
        np.testing.assert_allclose(keras.ops.convert_to_numpy(other), mine, atol=3e-6 * scale)
        np.testing.assert_allclose(same, mine, atol=1e-6 * scale)


def test_double_precision_is_kept(networks, tmp_path):
    network = networks["lstm"]
    back = read(written(network, tmp_path))
    ours = [item.values for item in inventory(network)]
    theirs = [item.values for item in inventory(back)]
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert {values.dtype for values in theirs} == {np.dtype("float64")}


def test_the_same_network_gives_the_same_bytes(networks):
    assert write(networks["graph"]).data == write(networks["graph"]).data


def test_a_hard_sigmoid_of_another_slope_is_said_and_scaled(networks, tmp_path):
    network = networks["gru_before_hard"]
    made = write(network)
    assert "of the slope 0.2 is written as Keras 3's" in made.notes[0]
    assert "(update, reset) multiplied by 1.2" in made.notes[0]
    back = read(written(network, tmp_path))
    before, after = network["recurrent"].layer.cell, back["recurrent"].layer.cell
    np.testing.assert_allclose(after.update.W, 1.2 * before.update.W)
    assert np.array_equal(after.candidate.W, before.candidate.W)
    assert after.recurrent_activation == Activation("hard_sigmoid")


def test_two_biases_become_one_and_that_is_said(networks, rng):
    assert "added into one" in " ".join(write(networks["gru_before"]).notes)
    assert write(networks["gru_after"]).notes == ()


def test_picked_last_steps_are_folded_into_the_layer(networks, tmp_path):
    with zipfile.ZipFile(written(networks["exported"], tmp_path)) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    assert [item["class_name"] for item in layers] == ["InputLayer", "LSTM", "Dense"]
    assert not layers[1]["config"]["return_sequences"]


def test_the_newest_of_any_number_of_steps_is_picked(networks, tmp_path):
    made = write(networks["end"])
    assert made.notes == ()
    back = read(written(networks["end"], tmp_path))
    X = np.random.default_rng(1).normal(size=(3, 4, 3))
    for steps in (1, 4):
        ours = predict(networks["end"], X[:, :steps])
        np.testing.assert_allclose(predict(back, X[:, :steps]), ours, atol=1e-12)
