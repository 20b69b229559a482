"""Results as a DataFrame by ``unique_id`` and ``ds``, as neuralforecast's own forecasts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.adapters.tidy import tidy

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["to_native"]


def to_native(explained: xr.Dataset | xr.DataTree) -> pd.DataFrame:
    """Give an explanation as a DataFrame by series and time.

    Parameters
    ----------
    explained : Dataset or DataTree
        What `rnnlens.explain` gives of a model's windows.

    Returns
    -------
    DataFrame
        A row a contribution: ``unique_id``, ``ds`` (of the forecast), ``cutoff`` (its issue),
        ``input``, ``feature``, ``lag``, ``contribution``, ``forecast`` and ``baseline_forecast``,
        in the series' unit. The rows of a forecast, and its baseline's forecast, sum to it; the
        median and MAD of the window have no lag.

    Raises
    ------
    InputError
        If it is of a method that does not sum.
    """
    return tidy(explained, group="unique_id", time="ds", issued="cutoff")
