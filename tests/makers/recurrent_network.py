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
    "LABELS",
    "REALS",
    "ROWS",
    "STEPS",
    "EncoderNormalizer",
    "GroupNormalizer",
    "Line",
    "MultiNormalizer",
    "RecurrentNetwork",
    "TimeSeriesDataSet",
    "drawn",
]

STEPS, HORIZONS, ROWS, HIDDEN = 6, 3, 20, 3
STATIC, KNOWN = ("area", "load_center", "load_scale"), ("holiday", "relative_time_idx")
REALS = [*STATIC, *KNOWN, "load"]
#: What each column of categories may hold.
LABELS = {"site": ("north", "south"), "weekday": ("Mon", "Tue", "Wed"), "feast": ("no", "yes")}


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


class MultiNormalizer:
    """Normalizers of several targets."""

    def __init__(self, normalizers):
        self.normalizers = normalizers


class MAE:
    """The library's loss of that name."""


class RecurrentNetwork(torch.nn.Module):
    """What rnnlens looks at of the library's own: layers, settings, parameters of the data."""

    __module__ = "pytorch_forecasting.models.rnn._rnn"

    def __init__(
        self, cell, normalizer, reals=REALS, *, categoricals=None, lags=None, targets=("load",)
    ):
        super().__init__()
        categoricals, lags = categoricals or {}, lags or {}
        sizes = {name: len(LABELS[columns[0]]) for name, columns in categoricals.items()}
        tables = {name: torch.nn.Embedding(size, size + 1) for name, size in sizes.items()}
        self.embeddings = torch.nn.Module()
        self.embeddings.embeddings = torch.nn.ModuleDict(tables)
        width = len(reals) + sum(size + 1 for size in sizes.values())
        self.rnn = cell(width, HIDDEN, num_layers=2, batch_first=True)
        projectors = [torch.nn.Linear(HIDDEN, 1) for _ in targets]
        several = len(targets) > 1
        self.output_projector = torch.nn.ModuleList(projectors) if several else projectors[0]
        self.loss = MAE()
        flat = [column for columns in categoricals.values() for column in columns]
        self.hparams = SimpleNamespace(
            target=list(targets) if several else targets[0],
            static_reals=[name for name in STATIC if name in reals],
            static_categoricals=[name for name in categoricals if name == "site"],
            x_reals=list(reals),
            x_categoricals=flat,
            categorical_groups={k: list(v) for k, v in categoricals.items() if list(v) != [k]},
            target_lags={
                name: {f"{name}_lagged_by_{lag}": lag for lag in own} for name, own in lags.items()
            },
        )
        self.dataset_parameters = {
            "max_encoder_length": STEPS,
            "max_prediction_length": HORIZONS,
            "target_normalizer": normalizer,
            "scalers": {"load_center": Line(50.0, 9.0), "load_scale": Line(2.0, 0.5)},
            "time_idx": "day",
            "group_ids": ["site"],
            "lags": lags,
        }


class TimeSeriesDataSet:
    """What rnnlens looks at of the library's own: rows of all series, and where windows begin."""

    max_encoder_length, max_prediction_length = STEPS, HORIZONS
    time_idx, group_ids = "day", ("site",)

    def __init__(self, frame, normalizer: Any = None, model: Any = None):
        given = (model or RecurrentNetwork(torch.nn.LSTM, normalizer)).hparams
        self.reals, self.flat_categoricals = list(given.x_reals), list(given.x_categoricals)
        targets = [given.target] if isinstance(given.target, str) else given.target
        normalizers = getattr(normalizer, "normalizers", [normalizer])
        self.scalers: dict[str, Any] = {"holiday": Line(0.3, 2.0), "area": Line(1.0, 3.0)}
        self.names, codes = np.unique(frame.site, return_inverse=True)
        values = pd.DataFrame(0.0, index=frame.index, columns=self.reals)
        for name in set(self.reals) & set(self.scalers):
            values[name] = self.scalers[name].transform(frame[name])
        lags = given.target_lags
        for name, one in zip(targets, normalizers, strict=True):
            center, scale = numbers_of_rows(one, codes)
            values[name] = (frame[name] - center) / scale
            for column, lag in lags.get(name, {}).items():
                values[column] = values.groupby(codes)[name].shift(lag)
        longest = max((lag for own in lags.values() for lag in own.values()), default=0)
        kept = (frame.groupby("site").cumcount() >= longest).to_numpy()
        frame, values, codes = frame[kept], values[kept], codes[kept]
        rows_of = [[code_of(one, cell) for cell in frame[one]] for one in self.flat_categoricals]
        self.data = {
            "reals": torch.tensor(values.to_numpy(), dtype=torch.float32),
            "categoricals": torch.tensor(rows_of or [[]]).T,
            "target": [torch.tensor(frame[one].to_numpy(), dtype=torch.float32) for one in targets],
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
        if name in LABELS:
            return SimpleNamespace(classes_={label: k for k, label in enumerate(LABELS[name])})
        return self.scalers.get(name)


def code_of(name, label):
    """Look the number of a label up, as the library's encoder does."""
    if label not in LABELS[name]:
        raise KeyError(f"Unknown category '{label}' encountered")
    return LABELS[name].index(label)


def numbers_of_rows(normalizer, codes):
    """Give center and scale of each row, as the dataset's own columns of the target are scaled."""
    if not hasattr(normalizer, "norm_"):
        return 0.0, 1.0  # windows are scaled when they are given
    if normalizer.groups:
        both = np.array([normalizer.norm_[code] for code in codes])
        return both[:, 0], both[:, 1]
    return normalizer.norm_["center"], normalizer.norm_["scale"]


def drawn(rng: np.random.Generator) -> pd.DataFrame:
    """Draw the rows of two series."""
    parts = [
        pd.DataFrame({
            "site": site,
            "day": np.arange(ROWS) + 100 * k,
            "load": rng.normal(50 + 9 * k, 5, ROWS),
            "holiday": rng.integers(0, 2, ROWS).astype(float),
            "area": 1.0 + k,
            "heat": rng.normal(300 + 9 * k, 20, ROWS),
            "weekday": rng.choice(LABELS["weekday"], ROWS),
            "feast": rng.choice(LABELS["feast"], ROWS),
        })
        for k, site in enumerate(("north", "south"))
    ]
    return pd.concat(parts, ignore_index=True)
