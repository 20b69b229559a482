"""Which features matter most, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.results.attributes import file_safe

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["important_features"]

#: Features that are named, and the share from which on one is.
NAMED, SHARE = 4, 0.05


def important_features(explained: xr.Dataset) -> dict[str, str | int | float]:
    """Give the features with the largest shares in what moved the forecasts, and those shares.

    ``share_f = mean |sum over lags of contribution_f| / sum over features of the same``.
    """
    if "contribution" not in explained or "feature" not in explained["contribution"].dims:
        return {}
    contribution = explained["contribution"].sum("lag")
    others = [name for name in contribution.dims if name not in {"sample", "feature"}]
    size = np.abs(contribution.transpose("feature", "sample", *others).values)
    size = size.reshape(size.shape[0], -1).mean(axis=1)
    if not size.sum() > 0:
        return {}
    share = size / size.sum()
    names = explained["feature"].values
    order = [k for k in np.argsort(-share, kind="stable")[:NAMED] if share[k] >= SHARE]
    return {"important": file_safe([[str(names[k]), float(share[k])] for k in order])}
