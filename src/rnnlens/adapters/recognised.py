"""Which library a model is of, told by the module that its class was written in.

No library is imported for that: one whose model is in memory was imported by who made it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rnnlens.adapters.given import SeriesGiven
    from rnnlens.adapters.live import LiveModel
    from rnnlens.network.network import Network
    from rnnlens.readers.options import ReadOptions
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["Adapter", "adapter_of"]

#: Classes that are recognised, by the module that they were written in and their name: the adapter
#: of each. A class made of one of them is recognised too.
CLASSES: dict[tuple[str, str], str] = {
    ("darts.models.forecasting.block_rnn_model", "BlockRNNModel"): "darts",
    ("darts.models.forecasting.rnn_model", "RNNModel"): "darts",
    ("neuralforecast.common._base_auto", "BaseAuto"): "neuralforecast",
    ("neuralforecast.core", "NeuralForecast"): "neuralforecast",
    ("neuralforecast.models.gru", "GRU"): "neuralforecast",
    ("neuralforecast.models.lstm", "LSTM"): "neuralforecast",
    ("neuralforecast.models.rnn", "RNN"): "neuralforecast",
    ("pytorch_forecasting.models.rnn._rnn", "RecurrentNetwork"): "pytorch_forecasting",
    ("scikeras.wrappers", "BaseWrapper"): "scikeras",
    ("sklearn.compose._target", "TransformedTargetRegressor"): "scikeras",
    ("sklearn.pipeline", "Pipeline"): "scikeras",
    ("sktime.forecasting.base.adapters._neuralforecast", "_NeuralForecastAdapter"): "sktime",
}


class Adapter(Protocol):
    """What every adapter offers."""

    #: What it is for, as in "a fitted model of darts".
    WHAT: str
    #: The options of `rnnlens.read` that it takes.
    TAKES: Collection[str]

    def read(self, source: object, options: ReadOptions) -> Network | LiveModel:
        """Read the network, or say which live module computes it."""
        ...

    def windows(
        self, source: object, series: object, given: SeriesGiven
    ) -> Windows | WindowsByInput:
        """Cut the library's series into the windows of its model."""
        ...


def adapter_of(source: object) -> Adapter | None:
    """Give the adapter of what a library keeps; None for what rnnlens reads by itself."""
    if isinstance(source, str | PathLike):
        folder = os.fsdecode(source)
        return _loaded("neuralhydrology") if _is_run_folder(folder) else None
    for kind in type(source).__mro__:
        name = CLASSES.get((kind.__module__, kind.__qualname__))
        if name is not None:
            return _loaded(name)
    return None


def _is_run_folder(folder: str) -> bool:
    """Tell a run folder of neuralhydrology: settings, and the weights of at least one epoch."""
    settings = os.path.join(folder, "config.yml")  # no name, however odd, is an error to isfile
    return os.path.isfile(settings) and any(Path(folder).glob("model_epoch*.pt"))


def _loaded(name: str) -> Adapter:
    return importlib.import_module(f"rnnlens.adapters.{name}")  # type: ignore[return-value]
