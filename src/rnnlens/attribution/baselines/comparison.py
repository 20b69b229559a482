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

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional, refuse_conditional
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.baselines.plausibility import MixedPlace, mixed_place
from rnnlens.attribution.games.mixing import flat_steps, inputs_of
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import forward
from rnnlens.errors import InputError
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = ["BaselineComparison", "compare_baselines"]

#: Methods that baselines are compared with.
METHODS = ("tree", "secant")


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
    places : tuple of MixedPlace
        How unlike the data each baseline's mixtures are.
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
    places: tuple[MixedPlace, ...]
    lag_from: NDArray[np.int64]
    lag_to: NDArray[np.int64]


def compare_baselines(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baselines: Mapping[str, Baseline | GaussianConditional],
    *,
    of: str,
    method: str = "tree",
    newest: int = 8,
    background: Array | None = None,
) -> BaselineComparison:
    """Explain the same windows under several baselines.

    Shapes: inputs mapping of str to (sample, ...), background (window, step, feature).
    """
    if method not in METHODS:
        raise InputError(f"baselines are compared by one of {', '.join(METHODS)}, not {method!r}")
    if len(baselines) < 2:
        raise InputError(f"a comparison needs two baselines or more, but {len(baselines)} came")
    found = [
        _explain(network, inputs, target, baseline, of=of, method=method, newest=newest)
        for baseline in baselines.values()
    ]
    contribution = np.stack([each[0] for each in found])
    spread = np.ptp(contribution, axis=0).mean(axis=0)
    size = np.abs(contribution).mean(axis=(0, 1)).sum()
    steps, x = inputs[of].shape[1], flat_steps(inputs[of])
    one = real_steps(forward(network, inputs_of(inputs, slice(0, 1))), of)
    real = None if one is None else real_steps(forward(network, inputs), of)
    places = [mixed_place(b, x, real=real, background=background) for b in baselines.values()]
    single = np.arange(1, contribution.shape[2] + 1)
    last = np.where(single == len(single), steps, single)
    return BaselineComparison(
        contribution=contribution,
        forecast=found[0][1],
        baseline_forecast=np.stack([each[2] for each in found]),
        spread=spread,
        dependence=float(spread.sum() / size) if size > 0 else float("nan"),
        names=tuple(baselines),
        texts=tuple(b.text for b in baselines.values()),
        kinds=tuple(b.kind for b in baselines.values()),
        places=tuple(places),
        lag_from=single,
        lag_to=last,
    )


def _explain(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    method: str,
    newest: int,
) -> tuple[Array, Array, Array]:
    """Give contributions by lag, forecasts and baseline forecasts."""
    if method == "secant":
        if isinstance(baseline, GaussianConditional):
            refuse_conditional(method)
        both = secant(network, inputs, target, baseline, of=of)
        return both.contribution.sum(axis=2), both.forecast, both.baseline_forecast
    tree = shapley_tree(network, inputs, target, baseline, of=of, newest=newest)
    return tree.contribution, tree.forecast, tree.baseline_forecast
