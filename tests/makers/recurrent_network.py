"""Stand-ins for a fitted RecurrentNetwork of pytorch-forecasting, and for its data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch

__all__ = [
    "HORIZONS",
    "KNOWN",
    "REALS",
    "ROWS",
    "STEPS",
    "EncoderNormalizer",
    "GroupNormalizer",
    "Line",
    "RecurrentNetwork",
    "TimeSeriesDataSet",
    "drawn",
]

STEPS, HORIZONS, ROWS, HIDDEN = 6, 3, 20, 3
STATIC, KNOWN = ("area", "load_center", "load_scale"), ("holiday", "relative_time_idx")
REALS = [*STATIC, *KNOWN, "load"]


class Line:
    """A fitted scaler: ``(value - mean) / scale``."""

    def __init__(self, mean, scale):
        self.mean, self.scale = mean, scale

    def transform(self, values):
        return (values - self.mean) / self.scale


class EncoderNormalizer:
    """Mean and spread of each window, as the library takes them."""

    def __init__(self, transformation=None):
        self.transformation = transformation

    def fit(self, y):
        self.center_, self.scale_ = y.mean(-1), y.std(-1) + 1e-6

    def get_parameters(self):
        return torch.stack([self.center_, self.scale_], dim=-1)


class GroupNormalizer:
    """Center and scale of each series, or of all."""

    def __init__(self, groups, norm, transformation=None):
        self.groups, self.norm_, self.transformation = groups, norm, transformation

    def get_parameters(self, groups, group_names):
        return np.array(self.norm_[int(groups[0])])


class MAE:
    """The library's loss of that name."""


class RecurrentNetwork(torch.nn.Module):
    """What rnnlens looks at of the library's own: layers, settings, parameters of the data."""

    __module__ = "pytorch_forecasting.models.rnn._rnn"

    def __init__(self, cell, normalizer, reals=REALS):
        super().__init__()
        self.rnn = cell(len(reals), HIDDEN, num_layers=2, batch_first=True)
        self.output_projector = torch.nn.Linear(HIDDEN, 1)
        self.loss = MAE()
        self.hparams = SimpleNamespace(
            target="load",
            static_reals=[name for name in STATIC if name in reals],
            static_categoricals=[],
            x_reals=list(reals),
            x_categoricals=[],
            target_lags={},
        )
        self.dataset_parameters = {
            "max_encoder_length": STEPS,
            "max_prediction_length": HORIZONS,
            "target_normalizer": normalizer,
            "scalers": {"load_center": Line(50.0, 9.0), "load_scale": Line(2.0, 0.5)},
            "time_idx": "day",
            "group_ids": ["site"],
        }


class TimeSeriesDataSet:
    """What rnnlens looks at of the library's own: rows of all series, and where windows begin."""

    max_encoder_length, max_prediction_length = STEPS, HORIZONS
    time_idx, group_ids = "day", ("site",)

    def __init__(self, frame, normalizer: Any = None, reals=REALS):
        self.reals = list(reals)
        self.scalers: dict[str, Any] = {"holiday": Line(0.3, 2.0), "area": Line(1.0, 3.0)}
        self.names, codes = np.unique(frame.site, return_inverse=True)
        values = np.zeros((len(frame), len(reals)))
        for k, name in enumerate(reals):
            if name in self.scalers:
                values[:, k] = self.scalers[name].transform(frame[name].to_numpy())
        if hasattr(normalizer, "norm_") and normalizer.groups:
            both = np.array([normalizer.norm_[code] for code in codes])
            values[:, reals.index("load")] = (frame.load - both[:, 0]) / both[:, 1]
        self.data = {
            "reals": torch.tensor(values, dtype=torch.float32),
            "target": [torch.tensor(frame.load.to_numpy(), dtype=torch.float32)],
            "time": torch.tensor(frame.day.to_numpy()),
            "groups": torch.tensor(codes[:, None]),
        }
        whole = STEPS + HORIZONS
        starts = [k for k in range(len(frame) - whole + 1) if codes[k] == codes[k + whole - 1]]
        self.index = pd.DataFrame({"index_start": starts, "sequence_length": whole})

    @classmethod
    def from_parameters(cls, parameters, frame, stop_randomization):
        return cls(frame, parameters["target_normalizer"])

    def transform_values(self, name, codes, inverse, group_id):
        return self.names[codes]

    def get_transformer(self, name):
        return self.scalers.get(name)


def drawn(rng: np.random.Generator) -> pd.DataFrame:
    """Draw the rows of two series."""
    parts = [
        pd.DataFrame({
            "site": site,
            "day": np.arange(ROWS) + 100 * k,
            "load": rng.normal(50 + 9 * k, 5, ROWS),
            "holiday": rng.integers(0, 2, ROWS).astype(float),
            "area": 1.0 + k,
        })
        for k, site in enumerate(("north", "south"))
    ]
    return pd.concat(parts, ignore_index=True)
