"""What a record costs beside the training that it follows, in CPU time.

    python benchmarks/training_record.py

An LSTM of 64 units over 48 steps of 8 features, batches of 32, trained by PyTorch and by Keras, on
one thread. Steps of training and records are timed in turn, so that a busy machine slows both; what
is printed is the median CPU time of each, and what a record costs a step where one is made every
100 steps (`rnnlens.record`, 16 windows, CSV and TensorBoard). Opening a record is printed too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import process_time

# the folder "tensorflow" beside this file would be taken for the library by Keras
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).parent]
for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RNNLENS_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("KERAS_BACKEND", "torch")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

import rnnlens  # noqa: E402

STEPS, FEATURES, UNITS, BATCH, EVERY = 48, 8, 64, 32, 100
ROUNDS, TRAINED = 20, 10


class Forecaster(torch.nn.Module):
    """An LSTM and a linear head on its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(FEATURES, UNITS, batch_first=True)
        self.fc = torch.nn.Linear(UNITS, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Forecast from (sample, step, feature)."""
        return self.fc(self.lstm(x)[0][:, -1])


def by_torch(x: np.ndarray, y: np.ndarray):
    """Give the module, and what trains it by one batch."""
    module = Forecaster()
    optimizer = torch.optim.Adam(module.parameters())
    batch, wanted = torch.from_numpy(x), torch.from_numpy(y)

    def train() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(batch), wanted).backward()
        optimizer.step()

    return module, train


def by_keras(x: np.ndarray, y: np.ndarray):
    """Give the model, and what trains it by one batch."""
    model = keras.Sequential([
        keras.layers.Input((STEPS, FEATURES)),
        keras.layers.LSTM(UNITS),
        keras.layers.Dense(1),
    ])
    model.compile("adam", "mse")
    return model, lambda: model.train_on_batch(x, y)


def cpu(work, times: int) -> float:
    """Give the CPU time of one of several."""
    begun = process_time()
    for _ in range(times):
        work()
    return (process_time() - begun) / times


def main() -> None:
    """Time both libraries."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("f4")
    y = rng.normal(size=(BATCH, 1)).astype("f4")
    for library, make in (("PyTorch", by_torch), ("Keras", by_keras)):
        model, train = make(x, y)
        cpu(train, TRAINED)
        with tempfile.TemporaryDirectory() as folder:
            begun = process_time()
            recorder = rnnlens.record(
                model, x, Path(folder) / "gates.csv", tensorboard=folder, every=EVERY
            )
            opened = process_time() - begun
            cpu(recorder.record, 2)
            times = [(cpu(train, TRAINED), cpu(recorder.record, 1)) for _ in range(ROUNDS)]
            recorder.close()
        step, record = (median(one) for one in zip(*times, strict=True))
        share = record / EVERY / step
        print(
            f"{library}: a step {1e3 * step:.1f} ms, a record {1e3 * record:.1f} ms; every "
            f"{EVERY} steps that is {100 * share:.2f} % of a step (opening: {opened:.1f} s)"
        )


if __name__ == "__main__":
    main()
