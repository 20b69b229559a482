"""The names that a page says: of inputs, targets, layers, files, as their owner wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.views.report.parts import ReportParts

__all__ = ["names_said"]

#: What a result says of itself that is a name.
NAMED = ("target", "unit", "layer", "input", "network")


def names_said(parts: ReportParts) -> set[str]:
    """Give the names that may stand in a page's sentences, tables and pictures."""
    path = str(parts.description.get("path") or "")
    layers = [str(layer.get("name", "")) for layer in parts.description.get("layers", ())]
    told = (one for pair in parts.data for one in pair)
    names = {parts.title, path, PurePath(path).name, *layers, *told}
    results = (parts.explanation, parts.lags, parts.trace, parts.weights, parts.evidence,
               parts.together, parts.check)  # fmt: skip
    for result in results:
        for dataset in _datasets(result):
            names |= set(_names_of(dataset))
    # in the markup of pictures some characters have names of their own
    return {form for name in names if name for form in (name, escape(name), escape(name, False))}


def _datasets(result: xr.Dataset | xr.DataTree | None) -> Iterator[xr.Dataset]:
    import xarray as xr

    if isinstance(result, xr.Dataset):
        yield result
    elif result is not None:
        yield from (node.to_dataset() for node in result.subtree)


def _names_of(dataset: xr.Dataset) -> Iterator[str]:
    yield from (str(dataset.attrs[key]) for key in NAMED if key in dataset.attrs)
    for coordinate in dataset.coords.values():
        if coordinate.dtype.kind in "OU":
            yield from map(str, coordinate.values.ravel())
