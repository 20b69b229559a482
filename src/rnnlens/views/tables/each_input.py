"""What a result says of each of several inputs, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group, RenderableType

    Summary = dict[str, object]

__all__ = ["each_input_summary", "each_input_view"]


def each_input_view(
    result: xr.Dataset | xr.DataTree, view: Callable[[xr.Dataset], RenderableType]
) -> Group:
    """Show a result by its view; of several inputs each apart, under its name."""
    from rich.console import Group

    parts = _parts(result)
    if len(parts) == 1 and not hasattr(result, "children"):
        return Group(view(parts[0]))
    shown: list[RenderableType] = []
    for part in parts:
        shown += [f"Input {part.attrs['input']}", view(part), ""]
    return Group(*shown[:-1])


def each_input_summary(
    result: xr.Dataset | xr.DataTree, summary: Callable[[xr.Dataset], Summary]
) -> Summary:
    """Give the plain data of a result; of several inputs by their names."""
    if not hasattr(result, "children"):
        return summary(_parts(result)[0])
    return {"inputs": {str(part.attrs["input"]): summary(part) for part in _parts(result)}}


def _parts(result: xr.Dataset | xr.DataTree) -> list[xr.Dataset]:
    """Give what a result says of each input, with what it says of all in its attributes."""
    import xarray as xr

    if isinstance(result, xr.Dataset):
        return [result]
    nodes = [node.to_dataset(inherit=False) for node in result.children.values()]
    return [node.assign_attrs({**result.attrs, **node.attrs}) for node in nodes]
