"""Results as a table with a row a contribution, under the names that a library uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from rnnlens.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["contributions_of", "tidy"]

#: What each forecast has once.
OF_A_FORECAST = ("forecast", "baseline_forecast")


def contributions_of(explained: Any) -> dict[str, xr.DataArray]:
    """Give the contributions by input; under no name where there is but one."""
    attrs = getattr(explained, "attrs", {})
    if attrs.get("shows") != "contribution":
        shown = attrs.get("shows", f"an object of the type {type(explained).__name__}")
        raise InputError(
            f"explained must be what rnnlens.explain gives by a method whose contributions sum, "
            f"and is {shown}: use method='secant', or leave method out"
        )
    children = getattr(explained, "children", {})
    if not children:
        return {"": explained["contribution"]}
    return {name: one["contribution"] for name, one in children.items()}


def tidy(
    explained: xr.Dataset | xr.DataTree, *, group: str, time: str, issued: str
) -> pd.DataFrame:
    """Lay an explanation out as rows: whose forecast, for when, issued when, and one contribution.

    The rows of one forecast, and its ``baseline_forecast``, sum to its ``forecast``.
    """
    frames = []
    for name, array in contributions_of(explained).items():
        frame = array.to_dataframe().reset_index()
        if name:
            frame.insert(0, "input", name)
        frames.append(frame)
    rows = pd.concat(frames, ignore_index=True)
    shared = [one for one in ("sample", "target", "horizon") if one in rows]
    whole = explained[OF_A_FORECAST[0]].to_dataframe().reset_index()
    for name in OF_A_FORECAST[1:]:
        whole[name] = explained[name].to_dataframe().reset_index()[name]
    rows = rows.merge(whole[[*shared, *OF_A_FORECAST]], on=shared, how="left")
    rows = rows.rename(columns={"group": group, "time": time, "issued": issued})
    lags = [one for one in ("lag", "lag_to", "ahead") if one in rows]
    rows[lags] = rows[lags].astype("Int64")  # a static input has none
    if time not in rows:
        issued = "sample"  # nothing says when: samples are numbered
    first = [one for one in (group, time, issued, "target", "horizon", "input") if one in rows]
    middle = [one for one in ("feature", *lags) if one in rows]
    order: Any = rows.sort_values("sample", kind="stable")[
        [*first, *middle, "contribution", *OF_A_FORECAST]
    ]
    return order.reset_index(drop=True)
