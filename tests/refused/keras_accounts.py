"""Arrays of Keras's files that are lost, repeated, or in no order."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import h5py
import keras
import numpy as np

from keras_models import saved, scrambled
from refused.registry import section
from rnnlens import api
from rnnlens.network.network import Origin, Source
from rnnlens.readers.keras import archive as keras_archive
from rnnlens.readers.keras import left_over, sharded
from rnnlens.readers.keras.left_over import accounted

L = keras.layers

case = section("Arrays of Keras accounted for")


def weights(folder: Path, layers: list[str], arrays: list[str]) -> Path:
    with h5py.File(folder / "w.h5", "w") as file:
        file.attrs["layer_names"], file.attrs["keras_version"] = layers, "2.2.4"
        file.create_group("d").attrs["weight_names"] = arrays
        for name in dict.fromkeys(arrays):
            file["d"][name] = np.ones((3, 2))
    return folder / "w.h5"


@case("names of arrays that repeat")
def _(folder: Path) -> object:
    return api.read(weights(folder, ["d"], ["kernel", "kernel"]), layers="Dense(linear)")


@case("names of layers that repeat")
def _(folder: Path) -> object:
    return api.read(weights(folder, ["d", "d"], ["kernel"]), layers="Dense(linear)")


@case("more groups than any file has")
def _(folder: Path) -> object:
    model = scrambled(keras.Sequential([L.Input((4, 2)), L.LSTM(3)]))
    with patch.object(left_over, "MOST", 1):
        return api.read(saved(model, folder))


@case("array that would serve two layers")
def _(folder: Path) -> object:
    model = keras.Sequential([L.Input((4, 2)), L.LSTM(3, name="l"), L.Dense(2, name="d")])
    network = api.read(saved(scrambled(model), folder))
    from dataclasses import replace

    *before, last = network.nodes
    last = replace(last, sources={"W": Source("d/kernel", "layers/lstm/cell/vars/0")})
    return accounted(replace(network, nodes=(*before, last), origin=Origin("")), ())


class Two(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.late, self.early, self.memory = L.Dense(3), L.Dense(3), L.GRU(3)

    def call(self, x: object) -> object:
        return self.early(self.late(self.memory(x)))


def unordered(folder: Path) -> Path:
    model = Two()
    model(np.zeros((2, 5, 3)))
    for name in ("late", "early", "memory"):
        getattr(model, name).name = name
    model.save_weights(folder / "m.weights.h5")
    return folder / "m.weights.h5"


@case("layers of one class in no order")
def _(folder: Path) -> object:
    stated = "GRU(tanh, sigmoid) > Dense(linear) > Dense(linear)"
    return api.read(unordered(folder), layers=stated)


@case("layer too few where the file has no order")
def _(folder: Path) -> object:
    return api.read(unordered(folder), layers="GRU(tanh, sigmoid) > Dense(linear, name=late)")


# --- weights in several files ------------------------------------------------------------------

case = section("Weights of Keras in several files")


def in_shards(folder: Path) -> Path:
    model = scrambled(keras.Sequential([L.Input((4, 2)), L.LSTM(3, name="l"), L.Dense(9)]))
    model.save_weights(folder / "m.weights.json", max_shard_size=2e-7)
    return folder / "m.weights.json"


@case("file that is not there")
def _(folder: Path) -> object:
    path = in_shards(folder)
    (folder / "m_00000.weights.h5").unlink()
    return api.describe(path)


@case("index of other things")
def _(folder: Path) -> object:
    (folder / "m.json").write_text('{"weight_map": 3}')
    return api.describe(folder / "m.json")


@case("files in other folders")
def _(folder: Path) -> object:
    (folder / "m.json").write_text('{"weight_map": {"a": "../b"}}')
    return api.describe(folder / "m.json")


@case("index of a gigabyte")
def _(folder: Path) -> object:
    with patch.object(sharded, "LARGEST_INDEX", 1):
        return api.describe(in_shards(folder))


@case("array in two files")
def _(folder: Path) -> object:
    path = in_shards(folder)
    (folder / "m_00001.weights.h5").write_bytes((folder / "m_00000.weights.h5").read_bytes())
    return api.describe(path)


@case("folder without its weights")
def _(folder: Path) -> object:
    for name in ("config.json", "metadata.json"):
        (folder / name).write_text("{}")
    return api.read(folder)


@case("folder whose file is too large")
def _(folder: Path) -> object:
    for name in ("config.json", "metadata.json"):
        (folder / name).write_text("{}")
    with patch.object(keras_archive, "LARGEST_TEXT", 1):
        return api.read(folder)
