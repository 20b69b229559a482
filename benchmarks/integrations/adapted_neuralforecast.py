"""LSTM, GRU and RNN of neuralforecast, read as fitted, beside what `predict` forecasts."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from case import seeded
from neuralforecast import NeuralForecast
from neuralforecast.models import GRU, LSTM, RNN
from worked import Worked, blind, worked

import rnnlens

OPTIONS: dict[str, Any] = {
    "encoder_hidden_size": 8,
    "decoder_hidden_size": 8,
    "max_steps": 5,
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
}
STEPS, DAYS, ISSUED = 24, 200, 60
FEW = rnnlens.Certificates(windows=1)


# -- on the page --
def example(load: pd.DataFrame) -> tuple[Worked, NeuralForecast]:
    """Explain tomorrow's load, in its own unit."""
    from rnnlens.adapters.neuralforecast import to_native

    nf = NeuralForecast(models=[LSTM(h=12, input_size=24, **OPTIONS)], freq="D")
    nf.fit(load)  # unique_id, ds, y

    net = rnnlens.read(nf)
    windows = rnnlens.windows(nf, load)
    tomorrow = rnnlens.Target("y", horizon=1)
    explained = rnnlens.explain(net, windows, target=tomorrow)
    table = rnnlens.lags(net, windows, target=tomorrow, certificates=FEW)
    return Worked(net, windows, explained, table, to_native(explained)), nf


# -- end --


def data() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the loads of two sites with weather and holidays, and what is known of twelve days."""
    rng = seeded()
    frames, later = [], []
    for k, name in enumerate(("north", "south")):
        days = pd.date_range("2023-01-01", periods=DAYS + 12, freq="D")
        whole = pd.DataFrame({"unique_id": name, "ds": days})
        whole["holiday"] = rng.integers(0, 2, len(days)).astype(float)
        whole["warmth"] = rng.normal(size=len(days))
        whole["y"] = 40 + 9 * k + 7 * np.sin(np.arange(len(days)) / 5) + rng.normal(size=len(days))
        frames.append(whole[:DAYS])
        later.append(whole[DAYS:][["unique_id", "ds", "holiday"]])
    return pd.concat(frames, ignore_index=True), pd.concat(later, ignore_index=True)


def own_forecasts(
    nf: NeuralForecast, load: pd.DataFrame, issued: np.ndarray, groups: np.ndarray, **others: Any
) -> np.ndarray:
    """Ask neuralforecast itself at the issue of each window: (sample,) of the first horizon."""
    made = np.empty(len(issued))
    known = load[["unique_id", "ds", "holiday"]]
    later = others.pop("futr_df", None)
    for moment in np.unique(issued):
        if later is not None:
            known = pd.concat([load[later.columns], later])
            others["futr_df"] = known[
                (known.ds > moment) & (known.ds <= moment + np.timedelta64(12, "D"))
            ]
        forecast = nf.predict(df=load[load.ds <= moment], **others).reset_index()
        first = forecast.sort_values("ds").groupby("unique_id")[str(nf.models[0])].first()
        here = issued == moment
        made[here] = first[groups[here]].to_numpy()
    return made


def others(load: pd.DataFrame, later: pd.DataFrame) -> None:
    """Hold the other kinds of model against their own forecasts."""
    from rnnlens.adapters.neuralforecast import to_native

    static = pd.DataFrame({"unique_id": ["north", "south"], "area": [1.0, 2.5]})
    kinds: list[tuple[Any, dict[str, Any]]] = [
        (LSTM, {"recurrent": True}),
        (GRU, {"scaler_type": "standard", "hist_exog_list": ["warmth"]}),
        (RNN, {"scaler_type": "minmax1"}),
        (GRU, {"recurrent": True, "futr_exog_list": ["holiday"], "scaler_type": "revin"}),
        (LSTM, {"futr_exog_list": ["holiday"], "stat_exog_list": ["area"]}),
        (LSTM, {"scaler_type": "identity"}),
    ]
    for kind, chosen in kinds:
        nf = NeuralForecast(models=[kind(h=12, input_size=24, **OPTIONS, **chosen)], freq="D")
        fitted = {"static_df": static} if "stat_exog_list" in chosen else {}
        nf.fit(load, **fitted)
        future = later if "futr_exog_list" in chosen else None
        cut = rnnlens.windows(nf, load, future_covariates=future, static=fitted.get("static_df"))
        windows = cut.newest(6)
        net = rnnlens.read(nf)
        tomorrow = rnnlens.Target("y", horizon=1)
        explained = rnnlens.explain(net, windows, target=tomorrow, method="secant")
        asked = {**fitted, **({} if future is None else {"futr_df": future})}
        own = own_forecasts(
            nf, load, explained["issued"].to_numpy(), explained["group"].to_numpy(), **asked
        )
        told = ", ".join(f"{key}={value!r}" for key, value in chosen.items())
        made = Worked(net, windows, explained, None, to_native(explained))
        worked("neuralforecast", f"{kind.__name__}(h=12, input_size=24, {told})", made, own)


def main() -> None:
    """Run the example, and hold every kind of model against neuralforecast."""
    logging.disable(logging.WARNING)
    load, later = data()
    plain = load[["unique_id", "ds", "y"]]
    made, nf = example(plain)
    few = np.sort(np.argsort(made.explained["issued"].to_numpy(), kind="stable")[-6:])
    explained = made.explained.isel(sample=few)
    issued, groups = explained["issued"].to_numpy(), explained["group"].to_numpy()
    own = own_forecasts(nf, plain.assign(holiday=0.0), issued, groups)

    def newest_changed(lags: int) -> np.ndarray:
        """Change the scaled window, for the scaler's own numbers would move with the raw one."""
        import torch

        model = nf.models[0].eval()
        window = torch.as_tensor(made.windows["past"].values[-1:]).float()
        changed = window.clone()
        changed[:, -lags:] += 3.0
        nothing = {"futr_exog": None, "hist_exog": None, "stat_exog": None}
        with torch.no_grad():
            one, other = (model({"insample_y": x, **nothing})[0, 0, 0] for x in (window, changed))
        return np.array([float(other - one)])

    from rnnlens.adapters.neuralforecast import to_native

    seen = blind(made.network, newest_changed)
    held = Worked(made.network, made.windows, explained, made.lags, to_native(explained))
    worked("neuralforecast", "LSTM(h=12, input_size=24)", held, own, seen)
    others(load, later)


if __name__ == "__main__":
    main()
