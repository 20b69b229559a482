"""Which lags are enough for the forecast, and which it cannot do without.

For every number s of lags that are shown, over all coalitions S of s lags,

    closest_s  = v(S) with the smallest |f(x) - v(S)|
    farthest_s = v(S) with the largest  |f(x) - v(S)|

The first curve says how few lags suffice (sufficiency), the second how much can be lost by hiding
the P - s lags outside S (comprehensiveness): for every subset rather than along one ranking (De
Young et al. 2020, "ERASER: a benchmark to evaluate rationalized NLP models"). Exact given the game,
from the table of the tree (`rnnlens.attribution.methods.shapley_tree`) without further cells. Known
limits: with many backgrounds v is a mean over them; the best subsets of s and of s + 1 lags need
not be nested.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.methods.shapley_tree import LagTable
from rnnlens.names import declared

__all__ = ["BestSubsets", "subsets_of"]


@dataclass(frozen=True, eq=False)
class BestSubsets:
    """The coalitions of each size that keep the forecast best and worst.

    Parameters
    ----------
    closest, farthest : array (sample, shown)
        Their forecasts, in the target's own unit, for 0, 1, ... players shown. A carried state is
        shown in all of them.
    closest_lags, farthest_lags : array (sample, shown, lag) of bool
        Which players they show, newest first.
    """

    closest: Array = declared("sample", "shown")
    farthest: Array = declared("sample", "shown")
    closest_lags: NDArray[np.bool_] = declared("sample", "shown", "lag")
    farthest_lags: NDArray[np.bool_] = declared("sample", "shown", "lag")


def subsets_of(table: LagTable) -> BestSubsets:
    """Read the best and the worst subsets off a table."""
    v = table.v[1::2] if table.players.carried else table.v
    count = len(v).bit_length() - 1
    coalitions = np.arange(len(v))
    sizes = np.bitwise_count(coalitions)
    away = np.abs(v - v[-1])
    extremes = []
    for pick in (np.argmin, np.argmax):
        chosen = np.empty((v.shape[1], count + 1), np.int64)
        for size in range(count + 1):
            these = coalitions[sizes == size]
            chosen[:, size] = these[pick(away[these], axis=0)]
        extremes.append(chosen)
    bits = np.arange(count)[::-1]  # newest first
    samples = np.arange(v.shape[1])[:, None]
    closest, farthest = (v[chosen, samples] for chosen in extremes)
    masks = ((chosen[..., None] >> bits & 1).astype(bool) for chosen in extremes)
    return BestSubsets(closest, farthest, *masks)
