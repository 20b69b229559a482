"""The weights of recurrent layers as numbers, for the terminal and as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.inside.gate_names import gate_name
from rnnlens.views.tables.plain import Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.words.inside.weights import layer_nodes, summary_sentences
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group
    from rich.table import Table

__all__ = ["gate_rows", "unit_rows", "weights_summary", "weights_view"]

#: Of each gate: the number, and its heading in the table.
GATES = {
    "input_frobenius": marked("W Frobenius"),
    "input_spectral": marked("W spectral"),
    "recurrent_frobenius": marked("U Frobenius"),
    "recurrent_spectral": marked("U spectral"),
    "spectral_radius": marked("U radius"),
    "bias_low": marked("bias from"),
    "bias_high": marked("to"),
}
#: Of each gate over data: means over units.
SHARES = {
    "gate_mean": marked("mean"),
    "closed": marked("closed"),
    "open": marked("open"),
    "saturated": marked("saturated"),
}
#: Of each unit.
UNITS = ("copy_of", "copy_sign", "hidden_spread", "constant", "moves_with", "correlation",
         "influence", "influence_rank", "dead")  # fmt: skip
#: Units that the table shows.
SHOWN = 10


@with_origin
def weights_view(tree: xr.DataTree) -> Group:
    """Show each layer's gates, its units by influence, and what they say."""
    from rich.console import Group

    parts: list[object] = []
    for node in layer_nodes(tree):
        parts += [say("Weights of {layer}", layer=node.attrs["layer"]), _gates(node, GATES), ""]
        if "influence" in node:
            parts += [_gates(node, SHARES), "", _units(node), ""]
    return Group(*parts, *summary_sentences(tree))  # type: ignore[arg-type]


def gate_rows(node: xr.Dataset) -> list[Row]:
    """Give a row a gate: its numbers, means over units of what it does with data."""
    rows = []
    for gate in node["gate"].values:
        one = node.sel(gate=gate)
        row: Row = {"layer": str(node.attrs["layer"]), "gate": str(gate)}
        row |= {name: float(one[name]) for name in GATES}
        row |= {name: float(one[name].mean()) for name in SHARES if name in node}
        rows.append(row)
    return rows


def unit_rows(node: xr.Dataset) -> list[Row]:
    """Give a row a unit, in the order of their influence where it is known."""
    known = [name for name in UNITS if name in node]
    units = np.arange(node.sizes["unit"])
    if "influence_rank" in node:
        units = np.argsort(node["influence_rank"].values)
    return [
        {
            "layer": str(node.attrs["layer"]),
            "unit": int(unit),
            **{name: node[name].values[unit].item() for name in known},
        }
        for unit in units
    ]


def _gates(node: xr.Dataset, headings: Mapping[str, str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(say("gate"))
    for text in headings.values():
        table.add_column(phrase(text), justify="right")
    for row in gate_rows(node):
        shares = {"closed", "open", "saturated"}
        table.add_row(
            gate_name(row["gate"]), *(_cell(row[name], share=name in shares) for name in headings)
        )
    return table


def _cell(value: float, *, share: bool) -> str:
    if math.isnan(value):
        return ""
    return f"{100 * value:.0f} %" if share else f"{value:.3g}"


def _units(node: xr.Dataset) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    rows = unit_rows(node)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(
        say("unit ({shown} of {units}, by influence)", shown=min(SHOWN, len(rows)), units=len(rows))
    )
    for heading in (say("influence"), say("moves with"), say("correlation"), ""):
        table.add_column(heading, justify="right")
    for row in rows[:SHOWN]:
        with_whom = row["moves_with"]
        table.add_row(
            str(row["unit"]),
            f"{row['influence']:.3g}",
            "" if with_whom < 0 else str(with_whom),
            _cell(row["correlation"], share=False),
            say("dead") if row["dead"] else "",
        )
    return table


def weights_summary(tree: xr.DataTree) -> Row:
    """Give a result of ``summarize_weights`` as a plain dict, ready for JSON."""
    attrs = plain_attributes(tree.attrs)
    nodes = layer_nodes(tree)
    return {
        **attrs,
        "summary": summary_sentences(tree),
        "gates": [_plain(row) for node in nodes for row in gate_rows(node)],
        "units": [_plain(row) for node in nodes for row in unit_rows(node)],
        "singular_values": {
            str(node.attrs["layer"]): {
                name.removesuffix("_singular_value"): {
                    str(gate): plain(node[name].sel(gate=gate).values)
                    for gate in node["gate"].values
                }
                for name in ("input_singular_value", "recurrent_singular_value")
            }
            for node in nodes
        },
    }


def _plain(row: Row) -> Row:
    return {key: plain(value) for key, value in row.items()}
