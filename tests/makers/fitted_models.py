"""Stand-ins for fitted models of darts, neuralforecast and sktime, as far as rnnlens asks them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["LSTM", "BlockRNNModel", "NeuralForecast", "TimeSeries", "_NeuralForecastAdapter"]

STEPS, COMPONENTS = 4, 2


class TimeSeries:
    """A series of darts: values (step, component), and their times."""

    def __init__(self, values: Any, start: str = "2001-01-01", names: Any = None) -> None:
        self.values = np.asarray(values, float)
        self.time_index = pd.date_range(start, periods=len(self.values), freq="D")
        self.components = names or [f"c{k}" for k in range(self.values.shape[1])]
        self.freq, self.n_samples, self.width = self.time_index.freq, 1, self.values.shape[1]
        self.static_covariates: pd.DataFrame | None = None

    def all_values(self, copy: bool = True) -> Any:
        return self.values[..., None].copy() if copy else self.values[..., None]

    def with_values(self, values: Any) -> TimeSeries:
        return TimeSeries(values[..., 0])


class BlockRNNModel:
    """A fitted model of darts that forecasts two steps of two components."""

    __module__ = "darts.models.forecasting.block_rnn_model"
    input_chunk_length, output_chunk_length, output_chunk_shift = STEPS, 2, 0
    uses_static_covariates = False

    def __init__(self, **sample: Any) -> None:
        self.model: Any = SimpleNamespace(likelihood=None)
        shapes = {"past_target": np.zeros((STEPS, COMPONENTS))} | sample
        self.train_sample: Any = SimpleNamespace(**shapes)


class LSTM:
    """A fitted model of neuralforecast."""

    __module__ = "neuralforecast.models.lstm"

    def __init__(self, **settings: Any) -> None:
        self.RECURRENT, self.h, self.input_size, self.inference_input_size = False, 2, STEPS, STEPS
        self.loss: Any = MAE()
        self.scaler = SimpleNamespace(scaler_type="robust")
        self.hist_exog_list = self.futr_exog_list = self.stat_exog_list = ()
        vars(self).update(settings)

    def __repr__(self) -> str:
        return type(self).__name__


class MAE:
    """A loss of points."""

    outputsize_multiplier, is_distribution_output = 1, False


class NeuralForecast:
    """What holds fitted models of neuralforecast."""

    __module__ = "neuralforecast.core"

    def __init__(self, *models: Any, **settings: Any) -> None:
        self.models, self.freq, self._fitted = list(models), "D", True
        vars(self).update(settings)


class _NeuralForecastAdapter:  # noqa: B903
    """A forecaster of sktime that holds a `NeuralForecast`."""

    __module__ = "sktime.forecasting.base.adapters._neuralforecast"

    def __init__(self, held: Any = None) -> None:
        self._forecaster = held
