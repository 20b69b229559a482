"""Files that tf.keras and tf2onnx write, read by rnnlens and compared with TensorFlow's outputs.

TensorFlow is too large for the tests, so this runs in an environment of its own::

    python3 -m venv /tmp/tf && /tmp/tf/bin/pip install -r benchmarks/tensorflow/requirements.txt .
    /tmp/tf/bin/python benchmarks/tensorflow/check_files.py

It prints, for each model and each container (HDF5, ``.keras`` archive, SavedModel, ONNX), the
largest difference over 8 windows with random weights, or the sentence that refuses it. It ends
with 1 where a difference is above float32 rounding.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf2onnx
import tf_keras
from tf_keras import layers as L

import rnnlens
from rnnlens.errors import RnnlensError

SHAPE = (9, 4)
TOLERANCE = 1e-6


def models() -> Iterator[tuple[str, tf_keras.Model]]:
    """Give small models of every kind that forecasters save."""
    x = L.Input(SHAPE)
    sequence = L.LSTM(6, return_sequences=True)(x)
    both = L.Concatenate()([L.LSTM(5)(sequence), L.GlobalAveragePooling1D()(sequence)])
    two_gru = [L.GRU(6, return_sequences=True), L.GRU(5)]
    two_ways = [L.Bidirectional(L.LSTM(5, return_sequences=True)), L.Bidirectional(L.GRU(4))]
    repeated = [L.LSTM(6), L.RepeatVector(3), L.LSTM(5, return_sequences=True)]
    convolved = [L.Conv1D(5, 3, padding="causal", activation="relu"), L.LSTM(6)]
    chains = {
        "LSTM": [L.LSTM(6), L.Dense(3)],
        "stacked GRU": [*two_gru, L.Dense(3, activation="softmax")],
        "GRU, reset before": [L.GRU(6, reset_after=False), L.Dense(2)],
        "SimpleRNN": [L.SimpleRNN(6), L.Dense(2)],
        "bidirectional": [*two_ways, L.Dense(2)],
        "encoder-decoder": [*repeated, L.TimeDistributed(L.Dense(2))],
        "Conv1D, BatchNormalization": [*convolved, L.BatchNormalization(), L.Dense(2)],
        "Masking": [L.Masking(0.0), L.LSTM(6), L.Dense(2)],
        "hard_sigmoid": [L.LSTM(6, recurrent_activation="hard_sigmoid"), L.Dense(2)],
    }
    for name, chain in chains.items():
        yield name, tf_keras.Sequential([L.Input(SHAPE), *chain])
    yield "functional", tf_keras.Model(x, L.Dense(2)(both))


def save(model: tf_keras.Model, folder: Path) -> Iterator[tuple[str, Path]]:
    """Write a model into every container."""
    yield "HDF5", folder / "m.h5"
    model.save(folder / "m.h5")
    yield ".keras", folder / "m.keras"
    model.save(folder / "m.keras")
    yield "SavedModel", folder / "m"
    model.save(folder / "m", save_format="tf")
    yield "ONNX", folder / "m.onnx"
    signature = (tf.TensorSpec((None, *SHAPE), tf.float32, name="input"),)
    tf2onnx.convert.from_keras(model, signature, output_path=str(folder / "m.onnx"))


def main() -> int:
    """Write, read and compare; give 1 where a difference is above rounding."""
    rng = np.random.default_rng(0)
    print(f"tensorflow {tf.__version__}, tf_keras {tf_keras.__version__}, tf2onnx", end=" ")
    print(f"{tf2onnx.__version__}, rnnlens {rnnlens.__version__}; 8 windows of {SHAPE}, float32")
    worst = 0.0
    for name, model in models():
        weights = [rng.normal(size=w.shape) * 0.4 for w in model.get_weights()]
        variances = ["variance" in variable.name for variable in model.weights]
        model.set_weights([
            abs(w) + 0.5 if v else w for w, v in zip(weights, variances, strict=True)
        ])
        X = rng.normal(size=(8, *SHAPE)).astype("float32")
        X[0, :3] = 0.0
        expected = model.predict(X, verbose=0)
        with tempfile.TemporaryDirectory() as folder:
            for container, path in list(save(model, Path(folder))):
                try:
                    got = np.asarray(rnnlens.predict(rnnlens.read(path), X))
                except RnnlensError as error:
                    print(f"{name:28} {container:11} refused: {str(error).split(':')[0][-90:]}")
                    continue
                difference = float(np.abs(got.reshape(expected.shape) - expected).max())
                worst = max(worst, difference)
                print(f"{name:28} {container:11} {difference:.1e}")
    print(f"largest difference {worst:.1e} (float32 rounding explains up to {TOLERANCE:.0e})")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
