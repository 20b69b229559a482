"""BlockRNNModel and RNNModel of darts, as its users train them."""

from __future__ import annotations

import logging

import numpy as np
import torch
from case import Case, record, seeded
from darts import TimeSeries
from darts.models import BlockRNNModel, RNNModel
from darts.utils.data.torch_datasets.utils import PLModuleInput

QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
OPTIONS = {"hidden_dim": 8, "n_epochs": 1, "random_state": 1, "pl_trainer_kwargs": QUIET}


def series(rng: np.random.Generator, steps: int = 300) -> TimeSeries:
    """Generate a short wave with noise."""
    return TimeSeries.from_values(np.sin(np.arange(steps) / 5) + 0.1 * rng.normal(size=steps))


# -- on the page: a user's way --
def darts_user(y: TimeSeries) -> object:
    """Explain the forecast of a fitted model of darts."""
    import rnnlens

    model = BlockRNNModel(24, 12, model="LSTM", **OPTIONS)
    model.fit(y)
    window = y.values()[None, -24:]  # (sample, step, component)
    batch = PLModuleInput(past_target=torch.as_tensor(window))
    net = rnnlens.read(model.model, example=batch)  # the forecast and its states are its outputs
    target = rnnlens.Target(0, horizon=12)
    return rnnlens.explain(net, window, target=target, baseline="zero")


# -- end --


def block(kind: str, y: TimeSeries) -> Case:
    """Train a direct model of 12 horizons on 24 steps."""
    model = BlockRNNModel(24, 12, model=kind, **OPTIONS)
    model.fit(y)

    def longer() -> tuple[torch.nn.Module, object]:
        long = BlockRNNModel(365, 12, model=kind, **OPTIONS)
        long.fit(series(np.random.default_rng(3), 400))
        return long.model, PLModuleInput(
            past_target=torch.as_tensor(y.values()[None, :1].repeat(365, 1))
        )

    return Case(
        name=f"BlockRNNModel(24, 12, {kind!r})",
        module=model.model,
        inputs={"past_target": windows(y, 24)},
        example=PLModuleInput(past_target=torch.as_tensor(windows(y, 24))),
        forecast=lambda given: own_forecast(model, given["past_target"], 12),
        longer=longer,
    )


def one_step(kind: str, y: TimeSeries) -> Case:
    """Train a model that is fed its own forecast, and read its next step."""
    model = RNNModel(24, kind, training_length=30, **OPTIONS)
    model.fit(y)
    return Case(
        name=f"RNNModel(24, {kind!r})",
        module=NextStep(model.model),
        inputs={"past_target": windows(y, 24)},
        example=torch.as_tensor(windows(y, 24)),
        forecast=lambda given: own_forecast(model, given["past_target"], 1),
    )


class NextStep(torch.nn.Module):
    """The next step of a darts module, without the states that it hands on."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, past_target: torch.Tensor) -> torch.Tensor:
        """Forecast: (sample, step, component) -> (sample, 1, component, 1)."""
        return self.inner(PLModuleInput(past_target=past_target)).prediction


def windows(y: TimeSeries, steps: int) -> np.ndarray:
    """Cut six windows: (window, step, 1)."""
    values = y.values()
    return np.stack([values[k : k + steps] for k in range(100, 280 - steps, 26)])


def own_forecast(model: object, given: np.ndarray, horizons: int) -> np.ndarray:
    """Ask darts itself: (window, step, 1) -> (window, horizon)."""
    made = model.predict(horizons, series=[TimeSeries.from_values(one) for one in given])
    return np.stack([one.values()[:, 0] for one in made])


def main() -> None:
    """Check every model of darts."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    y = series(seeded())
    darts_user(y)
    blocks = [block(kind, y) for kind in ("LSTM", "GRU", "RNN")]
    record("darts", [*blocks, one_step("LSTM", y)], ("pytorch-lightning",))


if __name__ == "__main__":
    main()
