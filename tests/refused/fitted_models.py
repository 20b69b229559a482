"""Fitted models of darts, neuralforecast and sktime that are not followed, and other series."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from fitted_models import (
    LSTM,
    STEPS,
    BlockRNNModel,
    NeuralForecast,
    TimeSeries,
    _NeuralForecastAdapter,
)
from refused.registry import instead_of_modules, section
from rnnlens.adapters.darts.tables import to_native
from rnnlens.api import read, windows

darts = section("Models of darts")
neural = section("Models of neuralforecast")
sktime = section("Forecasters of sktime")


def series(count: int = 12, components: int = 2) -> TimeSeries:
    """Draw a series of darts."""
    return TimeSeries(np.random.default_rng(1).normal(size=(count, components)))


class Scaler:
    """A fitted scaler of darts, by what it makes of values (step, component)."""

    def __init__(self, makes: Any) -> None:
        self.makes = makes

    def transform(self, given: Any) -> Any:
        if isinstance(given, list):
            return [TimeSeries(self.makes(one.values, k)) for k, one in enumerate(given)]
        return TimeSeries(self.makes(given.values, 0))


@darts("not fitted")
def _(_: Path) -> None:
    model = BlockRNNModel()
    model.model = None
    read(model)


@darts("a distribution")
def _(_: Path) -> None:
    model = BlockRNNModel()
    model.model.likelihood = type("GaussianLikelihood", (), {})()
    read(model)


@darts("samples of another version")
def _(_: Path) -> None:
    model = BlockRNNModel()
    model.train_sample = (1, 2, 3)
    read(model)


@darts("a table")
def _(_: Path) -> None:
    windows(BlockRNNModel(), pd.DataFrame({"c0": [1.0]}))


@darts("covariates that the model does not take")
def _(_: Path) -> None:
    windows(BlockRNNModel(), series(), past_covariates=series())


@darts("covariates that are missing")
def _(_: Path) -> None:
    windows(BlockRNNModel(past_covariates=np.zeros((STEPS, 1))), series())


@darts("other components")
def _(_: Path) -> None:
    windows(BlockRNNModel(), series(components=3))


@darts("fewer covariates than series")
def _(_: Path) -> None:
    model = BlockRNNModel(past_covariates=np.zeros((STEPS, 1)))
    windows(model, [series(), series()], past_covariates=series(components=1))


@darts("a scaler of something else")
def _(_: Path) -> None:
    windows(BlockRNNModel(), series(), scaler={"targets": None})


@darts("a scaler that is none")
def _(_: Path) -> None:
    windows(BlockRNNModel(), series(), scaler=3)


@darts("a scaler that bends")
def _(_: Path) -> None:
    windows(BlockRNNModel(), series(), scaler=Scaler(lambda values, _: values**3))


@darts("a scaler that differs from series to series")
def _(_: Path) -> None:
    scaler = Scaler(lambda values, k: values * (k + 1))
    windows(BlockRNNModel(), [series(), series()], scaler=scaler)


@darts("other static covariates")
def _(_: Path) -> None:
    model = BlockRNNModel(static_covariates=np.zeros((1, 2)))
    model.uses_static_covariates = True
    one = series()
    one.static_covariates = pd.DataFrame({"height": [1.0]})
    windows(model, one)


@darts("something beside that no model takes")
def _(_: Path) -> None:
    windows(BlockRNNModel(), series(), static={"height": 1.0})


@darts("a result of several targets")
def _(_: Path) -> None:
    array = xr.DataArray(np.zeros((2, 1, 1, 1)), dims=("target", "sample", "lag", "feature"))
    explained = xr.Dataset({"contribution": array}, attrs={"shows": "contribution"})
    with instead_of_modules({"darts": SimpleNamespace(TimeSeries=TimeSeries)}):
        to_native(explained, series())  # type: ignore[arg-type]


@darts("a result that does not sum")
def _(_: Path) -> None:
    explained = xr.Dataset(attrs={"shows": "sensitivity"})
    with instead_of_modules({"darts": SimpleNamespace(TimeSeries=TimeSeries)}):
        to_native(explained, series())  # type: ignore[arg-type]


def frame() -> pd.DataFrame:
    """Draw a long frame of neuralforecast."""
    days = pd.date_range("2001-01-01", periods=12, freq="D")
    return pd.DataFrame({"unique_id": "a", "ds": days, "y": np.arange(12.0)})


def own(kind: str) -> Any:
    """Make a model of a class of another name."""
    return type(kind, (LSTM,), {"__module__": LSTM.__module__})()


@neural("before 3.0")
def _(_: Path) -> None:
    model = LSTM()
    del model.RECURRENT
    read(model)


@neural("a scaler that bends")
def _(_: Path) -> None:
    read(LSTM(scaler=SimpleNamespace(scaler_type="invariant")))


@neural("a loss of another kind")
def _(_: Path) -> None:
    class DistributionLoss:
        outputsize_multiplier, is_distribution_output = 2, True

    read(LSTM(loss=DistributionLoss()))


@neural("categories")
def _(_: Path) -> None:
    read(LSTM(categorical_cardinalities={"site": 3}))


@neural("a scaler of each series")
def _(_: Path) -> None:
    read(NeuralForecast(LSTM(), local_scaler_type="standard"))


@neural("no recurrent model")
def _(_: Path) -> None:
    read(NeuralForecast(own("NHITS")))


@neural("not fitted")
def _(_: Path) -> None:
    read(NeuralForecast(LSTM(), _fitted=False))


@neural("several models")
def _(_: Path) -> None:
    read(NeuralForecast(LSTM(), own("GRU")))


@neural("a part that is not there")
def _(_: Path) -> None:
    read(NeuralForecast(LSTM(), own("GRU")), part="GRUU")


@neural("an array")
def _(_: Path) -> None:
    windows(LSTM(), np.zeros((3, 3)))


@neural("a column that is not there")
def _(_: Path) -> None:
    windows(LSTM(), frame().drop(columns="y"))


@sktime("not fitted")
def _(_: Path) -> None:
    read(_NeuralForecastAdapter())


@sktime("an array")
def _(_: Path) -> None:
    windows(_NeuralForecastAdapter(NeuralForecast(LSTM())), np.zeros(3))


@sktime("something beside that no forecaster takes")
def _(_: Path) -> None:
    windows(_NeuralForecastAdapter(NeuralForecast(LSTM())), frame().y, static={"height": 1.0})
