"""SavedModels and checkpoints of TensorFlow, read without it: files that it wrote, and its outputs.

``benchmarks/tensorflow/write_fixtures.py`` wrote the files, each with distinct random numbers.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rnnlens import api
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnreadableFile
from rnnlens.readers.hardening.tables import crc32c, masked, table

FILES = Path(__file__).parents[2] / "data/tensorflow"
GIVEN = dict(np.load(FILES / "given.npz"))
CELLS = "tanh, sigmoid"

#: Files of weights alone, their layers as a caller states them, and whose outputs are theirs.
STATED = {
    "cp/cp.ckpt.index": (f"LSTM({CELLS}) > Dense(linear)", "cp"),
    "cp/cp.ckpt.data-00000-of-00001": (f"LSTM({CELLS}) > Dense(linear)", "cp"),
    "cp/cp.ckpt": (f"LSTM({CELLS}) > Dense(linear)", "cp"),
    "cp/checkpoint": (f"LSTM({CELLS}) > Dense(linear)", "cp"),
    "cp": (f"LSTM({CELLS}) > Dense(linear)", "cp"),
    "named": (f"LSTM({CELLS}) > Dense(linear)", "named"),
    "own": (f"LSTM({CELLS}) > Dense(linear, name=wide) > Dense(linear, name=last)", "own"),
    "exported": (f"Bidirectional(GRU({CELLS})) > LSTM({CELLS}) > Dense(linear)", "exported"),
    "tracked/ck.index": (f"Bidirectional(GRU({CELLS})) > LSTM({CELLS}) > Dense(linear)", "tracked"),
}


def agrees(network, name):
    # float32 in TensorFlow: a few 6e-8 of values of size 1 over 8 steps
    np.testing.assert_allclose(predict(network, GIVEN["X"]), GIVEN[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["exchanged", "normalised", "nested", "stateful", "tf24", "tf115"])
def test_a_folder_gives_what_its_model_gave_in_tensorflow(name):
    network = api.read(FILES / name)
    agrees(network, name)
    assert network.origin.format == "TensorFlow SavedModel"


@pytest.mark.parametrize("name", STATED)
def test_weights_alone_give_with_stated_layers_what_their_model_gave(name):
    layers, whose = STATED[name]
    agrees(api.read(FILES / name, layers=layers), whose)


def test_a_checkpoint_is_joined_with_its_architecture(tmp_path):
    agrees(api.read(FILES / "cp/cp.ckpt.index", architecture=FILES / "cp.json"), "cp")
    shutil.copytree(FILES / "cp", tmp_path, dirs_exist_ok=True)
    shutil.copy(FILES / "cp.json", tmp_path)
    agrees(api.read(tmp_path / "cp.ckpt.index"), "cp")


@pytest.mark.parametrize("name", ["exported", "tracked/ck.index"])
def test_an_export_of_keras_3_is_joined_with_its_architecture(tmp_path, name):
    import keras

    L = keras.layers
    both = L.Bidirectional(L.GRU(2, return_sequences=True), name="two_ways")
    model = keras.Sequential([L.Input((8, 4)), both, L.LSTM(3, name="m"), L.Dense(1, name="d")])
    (tmp_path / "a.json").write_text(model.to_json())
    agrees(api.read(FILES / name, architecture=tmp_path / "a.json"), "exported")


def test_layers_whose_names_were_exchanged_keep_their_own_arrays():
    network = api.read(FILES / "exchanged")
    assert [node.name for node in network.nodes][1:3] == ["b", "a"]
    places = [network[name].sources["W_i"].stored_at.split("/")[:2] for name in "ba"]
    assert places == [["variables", "0"], ["variables", "3"]]


def test_what_a_stateful_layer_kept_is_said_to_be_left_over():
    (said,) = api.read(FILES / "stateful").origin.left_out
    assert said.startswith("2 arrays that no layer of the network uses: ")
    assert "layer_with_weights-0/keras_api/states/0" in said


@pytest.mark.parametrize(
    ("name", "parameters"), [("own", 107), ("exported", 196), ("cp/cp.ckpt", 100), ("named", 100)]
)
def test_every_array_is_named_where_there_is_no_architecture(name, parameters):
    described = api.describe(FILES / name)
    assert described["parameters"] == parameters
    kinds = {layer["kind"] for layer in described["layers"]}
    assert kinds <= {"LSTM", "Dense", "Bidirectional GRU"}
    assert described["left_out"] == []


def test_the_objects_names_are_said_where_the_file_keeps_them():
    described = api.describe(FILES / "own")
    assert [layer["name"] for layer in described["layers"]] == ["lstm_4", "wide", "last"]


def test_an_architecture_of_other_layers_is_refused(tmp_path):
    text = json.loads((FILES / "cp.json").read_text())
    text["config"]["layers"] = text["config"]["layers"][:2]
    (tmp_path / "a.json").write_text(json.dumps(text))
    with pytest.raises(UnreadableFile, match="do not belong together"):
        api.read(FILES / "cp/cp.ckpt.index", architecture=tmp_path / "a.json")
    with pytest.raises(InputError, match="leave it out"):
        api.read(FILES / "cp", head="fc")


def test_the_checksum_is_that_of_castagnoli():
    # RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"56789", crc32c(b"1234")) == crc32c(b"123456789") == 0xE3069283
    assert masked(0) == 0xA282EAD8


def test_an_index_with_a_byte_changed_is_refused():
    data = (FILES / "cp/cp.ckpt.index").read_bytes()
    assert b"" in table(data)
    for place in range(0, len(data) - 48, 7):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r"checksum|outside|lie over|end within"):
            table(bytes(changed))


def test_a_part_of_a_checkpoint_that_has_no_name_before_its_number_is_refused(tmp_path):
    path = tmp_path / ".data-00000-of-00001"
    path.write_bytes(b"numbers")
    with pytest.raises(InputError):
        api.describe(path)
