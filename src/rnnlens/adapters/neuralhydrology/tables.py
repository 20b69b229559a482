"""Results by basin and date, as neuralhydrology calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.adapters.tidy import tidy

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["to_native"]


def to_native(explained: xr.Dataset | xr.DataTree) -> pd.DataFrame:
    """Give an explanation as a DataFrame by basin and date.

    Parameters
    ----------
    explained : Dataset or DataTree
        What `rnnlens.explain` gives of a run's windows.

    Returns
    -------
    DataFrame
        A row a contribution: ``basin``, ``date`` (of the forecast), ``issued``, ``input`` (``x_d``
        or ``x_s``), ``feature``, ``lag``, ``lag_to``, ``contribution``, ``forecast`` and
        ``baseline_forecast``, in the target's unit. The rows of a forecast, and its baseline's
        forecast, sum to it; attributes have no lag.

    Raises
    ------
    InputError
        If it is of a method that does not sum.
    """
    return tidy(explained, group="basin", time="date", issued="issued")
