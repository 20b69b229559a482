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

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps, inputs_of, mixed_runs
from rnnlens.attribution.result import LagContribution, additive
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.network.network import Network

__all__ = ["causal_order"]


def causal_order(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
) -> LagContribution:
    """Split each forecast among lags by adding them to the baseline, oldest first.

    Shapes: inputs mapping of str to (sample, ...).
    """
    parts = [
        _part(network, inputs_of(inputs, chunk), target, baseline.part(chunk), of)
        for chunk in chunks(network, inputs, runs=2)
    ]
    added, forecast, value = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    residual = additive(added.sum(axis=1), forecast, value, "causal order")
    steps = added.shape[1]
    layers = sum(1 for _ in network.recurrent())
    return LagContribution(
        contribution=added[:, ::-1],  # lag 1, the newest step, comes first
        lag_from=np.arange(1, steps + 1),
        lag_to=np.arange(1, steps + 1),
        forecast=forecast,
        baseline_forecast=value,
        residual=residual,
        cells=len(added) * len(baseline.windows) * (steps + 1) * steps * layers,
    )


def _part(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    of: str,
) -> tuple[Array, Array, Array]:
    run = forward(network, inputs)
    x, real = flat_steps(inputs[of]), real_steps(run, of)
    added, value = np.zeros(x.shape[:2]), np.zeros(len(x))
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number)
        v = _prefix_values(run, (x, x0), target, of)
        # a step that equals its baseline adds nothing, whatever rounding says
        added += np.where((x != x0).any(axis=2), np.diff(v, axis=1), 0.0)
        value += v[:, 0]
    count = len(baseline.windows)
    return added / count, target.pick(run.outputs), value / count


def _prefix_values(run: Run, ends: tuple[Array, Array], target: ResolvedTarget, of: str) -> Array:
    """Give the forecast with the oldest 0, 1, ... T steps from the window, (sample, T + 1)."""
    x, x0 = ends
    steps = np.arange(x.shape[1])
    v = np.zeros((len(x), len(steps) + 1))

    def show(which: NDArray[np.int64], shown: NDArray[np.int64]) -> Array:
        return np.where((steps < shown[:, None])[..., None], x[which], x0[which])

    for which, shown, here in mixed_runs(run, of, len(steps) + 1, show):
        v[which, shown] = target.pick(here.outputs)
    return v
