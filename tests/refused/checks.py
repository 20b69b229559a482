"""What fidelity and identify are given and cannot use."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import torch

from naive import gru_loop, lstm_loop
from networks import forecaster
from onnx_models import arrays_of, saved, single
from refused.registry import alike, instead_of_modules, section
from rnnlens.checks.fidelity import fidelity
from rnnlens.checks.mapping import identify
from rnnlens.readers.keras import run as keras_run
from rnnlens.readers.open import read
from torch_models import made, scrambled
from torch_models import saved as state_dict

# --- fidelity ----------------------------------------------------------------------------------

case = section("Sources to compare with")

X = np.random.default_rng(4).normal(size=(4, 7, 3))


def network() -> Any:
    return forecaster("lstm", np.random.default_rng(4))


@case("outputs of another shape")
def _(_: Path) -> object:
    return fidelity(network(), np.zeros((4, 5)), X)


@case("object that cannot be run")
def _(_: Path) -> object:
    return fidelity(network(), {}, X)


@case("state dict")
def _(folder: Path) -> None:
    state = made("lstm").state_dict()
    path = state_dict(state, folder, "zip")
    other = state_dict(state, folder, "safetensors")

    def compare_with(source: Path) -> object:
        path.write_bytes(source.read_bytes())
        return fidelity(network(), path, X)

    alike(lambda: compare_with(path), lambda: compare_with(other))


@case("module that was not read")
def _(_: Path) -> object:
    return fidelity(network(), scrambled(torch.nn.GRU(3, 4)), X)


@case("no such file")
def _(folder: Path) -> object:
    return fidelity(network(), folder / "model.keras", X)


def archive(folder: Path) -> Path:
    model = keras.Sequential([keras.layers.Input((7, 3)), keras.layers.LSTM(2)])
    model.save(folder / "model.keras")
    return folder / "model.keras"


@case("Keras not installed")
def _(folder: Path) -> object:
    path = archive(folder)
    with patch.object(keras_run, "find_spec", lambda _: None):
        return fidelity(network(), path, X)


@case("backend of Keras not installed")
def _(folder: Path) -> object:
    path, usual = archive(folder), builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name == "keras":
            raise ImportError("No module named 'jax'")
        return usual(name, *rest, **options)

    with patch.object(builtins, "__import__", without):
        return fidelity(network(), path, X)


@case("file that Keras does not open")
def _(folder: Path) -> object:
    path = archive(folder)
    with patch.object(keras.saving, "load_model", side_effect=ValueError("a layer is unknown\n")):
        return fidelity(network(), path, X)


def gru(folder: Path) -> Path:
    return saved(single("GRU", arrays_of(np.random.default_rng(4), "GRU")), folder)


@case("onnxruntime not installed")
def _(folder: Path) -> object:
    path = gru(folder)
    with instead_of_modules({"onnxruntime": None}):
        return fidelity(read(path), path, X)


@case("file that onnxruntime does not run")
def _(folder: Path) -> object:
    path = gru(folder)
    with patch("onnxruntime.InferenceSession", side_effect=RuntimeError("no kernel\nfor it")):
        return fidelity(read(path), path, X)


# --- identify ----------------------------------------------------------------------------------

case = section("Arrays to identify")

WINDOWS = np.random.default_rng(4).normal(size=(12, 5, 3))


def parts(seed: int, letters: str = "ifco", features: int = 3, units: int = 4) -> dict[str, Any]:
    """Make the arrays of an LSTM by the names of the equations."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (features, units), "U": (units, units), "b": (units,)}
    return {f"{kind}_{a}": rng.normal(size=shapes[kind]) for kind in "WUb" for a in letters}


def packed(named: dict[str, Any], letters: str = "ifco") -> list[np.ndarray]:
    return [np.concatenate([named[f"{k}_{a}"] for a in letters], axis=-1) for k in "WUb"]


def last(named: dict[str, Any]) -> np.ndarray:
    """Compute the last hidden states by the naive loop."""
    plain = {name: values.tolist() for name, values in named.items()}
    return np.array([lstm_loop(plain, x.tolist())[-1]["h"] for x in WINDOWS])


@case("constant weights")
def _(_: Path) -> object:
    named = {name: np.full_like(values, 0.3) for name, values in parts(4).items()}
    return identify(packed(named), WINDOWS, last(named))


@case("symmetric weights")
def _(_: Path) -> object:
    named = parts(4)
    named |= {f"{kind}_o": named[f"{kind}_i"] for kind in "WUb"}
    return identify(packed(named), WINDOWS, last(named))


@case("one step of a GRU")
def _(_: Path) -> object:
    named = parts(4, "zrn")
    plain = {name: values.tolist() for name, values in named.items()}
    plain |= {f"b_r{a}": [0.0] * 4 for a in "zrn"}
    X = WINDOWS[:, :1]
    Y = np.array([gru_loop(plain, x.tolist(), False)[-1]["h"] for x in X])
    return identify(packed(named, "zrn"), X, Y)


@case("outputs of other arrays")
def _(_: Path) -> object:
    return identify(packed(parts(4)), WINDOWS, last(parts(5)))


#: The arrays and the outputs.
GIVEN: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "array of no cell": (np.ones((3, 7)), np.ones((12, 4))),
    "whole numbers": (np.ones((3, 16), dtype=int), np.ones((12, 4))),
    "NaN among the weights": (np.full((3, 16), np.nan), np.ones((12, 4))),
    "another number of samples": (np.ones((3, 16)), np.ones((11, 4))),
    "another number of steps": (np.ones((3, 16)), np.ones((12, 4, 4))),
    "NaN among the outputs": (np.ones((3, 16)), np.full((12, 4), np.nan)),
}

for name, (array, outputs) in GIVEN.items():

    @case(name)
    def _(_: Path, array: np.ndarray = array, outputs: np.ndarray = outputs) -> object:
        return identify([array], WINDOWS, outputs)
