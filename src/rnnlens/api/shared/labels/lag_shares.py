"""The share of each lag, each feature, or each feature at each lag, labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from rnnlens.errors import DataError
from rnnlens.evidence.table.rows import BY, check_by
from rnnlens.evidence.table.shares import RowShares, row_shares
from rnnlens.names import dimensions_of
from rnnlens.results.attributes import attributes
from rnnlens.results.label import label

if TYPE_CHECKING:
    from rnnlens.evidence.options import Shares

__all__ = ["row_variables", "shares_of", "shares_together"]


def shares_of(
    explained: xr.Dataset, by: str, settings: Shares, shares: RowShares | None = None
) -> xr.Dataset:
    """Give the share of each row from contributions that are there already, or those given."""
    check_by(by)
    if shares is None:
        shares = row_shares(_contribution(explained, BY[by]).values, by, settings)
    shape = [explained.sizes[name] for name in BY[by]]
    variables = row_variables(shares, BY[by], shape, str(explained.attrs["unit"]))
    coords = {name: explained[name].variable for name in BY[by]}
    if "lag" in coords:
        named = explained["lag"].assign_attrs(long_name="lag (1 = newest step fed in)")
        coords["lag"] = named.variable
        text = {"long_name": "last lag of the group"}
        coords["lag_to"] = xr.Variable("lag", explained["lag_to"].values, text)
    about = {
        "kind": "share",
        "by": by,
        "samples": explained.sizes["sample"],
        "confidence": settings.confidence,
        "draws": settings.draws,
        "seed": settings.seed,
        "block_length": shares.block_length,
        "share_note": shares.note,
    }
    attrs = {**explained.attrs, **attributes(about)}
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def shares_together(
    explained: Mapping[str, xr.Dataset], by: Mapping[str, str], settings: Shares
) -> dict[str, RowShares]:
    """Give the share of each row of several inputs in what all of them moved."""
    rows = {}
    for name, one in explained.items():
        check_by(by[name])
        values = _contribution(one, BY[by[name]])
        others = [dim for dim in values.dims if dim not in {"sample", *BY[by[name]]}]
        rows[name] = values.sum(others).values.reshape(one.sizes["sample"], -1)
    whole = row_shares(np.concatenate(list(rows.values()), axis=1), "lag", settings)
    found, first = {}, 0
    for name, own in rows.items():
        these = slice(first, first + own.shape[1])
        arrays = {key: getattr(whole, key)[these] for key in dimensions_of(whole)}
        found[name] = replace(whole, **arrays)
        first += own.shape[1]
    return found


def row_variables(
    piece: object, dims: tuple[str, ...], shape: Sequence[int], unit: str
) -> dict[str, xr.Variable]:
    """Label a piece of the table, its rows unfolded along the table's own dimensions."""
    made = label(piece, attrs={"unit": unit})
    return {
        str(name): xr.Variable(dims, values.values.reshape(shape), values.attrs)
        if values.dims == ("part",)
        else values.variable
        for name, values in made.items()
    }


def _contribution(explained: xr.Dataset, dims: tuple[str, ...]) -> xr.DataArray:
    """Give the contributions by sample, lag and feature."""
    if "contribution" not in explained:
        raise DataError("shares need contributions, but this result holds sensitivities")
    contribution = explained["contribution"]
    for name in dims:
        if name not in contribution.dims:
            raise DataError(
                f"these contributions, made by {explained.attrs.get('method', 'their method')!r}, "
                f"are not by {name}: use method='secant' to see them by {name}"
            )
    axes = [name for name in ("sample", "lag", "feature") if name in contribution.dims]
    others = [name for name in contribution.dims if name not in axes]
    return (contribution.sum(others) if others else contribution).transpose(*axes)
