"""What refusals of whole archives, and of fitted models of other libraries, advise, done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fitted_models import LSTM, STEPS, BlockRNNModel, NeuralForecast
from followed.registry import advice
from refused.fitted_models import own, series
from refused.whole_archives import STEPS as WINDOW
from refused.whole_archives import explained, sidecar
from refused.whole_archives import series as gridded
from rnnlens.adapters.neuralforecast.facts import Facts
from rnnlens.api import windows
from rnnlens.bulk import Blocks, Runner, summary


@advice("Whole archives: no axis of time", 'which is time, as in time = "hour"')
def _(folder: Path) -> None:
    data = gridded().drop_vars("time").rename(time="hour")
    explained(folder, data, sidecar=replace(sidecar(), time="hour"))


@advice(
    "Whole archives: a baseline of each window's own", "give zero, mean, background or an array"
)
def _(folder: Path) -> None:
    explained(folder, limit=1)
    for number, baseline in enumerate(("mean", "background", np.zeros((3, 2)))):
        explained(folder, folder / "in.zarr", baseline=baseline, out=f"{number}.zarr", limit=1)


@advice("Whole archives: series shorter than a window", "give longer series")
def _(folder: Path) -> None:
    explained(folder, gridded().isel(time=slice(0, WINDOW)))


@advice("Whole archives: a grouping that is not there", "give some of station, season, month")
def _(folder: Path) -> None:
    out = explained(folder, blocks=Blocks(by=["station", "season", "month"]))
    assert list(summary(out, "station").group.values) == ["north", "south"]


@advice("Whole archives: workers and a scheduler", "name one of both")
def _(_: Path) -> None:
    assert Runner(workers=2).scheduler is None and Runner(scheduler="tcp://a:1").workers is None


@advice("Models of darts: covariates that are missing", "fitted with: give it too")
def _(_: Path) -> None:
    model = BlockRNNModel(past_covariates=np.zeros((STEPS, 1)))
    windows(model, series(), past_covariates=series(components=1))


@advice("Models of darts: a scaler that bends", "yourself, and leave the scaler out")
def _(_: Path) -> None:
    windows(BlockRNNModel(), series())


@advice(
    "Models of darts: a scaler that differs from series to series", "about one series at a time"
)
def _(_: Path) -> None:
    windows(BlockRNNModel(), series())


@advice("Models of darts: other static covariates", "give it those that it was fitted with")
def _(_: Path) -> None:
    model = BlockRNNModel(static_covariates=np.zeros((1, 2)))
    model.uses_static_covariates = True
    one = series()
    one.static_covariates = pd.DataFrame({"height": [1.0], "slope": [0.5]})
    windows(model, one)


@advice("Models of neuralforecast: several models", 'part="LSTM", or give that of nf.models alone')
def _(_: Path) -> None:
    held = NeuralForecast(LSTM(), own("GRU"))
    assert Facts.of(held, "LSTM").model is held.models[0]
    assert Facts.of(held.models[1]).model is held.models[1]
