"""Occlusion: what the forecast loses when one part of the window is replaced by the baseline.

    change_p = f(x) - f(x with part p from the baseline)

(Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"). A part is a lag,
a feature over the whole window, or one feature at one lag; over several baselines the mean.
Equals the Shapley value for additive networks; elsewhere each part is hidden alone while all
others are shown, so that what two parts do together is counted twice and what either could do
alone is not counted: the changes do not sum to the change of the forecast, and are sensitivities
to removal, not contributions. Cost: T cell evaluations a part, baseline and window; of long
windows half of that for parts of one lag, which share what came before
(`rnnlens.engine.stepwise.forks`). Of long windows of many features older lags are hidden in blocks
where one by one would take too long (`rnnlens.attribution.games.lag_blocks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.conditional import ConditionalGame
from rnnlens.attribution.games.lag_blocks import LagBlocks
from rnnlens.attribution.games.mixing import flat_steps, mixed_runs
from rnnlens.attribution.games.one_step import Parts, changes_of_steps
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import Run, forward
from rnnlens.names import declared

__all__ = [
    "FeatureOcclusion",
    "LagBlockOcclusion",
    "LagFeatureOcclusion",
    "LagOcclusion",
    "conditional_occlusion",
    "occlusion_of_blocks_and_features",
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


@dataclass(frozen=True, eq=False, kw_only=True)
class LagBlockOcclusion:
    """What hiding each feature at each lag, or block of lags, takes from the forecast.

    Parameters
    ----------
    change : array (sample, lag, feature)
        In the target's own unit; the newest lag comes first.
    forecast : array (sample,)
        For the window.
    lag_from, lag_to : array (lag,) of int
        First and last lag of each block.
    """

    change: Array = declared("sample", "lag", "feature")
    forecast: Array = declared("sample")
    lag_from: NDArray[np.int64]
    lag_to: NDArray[np.int64]


def occlusion_of_lags(question: Question) -> LagOcclusion:
    """Hide each lag alone, all of its features together."""
    parts = Parts(question.steps, question.features, _steps(question), by_feature=False)
    change, forecast = _occlude(question, parts)
    return LagOcclusion(change[:, ::-1], forecast)


def occlusion_of_features(question: Question) -> FeatureOcclusion:
    """Hide each feature alone, over the whole window."""
    parts = Parts(question.steps, question.features, ((0, question.steps),), by_feature=True)
    return FeatureOcclusion(*_occlude(question, parts))


def occlusion_of_lags_and_features(question: Question) -> LagFeatureOcclusion:
    """Hide each feature at each lag alone."""
    steps, features = question.steps, question.features
    parts = Parts(steps, features, _steps(question), by_feature=True)
    change, forecast = _occlude(question, parts)
    return LagFeatureOcclusion(change.reshape(-1, steps, features)[:, ::-1], forecast)


def occlusion_of_blocks_and_features(question: Question, blocks: LagBlocks) -> LagBlockOcclusion:
    """Hide each feature at each lag alone, or at all lags of a block together."""
    features = question.features
    parts = Parts(question.steps, features, blocks.of_steps(question.steps), by_feature=True)
    change, forecast = _occlude(question, parts)
    lag_from, lag_to = np.array(blocks.spans).T
    return LagBlockOcclusion(
        change=change.reshape(-1, len(blocks.spans), features)[:, ::-1],
        forecast=forecast,
        lag_from=lag_from,
        lag_to=lag_to,
    )


def _steps(question: Question) -> tuple[tuple[int, int], ...]:
    """Give every step as a span of its own."""
    return tuple((t, t + 1) for t in range(question.steps))


def conditional_occlusion(question: Question) -> LagOcclusion:
    """Hide each lag alone and fill it in from all others: what the lag says that they do not."""
    baseline = question.stand_in
    assert isinstance(baseline, GaussianConditional), "only it fills in from what is shown"
    run = forward(question.network, question.inputs)
    forecast = question.target.pick(run.outputs)
    game = ConditionalGame(run, baseline, question.of, question.target.pick)
    values = game.evaluate(~np.eye(question.steps, dtype=bool))
    return LagOcclusion((forecast[:, None] - values)[:, ::-1], forecast)


def _occlude(question: Question, parts: Parts) -> tuple[Array, Array]:
    """Give the change (sample, part) that hiding each part makes, and the forecasts."""
    backgrounds = len(question.one_window("occlusion").windows)
    changes, forecasts = [], []
    for some in question.parts(runs=2):
        run = forward(some.network, some.inputs)
        total = np.zeros((some.windows, parts.count))
        for x0 in some.stand_ins(run):
            total += _without(some, run, x0, parts)
        changes.append(total / backgrounds)
        forecasts.append(some.target.pick(run.outputs))
    return np.concatenate(changes), np.concatenate(forecasts)


def _without(question: Question, run: Run, x0: Array, parts: Parts) -> Array:
    """Run every window once for each part, with that part from the baseline."""
    x, of, target = question.x, question.of, question.target
    if parts.worth_sharing:
        shared = changes_of_steps(run, of, x0, parts, target.pick)
        if shared is not None:
            return shared
    forecast = target.pick(run.outputs)
    change = np.zeros((len(x), parts.count))

    def hide(which: NDArray[np.int64], part: NDArray[np.int64]) -> Array:
        return np.where(parts.masks(part), x0[which], x[which])

    for which, part, here in mixed_runs(run, of, parts.count, hide):
        # a part that equals its baseline changes nothing, whatever rounding says
        differs = (flat_steps(here.value((of, 0))) != x[which]).any(axis=(1, 2))
        lost = forecast[which] - target.pick(here.outputs)
        change[which, part] = np.where(differs, lost, 0.0)
    return change
