"""The share of each row in what moved the forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.share import lag_share
from rnnlens.evidence.options import Shares
from rnnlens.evidence.table.rows import check_by
from rnnlens.names import declared

__all__ = ["RowShares", "row_shares"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class RowShares:
    """How much of what moved the forecasts came from each row.

    Parameters
    ----------
    share : array (part,)
        Sums to one.
    share_low, share_high : array (part,)
        Ends of the interval.
    mean_contribution, mean_size : array (part,)
        Signed and absolute mean over the samples, in the target's own unit.
    block_length : int
        Mean block length of the bootstrap, in windows.
    note : str
        Why the intervals may be too short, or empty.
    """

    share: Array = declared("part", long_name="share in what moved the forecast", unit="1")
    share_low: Array = declared("part", long_name="lower end of the interval")
    share_high: Array = declared("part", long_name="upper end of the interval")
    mean_contribution: Array = declared("part", long_name="mean contribution", unit="{unit}")
    mean_size: Array = declared("part", long_name="mean absolute contribution", unit="{unit}")
    block_length: int
    note: str


def row_shares(contribution: Array, by: str, settings: Shares) -> RowShares:
    """Give each row's share: contribution (sample, lag, feature), or (sample, lag) by lag."""
    check_by(by)
    others = {"lag": range(2, contribution.ndim), "feature": (1,), "both": ()}[by]
    summed = contribution.sum(axis=tuple(others))
    shares = lag_share(
        summed.reshape(len(summed), -1),
        confidence=settings.confidence,
        draws=settings.draws,
        seed=settings.seed,
    )
    return RowShares(
        share=shares.share,
        share_low=shares.share_low,
        share_high=shares.share_high,
        mean_contribution=shares.mean_contribution,
        mean_size=shares.mean_size,
        block_length=shares.block_length,
        note=shares.note,
    )
