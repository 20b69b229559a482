"""Archives as files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import xarray as xr

__all__ = ["written"]


def written(data: xr.Dataset, path: Path, **how: Any) -> Path:
    """Write an archive in chunks of 40 rows, so that blocks do not end where chunks do."""
    chunks = {name: {"chunks": tuple(min(40, n) for n in data[name].shape)} for name in data}
    with warnings.catch_warnings():  # consolidated metadata are not in the specification
        warnings.simplefilter("ignore")
        data.to_zarr(path, encoding=chunks, **how)
    return path
