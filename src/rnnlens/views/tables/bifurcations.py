"""Points of rest along one input as a table: how many, how many stable, and what they forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Row, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.inside.bifurcations import bifurcation_sentences, bracket
from rnnlens.views.words.language import say
from rnnlens.views.words.units import in_brackets

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

__all__ = ["bifurcations_summary", "bifurcations_view"]


def bifurcations_summary(moved: xr.Dataset) -> Row:
    """Give a result of ``bifurcations`` as a plain dict, ready for JSON."""
    changes: list[Row] = [
        {
            "above": float(one["change_low"]),
            "below": float(one["change_high"]),
            "points": [int(one["points_before"]), int(one["points_after"])],
            "stable": [int(one["stable_before"]), int(one["stable_after"])],
        }
        for one in (moved.isel(change=k) for k in range(moved.sizes["change"]))
    ]
    return {
        **plain_attributes(moved.attrs),
        "values": [_value(moved.isel(value=k)) for k in range(moved.sizes["value"])],
        "changes": changes,
        "sentences": bifurcation_sentences(moved),
    }


def _value(one: xr.Dataset) -> Row:
    """Give the points at one value."""
    points: list[Row] = []
    for branch in np.flatnonzero(one["there"].values):
        point = one.isel(branch=int(branch))
        row: Row = {
            "branch": int(branch),
            "unstable": int(point["unstable"]),
            "radius": float(point["radius"]),
            "location": point["location"].values.tolist(),
        }
        if "forecast" in one:
            row["forecast"] = point["forecast"].values.tolist()
        points.append(row)
    return {"value": float(one["value"]), "proven": bool(one["proven"]), "points": points}


@with_origin
def bifurcations_view(moved: xr.Dataset) -> Group:
    """Show points along one input for the terminal: a row a value, and one a change."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    attrs = moved.attrs
    moving = f"{attrs['feature']}{in_brackets(attrs.get('feature_unit'))}"
    headings = [moving, say("points"), say("stable")]
    if "forecast" in moved:
        headings.append(
            say(
                "{target}{unit} at rest",
                target=attrs["target"],
                unit=in_brackets(attrs.get("unit")),
            )
        )
    for name in headings:
        table.add_column(name, justify="right")
    changes = [moved.isel(change=k) for k in range(moved.sizes["change"])]
    for k, value in enumerate(moved["value"].values):
        while changes and float(changes[0]["change_low"]) < value:
            low, high = bracket(*(float(changes[0][f"change_{end}"]) for end in ("low", "high")))
            ends = say("{low} to {high}", low=low, high=high)
            table.add_row(ends, say("change"), "", *[""] * (len(headings) - 3))
            changes.pop(0)
        one = moved.isel(value=k)
        count = int(one["points"])
        points = str(count) if bool(one["proven"]) else say("{count} at least", count=count)
        row = [f"{value:g}", points, str(int(one["stable"]))]
        if "forecast" in moved:
            row.append(_forecasts(one))
        table.add_row(*row)
    return Group(table, *bifurcation_sentences(moved))


def _forecasts(one: xr.Dataset) -> str:
    """Say what is forecast at the stable points of one value; over a cycle from least to most."""
    texts = []
    for branch in np.flatnonzero(one["unstable"].values == 0):
        values = one["forecast"].values[branch]
        low, high = figure(float(values.min())), figure(float(values.max()))
        texts.append(low if len(values) == 1 else say("{low} to {high}", low=low, high=high))
    return say(", ").join(texts)
