"""Write a labelled result to a file: netCDF, CSV in long form, or JSON."""

from __future__ import annotations

import json
import math
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import InputError, MissingLibrary
from rnnlens.names import DIMENSIONS
from rnnlens.results.attributes import attributes, file_safe, is_beside
from rnnlens.results.place import placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd
    import xarray as xr

__all__ = ["as_dict", "long_tables", "save"]


def save(result: xr.Dataset | xr.DataTree, path: str | Path) -> Path:
    """Write a result to a file; the suffix decides the format.

    The file appears whole or not at all: it is written beside its place and then moved there.
    """
    place = Path(path)
    writer = _WRITERS.get(place.suffix.lower())
    if writer is None:
        came = f"the suffix {place.suffix!r}" if place.suffix else "no suffix"
        raise InputError(
            f"cannot tell the format to write from {place.name!r}, which has {came}: "
            f"use one of {', '.join(_WRITERS)}"
        )
    if not place.parent.is_dir():
        raise InputError(
            f"the folder {place.parent} of {place.name!r} does not exist: make it first"
        )
    with placed(place) as draft:
        writer(result, draft)
    return place


def long_tables(result: xr.Dataset | xr.DataTree) -> Iterator[pd.DataFrame]:
    """Give every number of a result in a row of its own, variable by variable."""
    nodes = list(_nodes(result))
    arrays = [array for _, dataset in nodes for array in dataset.data_vars.values()]
    names = [str(name) for array in arrays for name in (*array.dims, *array.coords)]
    whose = _whose(nodes)
    head = ["variable"] if nodes and nodes[0][0] is None else [whose, "variable"]
    dimensions = [name for name in DIMENSIONS if name in names and name not in head]
    others = [name for name in dict.fromkeys(names) if name not in {*head, *dimensions}]
    for path, dataset in nodes:
        for name, array in dataset.data_vars.items():
            table = _variable_table(array)
            table["variable"] = str(name)
            table[whose] = dataset.attrs.get(whose, path)
            yield table.reindex(columns=[*head, *dimensions, *others, "value"])


def as_dict(result: xr.Dataset | xr.DataTree) -> dict[str, Any]:
    """Give a result as plain lists and numbers, ready for JSON."""
    nodes = list(_nodes(result))
    if nodes and nodes[0][0] is None:
        return _dataset_dict(nodes[0][1])
    whose = _whose(nodes)
    made = {
        "attrs": _attributes(result.attrs),
        f"{whose}s": {
            str(ds.attrs.get(whose, path)): _dataset_dict(ds) for path, ds in nodes if path
        },
    }
    shared = [ds for path, ds in nodes if not path]  # what is no node's own
    return _dataset_dict(shared[0]) | made if shared else made


def _whose(nodes: Sequence[tuple[str | None, xr.Dataset]]) -> str:
    """Say what the nodes of a tree are: inputs, or layers."""
    return "input" if any("input" in dataset.attrs for _, dataset in nodes) else "layer"


def _nodes(result: xr.Dataset | xr.DataTree) -> Iterator[tuple[str | None, xr.Dataset]]:
    import xarray as xr

    if isinstance(result, xr.Dataset):
        yield None, result
        return
    for node in result.subtree:
        if node.data_vars:
            yield node.path.strip("/"), node.to_dataset()


def _variable_table(array: xr.DataArray) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {}
    for axis, name in enumerate(array.dims):
        index = array[name].values
        shape = [1] * array.ndim
        shape[axis] = -1
        columns[str(name)] = np.broadcast_to(index.reshape(shape), array.shape).ravel()
    for name, coordinate in array.coords.items():
        if name not in array.dims:
            spread = coordinate.broadcast_like(array).transpose(*array.dims)
            columns[str(name)] = spread.values.ravel()
    return pd.DataFrame({**columns, "value": np.atleast_1d(array.values.ravel())})


def _dataset_dict(dataset: xr.Dataset) -> dict[str, Any]:
    def described(array: xr.DataArray) -> dict[str, Any]:
        return {
            "dims": [str(name) for name in array.dims],
            "attrs": _attributes(array.attrs),
            "values": _jsonable(array.values),
        }

    return {
        "attrs": _attributes(dataset.attrs),
        "sizes": {str(name): int(size) for name, size in dataset.sizes.items()},
        "coords": {str(name): described(array) for name, array in dataset.coords.items()},
        "variables": {str(name): described(array) for name, array in dataset.data_vars.items()},
    }


def _attributes(attrs: Any) -> dict[str, Any]:
    # what a sentence is made of serves views, which open netCDF and Zarr
    return {str(k): _finite(file_safe(v)) for k, v in attrs.items() if not is_beside(k)}


def _jsonable(values: np.ndarray) -> Any:
    if values.dtype.kind == "M":
        return np.datetime_as_string(values, unit="s").tolist()
    if values.dtype.kind == "m":
        return (values / np.timedelta64(1, "s")).tolist()
    return _finite(values.tolist())


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_netcdf(result: xr.Dataset | xr.DataTree, path: Path) -> None:
    try:
        import_module("h5netcdf")
    except ImportError as error:
        raise MissingLibrary(
            'writing netCDF needs h5netcdf, which is not installed: pip install "rnnlens[netcdf]"'
        ) from error
    import xarray as xr

    if isinstance(result, xr.DataTree):
        result.map_over_datasets(_with_safe_attributes).to_netcdf(path, engine="h5netcdf")
    else:
        _with_safe_attributes(result).to_netcdf(path, engine="h5netcdf")


def _with_safe_attributes(dataset: xr.Dataset) -> xr.Dataset:
    safe = dataset.copy()
    safe.attrs = attributes({str(key): value for key, value in dataset.attrs.items()})
    for name in safe.variables:
        attrs = safe[name].attrs
        safe[name].attrs = attributes({str(key): value for key, value in attrs.items()})
    return safe


def _write_csv(result: xr.Dataset | xr.DataTree, path: Path) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        for number, table in enumerate(long_tables(result)):
            table.to_csv(file, index=False, header=number == 0, lineterminator="\n")


def _write_json(result: xr.Dataset | xr.DataTree, path: Path) -> None:
    text = json.dumps(as_dict(result), ensure_ascii=False, allow_nan=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".nc": _write_netcdf,
    ".csv": _write_csv,
    ".json": _write_json,
}
