"""The methods that can be put to the test, all asked in the same way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.methods.gradient_times_input import gradient_times_input
from rnnlens.attribution.methods.occlusion import occlusion_of_lags_and_features
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.question import Question

__all__ = ["ATTRIBUTIONS", "Attribute", "rank_correlation"]

#: Gives numbers by lag and feature, (sample, lag, feature), in the target's own unit.
Attribute = Callable[[Question], Array]


def _secant(question: Question) -> Array:
    return secant(question).contribution


def _gradient_times_input(question: Question) -> Array:
    return gradient_times_input(question).product


def _occlusion(question: Question) -> Array:
    return occlusion_of_lags_and_features(question).change


#: By name.
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
    correlation = np.full(len(one), np.nan)
    for k, (a, b) in enumerate(zip(one, other, strict=True)):
        there = np.isfinite(a) & np.isfinite(b) & ((a != 0) | (b != 0))
        if there.sum() < 3:
            continue
        ranks = rankdata(a[there]), rankdata(b[there])
        if all(np.ptp(each) > 0 for each in ranks):
            correlation[k] = np.corrcoef(*ranks)[0, 1]
    return correlation
