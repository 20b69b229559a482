"""Two networks' weights side by side, for the terminal and as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnnlens.views.tables.inside.gate_names import gate_name
from rnnlens.views.tables.plain import Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.words.inside.weights import comparison_sentences, layer_nodes
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group
    from rich.table import Table

__all__ = ["comparison_rows", "comparison_summary", "comparison_view"]

#: Of each gate in both networks: the number, and its heading in the table.
KERNELS = {
    "input_frobenius": marked("W Frobenius"),
    "recurrent_frobenius": marked("U Frobenius"),
    "spectral_radius": marked("U radius"),
    "bias_mean": marked("mean bias"),
}
#: And over data, where there are some.
SHARES = {"gate_mean": marked("mean value"), "saturated": marked("saturated")}
#: Of each gate, once units are matched.
DIFFERENCES = ("input_difference", "recurrent_difference", "bias_difference")
#: Of each unit.
UNITS = ("partner", "sign", "distance", "distance_as_they_stand", "state_correlation")


@with_origin
def comparison_view(tree: xr.DataTree) -> Group:
    """Show each layer's gates in both networks, and what they say."""
    from rich.console import Group

    names = {"first": tree.attrs["first"], "second": tree.attrs["second"]}
    parts: list[object] = [say("First: {first}; second: {second}", **names), ""]
    for node in layer_nodes(tree):
        heading = say("Weights of {layer}, first > second", layer=node.attrs["layer"])
        parts += [heading, _table(node, KERNELS), ""]
        if "saturated" in node:
            parts += [_table(node, SHARES), ""]
    return Group(*parts, *comparison_sentences(tree))  # type: ignore[arg-type]


def comparison_rows(node: xr.Dataset) -> list[Row]:
    """Give a row a gate: each number in both networks, and the differences once matched."""
    rows = []
    for gate in node["gate"].values:
        one = node.sel(gate=gate)
        row: Row = {"layer": str(node.attrs["layer"]), "gate": str(gate)}
        row |= {
            name: [float(value) for value in one[name].values]
            for name in (*KERNELS, *SHARES)
            if name in node
        }
        row |= {name: float(one[name]) for name in DIFFERENCES if name in node}
        rows.append(row)
    return rows


def _table(node: xr.Dataset, headings: Mapping[str, str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(say("gate"))
    rows = comparison_rows(node)
    for text in headings.values():
        table.add_column(phrase(text), justify="right")
    apart = headings is KERNELS and "recurrent_difference" in rows[0]
    if apart:
        table.add_column(say("U apart"), justify="right")
    for row in rows:
        cells = [" > ".join(f"{value:.3g}" for value in row[name]) for name in headings]
        if apart:
            cells.append(f"{100 * row['recurrent_difference']:.3g} %")
        table.add_row(gate_name(row["gate"]), *cells)
    return table


def comparison_summary(tree: xr.DataTree) -> Row:
    """Give a result of ``compare_weights`` as a plain dict, ready for JSON."""
    attrs = plain_attributes(tree.attrs)
    nodes = layer_nodes(tree)
    rows = [row for node in nodes for row in comparison_rows(node)]
    return {
        **attrs,
        "not_given": json.loads(str(tree.attrs.get("not_given") or "{}")),
        "summary": comparison_sentences(tree),
        "gates": [{key: plain(value) for key, value in row.items()} for row in rows],
        "units": [
            {
                "layer": str(node.attrs["layer"]),
                "unit": unit,
                **{name: plain(node[name].values[unit]) for name in UNITS if name in node},
            }
            for node in nodes
            if "partner" in node
            for unit in range(node.sizes["unit"])
        ],
    }
