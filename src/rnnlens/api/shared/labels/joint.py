"""Results about several inputs, each with its own axis: a tree with one node an input.

While they are computed they stand in one array, whose entries along ``lag`` are players of any
input; here each goes to its own input. An input without steps has no lags, and the steps of a known
future count forward from the forecast's issue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from rnnlens.results.attributes import file_safe
from rnnlens.results.label import node_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.joined import Layout, PlayerInput

__all__ = [
    "by_input",
    "by_player",
    "joint_coords",
    "on_lags",
    "on_own_axis",
    "part_of",
    "player_coords",
    "player_places",
    "player_titles",
    "tree_of",
]

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
    coords: dict[str, Any] = {
        **player_coords(layout, arrays, array.shape[1]),
        **case.sample_coords(target),
    }
    if array.ndim == 3:
        coords["feature"] = np.arange(array.shape[2])
    return coords


def player_coords(layout: Layout, arrays: object, count: int) -> dict[str, Any]:
    """Say of each entry along ``lag`` which input it is of, and its first and last lag there."""
    owners, first, last = [], [], []
    for rows in player_places(layout, arrays, count):
        one = layout.inputs[layout.owner[rows[0]]]
        steps = [one.rows.index(int(row)) for row in rows]
        owners.append(one.name)
        first.append(one.steps - max(steps))
        last.append(one.steps - min(steps))
    return {
        "lag": np.arange(len(owners)),
        OWNER: ("lag", owners),
        FIRST: ("lag", first),
        LAST: ("lag", last),
    }


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
    part = part.drop_vars([OWNER, FIRST, LAST]).assign_coords(lag=first, lag_to=("lag", last))
    if "feature" in part.dims:
        part = part.isel(feature=slice(0, one.features)).assign_coords(feature=list(features))
    part.attrs = {"input": one.name}
    for name in ("kind", "shows", "unit", "target"):
        if name in result.attrs:
            part.attrs[name] = file_safe(result.attrs[name])
    return on_own_axis(part, one)


def on_own_axis(part: xr.Dataset, one: PlayerInput) -> xr.Dataset:
    """Give what is said by lag on an input's own axis: none, lags, or steps ahead."""
    if "lag" not in part.dims:
        return part
    if not one.lags:
        return part.isel(lag=0, drop=True).drop_vars("lag_to", errors="ignore")
    if not one.future:
        part["lag"].attrs["long_name"] = "lag (1 = newest step fed in)"
        if "lag_to" in part:
            part["lag_to"].attrs["long_name"] = "last lag of the group"
        return part
    part = part.isel(lag=slice(None, None, -1))
    first = part["lag"].values
    last = part["lag_to"].values if "lag_to" in part else first
    newest = one.steps + 1 - one.past
    part = part.drop_vars("lag_to", errors="ignore").assign_coords(lag=newest - last)
    part = part.assign_coords(ahead_to=("lag", newest - first)).rename(lag="ahead")
    part["ahead"].attrs["long_name"] = "step after the newest that is known, from 1"
    part["ahead_to"].attrs["long_name"] = "last step of the group"
    return part


def on_lags(tree: xr.DataTree | xr.Dataset, one: PlayerInput) -> xr.Dataset:
    """Give what a result says of one input as of a sequence: by lag, whatever its own axis."""
    if isinstance(tree, xr.Dataset) and one.lags:
        part, shared = tree, xr.Dataset(attrs=tree.attrs)
    elif isinstance(tree, xr.Dataset):
        named = [name for name, v in tree.data_vars.items() if "feature" in v.dims]
        part = tree[named or [tree.attrs["shows"]]]
        shared = tree.drop_vars(part.data_vars).drop_vars("feature", errors="ignore")
    else:
        part = _node(tree, one.name)
        shared = tree.to_dataset(inherit=False)
    if not one.lags:
        part = part.expand_dims(lag=[1]).assign_coords(lag_to=("lag", [1]))
        part = part.transpose("sample", "lag", ...)
    elif one.future:
        first, last = part["ahead"].values, part["ahead_to"].values
        part = part.drop_vars("ahead_to").rename(ahead="lag")
        newest = one.steps + 1 - one.past
        part = part.assign_coords(lag=newest - last, lag_to=("lag", newest - first))
        part = part.isel(lag=slice(None, None, -1))
    return part.merge(shared).assign_attrs(shared.attrs)


def part_of(result: xr.Dataset | xr.DataTree, name: str) -> xr.Dataset:
    """Take what a result says of one input, with what it says of all; a Dataset as it is."""
    if isinstance(result, xr.Dataset):
        return result
    part = _node(result, name)
    return part.assign_attrs({**result.attrs, **part.attrs})


def _node(tree: xr.DataTree, name: str) -> xr.Dataset:
    """Take the node of one input out of a tree, without what it has from the root."""
    node = tree[node_path(name)]
    assert isinstance(node, xr.DataTree), "an input has a node"
    return node.to_dataset(inherit=False)


def tree_of(parts: Mapping[str, xr.Dataset], case: Case, shared: xr.Dataset) -> xr.DataTree:
    """Put results about each input by itself into one tree, each on its own axis."""
    assert case.layout is not None, "several inputs are laid into one"
    nodes = {}
    for one in case.layout.inputs:
        if one.name in parts:
            part = on_own_axis(parts[one.name], one)
            nodes[node_path(one.name)] = part.assign_attrs({**part.attrs, "input": one.name})
    return xr.DataTree.from_dict({"/": shared, **nodes})


def player_titles(layout: Layout) -> list[str]:
    """Name each row of several inputs, the last first."""
    names = []
    for row in range(layout.rows - 1, -1, -1):
        one = layout.inputs[layout.owner[row]]
        step = one.rows.index(row)
        names.append(one.title(step, step))
    return names


def by_player(result: xr.Dataset, titles: Sequence[str]) -> xr.Dataset:
    """Give what stands by lag by player, players of different inputs side by side."""
    result = result.drop_vars(["lag", "lag_to", "with_lag", "player"], errors="ignore")
    renamed = {
        "lag": "player",
        "with_lag": "with_player",
        "closest_lags": "closest_players",
        "farthest_lags": "farthest_players",
    }
    result = result.rename({a: b for a, b in renamed.items() if a in result.dims or a in result})
    coords = {name: list(titles) for name in ("player", "with_player") if name in result.dims}
    return result.assign_coords(coords)
