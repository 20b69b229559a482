"""Tables that other libraries hold in memory, as columns by name; none of them is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnlens.errors import DataError

__all__ = ["columns_of", "is_table"]


def is_table(data: object) -> bool:
    """Say whether something is a table: of pandas, xarray, polars, Arrow and others, or a mapping.

    A `DataArray` is one where it has one or two axes; an array with three holds windows.
    """
    if isinstance(data, np.ndarray):
        return data.dtype.names is not None
    if hasattr(data, "to_dataframe") or _is_named_array(data):
        return getattr(data, "ndim", 2) < 3
    return (
        isinstance(data, Mapping)
        or hasattr(data, "__dataframe__")
        or hasattr(data, "column_names")
        or (hasattr(data, "columns") and hasattr(data, "__getitem__"))
    )


def columns_of(data: Any) -> tuple[dict[str, Any], Any]:
    """Give the columns of a table by name, and its index where that holds times (else None)."""
    import pandas as pd

    # an xarray Dataset is a mapping as well, but of its variables alone
    if hasattr(data, "data_vars") or not isinstance(data, pd.DataFrame | Mapping):
        data = _foreign(data)
    if not isinstance(data, pd.DataFrame):
        return {str(name): _plain(data[name]) for name in data}, None
    if isinstance(data.index, pd.MultiIndex):
        data = data.reset_index()
    named = [name for name in data.index.names if name is not None and name not in data]
    held = {str(name): data[name] for name in data}
    if isinstance(data.index, pd.DatetimeIndex):
        return held, data.index
    # an index with a name is a column that was set apart
    return held | {str(name): data.index.get_level_values(name) for name in named}, None


def _is_named_array(data: object) -> bool:
    return hasattr(data, "dims") and hasattr(data, "to_pandas")


def _foreign(data: Any) -> Any:
    """Give a table of another library as a DataFrame, or as a mapping of columns."""
    import pandas as pd

    if isinstance(data, np.ndarray):
        return {name: data[name] for name in data.dtype.names or ()}
    if hasattr(data, "data_vars"):
        return data.to_dataframe()
    if _is_named_array(data) and hasattr(data, "to_dataframe"):
        return data.to_pandas() if data.ndim > 1 else data.to_dataframe(name=data.name or "value")
    if hasattr(data, "column_names") and hasattr(data, "to_pandas"):
        return data.to_pandas()
    if hasattr(data, "collect") and not hasattr(data, "__len__"):
        raise DataError("the data is a lazy frame, which holds no rows yet: collect it first")
    if hasattr(data, "columns"):
        return {str(name): data[name] for name in data.columns}
    return pd.api.interchange.from_dataframe(data)


def _plain(column: Any) -> Any:
    """Give a column as something that NumPy and pandas know."""
    if hasattr(column, "detach"):
        column = column.detach().cpu()
    if isinstance(column, np.ndarray | list | tuple):
        return column
    foreign = not type(column).__module__.startswith("pandas")
    return column.to_numpy() if foreign and hasattr(column, "to_numpy") else column
