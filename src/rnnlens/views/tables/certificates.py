"""Certificates as a table: by lag how far forecasts can move, and what moves them furthest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Attributes, Row, plain
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.tables.summary import time_text
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.forecast import matters_sentence, with_caution
from rnnlens.views.words.language import marked, phrase
from rnnlens.views.words.rounding import rounded_down, rounded_up
from rnnlens.views.words.units import in_brackets, with_unit

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

__all__ = ["certificate_sentence", "certificate_summary", "certificate_view"]

#: Verdicts as they are said, by the variable that counts them.
VERDICTS = {
    "structural": "structural",
    "proven": "proven",
    "refuted": "refuted",
    "undecided": "undecided",
    "not_asked": "not asked",
}
#: Why a search ended before all was decided, as it is said.
ENDED = {
    "time": marked("the time that it was given was over"),
    "interrupted": marked("it was interrupted"),
}


def certificate_summary(certified: xr.Dataset) -> Row:
    """Give a result of ``certify`` as a plain dict, ready for JSON."""
    attrs = {str(key): plain(value) for key, value in certified.attrs.items()}
    key = {"lag": "lags"}.get(_along(certified), _along(certified))
    return {**attrs, key: _rows(certified), "sentence": certificate_sentence(certified)}


@with_origin
def certificate_view(certified: xr.Dataset) -> Group:
    """Show certificates for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    a = certified.attrs
    unit = str(a.get("unit") or "")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    along = _along(certified)
    for heading in (along, "at most", "attained"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("by", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    if certified.sizes["sample"] > 1:
        table.add_column("worst window", no_wrap=True)
    for row in _rows(certified):
        values = ", ".join(f"{name} {figure(value)}" for name, value in row["attained_by"].items())
        bound = rounded_up(row["bound"]) if row["bound"] is not None else "not known"
        cells = [_place(row), bound, rounded_down(row["attained"]), values]
        cells.append(_verdict(row, certified.sizes["sample"]))
        if certified.sizes["sample"] > 1:
            cells.append(row["worst_time"])
        table.add_row(*cells)
    target = a.get("target") or "the output"
    mover = {"lag": "one lag", "ahead": "one step ahead"}.get(along, str(a.get("input", "it")))
    heading = f"How far {mover} can move the forecast of {target}{in_brackets(unit)}"
    ranges = f"Range: {a['range']}; all other inputs as they are.{_deviation(a, unit)}"
    good = matters_sentence(a)
    first = [good, ""] if good else []
    return Group(*first, heading, table, ranges, certificate_sentence(certified))


def _deviation(a: Attributes, unit: str) -> str:
    against = str(a.get("deviation_against") or "")
    if not float(a.get("deviation") or 0):
        return ""
    amount = figure(a["deviation"], unit, digits=2)
    return f" Twice a deviation of {amount} is added, measured and not proven ({against})."


def certificate_sentence(certified: xr.Dataset) -> str:
    """Say what certificates show."""
    a = certified.attrs
    unit = str(a.get("unit") or "")
    known = {name: text for name, text in VERDICTS.items() if name in certified}
    counts = {text: int(certified[name].sum()) for name, text in known.items()}
    asked = sum(counts.values())
    many = f"{asked:,} questions" if asked > 1 else "one question"
    said = ", ".join(f"{name} in {count:,}" for name, count in counts.items() if count)
    limit = figure(a["tolerance"], unit, digits=3)
    each = {"lag": " and a lag", "ahead": " and a step ahead"}.get(_along(certified), "")
    said_of_it = (
        f"Of {many} (a window{each} each) whether the forecast moves by more than {limit}: {said}."
        f"{_most(certified, unit)}{_ended(a, counts.get('not asked', 0))}"
    )
    return with_caution(said_of_it, a)


def _most(certified: xr.Dataset, unit: str) -> str:
    """Say what no forecast moves by more than, of those that were bounded."""
    bounds = certified["bound"].values
    finite = bounds[np.isfinite(bounds)]
    if not finite.size:
        return ""
    bound = with_unit(rounded_up(float(finite.max())), unit)
    which = "none" if finite.size == bounds.size else f"none of the {finite.size:,} bounded"
    return f" In {which} can it move by more than {bound}."


def _ended(a: Attributes, unasked: int) -> str:
    """Say why a search ended before all was decided, and how much was left."""
    if not a.get("ended"):
        return ""
    rest = f"; {unasked:,} were not asked" if unasked else ""
    return f" The search ended before all was decided: {phrase(ENDED[a['ended']])}{rest}."


def _rows(certified: xr.Dataset) -> list[Row]:
    """Give one dict a lag: the largest bound, and the window and values of the largest change."""
    rows, along = [], _along(certified)
    whole = certified if along in certified.dims else certified.expand_dims({along: [1]})
    for place, step in enumerate(whole[along].values):
        one = whole.isel({along: place})
        top, worst = int(one["attained"].values.argmax()), int(one["worst"])
        value = one["value"].isel(sample=top)
        names = [str(name) for name in value["feature"].values]
        rows.append({
            along: int(step),
            "bound": plain(float(one["largest_bound"])),
            "attained": float(one["largest_attained"]),
            "attained_by": dict(zip(names, map(float, value.values), strict=True)),
            "attained_in": top,
            "worst": worst,
            "worst_time": time_text(certified, worst, of="issued"),
            **{name: int(one[name]) if name in one else 0 for name in VERDICTS},
        })
    return rows


def _along(certified: xr.Dataset) -> str:
    """Name what certificates are made of: lags, steps ahead, or the input as a whole."""
    return next((name for name in ("lag", "ahead") if name in certified.dims), "whole")


def _place(row: Row) -> str:
    """Name the lag, or what stands for it, of a row."""
    if "ahead" in row:
        return f"t{row['ahead']:+d}"
    return str(row["lag"]) if "lag" in row else "all"


def _verdict(row: Row, windows: int) -> str:
    if windows == 1:
        return next(text for name, text in VERDICTS.items() if row[name])
    return ", ".join(
        f"{text} {row[name]}/{windows}" for name, text in VERDICTS.items() if row[name]
    )
