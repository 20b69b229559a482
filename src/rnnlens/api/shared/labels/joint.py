"""Results about several inputs, each with its own axis: a tree with one node an input.

While they are computed they stand in one array, whose entries along ``lag`` are players of any
input; here each goes to its own input. An input without steps has no lags, and the steps of a known
future count forward from the forecast's issue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from rnnlens.results.label import node_path
from rnnlens.results.provenance import file_safe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.joined import Layout, PlayerInput

__all__ = ["by_input", "joint_coords", "player_places"]

#: What along ``lag`` says which input a player is of, and its first and last lag there.
OWNER, FIRST, LAST = "input", "own_lag", "own_lag_to"


def player_places(layout: Layout, arrays: object, count: int) -> list[NDArray[np.int64]]:
    """Give the rows of each entry along ``lag``: its players' rows, or one row each, last first."""
    places = getattr(arrays, "places", ())
    if places:
        return [layout.rows - 1 - place for place in places]
    return [np.array([layout.rows - 1 - k]) for k in range(count)]


def joint_coords(case: Case, arrays: object, variable: str, target: str | None) -> dict[str, Any]:
    """Give the coordinates of a result about several inputs while they stand together."""
    layout, array = case.layout, getattr(arrays, variable)
    assert layout is not None, "several inputs are laid into one"
    owners, first, last = [], [], []
    for rows in player_places(layout, arrays, array.shape[1]):
        one = layout.inputs[layout.owner[rows[0]]]
        steps = [one.rows.index(int(row)) for row in rows]
        owners.append(one.name)
        first.append(one.steps - max(steps))
        last.append(one.steps - min(steps))
    coords: dict[str, Any] = {
        "lag": np.arange(len(owners)),
        OWNER: ("lag", owners),
        FIRST: ("lag", first),
        LAST: ("lag", last),
        **case.sample_coords(target),
    }
    if array.ndim == 3:
        coords["feature"] = np.arange(array.shape[2])
    return coords


def by_input(result: xr.Dataset, case: Case) -> xr.Dataset | xr.DataTree:
    """Give each input its own part of a result: a tree, or a Dataset where there is one."""
    layout = case.layout
    assert layout is not None, "several inputs are laid into one"
    shared = result.drop_vars([name for name, v in result.variables.items() if "lag" in v.dims])
    shared = shared.drop_vars("feature", errors="ignore")
    nodes = {}
    for one in layout.inputs:
        names = (
            case.each[one.name].features
            if case.each
            else tuple(f"feature {k}" for k in range(one.features))
        )
        nodes[node_path(one.name)] = _part(result, one, names)
    if len(nodes) == 1:
        (part,) = nodes.values()
        return part.merge(shared).assign_attrs(shared.attrs)
    return xr.DataTree.from_dict({"/": shared, **nodes}, name=None)


def _part(result: xr.Dataset, one: PlayerInput, features: tuple[str, ...]) -> xr.Dataset:
    """Give what a result says of one input."""
    own = [name for name, values in result.data_vars.items() if "lag" in values.dims]
    mine = np.flatnonzero(result[OWNER].values == one.name)
    mine = mine[np.argsort(result[FIRST].values[mine])]
    part = result[own].isel(lag=mine)
    first, last = part[FIRST].values, part[LAST].values
    part = part.drop_vars([OWNER, FIRST, LAST])
    if "feature" in part.dims:
        part = part.isel(feature=slice(0, one.features)).assign_coords(feature=list(features))
    part.attrs = {"input": one.name, "kind": result.attrs.get("kind", "")}
    for name in ("shows", "unit", "target"):
        if name in result.attrs:
            part.attrs[name] = file_safe(result.attrs[name])
    if not one.lags:
        return part.isel(lag=0, drop=True)
    if not one.future:
        part = part.assign_coords(lag=first, lag_to=("lag", last))
        part["lag"].attrs["long_name"] = "lag (1 = newest step fed in)"
        part["lag_to"].attrs["long_name"] = "last lag of the group"
        return part
    part = part.isel(lag=slice(None, None, -1))
    part = part.assign_coords(lag=one.steps + 1 - last[::-1])
    part = part.assign_coords(ahead_to=("lag", one.steps + 1 - first[::-1]))
    part = part.rename(lag="ahead")
    part["ahead"].attrs["long_name"] = "step after the newest that is known, from 1"
    part["ahead_to"].attrs["long_name"] = "last step of the group"
    return part
