"""Models of Keras 3 in several files: a folder, weights in shards, architectures beside them."""

import json
import shutil
import zipfile

import keras
import pytest

from keras_models import agree, outputs_of, saved, scrambled, sequence
from rnnlens import api
from rnnlens.engine.forward import predict
from rnnlens.errors import UnreadableFile

L = keras.layers
#: In gigabytes: every layer in a file of its own.
SMALL = 5e-7


def forecaster(kind=L.LSTM, first="low", **options):
    made = keras.Sequential([
        L.Input((6, 3)),
        L.Bidirectional(L.GRU(3, return_sequences=True), name="both"),
        kind(4, name=first, **options),
        L.Dense(2, name="head"),
    ])
    return scrambled(made)


def sharded(model, folder):
    path = folder / "m.weights.json"
    model.save_weights(path, max_shard_size=SMALL)
    assert len(list(folder.glob("m_*.weights.h5"))) > 1
    return path


def test_a_folder_that_was_an_archive_is_read_as_one(tmp_path, rng):
    model = forecaster()
    with zipfile.ZipFile(saved(model, tmp_path)) as archive:
        archive.extractall(tmp_path / "m")
    X = sequence(rng)
    network = api.read(tmp_path / "m")
    agree(predict(network, X), outputs_of(model, X))
    assert network.origin.format == "Keras 3 folder"


def test_weights_in_shards_are_joined_with_what_is_told(tmp_path, rng):
    model = forecaster()
    path = sharded(model, tmp_path)
    X = sequence(rng)
    stated = "Bidirectional(GRU(tanh, sigmoid)) > LSTM(tanh, sigmoid) > Dense(linear)"
    agree(predict(api.read(path, layers=stated), X), outputs_of(model, X))
    assert api.describe(path)["parameters"] == model.count_params()
    (tmp_path / "m.json").write_text(model.to_json())
    agree(predict(api.read(path), X), outputs_of(model, X))


@pytest.mark.parametrize("packed", [False, True])
def test_a_model_whose_weights_lie_in_shards_is_read(tmp_path, rng, packed):
    model = forecaster()
    folder = tmp_path / "m"
    with zipfile.ZipFile(saved(model, tmp_path)) as archive:
        archive.extractall(folder)
    (folder / "model.weights.h5").unlink()
    model.save_weights(folder / "model.weights.json", max_shard_size=SMALL)
    source = folder
    if packed:
        source = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    X = sequence(rng)
    agree(predict(api.read(source), X), outputs_of(model, X))


def test_an_index_without_one_of_its_files_is_refused(tmp_path):
    path = sharded(forecaster(), tmp_path)
    min(tmp_path.glob("m_*.weights.h5")).unlink()
    with pytest.raises(UnreadableFile, match="is not beside it: copy all of them"):
        api.read(path, layers="LSTM(tanh, sigmoid)")


def test_of_architectures_that_fit_the_one_with_the_same_names_is_taken(tmp_path, rng):
    model = forecaster()
    whole = saved(model, tmp_path / "..", "h5")
    import h5py

    with h5py.File(whole) as file, h5py.File(tmp_path / "w.h5", "w") as alone:
        for name in file["model_weights"]:
            file.copy(f"model_weights/{name}", alone)
        for name, value in file["model_weights"].attrs.items():
            alone.attrs[name] = value
    (tmp_path / "right.json").write_text(model.to_json())
    other = forecaster(first="other", go_backwards=True)
    (tmp_path / "wrong.json").write_text(other.to_json())
    network = api.read(tmp_path / "w.h5")
    assert network.origin.notes[0].startswith("The architecture is that of right.json")
    X = sequence(rng)
    agree(predict(network, X), outputs_of(model, X))
    (tmp_path / "right.json").unlink()
    # alone, with a name that no counting on explains, the other is none of these weights
    with pytest.raises(UnreadableFile, match="the architecture is missing"):
        api.read(tmp_path / "w.h5")


def test_of_architectures_with_the_same_names_that_of_the_files_name_is_taken(tmp_path, rng):
    models = {"north": forecaster(), "south": forecaster(go_backwards=True)}
    for name, model in models.items():
        model.save_weights(tmp_path / f"{name}.weights.h5")
        (tmp_path / f"{name}_architecture.json").write_text(model.to_json())
    X = sequence(rng)
    for name, model in models.items():
        network = api.read(tmp_path / f"{name}.weights.h5")
        agree(predict(network, X), outputs_of(model, X))
        assert f"that of {name}_architecture.json" in network.origin.notes[0]


@pytest.mark.parametrize("name", ["../m_00000.weights.h5", "", "..", "m\0.weights.h5"])
def test_an_index_holds_plain_names_alone(tmp_path, name):
    path = sharded(forecaster(), tmp_path)
    text = json.loads(path.read_text())
    text["weight_map"] = dict.fromkeys(text["weight_map"], name)
    path.write_text(json.dumps(text))
    with pytest.raises(UnreadableFile, match="names files in other folders"):
        api.describe(path)
