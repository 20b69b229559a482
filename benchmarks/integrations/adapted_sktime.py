"""Forecasters of sktime around neuralforecast, read as fitted, beside what `predict` forecasts."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from case import seeded
from sktime.forecasting.neuralforecast import NeuralForecastLSTM, NeuralForecastRNN
from worked import Worked, worked

import rnnlens

DAYS = 200
TRAINER = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
}
OPTIONS: dict[str, Any] = {
    "input_size": 24,
    "encoder_hidden_size": 8,
    "decoder_hidden_size": 8,
    "max_steps": 5,
    "trainer_kwargs": TRAINER,
}


# -- on the page --
def example(load: pd.Series) -> tuple[Worked, NeuralForecastLSTM]:
    """Explain tomorrow's load, in its own unit."""
    from rnnlens.adapters.sktime import to_native

    forecaster = NeuralForecastLSTM(freq="D", scaler_type="robust", **OPTIONS)
    forecaster.fit(load, fh=range(1, 13))

    net = rnnlens.read(forecaster)
    windows = rnnlens.windows(forecaster, load)
    tomorrow = rnnlens.Target("y", horizon=1)
    explained = rnnlens.explain(net, windows.newest(1), target=tomorrow, background=windows)
    return Worked(net, windows, explained, None, to_native(explained)), forecaster


# -- end --


def main() -> None:
    """Run the example, and hold another forecaster against sktime."""
    logging.disable(logging.WARNING)
    rng = seeded()
    days = pd.date_range("2023-01-01", periods=DAYS, freq="D")
    values = 40 + 7 * np.sin(np.arange(DAYS) / 5) + rng.normal(size=DAYS)
    load = pd.Series(values, index=days, name="load")
    made, forecaster = example(load)
    worked("sktime", "NeuralForecastLSTM", made, forecaster.predict().to_numpy().ravel()[:1])
    from rnnlens.adapters.sktime import to_native

    other = NeuralForecastRNN(freq="D", scaler_type="standard", **OPTIONS)
    other.fit(load, fh=range(1, 13))
    windows = rnnlens.windows(other, load)
    net, last = rnnlens.read(other), rnnlens.Target("y", horizon=12)
    explained = rnnlens.explain(net, windows.newest(1), target=last, background=windows)
    made = Worked(net, windows, explained, None, to_native(explained))
    worked("sktime", "NeuralForecastRNN", made, other.predict().to_numpy().ravel()[-1:])


if __name__ == "__main__":
    main()
