"""Four students print ``model.get_weights()``, and ask which array is which gate.

Run from any folder::

    pip install "rnnlens[keras]" torch
    python examples/journeys/get_weights.py

One network learns how a river rises after rain. Its arrays are then printed as Keras 1 (twelve an
LSTM), Keras 2 and 3 (three) and PyTorch (four) print them, without a name. Each time rnnlens names
them by what such files hold and says what that assumes, proves it by the forecasts that the network
gave, and says how good those are.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch

import rnnlens

DAYS, WINDOW, UNITS = 1500, 10, 8
#: Days that training sees.
TRAINING = 1000


def river() -> tuple[np.ndarray, np.ndarray]:
    """Make days of rain and what the river does a day later: (day, feature), (day,)."""
    rng = np.random.default_rng(5)
    rain = np.where(rng.random(DAYS) < 0.3, rng.exponential(1.0, DAYS), 0.0)
    level = np.zeros(DAYS)
    for day in range(2, DAYS):
        level[day] = 0.8 * level[day - 1] + 0.3 * rain[day - 2] + 0.02 * rng.normal()
    return np.stack([rain, level], axis=1), level


class Forecaster(torch.nn.Module):
    """An LSTM and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(2, UNITS, batch_first=True)
        self.head = torch.nn.Linear(UNITS, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Forecast tomorrow's level: (sample, step, feature) -> (sample, 1)."""
        return self.head(self.lstm(x)[0][:, -1])


def train(X: np.ndarray, y: np.ndarray) -> Forecaster:
    """Fit the network to the first windows: (sample, step, feature), (sample,)."""
    torch.manual_seed(1)
    model = Forecaster()
    optimiser = torch.optim.Adam(model.parameters(), 2e-2)
    inputs, outcome = (torch.tensor(part[:TRAINING], dtype=torch.float32) for part in (X, y))
    for _ in range(150):
        optimiser.zero_grad()
        loss = ((model(inputs)[:, 0] - outcome) ** 2).mean()
        loss.backward()
        optimiser.step()
    return model


def printed_by_each(model: Forecaster) -> dict[str, list[np.ndarray]]:
    """Give the network's arrays as each framework prints them, none with a name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "river.keras"
        rnnlens.convert(rnnlens.read(model, example=torch.zeros(2, WINDOW, 2)), path)
        three = keras.models.load_model(path).get_weights()
    kernel, recurrent, bias, *linear = three
    blocks = {
        gate: [array[..., k * UNITS : (k + 1) * UNITS] for array in (kernel, recurrent, bias)]
        for k, gate in enumerate("ifco")
    }
    twelve = [array for gate in "icfo" for array in blocks[gate]]
    return {
        "Keras 1": twelve + linear,
        "Keras 2": three,
        "Keras 3": three,
        "PyTorch": [array.detach().numpy() for array in model.parameters()],
    }


def main() -> None:
    """Name, prove, and judge each set of arrays."""
    series, level = river()
    X = np.lib.stride_tricks.sliding_window_view(series, WINDOW, axis=0)[:-1].transpose(0, 2, 1)
    y = level[WINDOW:]
    model = train(X, y)
    with torch.no_grad():
        forecasts = model(torch.tensor(X[:64], dtype=torch.float32)).numpy()
    for framework, arrays in printed_by_each(model).items():
        print(f"\n{framework} prints {len(arrays)} arrays: {[array.shape for array in arrays]}")
        named = rnnlens.weights(arrays)
        print(named.attrs["notes"])
        found = rnnlens.identify(arrays, X[:64], forecasts)
        print(found)
        forget = next(name for name in named.array_names if name.endswith("W_f"))
        assert np.array_equal(named[forget], rnnlens.weights(found.network)[forget])
        page = rnnlens.check(found.network, X[TRAINING:], y[TRAINING:], background=X[:TRAINING])
        print(page.attrs["forecast_check"])
    print("\nThe ten days are in none of the arrays: each day passes through the same ones.")


if __name__ == "__main__":
    main()
