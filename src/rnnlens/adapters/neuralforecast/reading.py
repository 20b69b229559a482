"""The module of a fitted model of neuralforecast, laid out for its windows.

neuralforecast scales each window by numbers of its own, by default its median and its MAD, and
scales the forecast back by them. They are an input of the network here, so that what they bring to
the forecast is told apart from what the recurrent core makes of the scaled steps.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from rnnlens.adapters.live import LiveModel, laid_out, scaled_note
from rnnlens.adapters.neuralforecast.facts import FUTURE, NUMBERS, PAST, STATIC, WHAT, WINDOW, Facts
from rnnlens.names import told

if TYPE_CHECKING:
    import torch

    from rnnlens.readers.options import ReadOptions

__all__ = ["TAKES", "WHAT", "read"]

#: ``part`` names the model of a `NeuralForecast` that is meant.
TAKES = frozenset({"part"})


def read(source: object, options: ReadOptions) -> LiveModel:
    """Say which module computes the forecast of all horizons, and on what it is called."""
    facts = Facts.of(source, options.part)
    notes: tuple[str, ...] = ()
    if facts.scaled:
        first, second = NUMBERS[facts.scaler]
        by = told("its own {first} and {second}", first=first, second=second)
        notes = (scaled_note(by, WINDOW, PAST),)
    shapes = {
        PAST: (facts.steps, 1 + len(facts.hist)),
        FUTURE: (facts.steps + facts.horizons, len(facts.futr)),
        STATIC: (len(facts.stat),),
        WINDOW: (2 if facts.scaled else 0,),
    }
    return laid_out(_module_of(facts), shapes, "neuralforecast", type(facts.model).__name__, notes)


def _module_of(facts: Facts) -> torch.nn.Module:
    """Make the module that takes the inputs by their names here."""
    import torch

    class Forecast(torch.nn.Module):
        """What neuralforecast's own module forecasts: (sample, horizon, number)."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = _without_numbers(facts.model)

        def forward(
            self,
            past: torch.Tensor,
            futr_exog: torch.Tensor | None = None,
            stat_exog: torch.Tensor | None = None,
            window: torch.Tensor | None = None,
        ) -> torch.Tensor:
            y, hist = past[..., :1], past[..., 1:] if facts.hist else None
            if facts.recurrent:
                made = _fed_back(facts, self.inner, y, (hist, futr_exog, stat_exog))
            else:
                made = self.inner({
                    "insample_y": y,
                    "hist_exog": hist,
                    "futr_exog": futr_exog,
                    "stat_exog": stat_exog,
                })
            if window is None:
                return made
            shift, scale = window[:, :1, None], window[:, 1:, None]
            if facts.scaler == "revin":
                scaler = self.inner.scaler
                weight = torch.relu(scaler.revin_weight).reshape(-1)[:1] + scaler.eps
                shift, scale = shift + scaler.revin_bias.reshape(-1)[:1], scale * weight
            return made * scale + shift

    return Forecast()


def _without_numbers(model: Any) -> Any:
    """Give a model whose scaler holds no numbers of its last windows: they cannot be copied."""
    bare, scaler = copy.copy(model), copy.copy(model.scaler)
    bare.__dict__["_modules"] = {**model._modules, "scaler": scaler}
    for name in ("x_shift", "x_scale"):
        scaler.__dict__.pop(name, None)
    return bare


class _StepByStep:
    """A model that keeps its state from call to call, without a trace left in the model itself."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.h, self.maintain_state, self.rnn_state = 1, True, None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def _fed_back(
    facts: Facts,
    model: Any,
    y: torch.Tensor,
    exogenous: tuple[torch.Tensor | None, ...],
) -> torch.Tensor:
    """Forecast step by step, each forecast fed back as the newest observation.

    Exogenous columns stand one step ahead of y, as neuralforecast lays them out; of historical ones
    nothing is known there at the newest step, and it takes zero.
    """
    import torch

    hist, futr, stat = exogenous
    steps = facts.steps
    if hist is not None:
        hist = torch.cat([hist[:, 1:], torch.zeros_like(hist[:, :1])], dim=1)
    if futr is not None:
        futr = futr[:, 1:]
    own: Any = _StepByStep(model)
    made = []
    for k in range(facts.horizons):
        now = slice(0, steps) if k == 0 else slice(steps + k - 1, steps + k)
        known = hist if hist is None or k == 0 else torch.zeros_like(hist[:, :1])
        given = {
            "insample_y": y,
            "hist_exog": known,
            "futr_exog": None if futr is None else futr[:, now],
            "stat_exog": stat,
        }
        y = type(model).forward(own, given)[:, -1:]
        made.append(y)
    return torch.cat(made, dim=1)
