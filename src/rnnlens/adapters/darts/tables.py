"""Results as `TimeSeries` of darts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnlens.adapters.tidy import contributions_of
from rnnlens.errors import DataError

if TYPE_CHECKING:
    import xarray as xr
    from darts import TimeSeries  # pyright: ignore[reportMissingImports]

__all__ = ["to_native"]


def to_native(
    explained: xr.Dataset | xr.DataTree, series: TimeSeries | Sequence[TimeSeries]
) -> list[TimeSeries]:
    """Give an explanation as series of darts, one a forecast.

    Parameters
    ----------
    explained : Dataset or DataTree
        What `rnnlens.explain` gives of one target and one horizon.
    series : TimeSeries, or sequence of them
        What was explained; its step of time is that of the result.

    Returns
    -------
    list of TimeSeries
        For each forecast its contributions at the times of the inputs, a component a feature, in
        the target's unit; where lags stand together, at the newest of them. What has no lags
        (static covariates, statistics of the window) is among the static covariates, beside
        ``forecast`` and ``baseline_forecast``. All of it together, and the baseline's forecast, is
        the forecast.

    Raises
    ------
    DataError
        If it is of several targets or horizons.
    InputError
        If it is of a method that does not sum.
    """
    from darts import TimeSeries  # pyright: ignore[reportMissingImports]

    one = series[0] if isinstance(series, Sequence) else series
    moving: list[xr.DataArray] = []
    still: list[xr.DataArray] = []
    for array in contributions_of(explained).values():
        several = [name for name in ("target", "horizon") if name in array.dims]
        if several:
            raise DataError(
                f"explained must be of one {several[0]}, and is of {array.sizes[several[0]]}: take "
                f"one, as in explained.isel({several[0]}=0)"
            )
        (still if not {"lag", "ahead"} & set(array.dims) else moving).append(array)
    issued = explained["forecast"]["issued"].to_numpy()
    made = []
    for k, moment in enumerate(issued):
        parts = [_placed(array.isel(sample=k), moment, one.freq) for array in moving]
        values = pd.concat(parts, axis=1).sort_index()
        static = {str(name): float(v) for a in still for name, v in _named(a.isel(sample=k))}
        for name in ("forecast", "baseline_forecast"):
            static[name] = float(explained[name].to_numpy()[k])
        frame = pd.DataFrame([static])
        made.append(
            TimeSeries.from_times_and_values(
                values.index,
                values.to_numpy(),
                freq=one.freq,
                columns=list(values.columns),
                static_covariates=frame,
            )
        )
    return made


def _named(array: xr.DataArray) -> zip[tuple[Any, Any]]:
    return zip(array["feature"].to_numpy(), array.to_numpy(), strict=True)


def _placed(array: xr.DataArray, issued: Any, step: Any) -> pd.DataFrame:
    """Lay contributions out by the time of their step: (time, feature)."""
    axis = "lag" if "lag" in array.dims else "ahead"
    places = array[axis].to_numpy()
    ahead = places if axis == "ahead" else 1 - places
    start = (
        pd.Timestamp(issued) if np.issubdtype(np.asarray(issued).dtype, np.datetime64) else issued
    )
    times = [start + int(k) * step for k in ahead]
    index = pd.DatetimeIndex(times) if isinstance(start, pd.Timestamp) else pd.Index(times)
    values = array.transpose(axis, "feature").to_numpy()
    return pd.DataFrame(values, index=index, columns=list(map(str, array["feature"].to_numpy())))
