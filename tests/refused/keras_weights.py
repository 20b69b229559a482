"""Weights alone, and what is told about them: the architecture, or the layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import keras
import numpy as np

from keras_models import scrambled
from refused.registry import instead_of_modules, section
from rnnlens import api
from rnnlens.readers.hardening.hdf5 import opened
from rnnlens.readers.keras import text as keras_text
from rnnlens.readers.keras.text import architecture_in
from rnnlens.readers.keras.weights_only import groups as keras_weights_found
from rnnlens.readers.keras.weights_only.groups import weights_in
from rnnlens.readers.keras.weights_only.stated import parse

L = keras.layers


def forecaster() -> keras.Model:
    made = keras.Sequential([L.Input((6, 3)), L.LSTM(4, name="l"), L.Dense(2, name="head")])
    return scrambled(made)


def listed(path: Path, layers: dict[str, dict[str, tuple[int, ...]]], **attributes: Any) -> Path:
    """Write weights as Keras 1 and 2 did."""
    rng = np.random.default_rng(4)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, arrays in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in arrays]
            for key, shape in arrays.items():
                group[key] = rng.normal(size=shape)
    return path


LSTM = {"l/kernel:0": (3, 16), "l/recurrent_kernel:0": (4, 16), "l/bias:0": (16,)}
HEAD = {"head/kernel:0": (4, 2), "head/bias:0": (2,)}
STATED = "LSTM(tanh, sigmoid) > Dense(linear)"


def keras_2(folder: Path) -> Path:
    return listed(folder / "w.h5", {"l": LSTM, "head": HEAD}, keras_version="2.2.4")


def keras_3(folder: Path) -> Path:
    path = folder / "w.weights.h5"
    forecaster().save_weights(path)
    return path


def architecture(folder: Path, model: keras.Model | None = None) -> Path:
    """Write an architecture where the weights do not find it by themselves."""
    path = folder / "a.txt"
    path.write_text((model or forecaster()).to_json())
    return path


# --- the architecture --------------------------------------------------------------------------

case = section("Weights of Keras alone")


@case("no architecture")
def _(folder: Path) -> object:
    return api.read(keras_2(folder))


@case("no architecture for weights of Keras 3")
def _(folder: Path) -> object:
    return api.read(keras_3(folder))


@case("two architectures beside them")
def _(folder: Path) -> object:
    for name in ("one.json", "two.json"):
        (folder / name).write_text(forecaster().to_json())
    return api.read(keras_3(folder))


@case("architecture and layers both")
def _(folder: Path) -> object:
    return api.read(keras_3(folder), layers=STATED, architecture=architecture(folder))


@case("layers for a whole model that do not fit")
def _(folder: Path) -> object:
    forecaster().save(folder / "m.h5")
    return api.read(folder / "m.h5", layers="GRU(tanh, sigmoid) > Dense(linear)")


@case("layers for a live model")
def _(folder: Path) -> object:
    return api.read(forecaster(), layers=STATED)


@case("a part of weights alone")
def _(folder: Path) -> object:
    return api.read(keras_2(folder), layers=STATED, until="l")


@case("until a layer that is not there")
def _(folder: Path) -> object:
    return api.read(forecaster(), until="heat")


@case("output of a layer that is not there")
def _(folder: Path) -> object:
    return api.read(forecaster(), output="heat")


@case("architecture of fewer layers")
def _(folder: Path) -> object:
    model = keras.Sequential([L.Input((6, 3)), L.LSTM(4, name="l")])
    return api.read(keras_2(folder), architecture=architecture(folder, model))


@case("architecture of other sizes")
def _(folder: Path) -> object:
    model = keras.Sequential([L.Input((6, 3)), L.LSTM(5, name="l"), L.Dense(2, name="head")])
    return api.read(keras_2(folder), architecture=architecture(folder, model))


@case("weights of Keras 1 with an architecture of Keras 2")
def _(folder: Path) -> object:
    arrays = {"d_W:0": (3, 2), "d_b:0": (2,)}
    text = {"class_name": "Sequential", "config": [], "keras_version": "2.1.2"}
    (folder / "a.txt").write_text(json.dumps(text))
    return api.read(listed(folder / "w.h5", {"d": arrays}), architecture=folder / "a.txt")


@case("architecture of a single layer")
def _(folder: Path) -> object:
    config = {"name": "b", "layer": {"class_name": "LSTM", "config": {"name": "l", "units": 4}}}
    text = {"class_name": "Bidirectional", "config": config, "keras_version": "2.2.4"}
    (folder / "a.txt").write_text(json.dumps(text))
    return api.read(keras_2(folder), architecture=folder / "a.txt")


@case("more layers than any model has")
def _(folder: Path) -> object:
    with patch.object(keras_weights_found, "MOST_LAYERS", 1):
        return api.read(keras_2(folder), layers=STATED)


@case("layer within itself")
def _(folder: Path) -> object:
    with h5py.File(folder / "m.weights.h5", "w") as file:
        layer = file.create_group("layers/dense")
        layer["one"] = layer["two"] = layer
    with opened(folder / "m.weights.h5", "m") as file:
        return weights_in(file)


@case("configuration without one of its layers")
def _(folder: Path) -> object:
    model = forecaster()
    text = json.loads(model.to_json())
    layers = text["config"]["layers"]
    layers[1]["class_name"], layers[1]["module"] = "Functional", "keras"
    layers[1]["config"] = {"name": "l", "layers": [], "input_layers": [], "output_layers": []}
    (folder / "a.txt").write_text(json.dumps(text))
    return api.read(keras_3(folder), architecture=folder / "a.txt")


# --- the text of an architecture ---------------------------------------------------------------

case = section("Architectures")

#: The bytes of the text.
TEXTS: dict[str, bytes] = {
    "damaged JSON": b"{nonsense",
    "JSON nested without end": b"[" * 100_000,
    "JSON of something else": b'{"loss": 1}',
    "no text": b"\xff\xfe\x00",
    "YAML that would run code": (
        b"class_name: !!python/object/apply:os.system ['true']\nconfig: []\n"
    ),
    "YAML that unfolds": "\n".join([
        "class_name: m",
        "config: {}",
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
        *(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 8)),
    ]).encode(),
}

for name, content in TEXTS.items():

    @case(name)
    def _(folder: Path, content: bytes = content) -> object:
        (folder / "a.json").write_bytes(content)
        return architecture_in(folder / "a.json")


@case("no such file")
def _(folder: Path) -> object:
    return architecture_in(folder / "absent.json")


@case("text of a gigabyte")
def _(folder: Path) -> object:
    (folder / "a.json").write_text("{}")
    with patch.object(keras_text, "LARGEST_TEXT", 1):
        return architecture_in(folder / "a.json")


@case("YAML without its library")
def _(folder: Path) -> object:
    (folder / "a.yaml").write_text("class_name: Sequential\nconfig: []\n")
    with instead_of_modules({"yaml": None}):
        return architecture_in(folder / "a.yaml")


# --- layers that are stated --------------------------------------------------------------------

case = section("Layers that are stated")

#: Statements that are of no form.
FORMS: dict[str, str] = {
    "needed option not stated": "LSTM(tanh) > Dense(linear)",
    "bracket not closed": "LSTM(tanh, sigmoid",
    "no sign between layers": "LSTM(tanh, sigmoid) Dense(linear)",
    "sign that is none": "LSTM(tanh, sigmoid) > !",
    "option too many": "LSTM(tanh, sigmoid, 3) > Dense(linear)",
    "option twice": "LSTM(tanh, activation=relu) > Dense(linear)",
    "no comma between options": "LSTM(tanh sigmoid) > Dense(linear)",
    "number for a layer": "3 > Dense(linear)",
    "nothing": "",
}

for name, text in FORMS.items():

    @case(name)
    def _(_: Path, text: str = text) -> object:
        return parse(text)


#: Statements that do not fit a file of an LSTM and a Dense layer.
MISFITS: dict[str, str] = {
    "another class": "GRU(tanh, sigmoid) > Dense(linear)",
    "layer too few": "LSTM(tanh, sigmoid)",
    "activation of the user": "LSTM(tanh, mine) > Dense(linear)",
    "unknown option": "LSTM(tanh, sigmoid, peepholes=true) > Dense(linear)",
}

for name, text in MISFITS.items():

    @case(name)
    def _(folder: Path, text: str = text) -> object:
        return api.read(keras_2(folder), layers=text)


@case("another class where the file has no order")
def _(folder: Path) -> object:
    return api.read(keras_3(folder), layers="GRU(tanh, sigmoid) > Dense(linear)")


@case("file without arrays")
def _(folder: Path) -> object:
    with h5py.File(folder / "w.h5", "w") as file:
        file.attrs["layer_names"] = [b"drop"]
        file.attrs["keras_version"] = "2.2.4"
        file.create_group("drop").attrs["weight_names"] = np.zeros(0)
    return api.read(folder / "w.h5", layers="Dropout")
