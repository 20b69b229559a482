"""The share of each lag in what moved the forecasts, with a block-bootstrap interval.

``share_k = mean |contribution_k| / sum over lags of mean |contribution|``. Neighbouring windows
overlap, so their contributions are dependent: the interval comes from the stationary bootstrap
(Politis and Romano 1994, "The stationary bootstrap"), whole runs of windows drawn together, with
the mean block length of Politis and White (2004, "Automatic block-length selection for the
dependent bootstrap").

That length follows the dependence of the sizes as they are, and is too short where sizes are calm
for long and wild for long. So an interval is widened, on the logarithm of the odds, to no less than
Student's t times the standard error of the share: that of the mean of

    (|contribution_k| - share_k * sum over lags of |contribution|) / mean sum

from its slowest cosine coefficients (`rnnlens.attribution.dependence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.dependence import (
    LENGTHS,
    cosine_count,
    cosine_error,
    dependence_length,
)
from rnnlens.attribution.resampling import resampled_means
from rnnlens.errors import DataError
from rnnlens.names import declared, told

__all__ = ["LagShare", "check_windows", "lag_share"]

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
        Ends of the interval.
    mean_contribution : array (lag,)
        Signed mean over the samples, in the target's own unit.
    mean_size : array (lag,)
        Mean absolute contribution, in the target's own unit.
    block_length : int
        Mean block length of the bootstrap, in windows.
    note : str
        Why the intervals may be too short, or empty.
    """

    share: Array = declared("lag")
    share_low: Array = declared("lag")
    share_high: Array = declared("lag")
    mean_contribution: Array = declared("lag")
    mean_size: Array = declared("lag")
    block_length: int
    note: str


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


def _widened(size: Array, share: Array, ends: Array, confidence: float) -> tuple[Array, float]:
    """Widen intervals to what slow dependence asks for, and give its length: ends (2, lag)."""
    from scipy.special import expit, logit
    from scipy.stats import t

    total = size.sum(axis=1, keepdims=True)
    away = (size - share * total) / total.mean()
    wide, longest = ends.copy(), 1.0
    for k in np.flatnonzero((share > 0) & (share < 1) & (ends[0] > 0) & (ends[1] < 1)):
        length = max(dependence_length(size[:, k]), dependence_length(np.abs(away[:, k])))
        count = cosine_count(len(size), length)
        longest = max(longest, length)
        # the slope of log(p / (1 - p)) is 1 / p / (1 - p)
        error = cosine_error(away[:, k], count) / share[k] / (1 - share[k])
        middle, of_ends = logit(share[k]), logit(ends[:, k])
        half = float(of_ends[1] - of_ends[0]) / 2
        needed = error * float(t.ppf((1 + confidence) / 2, count))
        if needed > half > 0:
            wide[:, k] = expit(middle + (of_ends - middle) * needed / half)
    return wide, longest


def _note(windows: int, length: float) -> str:
    """Say that windows depend on each other for too long for any interval, if they do."""
    if length == 1 or windows >= LENGTHS * length:
        return ""
    return told(
        "neighbouring windows depend on each other over about {length:.0f}, so that {windows} of "
        "them are too few to tell how far the shares may be off: the intervals may be too short",
        length=float(length),
        windows=windows,
    )


def check_windows(windows: int) -> None:
    """Refuse too few windows for an interval."""
    if windows < FEWEST:
        raise DataError(
            f"an interval needs at least {FEWEST} windows, but there are {windows}: give "
            "a longer series"
        )


def lag_share(
    contribution: Array, *, confidence: float = 0.95, draws: int = 1000, seed: int = 0
) -> LagShare:
    """Give each lag's share over a set of windows: contribution (sample, lag)."""
    if not 0 < confidence < 1:
        raise DataError(f"the confidence must be between 0 and 1, but is {confidence}")
    check_windows(len(contribution))
    size = np.abs(contribution)
    if not size.any():
        raise DataError(
            "no lag contributes anything in any window: the windows equal the baseline, or nothing "
            "of them reaches the forecast; choose another baseline, or another input"
        )
    length = _block_length(size)
    means = resampled_means(size, length, draws, seed)
    total = means.sum(axis=1, keepdims=True)
    drawn = np.divide(means, total, out=np.full_like(means, np.nan), where=total > 0)
    ends = np.nanquantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    share = _shares(size)
    ends, longest = _widened(size, share, ends, confidence)
    return LagShare(
        share=share,
        share_low=ends[0],
        share_high=ends[1],
        mean_contribution=contribution.mean(axis=0),
        mean_size=size.mean(axis=0),
        block_length=length,
        note=_note(len(size), longest),
    )
