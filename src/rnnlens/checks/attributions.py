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
    there = np.isfinite(one) & np.isfinite(other) & ((one != 0) | (other != 0))
    count = there.sum(axis=1)
    # what is left out comes last in order, where it moves no other rank
    ranks = [rankdata(np.where(there, each, np.inf), axis=1) for each in (one, other)]
    middle = (count + 1) / 2  # ties share the mean of their ranks, so this is the mean of any
    a, b = (np.where(there, each - middle[:, None], 0.0) for each in ranks)
    spread = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    known = (count >= 3) & (spread > 0)
    correlation = (a * b).sum(axis=1) / np.where(known, spread, 1.0)
    return np.where(known, np.clip(correlation, -1.0, 1.0), np.nan)
