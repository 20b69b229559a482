"""Shapley values in causal order: each lag is credited with what it adds to all older ones.

    phi_t = v(steps 1 to t) - v(steps 1 to t - 1)

where ``v(S)`` is the forecast for the window whose steps outside S come from the baseline. The
asymmetric Shapley value whose only order is that of time (Frye, Rowat and Feige 2020,
"Asymmetric Shapley values: incorporating causal knowledge into model-agnostic explainability").
Exact given the order: the differences telescope to ``f(x) - f(baseline)``. Over several baselines
the mean. Cost: T cell evaluations for each of the T + 1 mixed windows and each baseline.

Known failures: the order decides. What two lags do together is credited to the newer one alone,
and two lags that play equal parts need not get equal values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import mixed_runs
from rnnlens.attribution.question import Question
from rnnlens.attribution.result import LagContribution, additive
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.recurrent_layers import cells_of

__all__ = ["causal_order"]


def causal_order(question: Question) -> LagContribution:
    """Split each forecast among lags by adding them to the baseline, oldest first."""
    backgrounds = len(question.one_window("causal_order").windows)
    parts = [_part(part, backgrounds) for part in question.parts(runs=2)]
    added, forecast, value = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    residual = additive(added.sum(axis=1), forecast, value, "causal order")
    steps = added.shape[1]
    layers = cells_of(question.network)
    return LagContribution(
        contribution=added[:, ::-1],  # lag 1, the newest step, comes first
        lag_from=np.arange(1, steps + 1),
        lag_to=np.arange(1, steps + 1),
        forecast=forecast,
        baseline_forecast=value,
        residual=residual,
        cells=len(added) * backgrounds * (steps + 1) * steps * layers,
    )


def _part(question: Question, backgrounds: int) -> tuple[Array, Array, Array]:
    """Give what each step adds (sample, step), the forecasts, and those of the baseline."""
    run = forward(question.network, question.inputs)
    x = question.x
    added, value = np.zeros(x.shape[:2]), np.zeros(len(x))
    for x0 in question.stand_ins(run):
        v = _prefix_values(question, run, x0)
        # a step that equals its baseline adds nothing, whatever rounding says
        added += np.where((x != x0).any(axis=2), np.diff(v, axis=1), 0.0)
        value += v[:, 0]
    return added / backgrounds, question.target.pick(run.outputs), value / backgrounds


def _prefix_values(question: Question, run: Run, x0: Array) -> Array:
    """Give the forecast with the oldest 0, 1, ... T steps from the window, (sample, T + 1)."""
    x, steps = question.x, np.arange(question.steps)
    v = np.zeros((len(x), len(steps) + 1))

    def show(which: NDArray[np.int64], shown: NDArray[np.int64]) -> Array:
        return np.where((steps < shown[:, None])[..., None], x[which], x0[which])

    for which, shown, here in mixed_runs(run, question.of, len(steps) + 1, show):
        v[which, shown] = question.target.pick(here.outputs)
    return v
