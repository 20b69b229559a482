"""Models of pytorch-forecasting that are not followed, and series that are not theirs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch

from recurrent_network import (
    HORIZONS,
    STEPS,
    EncoderNormalizer,
    GroupNormalizer,
    Line,
    RecurrentNetwork,
    TimeSeriesDataSet,
    drawn,
)
from refused.registry import section
from rnnlens.api import read, windows

case = section("Models of pytorch-forecasting")


def made(normalizer: Any = None, **settings: object) -> RecurrentNetwork:
    """Give a model with settings of its own."""
    model = RecurrentNetwork(torch.nn.LSTM, normalizer or EncoderNormalizer())
    vars(model.hparams).update(settings)
    return model


def rows() -> Any:
    """Draw the rows of two series."""
    return drawn(np.random.default_rng(1))


@case("a loss of another kind")
def _(_: Path) -> None:
    model = made()
    model.loss = Line(0, 1)  # type: ignore[assignment]
    read(model)


@case("a lag within the forecast")
def _(_: Path) -> None:
    read(made(target_lags={"load": {"load_lagged_by_2": 2}}))


@case("a target that is bent")
def _(_: Path) -> None:
    read(made(EncoderNormalizer("log")))


@case("no parameters of the data")
def _(_: Path) -> None:
    model = made()
    del model.dataset_parameters
    read(model)


@case("an encoder of one step")
def _(_: Path) -> None:
    model = made()
    model.dataset_parameters["max_encoder_length"] = 1
    read(model)


@case("an array")
def _(_: Path) -> None:
    windows(made(), np.zeros((3, 3)))


@case("a dataset of other windows")
def _(_: Path) -> None:
    other = TimeSeriesDataSet(rows())
    other.max_encoder_length = 5
    windows(made(), other)


@case("a column that is not there")
def _(_: Path) -> None:
    windows(made(), rows().drop(columns="holiday"))


@case("no number in a row")
def _(_: Path) -> None:
    frame = rows()
    frame.loc[0, "load"] = np.nan
    windows(made(), frame)


@case("too few rows")
def _(_: Path) -> None:
    frame = rows()
    windows(made(), frame[frame.day % 100 < STEPS + HORIZONS - 1])


@case("too few rows of a dataset")
def _(_: Path) -> None:
    short = TimeSeriesDataSet(rows())
    short.index = short.index[:0]
    windows(made(), short)


@case("a gap")
def _(_: Path) -> None:
    windows(made(), TimeSeriesDataSet(rows().drop(index=4)))


@case("a scaler that bends")
def _(_: Path) -> None:
    bent = TimeSeriesDataSet(rows())
    bent.scalers["holiday"] = SimpleNamespace(transform=np.square)
    windows(made(), bent)


@case("two ways of scaling")
def _(_: Path) -> None:
    by_site = GroupNormalizer(["site"], {0: (49.0, 5.0), 1: (60.0, 6.0)})
    windows(made(by_site), TimeSeriesDataSet(rows()))


@case("a category that the model was not fitted on")
def _(_: Path) -> None:
    known = RecurrentNetwork(
        torch.nn.LSTM, EncoderNormalizer(), ["load"], categoricals={"weekday": ("weekday",)}
    )
    library = ModuleType("pytorch_forecasting.data.timeseries")

    def from_parameters(parameters: Any, frame: Any, **_: object) -> TimeSeriesDataSet:
        return TimeSeriesDataSet(frame, EncoderNormalizer(), known)

    library.TimeSeriesDataSet = SimpleNamespace(from_parameters=from_parameters)  # type: ignore[attr-defined]
    with mock.patch.dict(sys.modules, {library.__name__: library}):
        windows(known, rows().assign(weekday="Sun"))
