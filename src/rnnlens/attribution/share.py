"""The share of each lag in what moved the forecasts, with a block-bootstrap interval.

``share_k = mean |contribution_k| / sum over lags of mean |contribution|``. Neighbouring windows
overlap, so their contributions are dependent: the interval comes from the stationary bootstrap
(Politis and Romano 1994, "The stationary bootstrap"), whole runs of windows drawn together, with
the mean block length of Politis and White (2004, "Automatic block-length selection for the
dependent bootstrap").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import DataError
from rnnlens.names import declared

__all__ = ["LagShare", "lag_share"]

Array = NDArray[np.float64]

#: Fewest windows that a bootstrap interval is given for.
FEWEST = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class LagShare:
    """How much of what moved the forecasts came from each lag.

    Parameters
    ----------
    share : array (lag,)
        Sums to one.
    share_low, share_high : array (lag,)
        Ends of the percentile interval.
    mean_contribution : array (lag,)
        Signed mean over the samples, in the target's own unit.
    mean_size : array (lag,)
        Mean absolute contribution, in the target's own unit.
    block_length : int
        Mean block length of the bootstrap, in windows.
    """

    share: Array = declared("lag")
    share_low: Array = declared("lag")
    share_high: Array = declared("lag")
    mean_contribution: Array = declared("lag")
    mean_size: Array = declared("lag")
    block_length: int


def _shares(size: Array) -> Array:
    mean = size.mean(axis=0)
    total = mean.sum()
    return mean / total if total > 0 else np.full(len(mean), np.nan)


def _block_length(size: Array) -> int:
    """Give the longest of the lags' best block lengths, at least one window."""
    from arch.bootstrap import optimal_block_length

    moving = size[:, size.std(axis=0) > 0]
    if moving.shape[1] == 0:
        return 1
    # of few windows it knows nothing: its NaN is seen to here, and its warnings say no more
    with np.errstate(all="ignore"):
        best = optimal_block_length(moving)["stationary"].to_numpy()
    longest = float(np.nanmax(np.where(np.isfinite(best), best, 1.0)))
    return max(1, min(ceil(longest), len(size) // 3))


def lag_share(
    contribution: Array, *, confidence: float = 0.95, draws: int = 1000, seed: int = 0
) -> LagShare:
    """Give each lag's share over a set of windows: contribution (sample, lag)."""
    from arch.bootstrap import StationaryBootstrap

    if not 0 < confidence < 1:
        raise DataError(f"the confidence must be between 0 and 1, but is {confidence}")
    if len(contribution) < FEWEST:
        raise DataError(
            f"an interval needs at least {FEWEST} windows, but there are {len(contribution)}: give "
            "a longer series"
        )
    size = np.abs(contribution)
    if not size.any():
        raise DataError(
            "no lag contributes anything in any window: the windows equal the baseline; choose "
            "another baseline"
        )
    length = _block_length(size)
    bootstrap = StationaryBootstrap(length, size, seed=seed)
    drawn = bootstrap.apply(_shares, draws)
    low, high = np.nanquantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return LagShare(
        share=_shares(size),
        share_low=low,
        share_high=high,
        mean_contribution=contribution.mean(axis=0),
        mean_size=size.mean(axis=0),
        block_length=length,
    )
