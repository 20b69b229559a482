"""The evidence on lags as plain rows, which its table and its sentences are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["evidence_rows"]

#: Variables of a row, in the order in which they are given.
NUMBERS = (
    "share",
    "share_low",
    "share_high",
    "mean_contribution",
    "largest_bound",
    "largest_attained",
    "structural",
    "proven",
    "refuted",
    "undecided",
    "not_asked",
    "error_change",
    "error_change_low",
    "error_change_high",
    "p_equivalent",
    "p_used",
    "left",
    "resting_on",
    "older_change",
    "older_p",
    "older_resting_on",
    "observed_largest",
    "observed_exceeded",
    "observed_share",
)
WORDS = ("verdict", "rung", "note")


def evidence_rows(table: xr.Dataset) -> pd.DataFrame:
    """Give the evidence, one row a lag, a feature, or a feature at a lag."""
    import pandas as pd

    dims = table["share"].dims
    sizes = [table.sizes[name] for name in dims]
    grid = np.indices(sizes).reshape(len(dims), -1)
    columns: dict[str, np.ndarray] = {}
    names = [""] * grid.shape[1]
    if "ahead" in dims:  # of a known future, whose steps are no lags
        place = grid[dims.index("ahead")]
        first = table["ahead"].values[place].astype(int)
        columns["ahead"] = first
        names = [f"t{step:+d}" for step in first]
    if "lag" in dims:
        place = grid[dims.index("lag")]
        first = table["lag"].values[place].astype(int)
        last = table["lag_to"].values[place].astype(int) if "lag_to" in table else first
        columns |= {"lag": first, "lag_to": last}
        names = [f"{a}" if a == b else f"{a}–{b}" for a, b in zip(first, last, strict=True)]
    if "feature" in dims:
        feature = table["feature"].values[grid[dims.index("feature")]].astype(str)
        columns["feature"] = feature
        lags = [f" at {name if 'ahead' in dims else f't-{name}'}" if name else "" for name in names]
        names = [f"{f}{lag}" for f, lag in zip(feature, lags, strict=True)]
    for name in (*NUMBERS, *WORDS):
        if name in table and table[name].dims == dims:
            columns[name] = table[name].values.ravel()
    return pd.DataFrame({"name": names, **columns})
