"""The methods that can be put to the test, all asked in the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.stats import rankdata

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.methods.gradient_times_input import gradient_times_input
from rnnlens.attribution.methods.occlusion import occlusion_of_lags_and_features
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.network.network import Network

__all__ = ["ATTRIBUTIONS", "Attribute", "rank_correlation"]

#: Gives (sample, lag, feature) for a network, its inputs, a target, a baseline and ``of=``.
Attribute = Callable[..., Array]


def _secant(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    **of: Any,
) -> Array:
    return secant(network, inputs, target, baseline, **of).contribution


def _gradient_times_input(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    **of: Any,
) -> Array:
    return gradient_times_input(network, inputs, target, baseline, **of).product


def _occlusion(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    **of: Any,
) -> Array:
    return occlusion_of_lags_and_features(network, inputs, target, baseline, **of).change


#: By name; each gives numbers by lag and feature in the target's own unit.
ATTRIBUTIONS: dict[str, Attribute] = {
    "secant": _secant,
    "gradient_times_input": _gradient_times_input,
    "occlusion": _occlusion,
}


def rank_correlation(one: Array, other: Array) -> Array:
    """Give Spearman's rank correlation of two rows of numbers, sample by sample.

    Shapes: one, other (sample, entry) -> (sample,).

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[1.0, 2.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    >>> rank_correlation(a, np.array([[1.0, 5.0, 9.0, 0.0], [1.0, 2.0, 3.0, 4.0]]))
    array([ 1., nan])
    """
    found = np.full(len(one), np.nan)
    for k, (a, b) in enumerate(zip(one, other, strict=True)):
        there = np.isfinite(a) & np.isfinite(b) & ((a != 0) | (b != 0))
        if there.sum() < 3:
            continue
        ranks = rankdata(a[there]), rankdata(b[there])
        if all(np.ptp(each) > 0 for each in ranks):
            found[k] = np.corrcoef(*ranks)[0, 1]
    return found
