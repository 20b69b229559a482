"""Shares for the page: with intervals where there are windows enough, else as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.labels.lag_shares import shares_of
from rnnlens.attribution.share import FEWEST
from rnnlens.evidence.table.shares import RowShares

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.evidence.options import Shares

__all__ = ["page_shares"]


def page_shares(explained: xr.Dataset, settings: Shares) -> xr.Dataset:
    """Give the share of each lag; of few windows, or where nothing moved, without intervals."""
    contribution = explained["contribution"]
    others = [name for name in contribution.dims if name not in {"sample", "lag"}]
    values = contribution.sum(others).transpose("sample", "lag").values
    if len(values) >= FEWEST and values.any():
        return shares_of(explained, "lag", settings)
    size = np.abs(values).mean(axis=0)
    unknown = np.full(len(size), np.nan)
    plain = RowShares(
        share=size / size.sum() if size.sum() > 0 else unknown,
        share_low=unknown,
        share_high=unknown,
        mean_contribution=values.mean(axis=0),
        mean_size=size,
        block_length=1,
        note="",
    )
    made = shares_of(explained, "lag", settings, plain)
    few = {"fewest": FEWEST} if len(values) < FEWEST else {}
    for name in ("confidence", "draws", "seed", "block_length"):
        del made.attrs[name]  # there are no intervals that they are of
    return made.assign_attrs(few)
