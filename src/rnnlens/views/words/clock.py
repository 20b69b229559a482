"""Times as the clocks of a place show them, where a result says whose times it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["clock_name", "clock_times"]


def clock_times(times: xr.DataArray) -> np.ndarray:
    """Give times by the clocks of their zone: UTC where they state none, any shape."""
    values, zone = times.values, times.attrs.get("time_zone")
    if zone is None or not np.issubdtype(values.dtype, np.datetime64):
        return values
    import pandas as pd

    moments = pd.DatetimeIndex(values.ravel()).tz_localize("UTC").tz_convert(str(zone))
    return moments.tz_localize(None).to_numpy("datetime64[ns]").reshape(values.shape)


def clock_name(times: xr.DataArray) -> str:
    """Name the clocks: a place, or UTC."""
    zone = times.attrs.get("time_zone")
    if zone is None:
        return "UTC"
    place = str(zone).rpartition("/")[2].replace("_", " ")
    return f"UTC{zone}" if str(zone)[0] in "+-" else say("{place} time", place=place)
