"""Write ``tests/data/tf_operations``: a model of tf.keras whose layers are joined by functions.

It holds what tf.keras alone writes: functions of TensorFlow between layers, a stack of cells,
attention of two kinds, a model at every step and a Lambda, as a checkpoint with its architecture,
and as HDF5. It runs where TensorFlow is installed, see ``write_fixtures.py``::

    /tmp/tf/bin/python benchmarks/tensorflow/write_operations.py
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

os.environ.update(TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")

# the libraries look at the environment as they are loaded
import numpy as np
import tensorflow as tf
import tf_keras as keras

L = keras.layers
ROOT = Path(__file__).resolve().parents[2] / "tests/data/tf_operations"
SHAPE = (6, 3)


def joined() -> keras.Model:
    """Build the model."""
    series = keras.Input(SHAPE, name="series")
    steps = L.RNN([L.LSTMCell(3), L.GRUCell(3)], return_sequences=True, name="stack")(series)
    steps = tf.nn.softmax(steps, axis=1) * series + 0.5 * steps
    mixed = L.MultiHeadAttention(2, 2, name="heads")(steps, series)
    mixed = L.AdditiveAttention(name="additive")([mixed, steps])
    head = keras.Sequential([L.Dense(4, "tanh"), L.Dense(2)], name="head")
    each = L.TimeDistributed(head, name="each")(mixed)
    # compiled from a text, so that the file keeps no path of this machine
    code = eval(compile("lambda x: x[:, -1, :] * 2.0", "<text>", "eval"))
    last = L.Lambda(code, name="last")(each)
    mean = tf.reduce_mean(each[:, 1:-1], axis=1)
    scores = L.Dot(axes=(2, 2), normalize=True, name="scores")([mixed, steps])
    parts = tf.concat([last, tf.clip_by_value(mean, -0.2, 0.2), tf.reduce_max(scores, 1)], axis=-1)
    return keras.Model(series, L.Dense(1, name="out")(parts))


def main() -> None:
    """Write the files and what the model gives."""
    rng = np.random.default_rng(5)
    model = joined()
    model.set_weights([rng.normal(size=w.shape) * 0.4 for w in model.weights])
    windows = rng.normal(size=(4, *SHAPE)).astype("float32")
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir(parents=True)
    model.save(ROOT / "model.h5", include_optimizer=False)
    model.save_weights(ROOT / "ck")
    (ROOT / "checkpoint").unlink()
    (ROOT / "architecture.json").write_text(model.to_json(), encoding="utf-8")
    outputs = np.asarray(model.predict(windows, verbose=0))
    np.savez(ROOT / "given.npz", windows=windows, outputs=outputs)


if __name__ == "__main__":
    main()
