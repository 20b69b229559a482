"""Occlusion: what the forecast loses when one part of the window is replaced by the baseline.

    change_p = f(x) - f(x with part p from the baseline)

(Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"). A part is a lag,
a feature over the whole window, or one feature at one lag; over several baselines the mean.
Equals the Shapley value for additive networks; elsewhere each part is hidden alone while all
others are shown, so that what two parts do together is counted twice and what either could do
alone is not counted: the changes do not sum to the change of the forecast, and are sensitivities
to removal, not contributions. Cost: T cell evaluations a part, baseline and window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps, inputs_of, mixed_runs
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = [
    "FeatureOcclusion",
    "LagFeatureOcclusion",
    "LagOcclusion",
    "occlusion_of_features",
    "occlusion_of_lags",
    "occlusion_of_lags_and_features",
]


@dataclass(frozen=True, eq=False)
class LagOcclusion:
    """What hiding each lag alone takes from the forecast. The changes do not sum to it.

    Parameters
    ----------
    change : array (sample, lag)
        In the target's own unit; lag 1, the newest step, comes first.
    forecast : array (sample,)
        For the window.
    """

    change: Array = declared("sample", "lag")
    forecast: Array = declared("sample")


@dataclass(frozen=True, eq=False)
class FeatureOcclusion:
    """What hiding each feature over the whole window takes from the forecast.

    Parameters
    ----------
    change : array (sample, feature)
        In the target's own unit.
    forecast : array (sample,)
        For the window.
    """

    change: Array = declared("sample", "feature")
    forecast: Array = declared("sample")


@dataclass(frozen=True, eq=False)
class LagFeatureOcclusion:
    """What hiding each feature at each lag alone takes from the forecast.

    Parameters
    ----------
    change : array (sample, lag, feature)
        In the target's own unit; lag 1, the newest step, comes first.
    forecast : array (sample,)
        For the window.
    """

    change: Array = declared("sample", "lag", "feature")
    forecast: Array = declared("sample")


def occlusion_of_lags(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
) -> LagOcclusion:
    """Hide each lag alone, all of its features together: inputs mapping of str to (sample, ...)."""
    steps, features = _sizes(inputs[of])
    parts = np.broadcast_to(np.eye(steps, dtype=bool)[..., None], (steps, steps, features))
    change, forecast = _occlude(network, inputs, target, baseline, of, parts)
    return LagOcclusion(change[:, ::-1], forecast)


def occlusion_of_features(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
) -> FeatureOcclusion:
    """Hide each feature alone, over the whole window: inputs mapping of str to (sample, ...)."""
    steps, features = _sizes(inputs[of])
    parts = np.broadcast_to(np.eye(features, dtype=bool)[:, None], (features, steps, features))
    return FeatureOcclusion(*_occlude(network, inputs, target, baseline, of, parts))


def occlusion_of_lags_and_features(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
) -> LagFeatureOcclusion:
    """Hide each feature at each lag alone: inputs mapping of str to (sample, ...)."""
    steps, features = _sizes(inputs[of])
    parts = np.eye(steps * features, dtype=bool).reshape(-1, steps, features)
    change, forecast = _occlude(network, inputs, target, baseline, of, parts)
    return LagFeatureOcclusion(change.reshape(-1, steps, features)[:, ::-1], forecast)


def _sizes(x: Array) -> tuple[int, int]:
    return flat_steps(x).shape[1], flat_steps(x).shape[2]


def _occlude(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    of: str,
    parts: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """Give the change (sample, part) that hiding each part makes, and the forecasts."""
    changes, forecasts = [], []
    for chunk in chunks(network, inputs, runs=2):
        run = forward(network, inputs_of(inputs, chunk))
        own = baseline.part(chunk)
        x, real = flat_steps(run.value((of, 0))), real_steps(run, of)
        forecast = target.pick(run.outputs)
        total = np.zeros((len(x), len(parts)))
        for number in range(len(own.windows)):
            x0 = own.stand_in(x, real, number)
            total += _without(run, (x, x0), target, of, parts, forecast)
        changes.append(total / len(own.windows))
        forecasts.append(forecast)
    return np.concatenate(changes), np.concatenate(forecasts)


def _without(
    run: Run,
    ends: tuple[Array, Array],
    target: ResolvedTarget,
    of: str,
    parts: NDArray[np.bool_],
    forecast: Array,
) -> Array:
    """Run every window once for each part, with that part from the baseline."""
    x, x0 = ends
    change = np.zeros((len(x), len(parts)))

    def hide(which: NDArray[np.int64], part: NDArray[np.int64]) -> Array:
        return np.where(parts[part], x0[which], x[which])

    for which, part, here in mixed_runs(run, of, len(parts), hide):
        # a part that equals its baseline changes nothing, whatever rounding says
        differs = (flat_steps(here.value((of, 0))) != x[which]).any(axis=(1, 2))
        lost = forecast[which] - target.pick(here.outputs)
        change[which, part] = np.where(differs, lost, 0.0)
    return change
