"""BlockRNNModel and RNNModel of darts, read as fitted, beside what `predict` forecasts."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from case import seeded
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import BlockRNNModel, RNNModel
from worked import Worked, blind, worked

import rnnlens

TRAINER = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
}
OPTIONS: dict[str, Any] = {
    "hidden_dim": 8,
    "n_epochs": 2,
    "random_state": 1,
    "pl_trainer_kwargs": TRAINER,
}
ENCODERS: dict[str, Any] = {
    "cyclic": {"past": ["month"]},
    "datetime_attribute": {"past": ["dayofweek"]},
    "transformer": Scaler(),
}
STEPS, DAYS = 24, 200
FEW = rnnlens.Certificates(windows=1)


# -- on the page --
def example(load: TimeSeries) -> tuple[Worked, BlockRNNModel, Scaler]:
    """Explain tomorrow's load, in its own unit."""
    from rnnlens.adapters.darts import to_native

    scaler = Scaler()
    model = BlockRNNModel(24, 12, model="LSTM", **OPTIONS)
    model.fit(scaler.fit_transform(load))

    net = rnnlens.read(model)
    windows = rnnlens.windows(model, load, scaler=scaler)  # in the load's unit
    tomorrow = rnnlens.Target("load", horizon=1)
    explained = rnnlens.explain(net, windows, target=tomorrow)
    table = rnnlens.lags(net, windows, target=tomorrow, certificates=FEW)
    return Worked(net, windows, explained, table, to_native(explained, load)), model, scaler


# -- end --


def data() -> tuple[TimeSeries, TimeSeries]:
    """Draw a load, and weather and holidays that are known thirty days longer."""
    rng = seeded()
    days = pd.date_range("2023-01-01", periods=DAYS + 30, freq="D")
    load = 40 + 7 * np.sin(np.arange(DAYS) / 5) + rng.normal(size=DAYS)
    known = np.stack([rng.normal(size=DAYS + 30), rng.integers(0, 2, DAYS + 30)], axis=1)
    return (
        TimeSeries.from_times_and_values(days[:DAYS], load, columns=["load"]),
        TimeSeries.from_times_and_values(days, known, columns=["warmth", "holiday"]),
    )


def own_forecasts(
    model: Any, load: TimeSeries, scaler: Scaler, count: int, **covariates: TimeSeries
) -> np.ndarray:
    """Ask darts itself at the end of each window: (sample,) of the first horizon."""
    scaled = scaler.transform(load)
    ends = range(STEPS, count + STEPS)
    parts = [scaled[:end] for end in ends]
    n = 1 if isinstance(model, RNNModel) else model.output_chunk_length
    many = {name: [one] * len(parts) for name, one in covariates.items()}
    made = model.predict(n, series=parts, **many)
    return np.array([scaler.inverse_transform(one).values()[0, 0] for one in made])


def others(load: TimeSeries, known: TimeSeries) -> None:
    """Hold the other kinds of model against their own forecasts."""
    scaler = Scaler()
    scaled = scaler.fit_transform(load)
    last = load.n_timesteps - STEPS + 1
    cases: list[tuple[str, Any, dict[str, TimeSeries]]] = [
        (
            "BlockRNNModel(24, 12, 'GRU', use_reversible_instance_norm=True), past covariates",
            BlockRNNModel(24, 12, model="GRU", use_reversible_instance_norm=True, **OPTIONS),
            {"past_covariates": known},
        ),
        (
            "RNNModel(24, 'LSTM'), future covariates",
            RNNModel(24, "LSTM", training_length=30, **OPTIONS),
            {"future_covariates": known},
        ),
        (
            "BlockRNNModel(24, 12, 'LSTM', add_encoders={'cyclic': {'past': ['month']}, ...})",
            BlockRNNModel(24, 12, model="LSTM", add_encoders=ENCODERS, **OPTIONS),
            {},
        ),
        (
            "RNNModel(24, 'LSTM', add_encoders={'cyclic': {'future': ['dayofyear']}})",
            RNNModel(
                24,
                "LSTM",
                training_length=30,
                add_encoders={"cyclic": {"future": ["dayofyear"]}},
                **OPTIONS,
            ),
            {"future_covariates": known},
        ),
        ("RNNModel(24, 'GRU')", RNNModel(24, "GRU", training_length=30, **OPTIONS), {}),
    ]
    for name, model, covariates in cases:
        model.fit(scaled, **covariates)
        net = rnnlens.read(model)
        windows = rnnlens.windows(model, load, scaler=scaler, **covariates)
        first = rnnlens.Target("load", horizon=None if isinstance(model, RNNModel) else 1)
        explained = rnnlens.explain(net, windows, target=first, method="secant")
        from rnnlens.adapters.darts import to_native

        made = Worked(net, windows, explained, None, to_native(explained, load))
        worked("darts", name, made, own_forecasts(model, load, scaler, last, **covariates))


def main() -> None:
    """Run the example, and hold every kind of model against darts."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    load, known = data()
    made, model, scaler = example(load)
    last = load.n_timesteps - STEPS + 1
    own = own_forecasts(model, load, scaler, last)

    def newest_changed(lags: int) -> np.ndarray:
        values = load.values(copy=True)
        values[-lags:] += 9.0
        changed = own_forecasts(model, load.with_values(values), scaler, last)
        return changed[-1:] - own[-1:]

    seen = blind(made.network, newest_changed)
    worked("darts", "BlockRNNModel(24, 12, 'LSTM')", made, own, seen)
    others(load, known)


if __name__ == "__main__":
    main()
