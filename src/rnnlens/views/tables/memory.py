"""How long a network remembers, for the terminal and as plain data."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.words.durations import steps_in_words
from rnnlens.views.words.inside.memory import measure_name, memory_sentences
from rnnlens.views.words.language import in_clauses, say

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group
    from rich.table import Table

__all__ = ["layer_rows", "measure_rows", "memory_summary", "memory_view"]


@with_origin
def memory_view(tree: xr.DataTree) -> Group:
    """Show every measure on one axis of lags, the layers, and what they say."""
    from rich.console import Group

    title = say("How long the network remembers for {target}", target=tree.attrs["target"])
    parts: list[object] = [title, _measures(tree), "", *_layers(tree)]
    return Group(*parts, *memory_sentences(tree))  # type: ignore[arg-type]


def measure_rows(tree: xr.DataTree) -> list[Row]:
    """Give a row a measure: lags in steps, None where it has none or nothing fades."""
    rows = []
    for name in tree.dataset["measure"].values:
        one = tree.dataset.sel(measure=name)
        lags = {key: float(one[key]) for key in ("within_half", "within_most", "low", "high")}
        if not math.isnan(lags["within_most"]):
            rows.append({"measure": str(name), "name": measure_name(str(name)), **lags})
    return rows


def layer_rows(tree: xr.DataTree) -> list[Row]:
    """Give a row a unit of every layer."""
    return [
        {
            "layer": str(node.attrs["layer"]),
            "unit": unit,
            "half_life": float(node.dataset["half_life"].values[unit]),
            "influence": float(node.dataset["influence"].values[unit]),
            "read": bool(node.dataset["read"].values[unit]),
        }
        for node in tree.subtree
        if "half_life" in node
        for unit in range(node.dataset.sizes["unit"])
    ]


def _measures(tree: xr.DataTree) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    step = str(tree.attrs.get("step", ""))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(say("measure"))
    for heading in (say("half within"), say("95 % within"), say("interval")):
        table.add_column(heading, justify="right")
    for row in measure_rows(tree):
        known = math.isfinite(row["high"])
        table.add_row(
            str(row["name"]),
            "" if math.isnan(row["within_half"]) else _cell(row["within_half"], step),
            _cell(row["within_most"], step),
            say("{low} to {high}", low=f"{row['low']:.3g}", high=f"{row['high']:.3g}")
            if known
            else "",
        )
    return table


def _cell(steps: float, step: str) -> str:
    return steps_in_words(steps, step) if math.isfinite(steps) else say("beyond")


def _layers(tree: xr.DataTree) -> list[object]:
    """Show each layer's half-lives and exponents in a line or two."""
    lines: list[object] = []
    for node in tree.subtree:
        if "half_life" not in node:
            continue
        half = node.dataset["half_life"].values
        texts = []
        if not np.isnan(half).all():
            low, middle, high = (float(np.quantile(half, q)) for q in (0, 0.5, 1))
            texts.append(
                say(
                    "half-lives {low:.3g} / {middle:.3g} / {high:.3g} steps",
                    low=low,
                    middle=middle,
                    high=high,
                )
            )
        if "lyapunov" in node:
            first = ", ".join(f"{float(v):.3g}" for v in node.dataset["lyapunov"].values[:3])
            texts.append(say("exponents {first}, ...", first=first))
        read = int(node.dataset["read"].sum())
        texts.append(say("{read} of {units} units read", read=read, units=len(half)))
        lines.append(say("{name}: {fact}", name=node.attrs["layer"], fact=in_clauses(texts)))
    return [*lines, ""] if lines else []


def memory_summary(tree: xr.DataTree) -> Row:
    """Give a result of ``memory`` as a plain dict, ready for JSON."""
    attrs = plain_attributes(tree.attrs)
    curves = ("cut_change", "replaced_change", "bound", "truncation_error")
    return {
        **attrs,
        "not_given": json.loads(str(tree.attrs.get("not_given") or "{}")),
        "summary": memory_sentences(tree),
        "measures": [
            {key: plain(value) for key, value in row.items()} for row in measure_rows(tree)
        ],
        "kept": plain(tree.dataset["kept"].values) if "kept" in tree.dataset.coords else [],
        **{name: plain(tree.dataset[name].values) for name in curves if name in tree.dataset},
        "cumulative_share": plain(tree.dataset["cumulative_share"].values)
        if "cumulative_share" in tree.dataset
        else None,
        "units": [{key: plain(value) for key, value in row.items()} for row in layer_rows(tree)],
        "lyapunov": {
            str(node.attrs["layer"]): plain(node.dataset["lyapunov"].values)
            for node in tree.subtree
            if "lyapunov" in node
        },
    }
