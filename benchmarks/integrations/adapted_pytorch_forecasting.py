"""RecurrentNetwork of pytorch-forecasting, read as fitted, beside what `predict` forecasts."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
from case import seeded
from pytorch_forecasting import (
    EncoderNormalizer,
    GroupNormalizer,
    MultiNormalizer,
    RecurrentNetwork,
    TimeSeriesDataSet,
)
from pytorch_forecasting.data.encoders import TorchNormalizer
from pytorch_forecasting.metrics import MAE, MultiLoss
from worked import Worked, blind, worked

import rnnlens

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
TRAINING: dict[str, Any] = {
    **QUIET,
    "max_epochs": 1,
    "limit_train_batches": 5,
    "enable_checkpointing": False,
}
COLUMNS: dict[str, Any] = {
    "time_idx": "time_idx",
    "target": "load",
    "group_ids": ["site"],
    "time_varying_unknown_reals": ["load"],
}
DAYS, LATER = 120, 3
FEW = rnnlens.Certificates(windows=1)


# -- on the page --
def example(load: pd.DataFrame) -> tuple[Worked, RecurrentNetwork, TimeSeriesDataSet]:
    """Explain tomorrow's load, in its own unit."""
    from rnnlens.adapters.pytorch_forecasting import to_native

    dataset = TimeSeriesDataSet(
        load,  # site, time_idx, load, holiday
        max_encoder_length=24,
        max_prediction_length=7,
        time_varying_known_reals=["holiday"],
        target_normalizer=EncoderNormalizer(),
        **COLUMNS,
    )
    model = RecurrentNetwork.from_dataset(dataset, cell_type="LSTM", hidden_size=8, rnn_layers=1)
    pl.Trainer(**TRAINING).fit(model, dataset.to_dataloader(train=True))

    net = rnnlens.read(model)
    windows = rnnlens.windows(model, dataset)  # or the frame
    tomorrow = rnnlens.Target("load", horizon=1)
    explained = rnnlens.explain(net, windows, target=tomorrow)
    table = rnnlens.lags(net, windows, target=tomorrow, certificates=FEW)
    return Worked(net, windows, explained, table, to_native(explained)), model, dataset


# -- end --


def data() -> pd.DataFrame:
    """Draw the loads of two sites, which begin on different days, with their holidays."""
    rng = seeded()
    frames = []
    for k, name in enumerate(("north", "south")):
        whole = pd.DataFrame({"site": name, "time_idx": np.arange(DAYS) + 10 * k})
        whole["holiday"] = rng.integers(0, 2, DAYS).astype(float)
        whole["area"] = 1.0 + 1.5 * k
        whole["load"] = 40 + 9 * k + 7 * np.sin(np.arange(DAYS) / 5) + rng.normal(size=DAYS)
        whole["heat"] = 300 - 2 * whole["load"] + 5 * rng.normal(size=DAYS)
        whole["weekday"] = np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])[
            whole["time_idx"] % 7
        ]
        whole["feast"] = rng.choice(["none", "Easter"], DAYS)
        frames.append(whole)
    return pd.concat(frames, ignore_index=True)


def own_forecasts(
    model: RecurrentNetwork, load: pd.DataFrame, explained: Any, horizon: int
) -> np.ndarray:
    """Ask pytorch-forecasting itself: (sample,) of a horizon, counted from one."""
    dataset = TimeSeriesDataSet.from_parameters(
        model.dataset_parameters, load, stop_randomization=True
    )
    made = model.predict(dataset, return_index=True, trainer_kwargs=dict(QUIET))
    first = made.output[0] if isinstance(made.output, list) else made.output
    given = first.cpu().numpy()[:, horizon - 1]
    places = zip(made.index.site, made.index.time_idx, strict=True)
    own = dict(zip(((str(name), int(time)) for name, time in places), given, strict=True))
    wanted = zip(explained["group"].to_numpy(), explained["issued"].to_numpy(), strict=True)
    return np.array([own[str(name), int(time) + 1] for name, time in wanted], dtype=np.float64)


def kinds() -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Give the other kinds of model: what it is called, its data set, its own settings."""
    by_site = GroupNormalizer(groups=["site"])
    added = {"add_relative_time_idx": True, "add_target_scales": True, "add_encoder_length": True}
    known = {"time_varying_known_reals": ["holiday"]}
    two = {"hidden_size": 6, "rnn_layers": 2}
    both = {"target": ["load", "heat"], "time_varying_unknown_reals": ["load", "heat"]}
    return [
        (
            "GRU, two layers, GroupNormalizer(groups=['site']), static and added columns",
            "GRU",
            {**known, **added, "static_reals": ["area"], "target_normalizer": by_site},
            two,
        ),
        (
            "LSTM, EncoderNormalizer(method='robust', max_length=6), add_target_scales=True",
            "LSTM",
            {
                "time_varying_known_reals": ["time_idx", "holiday"],
                "add_target_scales": True,
                "target_normalizer": EncoderNormalizer(method="robust", max_length=6),
            },
            {},
        ),
        (
            "LSTM, EncoderNormalizer(transformation='relu')",
            "LSTM",
            {**known, "target_normalizer": EncoderNormalizer(transformation="relu")},
            {},
        ),
        (
            "GRU, GroupNormalizer(), no known columns",
            "GRU",
            {"target_normalizer": GroupNormalizer()},
            {},
        ),
        (
            "LSTM, static and known categories, EncoderNormalizer()",
            "LSTM",
            {
                **known,
                "static_categoricals": ["site"],
                "time_varying_known_categoricals": ["weekday"],
                "target_normalizer": EncoderNormalizer(),
            },
            {},
        ),
        (
            "GRU, a group of categories, lags={'load': [7, 30]}, GroupNormalizer(groups=['site'])",
            "GRU",
            {
                "time_varying_known_categoricals": ["day"],
                "variable_groups": {"day": ["weekday", "feast"]},
                "lags": {"load": [7, 30]},
                "target_normalizer": by_site,
            },
            {},
        ),
        (
            "LSTM, lags={'load': [3, 7]}, EncoderNormalizer()",
            "LSTM",
            {**known, "lags": {"load": [LATER, 7]}, "target_normalizer": EncoderNormalizer()},
            {},
        ),
        (
            "LSTM, load and heat at once, EncoderNormalizer(), GroupNormalizer()",
            "LSTM",
            {
                **known,
                **both,
                "add_target_scales": True,
                "target_normalizer": MultiNormalizer([EncoderNormalizer(), GroupNormalizer()]),
            },
            {"loss": MultiLoss([MAE(), MAE()])},
        ),
        (
            "GRU, load and heat at once with lags of 7, GroupNormalizer(), GroupNormalizer()",
            "GRU",
            {
                **both,
                "lags": {"load": [7], "heat": [7]},
                "target_normalizer": MultiNormalizer([GroupNormalizer(), GroupNormalizer()]),
            },
            {"loss": MultiLoss([MAE(), MAE()])},
        ),
        (
            "LSTM, two layers, TorchNormalizer(transformation='relu')",
            "LSTM",
            {**known, "target_normalizer": TorchNormalizer(transformation="relu")},
            two,
        ),
    ]


def others(load: pd.DataFrame) -> None:
    """Hold the other kinds of model against their own forecasts."""
    from rnnlens.adapters.pytorch_forecasting import to_native

    for told, cell, chosen, own_settings in kinds():
        dataset = TimeSeriesDataSet(
            load, max_encoder_length=12, max_prediction_length=LATER, **{**COLUMNS, **chosen}
        )
        settings = {"hidden_size": 6, "rnn_layers": 1, "loss": MAE(), **own_settings}
        model = RecurrentNetwork.from_dataset(dataset, cell_type=cell, **settings)
        pl.Trainer(**TRAINING).fit(model, dataset.to_dataloader(train=True))
        net = rnnlens.read(model)
        windows = rnnlens.windows(model, load).newest(6)
        later = rnnlens.Target("load", horizon=LATER)  # by then it has been fed twice
        explained = rnnlens.explain(net, windows, target=later, method="secant")
        own = own_forecasts(model, load, explained, LATER)
        made = Worked(net, windows, explained, None, to_native(explained))
        worked("pytorch_forecasting", f"{told}, horizon {LATER}", made, own)


def short_lag(load: pd.DataFrame) -> None:
    """See that a lag within the forecast is told what nobody knows yet, and is refused."""
    dataset = TimeSeriesDataSet(
        load,
        max_encoder_length=12,
        max_prediction_length=LATER,
        lags={"load": [1]},
        target_normalizer=GroupNormalizer(),
        **COLUMNS,
    )
    model = RecurrentNetwork.from_dataset(dataset, cell_type="LSTM", hidden_size=6, loss=MAE())
    pl.Trainer(**TRAINING).fit(model, dataset.to_dataloader(train=True))

    def newest(frame: pd.DataFrame) -> np.ndarray:
        own = TimeSeriesDataSet.from_parameters(
            model.dataset_parameters, frame, predict=True, stop_randomization=True
        )
        return model.predict(own, trainer_kwargs=dict(QUIET)).cpu().numpy()

    left = load.groupby("site").time_idx.transform("max") - load.time_idx
    later = load.assign(load=load.load.where(left != LATER - 1, load.load + 30.0))
    moved = np.abs(newest(later) - newest(load)).max(axis=0)
    if moved[0] or not moved[1]:
        raise SystemExit(f"what is said of a lag within the forecast is not so: moved {moved}")
    try:
        rnnlens.read(model)
    except rnnlens.errors.UnsupportedModel as error:
        print(f"refused, and truly: {error}", flush=True)
    else:
        raise SystemExit("a lag within the forecast is not refused")


def main() -> None:
    """Run the example, and hold every kind of model against pytorch-forecasting."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    pl.seed_everything(0, verbose=False)
    load = data()
    made, model, dataset = example(load)

    def newest_changed(lags: int) -> np.ndarray:
        """Change the scaled window, for its center and scale would move with the raw one."""
        import torch

        x, _ = next(iter(dataset.to_dataloader(train=False, batch_size=1)))
        place = dataset.reals.index("load")
        changed = {**x, "encoder_cont": x["encoder_cont"].clone()}
        changed["encoder_cont"][:, -lags:, place] += 3.0
        model.eval()
        with torch.no_grad():
            one, other = (model(given)["prediction"][0, 0, 0] for given in (x, changed))
        return np.array([float(other - one)])

    seen = blind(made.network, newest_changed, of="past")
    own = own_forecasts(model, load, made.explained, 1)
    worked("pytorch_forecasting", "RecurrentNetwork, LSTM, EncoderNormalizer()", made, own, seen)
    others(load)
    short_lag(load)


if __name__ == "__main__":
    main()
