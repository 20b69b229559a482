"""Forecasters of sktime that wrap neuralforecast: LSTM, GRU and RNN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from rnnlens.adapters import neuralforecast
from rnnlens.adapters.given import SeriesGiven, refuse_beside
from rnnlens.adapters.live import LiveModel
from rnnlens.adapters.tidy import tidy
from rnnlens.adapters.versions import named
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.readers.options import ReadOptions
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["TAKES", "WHAT", "read", "to_native", "windows"]

WHAT = "a fitted forecaster of sktime"
TAKES: frozenset[str] = frozenset()


def read(source: object, options: ReadOptions) -> LiveModel:
    """Read the model of neuralforecast that a forecaster holds."""
    made = neuralforecast.read(_held(source), options)
    return LiveModel(
        module=made.module,
        example=made.example,
        library=f"{named('sktime')} on {made.library}",
        name=type(source).__name__,
        notes=made.notes,
        left_out=made.left_out,
    )


def windows(source: Any, series: object, given: SeriesGiven) -> Windows | WindowsByInput:
    """Cut sktime's y, and its X as ``future_covariates``, into the windows of a forecaster."""
    refuse_beside(given, ("future_covariates",), WHAT)
    frame = _long(series, "the series", "y")
    later = None
    if given.future_covariates is not None:
        known = _long(given.future_covariates, "future_covariates", None)
        frame = frame.merge(known, on=["unique_id", "ds"], how="left")
        newest = frame.ds.max()
        later = known[known.ds > newest]
    passed = SeriesGiven(future_covariates=later if later is not None and len(later) else None)
    return neuralforecast.windows(_held(source), frame, passed)


def to_native(explained: xr.Dataset | xr.DataTree) -> pd.DataFrame:
    """Give an explanation as a DataFrame of sktime: its index ends in the time of the forecast.

    Parameters
    ----------
    explained : Dataset or DataTree
        What `rnnlens.explain` gives of a forecaster's windows.

    Returns
    -------
    DataFrame
        A row a contribution, with the index ``(instance, time)``: ``cutoff``, ``input``,
        ``feature``, ``lag``, ``contribution``, ``forecast`` and ``baseline_forecast``, in the
        series' unit. The rows of a forecast, and its baseline's forecast, sum to it.

    Raises
    ------
    InputError
        If it is of a method that does not sum.
    """
    rows = tidy(explained, group="instance", time="time", issued="cutoff")
    return rows.set_index(["instance", "time"])


def _held(source: Any) -> Any:
    """Give the `NeuralForecast` inside."""
    held = getattr(source, "_forecaster", None)
    if held is None:
        raise InputError(f"the {type(source).__name__} is not fitted yet: fit it first")
    return held


def _long(given: Any, what: str, column: str | None) -> pd.DataFrame:
    """Lay a series of sktime, of one or of several instances, out as rows of neuralforecast."""
    if not isinstance(given, pd.Series | pd.DataFrame):
        raise DataError(
            f"{what} must be a Series or a DataFrame of pandas, as sktime takes it, and is of type "
            f"{type(given).__name__}"
        )
    index = given.index
    levels = index.to_frame(index=False)
    times = levels.iloc[:, -1]
    if isinstance(times.dtype, pd.PeriodDtype):
        times = times.dt.to_timestamp()
    whose = levels.iloc[:, :-1].astype(str).agg("".join, axis=1) if levels.shape[1] > 1 else "1"
    rows = pd.DataFrame({"unique_id": whose, "ds": times.to_numpy()})
    if column is not None:
        rows[column] = pd.DataFrame(given).to_numpy()[:, 0]
        return rows
    for name, values in pd.DataFrame(given).items():
        rows[str(name)] = values.to_numpy()
    return rows
