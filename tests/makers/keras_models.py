"""Keras models with distinct random weights, and files written as old versions wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

__all__ = ["agree", "outputs_of", "rich_model", "saved", "scrambled", "sequence", "write_hdf5"]


def scrambled(model: keras.Model, seed: int = 7, scale: float = 0.5) -> keras.Model:
    """Give every array of a model distinct random numbers, biases and moments too."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        values = rng.normal(size=variable.shape) * scale
        if "variance" in variable.path:
            values = 0.3 + np.abs(values)
        variable.assign(values.astype(variable.dtype))
    return model


def saved(model: keras.Model, folder: Path, ending: str = "keras") -> Path:
    """Save a model and give its path."""
    path = folder / f"model.{ending}"
    model.save(path)
    return path


def sequence(
    rng: np.random.Generator, samples: int = 5, steps: int = 6, features: int = 3
) -> np.ndarray:
    """Give random windows."""
    return rng.normal(size=(samples, steps, features)).astype("float32")


def outputs_of(model: keras.Model, X: Any) -> list[np.ndarray]:
    """Run a model in Keras and give its outputs."""
    given = model(X, training=False)
    flat = keras.tree.flatten(given)
    return [keras.ops.convert_to_numpy(value) for value in flat]


def agree(ours: Any, theirs: list[np.ndarray], within: float = 1e-6) -> None:
    """Require that our float64 run equals Keras's float32 run.

    The tolerance is `within` of the largest output, or of 1 where that is smaller: float32 keeps
    about seven digits, and a window of few steps loses little of them.
    """
    ours = ours if isinstance(ours, tuple) else (ours,)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        scale = max(1.0, float(np.abs(other).max()))
        np.testing.assert_allclose(mine, other, rtol=0, atol=within * scale)


def rich_model() -> keras.Model:
    """A functional model with masks, states, a shared layer and nested models."""
    layers = keras.layers
    series = layers.Input((6, 3), name="series")
    tokens = layers.Input((6,), name="tokens")
    masked = layers.Masking(0.0, name="masking")(series)
    embedded = layers.Embedding(5, 3, name="embedding")(tokens)
    encoded, hidden, cell = layers.LSTM(
        4, return_sequences=True, return_state=True, name="encoder"
    )(masked)
    decoded = layers.LSTM(4, name="decoder")(embedded, initial_state=[hidden, cell])
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True), name="both")(encoded)
    shared = layers.Dense(4, activation="tanh", name="shared")
    left, right = shared(decoded), shared(hidden)
    entry = layers.Input((6, 4), name="entry")
    inner = keras.Model(entry, layers.GRU(3, reset_after=False, name="gru")(entry), name="inner")
    block = keras.Sequential([layers.Dense(5, name="wide"), layers.SimpleRNN(3)], name="block")
    joined = layers.Concatenate(name="joined")([
        layers.Add(name="sum")([left, right]),
        inner(both),
        inner(encoded),
        block(embedded),
        layers.GlobalAveragePooling1D(name="mean")(both),
    ])
    normal = layers.BatchNormalization(name="normal")(joined)
    steps = layers.TimeDistributed(layers.Dense(2, name="d"), name="each")(both)
    return scrambled(keras.Model([series, tokens], [normal, steps], name="rich"))


def write_hdf5(
    path: Path,
    layers: list[dict[str, Any]],
    weights: dict[str, dict[str, np.ndarray]],
    *,
    version: str | None = "2.1.3",
    model: dict[str, Any] | None = None,
) -> Path:
    """Write a whole model as Keras 2 wrote it; ``layers`` make a Sequential model."""
    config = model or {"class_name": "Sequential", "config": layers}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        if version is not None:
            file.attrs["keras_version"] = version.encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            own = group.create_group(name)
            own.attrs["weight_names"] = [key.encode() for key in arrays]
            for key, values in arrays.items():
                own[key] = values
    return path
