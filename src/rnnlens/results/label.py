"""Turn a result's arrays into labelled ones, by the dimensions that its fields declare.

A computation gives a frozen dataclass whose fields carry their dimension names
(`rnnlens.names.declared`). One function serves every such class, so axes are named in one place.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError, InputError
from rnnlens.names import dimensions_of
from rnnlens.results.attributes import attributes, told_values
from rnnlens.results.provenance import UNSURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

__all__ = ["label", "label_tree", "node_path"]

#: A coordinate: values along the dimension of that name, or (dimension, values[, attributes]).
Coordinate = Any
#: Bytes of a coordinate up to which it is made once for all results that have the same.
SHARED = 1 << 13


def label(
    result: Any,
    *,
    coords: Mapping[str, Coordinate] | None = None,
    attrs: Mapping[str, Any] | None = None,
    long_names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    keep: tuple[str, ...] = (),
) -> xr.Dataset:
    """Label the arrays of a result.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from rnnlens.names import declared
    >>> @dataclass(frozen=True)
    ... class Result:
    ...     contribution: np.ndarray = declared("sample", "lag")
    >>> labelled = label(
    ...     Result(np.ones((3, 2))), coords={"lag": [1, 2]}, units={"contribution": "F"}
    ... )
    >>> dict(labelled.sizes), labelled.contribution.units
    ({'sample': 3, 'lag': 2}, 'F')
    """
    import xarray as xr

    if not is_dataclass(result) or isinstance(result, type):
        raise InputError(
            f"only an instance of a dataclass can be labelled, but {type(result).__name__} came"
        )
    variables = _variables(result)
    sizes = _sizes(result, variables)
    known = _coordinates(coords or {}, sizes)
    dataset = xr.Dataset(
        variables, coords=_indexed(known), attrs=_attributes(result, attrs or {}, keep)
    )
    words = {"target": dataset.attrs.get("target"), "unit": dataset.attrs.get("unit")}
    words["unit"] = words["unit"] or "network units"
    for key, more in (("long_name", long_names), ("units", units)):
        declarations = {spec.name: spec.metadata.get(key, "") for spec in fields(result)}
        texts = {name: text.format(**words) for name, text in declarations.items() if text}
        texts |= more or {}
        for name, text in texts.items():
            if name in dataset.variables:  # the variable itself: a DataArray of it is one more
                dataset.variables[name].attrs[key] = text
    return dataset


def label_tree(
    results: Mapping[str, Any],
    *,
    coords: Mapping[str, Mapping[str, Coordinate]] | None = None,
    attrs: Mapping[str, Any] | None = None,
    long_names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    keep: tuple[str, ...] = (),
) -> xr.DataTree:
    """Label one result a layer, as a tree with one node a layer."""
    import xarray as xr

    by_layer = coords or {}
    # a layer's node is drawn and passed on by itself
    unsure = {key: attrs[key] for key in UNSURE if attrs and key in attrs}
    nodes: dict[str, Any] = {}
    for name, result in results.items():
        path = node_path(name)
        if path in nodes:
            raise InputError(
                f"layer {name!r} and another layer both lead to the node {path!r} of the tree; "
                "rename one of them"
            )
        nodes[path] = label(
            result,
            coords={**by_layer.get("", {}), **by_layer.get(name, {})},
            attrs={"layer": name, **unsure},
            long_names=long_names,
            units=units,
            keep=keep,
        )
    root = xr.Dataset(attrs=attributes(attrs or {}))
    return xr.DataTree.from_dict({"/": root, **nodes})


def node_path(layer: str) -> str:
    """Give the path of a layer's node in a tree.

    Examples
    --------
    >>> node_path("bidirectional.forward"), node_path("encoder/lstm")
    ('bidirectional/forward', 'encoder_lstm')
    """
    for direction in (".forward", ".backward"):
        if layer.endswith(direction) and layer != direction:
            own = layer.removesuffix(direction).replace("/", "_")
            return f"{own}/{direction[1:]}"
    return layer.replace("/", "_")


def _variables(result: Any) -> dict[str, tuple[Any, ...]]:
    kind = type(result).__name__
    variables: dict[str, tuple[Any, ...]] = {}
    for name, dimensions in dimensions_of(result).items():
        values = getattr(result, name)
        if values is None:
            continue
        array = np.asarray(values)
        if array.ndim != len(dimensions):
            raise DataError(
                f"{kind}.{name} must have the {len(dimensions)} axes "
                f"({', '.join(dimensions)}), but its shape is {array.shape}"
            )
        variables[name] = (dimensions, array)
        if array.dtype == object:  # sentences, some of them told
            plain, known = told_values(array)
            variables[name] = (dimensions, plain, known)
    return variables


def _sizes(result: Any, variables: Mapping[str, tuple[Any, ...]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    first: dict[str, str] = {}
    for name, (dimensions, array, *_) in variables.items():
        for dimension, size in zip(dimensions, array.shape, strict=True):
            if sizes.setdefault(dimension, size) != size:
                raise DataError(
                    f"{type(result).__name__}.{name} has {size} entries along {dimension!r}, "
                    f"but {first[dimension]} has {sizes[dimension]}"
                )
            first.setdefault(dimension, name)
    return sizes


def _coordinates(
    coords: Mapping[str, Coordinate], sizes: Mapping[str, int]
) -> dict[str, tuple[Any, ...]]:
    known = {}
    for name, given in coords.items():
        dimension, values, *rest = given if isinstance(given, tuple) else (name, given)
        if dimension not in sizes:
            continue
        array = np.asarray(values)
        if array.ndim != 1 or len(array) != sizes[dimension]:
            raise DataError(
                f"the coordinate {name!r} must have one value for each of the {sizes[dimension]} "
                f"entries along {dimension!r}, but its shape is {array.shape}"
            )
        known[name] = (dimension, array, *rest)
    return known


def _indexed(known: Mapping[str, tuple[Any, ...]]) -> xr.Coordinates:
    """Give coordinates with the indexes of those that are their dimensions' own.

    Lags and features are the same in every result about windows of a kind, and to make their
    indexes takes longer than a forecast. A result has its own attributes, and no index is written.
    """
    import xarray as xr

    coords: dict[str, Any] = {}
    indexes: dict[str, Any] = {}
    for name, (dimension, array, *rest) in known.items():
        coords[name] = (dimension, array, *rest)
        if name == dimension:
            small = array.nbytes <= SHARED and not array.dtype.hasobject and not rest
            if small:
                one = _shared(name, array.dtype.str, array.tobytes())
            else:
                one = xr.Coordinates({name: coords[name]})
            coords[name], indexes[name] = one.variables[name], one.xindexes[name]
    return xr.Coordinates(coords, indexes=indexes)


@lru_cache(maxsize=64)
def _shared(name: str, dtype: str, values: bytes) -> xr.Coordinates:
    """Make the coordinate of a dimension from its bytes."""
    import xarray as xr

    return xr.Coordinates({name: (name, np.frombuffer(values, dtype))})


def _attributes(result: Any, attrs: Mapping[str, Any], keep: tuple[str, ...]) -> dict[str, Any]:
    plain = {spec.name for spec in fields(result) if not spec.metadata.get("dimensions")}
    for name in keep:
        if name not in plain:
            raise InputError(
                f"{type(result).__name__} has no field {name!r} without dimensions; "
                f"it has {sorted(plain) or 'none'}"
            )
    kept = {name: getattr(result, name) for name in keep}
    return attributes({**kept, **attrs})
