"""The same windows under several baselines, side by side: how far the answer depends on them.

Every baseline asks another question ("compared with zero", "with the mean day", "with what was to
be expected from the rest"), and none is right for all. Where contributions agree the answer is the
network's; where they differ it is the baseline's, and must be read together with it.

    spread_k = mean over windows of ( largest - smallest contribution of lag k over the baselines )
    dependence = sum over lags of spread / sum over lags of the mean absolute contribution

0 says that the baseline does not matter, 1 that baselines move contributions by as much as they
measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.baselines.masks import steps_of
from rnnlens.attribution.baselines.plausibility import mixed_place
from rnnlens.attribution.baselines.undefined import refuse_undefined
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.question import AnyBaseline, Question
from rnnlens.errors import InputError
from rnnlens.names import declared

__all__ = ["NEWEST", "BaselineComparison", "compare_baselines"]

#: Methods that baselines are compared with.
METHODS = ("tree", "secant")
#: Lags that the tree takes one by one where the question does not say.
NEWEST = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class BaselineComparison:
    """Contributions by lag under each baseline, in the target's own unit.

    Parameters
    ----------
    contribution : array (baseline, sample, lag)
        Newest lag first; the last one may stand for all older lags.
    forecast : array (sample,)
        For the windows.
    baseline_forecast : array (baseline, sample)
        For what stands in (the mean over backgrounds or draws).
    spread : array (lag,)
        Largest minus smallest contribution over the baselines, mean over the windows.
    dependence : float
        Spread over size, all lags together; NaN where nothing contributes.
    names, texts, kinds : tuple of str
        Of the baselines: the caller's name, what it is, ``interventional`` or ``conditional``.
    mixed_places : tuple of float
        How unlike the data the jumps of each baseline's mixtures are; not known of several inputs.
    places : tuple of array of int
        As in `LagContribution`: the rows of each player, where several inputs stand in one array.
    lag_from, lag_to : array (lag,) of int
        First and last lag of each player.
    """

    contribution: Array = declared("baseline", "sample", "lag")
    forecast: Array = declared("sample")
    baseline_forecast: Array = declared("baseline", "sample")
    spread: Array = declared("lag")
    dependence: float
    names: tuple[str, ...]
    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    mixed_places: tuple[float, ...]
    places: tuple[NDArray[np.int64], ...]
    lag_from: NDArray[np.int64]
    lag_to: NDArray[np.int64]


def compare_baselines(
    question: Question,
    baselines: Mapping[str, AnyBaseline],
    *,
    method: str = "tree",
    background: Array | RealWindows | None = None,
) -> BaselineComparison:
    """Explain the same windows under several baselines.

    Shapes: background (window, step, feature), or with what of it is data.
    """
    if method not in METHODS:
        raise InputError(f"baselines are compared by one of {', '.join(METHODS)}, not {method!r}")
    if len(baselines) < 2:
        raise InputError(f"a comparison needs two baselines or more, but {len(baselines)} came")
    asked = question.with_newest(question.newest_or(NEWEST))
    rows = [_explain(asked.against(one), method, name) for name, one in baselines.items()]
    contribution = np.stack([row.contribution for row in rows])
    spread = np.ptp(contribution, axis=0).mean(axis=0)
    size = np.abs(contribution).mean(axis=(0, 1)).sum()
    single = np.arange(1, contribution.shape[2] + 1)
    last = np.where(single == len(single), question.steps, single)
    return BaselineComparison(
        contribution=contribution,
        forecast=rows[0].forecast,
        baseline_forecast=np.stack([row.baseline_forecast for row in rows]),
        spread=spread,
        dependence=float(spread.sum() / size) if size > 0 else float("nan"),
        names=tuple(baselines),
        texts=tuple(b.text for b in baselines.values()),
        kinds=tuple(b.kind for b in baselines.values()),
        mixed_places=tuple(_mixed(question, one, background) for one in baselines.values()),
        places=rows[0].places,
        lag_from=single,
        lag_to=last,
    )


class _Explained(NamedTuple):
    """What one baseline gives: (sample, lag), (sample,), (sample,), and the rows of each player."""

    contribution: Array
    forecast: Array
    baseline_forecast: Array
    places: tuple[NDArray[np.int64], ...] = ()


def _explain(question: Question, method: str, name: str) -> _Explained:
    """Give contributions by lag, forecasts and baseline forecasts."""
    refuse_undefined(
        question,
        f"leave {name!r} out of baselines=, and compare those whose steps differ: 'background', or "
        "an array (step, feature)",
    )
    if method == "secant":
        both = secant(question)
        return _Explained(both.contribution.sum(axis=2), both.forecast, both.baseline_forecast)
    tree = shapley_tree(question)
    return _Explained(tree.contribution, tree.forecast, tree.baseline_forecast, tree.places)


def _mixed(
    question: Question, baseline: AnyBaseline, background: Array | RealWindows | None
) -> float:
    """Say how unlike the data mixtures are: rows of several inputs have no steps in common."""
    if question.layout is not None:
        return float("nan")
    real = steps_of(question.network, question.inputs, question.of)
    return mixed_place(baseline, question.x, real=real, background=background)
