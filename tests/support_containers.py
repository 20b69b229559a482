"""Files that hold whole models or weights beside those of the large table: one case of each kind.

A case gives a source, as a cell of `support.py` does, and `run` there says what becomes of it. What
TensorFlow wrote lies in ``data/tensorflow`` and ``data/tflite`` with what it gave for windows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from support import Compared, Refused, Source

__all__ = ["CONTAINERS"]

DATA = Path(__file__).parent / "data"
CELLS = "tanh, sigmoid"
#: Layers of ``data/tensorflow/tracked`` as a caller states them.
STACKED = f"Bidirectional(GRU({CELLS})) > LSTM({CELLS}) > Dense(linear)"


def tflite(name: str, coarse: float = 0.0) -> Compared:
    """A file of TensorFlow Lite, and what its interpreter gave.

    One that rounds to 8 bits is compared with what it gave to a hundredth; a test of the reader
    shows that its rounding is the whole difference.
    """

    def make(folder: Path) -> Source:
        with np.load(DATA / "tflite/given.npz") as held:
            windows, outputs = held[f"{name}_X"].astype(float), held[f"{name}_Y"]
        return Source(DATA / f"tflite/{name}.tflite", [windows], [outputs], coarse=coarse)

    return Compared(make)


def tensorflow(place: str, whose: str = "", **options: Any) -> Compared:
    """A folder or a checkpoint of TensorFlow, and what TensorFlow gave."""

    def make(folder: Path) -> Source:
        with np.load(DATA / "tensorflow/given.npz") as held:
            windows, outputs = held["X"], held[whose or place]
        return Source(DATA / "tensorflow" / place, [windows], [outputs], options)

    return Compared(make)


def older_program(name: str) -> Compared:
    """A program that PyTorch 2.6 saved, and what its module gave."""

    def make(folder: Path) -> Source:
        with np.load(DATA / "torch_programs/given.npz") as held:
            inputs, outputs = (
                [held[key] for key in sorted(held) if key.startswith(f"{name}_{side}")]
                for side in "xy"
            )
        return Source(DATA / f"torch_programs/{name}.pt2", inputs, outputs)

    return Compared(make)


def by_pytorch(save: Callable[[Any, Any, Path], Any], **options: Any) -> Compared:
    """An LSTM and a linear head on its last step, kept by a function, run by PyTorch."""

    def make(folder: Path) -> Source:
        import torch
        from torch import nn

        from torch_models import scrambled

        class Forecaster(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.rnn, self.fc = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.fc(self.rnn(x)[0][:, -1])

        module = scrambled(Forecaster())
        windows = np.random.default_rng(5).normal(size=(4, 6, 3)).astype("f4")
        given = torch.as_tensor(windows)
        with torch.no_grad():
            outputs = module(given).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks of PyTorch on its own formats
            source = save(module, given, folder)
        return Source(source, [windows], [outputs], options)

    return Compared(make)


def exported(module: Any, given: Any, folder: Path) -> Any:
    import torch

    dynamic = ({0: torch.export.Dim.AUTO},)
    return torch.export.export(module, (given,), dynamic_shapes=dynamic)


def program(module: Any, given: Any, folder: Path) -> Path:
    import torch

    path = folder / "model.pt2"
    torch.export.save(exported(module, given, folder), path)
    return path


def scripted(module: Any, given: Any, folder: Path) -> Path:
    import torch

    path = folder / "model.pt"
    torch.jit.save(torch.jit.trace(module, given), path)
    return path


def listed(module: Any, given: Any, folder: Path) -> Path:
    import json

    path = folder / "model.json"
    path.write_text(json.dumps({k: v.tolist() for k, v in module.state_dict().items()}))
    return path


def checkpoint(module: Any, given: Any, folder: Path) -> Path:
    import torch

    path = folder / "last.ckpt"
    state = {f"model.{name}": array for name, array in module.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state, "callbacks": {"best": (1, 2.0)}}, path)
    return path


def sharded(folder: Path) -> Source:
    import keras

    from keras_models import outputs_of, scrambled, sequence

    L = keras.layers
    model = scrambled(keras.Sequential([L.Input((6, 3)), L.LSTM(4), L.Dense(2)]))
    (folder / "m.json").write_text(model.to_json())
    model.save_weights(folder / "m.weights.json", max_shard_size=4e-7)
    windows = sequence(np.random.default_rng(4))
    return Source(folder / "m.weights.json", [windows], outputs_of(model, windows))


#: By file: what is in it, and a case of it.
CONTAINERS: dict[str, dict[str, Compared | Refused]] = {
    "TensorFlow Lite, of its interpreter": {
        "fused LSTM, one way": tflite("plain"),
        "fused LSTM, stacked": tflite("stacked"),
        "fused LSTM one way and back, as two": tflite("both"),
        "fused LSTM, both ways": tflite("both_fused"),
        "fused RNN": tflite("rnn"),
        "weights in half precision": tflite("half"),
        "weights of 8 bits (dynamic range), to 1 %, its own rounding": tflite(
            "eight_bits", coarse=0.01
        ),
        "a loop over the steps (GRU)": Refused(
            lambda folder: Source(DATA / "tflite/gru.tflite"),
            "gru.tflite holds a loop over the steps in place of a fused LSTM, which rnnlens does "
            "not read as a network: give the Keras model that it was converted from, saved with "
            "model.save('model.keras')",
        ),
    },
    "TensorFlow SavedModel": {
        "by TensorFlow 1.15": tensorflow("tf115"),
        "by TensorFlow 2.4": tensorflow("tf24"),
        "by tf.keras 2.15, layers named out of order": tensorflow("exchanged"),
        "a model within a model": tensorflow("nested"),
        "stateful": tensorflow("stateful"),
        "an export of Keras 3, layers stated": tensorflow("exported", layers=STACKED),
    },
    "TensorFlow checkpoint (`.index`, `.data`)": {
        "of tf.keras, layers stated": tensorflow(
            "cp/cp.ckpt.index", "cp", layers=f"LSTM({CELLS}) > Dense(linear)"
        ),
        "of tf.keras, with its architecture in JSON": tensorflow(
            "cp/cp.ckpt.index", "cp", architecture=DATA / "tensorflow/cp.json"
        ),
        "of `tf.train.Checkpoint`, layers stated": tensorflow(
            "tracked/ck.index", "exported", layers=STACKED
        ),
        "by the names of variables (TensorFlow 1)": tensorflow(
            "named", layers=f"LSTM({CELLS}) > Dense(linear)"
        ),
    },
    "Keras 3 weights in shards": {"with the architecture beside": Compared(sharded)},
    "PyTorch `.pt2` (`torch.export.save`)": {
        "from PyTorch 2.8 on": by_pytorch(program),
        "by PyTorch 2.6": older_program("free"),
        "by PyTorch 2.6, several inputs and outputs": older_program("several"),
    },
    "PyTorch `ExportedProgram`, live": {"any number of samples": by_pytorch(exported)},
    "PyTorch checkpoint with other objects": {
        "a state dict under a key, head named": by_pytorch(checkpoint, head="model.fc"),
    },
    "PyTorch TorchScript archive": {
        "its arrays, head named": by_pytorch(scripted, head="fc"),
    },
    "JSON with PyTorch's names": {"head named": by_pytorch(listed, head="fc")},
}
