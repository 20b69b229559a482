"""Results as a DataFrame by ``group_ids`` and ``time_idx``, as pytorch-forecasting counts time."""

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
        A row a contribution: ``group_ids``, ``time_idx`` (of the forecast), ``cutoff`` (the
        ``time_idx`` of its issue), ``input``, ``feature``, ``lag``, ``contribution``, ``forecast``
        and ``baseline_forecast``, in the target's unit. The rows of a forecast, and its baseline's
        forecast, sum to it; what a window is scaled by, and what is static, has no lag.

    Raises
    ------
    InputError
        If it is of a method that does not sum.
    """
    return tidy(explained, group="group_ids", time="time_idx", issued="cutoff")
