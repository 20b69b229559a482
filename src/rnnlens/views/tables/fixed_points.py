"""Fixed points as a table: what each forecasts, whether it holds, and how fast it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Row, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.words.durations import time_constant_in_words
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.inside.fixed_points import fixed_points_sentences
from rnnlens.views.words.language import say
from rnnlens.views.words.rounding import rounded_down
from rnnlens.views.words.units import in_brackets

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

__all__ = ["fixed_points_summary", "fixed_points_view"]


def fixed_points_summary(found: xr.Dataset) -> Row:
    """Give a result of ``fixed_points`` as a plain dict, ready for JSON."""
    attrs = plain_attributes(found.attrs)
    slow = [float(speed) for speed in found["speed"].values]
    return {
        **attrs,
        "points": _rows(found),
        "slow_points": [{"speed": speed} for speed in slow],
        "sentences": fixed_points_sentences(found),
    }


def _rows(found: xr.Dataset) -> list[Row]:
    rows: list[Row] = []
    for k in range(found.sizes["point"]):
        one = found.isel(point=k)
        turn = float(one["turn"].values[0])
        row: Row = {
            "point": k,
            "unstable": int(one["unstable"]),
            "index": int(one["index"]),
            "radius": float(one["radius"]),
            "alone_within": float(one["alone_within"]),
            "time_constant": float(one["time_constant"].values[0]),
            "turn": turn if np.isfinite(turn) else None,
            "location": one["location"].values.tolist(),
        }
        if "forecast" in found:
            row["forecast"] = one["forecast"].values.tolist()
        rows.append(row)
    return rows


@with_origin
def fixed_points_view(found: xr.Dataset) -> Group:
    """Show fixed points for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    forecast, step = "forecast" in found, str(found.attrs.get("step", ""))
    unit = str(found.attrs.get("unit") or "")
    target = str(found.attrs.get("target") or say("the output"))
    at_rest = say("{target}{unit} at rest", target=target, unit=in_brackets(unit))
    headings = [
        say("point"),
        *([at_rest] if forecast else []),
        say("unstable directions"),
        say("exact within"),
        say("alone within"),
        say("slowest"),
    ]
    for name in headings:
        table.add_column(name, justify="right")
    for row in _rows(found):
        own = [_forecasts(row["forecast"])] if forecast else []
        unstable = say("not proven") if row["unstable"] < 0 else str(row["unstable"])
        table.add_row(
            str(row["point"]),
            *own,
            unstable,
            f"{row['radius']:.0e}",  # a power of ten, as the proof tried it
            _down(row["alone_within"]),
            time_constant_in_words(row["time_constant"], step),
        )
    rows = [table] if found.sizes["point"] else []
    return Group(*rows, *fixed_points_sentences(found))


def _down(size: float) -> str:
    """Round down; sizes below a hundredth are powers of ten."""
    return f"{size:.0e}" if size < 0.01 else rounded_down(size)


def _forecasts(values: list[float]) -> str:
    low, high = min(values), max(values)
    if len(values) == 1:
        return figure(low)
    return say("{low} to {high}", low=figure(low), high=figure(high))
