"""Make the TensorFlow Lite files of ``tests/data/tflite``, and what the interpreter gives for them.

It runs where ``requirements.txt`` of this folder is installed::

    python benchmarks/tensorflow/write_tflite.py FOLDER

Models are converted from tf_keras, one with weights of eight bits ("dynamic range") and one with
weights of half precision among them; the operators that no converter writes today are written by
hand. Every window begins from states of zero.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1"}

import numpy as np
import tensorflow as tf  # type: ignore[import-not-found]
import tf_keras as keras  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parents[2] / "tests" / "makers"))
from flat_files import operator_file

STEPS, FEATURES, UNITS = 6, 3, 4
#: Features and units of the model of eight bits: the converter rounds arrays of 1,024 numbers on.
WIDE = 32


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw numbers of about a half."""
    return (0.5 * rng.normal(size=shape)).astype("f4")


def converted(
    layers: list[Any], rng: np.random.Generator, features: int = FEATURES, smaller: Any = None
) -> bytes:
    """Convert a model of random weights, for one window at a time, rounded where asked for."""
    model = keras.Sequential([keras.layers.Input((STEPS, features)), *layers])
    model.set_weights([
        drawn(rng, *weight.shape) * (FEATURES / features) ** 0.5 for weight in model.get_weights()
    ])
    spec = tf.TensorSpec([1, STEPS, features], tf.float32)
    call = tf.function(lambda x: model(x)).get_concrete_function(spec)  # noqa: PLW0108  (a model is no plain function)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([call], model)
    if smaller is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [smaller] if smaller == tf.float16 else []
    return converter.convert()


def by_hand(rng: np.random.Generator) -> dict[str, bytes]:
    """Write a fused plain RNN, and a fused LSTM of two directions."""
    W, U, b = drawn(rng, UNITS, FEATURES), drawn(rng, UNITS, UNITS), drawn(rng, UNITS)
    window = (1, STEPS, FEATURES)
    plain = [window, W, U, b, (1, UNITS)]
    taken: list[Any] = [window]
    for _ in range(2):
        taken += [drawn(rng, UNITS, FEATURES) for _ in range(4)]
        taken += [*(drawn(rng, UNITS, UNITS) for _ in range(4)), *[None] * 3]
        taken += [*(drawn(rng, UNITS) for _ in range(4)), None, None]
    taken += [(1, UNITS)] * 4 + [None] * 9
    both = {0: ("b", 4), 3: ("B", 1), 4: ("B", 0)}
    return {
        "rnn": operator_file(35, plain, [(1, STEPS, UNITS)], {1: ("b", 4)}),
        "both_fused": operator_file(52, taken, [(1, STEPS, 2 * UNITS)], both),
    }


def outputs(data: bytes, windows: np.ndarray) -> np.ndarray:
    """Run the interpreter on each window."""
    run = tf.lite.Interpreter(model_content=data)
    run.allocate_tensors()
    made = []
    for window in windows:
        run.reset_all_variables()
        run.set_tensor(run.get_input_details()[0]["index"], window[None])
        run.invoke()
        made.append(run.get_tensor(run.get_output_details()[0]["index"])[0])
    return np.array(made)


def main(folder: Path) -> None:
    """Write the files and the interpreter's outputs."""
    rng = np.random.default_rng(4)
    L = keras.layers
    models = {
        "plain": [L.LSTM(4), L.Dense(5, activation="relu"), L.Dense(2)],
        "stacked": [L.LSTM(4, return_sequences=True), L.LSTM(5), L.Dense(2, activation="tanh")],
        "both": [L.Bidirectional(L.LSTM(4)), L.Dense(2, activation="sigmoid")],
        "gru": [L.GRU(4), L.Dense(2)],
    }
    files = {name: converted(layers, rng) for name, layers in models.items()} | by_hand(rng)
    rounded = [L.LSTM(WIDE), L.Dense(WIDE, activation="relu"), L.Dense(2)]
    apart = np.random.default_rng(5)  # what was drawn before these were added stays what it was
    later = {
        "eight_bits": converted(rounded, apart, WIDE, tf.int8),
        "half": converted([L.LSTM(4), L.Dense(2)], apart, smaller=tf.float16),
    }
    given = {}
    for name, data in (files | later).items():
        (folder / f"{name}.tflite").write_bytes(data)
        features = WIDE if name == "eight_bits" else FEATURES
        source = apart if name in later else rng
        given[f"{name}_X"] = source.normal(size=(4, STEPS, features)).astype("f4")
        given[f"{name}_Y"] = outputs(data, given[f"{name}_X"])
    np.savez(folder / "given.npz", **given)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
