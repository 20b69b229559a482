"""LSTM, GRU and RNN of neuralforecast, with the scaler that stands around each by default."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from case import Case, record, seeded
from neuralforecast import NeuralForecast
from neuralforecast.models import GRU, LSTM, RNN

H, STEPS = 12, 24
OPTIONS: dict[str, Any] = {
    "encoder_hidden_size": 8,
    "decoder_hidden_size": 8,
    "max_steps": 3,
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
}
NOTHING = {"futr_exog": None, "hist_exog": None, "stat_exog": None}


# -- on the page: a user's way --
def neuralforecast_user(nf: NeuralForecast, frame: pd.DataFrame) -> object:
    """Explain the newest forecast of a fitted model, in the series' own unit."""
    import rnnlens

    model = nf.models[0]
    window = torch.as_tensor(frame.y.to_numpy()[None, -24:, None]).float()
    scaled = model.scaler.transform(x=window, mask=torch.ones_like(window))  # as in its predict
    nothing = {"futr_exog": None, "hist_exog": None, "stat_exog": None}
    net = rnnlens.read(model, example=({"insample_y": scaled, **nothing},))
    explained = rnnlens.explain(net, scaled.numpy(), target=rnnlens.Target(0, horizon=12))
    return explained.contribution * float(model.scaler.x_scale)


# -- end --


def frame_of(series: np.ndarray) -> pd.DataFrame:
    """Lay series out as neuralforecast takes them: (series, step) -> rows."""
    count, steps = series.shape
    dates = pd.date_range("2020-01-01", periods=steps)
    names = np.repeat([f"s{k}" for k in range(count)], steps)
    return pd.DataFrame({"unique_id": names, "ds": np.tile(dates, count), "y": series.ravel()})


def checked(kind: type, series: np.ndarray, scaler: str) -> Case:
    """Fit a model; its forecasts are those of `NeuralForecast.predict`."""
    model = kind(h=H, input_size=STEPS, scaler_type=scaler, **OPTIONS)
    nf = NeuralForecast(models=[model], freq="D")
    frame = frame_of(series)
    nf.fit(frame)
    model = nf.models[0].eval()
    neuralforecast_user(nf, frame)
    raw = np.stack([series[0, k : k + STEPS] for k in range(0, 180, 30)])[..., None]
    window = torch.as_tensor(raw).float()
    scaled = model.scaler.transform(x=window, mask=torch.ones_like(window)).numpy()
    shift, scale = (one.numpy()[:, 0] for one in (model.scaler.x_shift, model.scaler.x_scale))

    def own(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        given = torch.as_tensor(inputs["insample_y"]).float()
        if np.array_equal(
            inputs["insample_y"], scaled
        ):  # the library's whole way, from raw numbers
            made = nf.predict(frame_of(raw[..., 0]))
            return made[type(model).__name__].to_numpy().reshape(len(raw), H)
        with torch.no_grad():
            return model({"insample_y": given, **NOTHING})[..., 0].numpy() * scale + shift

    def longer() -> tuple[torch.nn.Module, object]:
        long = kind(h=H, input_size=365, scaler_type=scaler, **OPTIONS)
        return long.eval(), ({"insample_y": torch.zeros(2, 365, 1), **NOTHING},)

    return Case(
        name=f"{kind.__name__}(h=12, input_size=24, scaler_type={scaler!r})",
        module=model,
        inputs={"insample_y": scaled},
        example=({"insample_y": torch.as_tensor(scaled), **NOTHING},),
        forecast=own,
        answer=lambda made: (made - shift) / scale,
        unit=scale,
        longer=longer,
    )


def main() -> None:
    """Check every recurrent model of neuralforecast."""
    logging.disable(logging.WARNING)
    rng = seeded()
    series = 20 + 5 * np.sin(np.arange(240) / 5)[None] + rng.normal(size=(3, 240))
    kinds = [(LSTM, "robust"), (GRU, "robust"), (RNN, "robust"), (LSTM, "identity")]
    cases = [checked(kind, series, scaler) for kind, scaler in kinds]
    record("neuralforecast", cases, ("pytorch-lightning",))


if __name__ == "__main__":
    main()
