"""What was read off a network's states, for the terminal and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.words.inside.probe import (
    best_control,
    control_text,
    held_beyond,
    probe_sentences,
    state_nodes,
    state_text,
    used,
)
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group
    from rich.table import Table

__all__ = ["probe_rows", "probe_summary", "probe_view", "unit_rows"]


@with_origin
def probe_view(tree: xr.DataTree) -> Group:
    """Show every state beside its controls, and say what that means."""
    from rich.console import Group

    title = say(
        "What the cells hold of the concept, over {samples:,} windows",
        samples=tree.attrs["samples"],
    )
    parts: list[object] = [title, _table(tree), ""]
    return Group(*parts, *probe_sentences(tree))  # type: ignore[arg-type]


def probe_rows(tree: xr.DataTree) -> list[Row]:
    """Give a row a state: its selectivity, its R2 and those of its controls, and what it moves."""
    rows = []
    for node in state_nodes(tree):
        kind, beside = best_control(node)
        numbers = ("r2", "selectivity", "selectivity_low", "selectivity_high", "p_value")
        moves = ("erased_change", "erased_p_value", "patched_change", "per_concept")
        pushed = node["pushed_change"].values
        rows.append({
            "layer": str(node.attrs["layer"]),
            "state": str(node.attrs["state"]),
            **{name: float(node[name]) for name in (*numbers, *moves)},
            "pushed_change": float(np.median(pushed)) if len(pushed) else float("nan"),
            "best_control": kind,
            "best_control_r2": beside,
            "held_beyond_controls": held_beyond(node),
            "used": used(node),
            "controls": {
                str(name): float(value)
                for name, value in zip(
                    node["control"].values, node["control_r2"].values, strict=True
                )
            },
        })
    return rows


def unit_rows(tree: xr.DataTree) -> list[Row]:
    """Give a row a unit of every layer that has a gate over its state."""
    names = ("inflow", "loss_rate", "residence_time", "residence_hours")
    return [
        {
            "layer": str(node.attrs["layer"]),
            "unit": unit,
            **{name: float(node[name].values[unit]) for name in names if name in node},
        }
        for node in (one.to_dataset() for one in tree.subtree if "residence_time" in one)
        for unit in range(node.sizes["unit"])
    ]


def _table(tree: xr.DataTree) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(say("state"))
    for heading in (say("selectivity"), say("95 % interval"), "R2"):
        table.add_column(heading, justify="right")
    table.add_column(say("best control"))
    for heading in (say("its R2"), say("held"), say("random")):
        table.add_column(heading, justify="right")
    table.add_column(say("used"))
    words = {True: say("yes"), False: say("no"), None: say("not shown")}
    for node, row in zip(state_nodes(tree), probe_rows(tree), strict=True):
        table.add_row(
            state_text(node),
            f"{row['selectivity']:+.2f}",
            say(
                "{low} to {high}",
                low=f"{row['selectivity_low']:+.2f}",
                high=f"{row['selectivity_high']:+.2f}",
            ),
            f"{row['r2']:.2f}",
            control_text(str(row["best_control"])),
            f"{row['best_control_r2']:.2f}",
            f"{row['erased_change']:.3g}",
            "" if np.isnan(row["pushed_change"]) else f"{row['pushed_change']:.3g}",
            words[row["used"]],
        )
    return table


def probe_summary(tree: xr.DataTree) -> Row:
    """Give a result of ``probe`` as a plain dict, ready for JSON."""
    attrs = plain_attributes(tree.attrs)
    return {
        **attrs,
        "summary": probe_sentences(tree),
        "states": [{key: plain(value) for key, value in row.items()} for row in probe_rows(tree)],
        "units": [{key: plain(value) for key, value in row.items()} for row in unit_rows(tree)],
    }
