"""Certificates as a table: by lag how far forecasts can move, and what moves them furthest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Attributes, Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.tables.summary import time_text
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.forecast import matters_sentence, with_caution
from rnnlens.views.words.language import many, marked, paragraph, phrase, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.rounding import rounded_down, rounded_up
from rnnlens.views.words.units import in_brackets, with_unit
from rnnlens.views.words.verdicts import verdict_text

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

__all__ = ["certificate_sentence", "certificate_summary", "certificate_view"]

#: Verdicts, by the variables that count them.
VERDICTS = ("structural", "proven", "refuted", "undecided", "not_asked")
#: Why a search ended before all was decided, as it is said.
ENDED = {
    "time": marked("the time that it was given was over"),
    "interrupted": marked("it was interrupted"),
}


def certificate_summary(certified: xr.Dataset) -> Row:
    """Give a result of ``certify`` as a plain dict, ready for JSON."""
    attrs = plain_attributes(certified.attrs)
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
    heads = {"lag": say("lag"), "ahead": say("ahead"), "whole": say("whole")}
    for heading in (heads[along], say("at most"), say("attained")):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(say("by"), overflow="fold")
    table.add_column(say("verdict"), no_wrap=True)
    if certified.sizes["sample"] > 1:
        table.add_column(say("worst window"), no_wrap=True)
    for row in _rows(certified):
        moved = row["attained_by"].items()
        values = say(", ").join(f"{name} {figure(value)}" for name, value in moved)
        bound = rounded_up(row["bound"]) if row["bound"] is not None else say("not known")
        cells = [_place(row), bound, rounded_down(row["attained"]), values]
        cells.append(_verdict(row, certified.sizes["sample"]))
        if certified.sizes["sample"] > 1:
            cells.append(row["worst_time"])
        table.add_row(*cells)
    ranges = say("Range: {range}; all other inputs as they are.", range=attribute_text(a, "range"))
    good = matters_sentence(a)
    first = [good, ""] if good else []
    said = [_heading(a, along), table, paragraph([ranges, _deviation(a, unit)])]
    return Group(*first, *said, certificate_sentence(certified))


def _heading(a: Attributes, along: str) -> str:
    of = {"target": a.get("target") or say("the output"), "unit": in_brackets(a.get("unit"))}
    if along == "lag":
        return say("How far one lag can move the forecast of {target}{unit}", **of)
    if along == "ahead":
        return say("How far one step ahead can move the forecast of {target}{unit}", **of)
    mover = a.get("input", "it")
    return say("How far {input} can move the forecast of {target}{unit}", input=mover, **of)


def _deviation(a: Attributes, unit: str) -> str:
    if not float(a.get("deviation") or 0):
        return ""
    return say(
        "Twice a deviation of {amount} is added, measured and not proven ({against}).",
        amount=figure(a["deviation"], unit, digits=2),
        against=attribute_text(a, "deviation_against"),
    )


def certificate_sentence(certified: xr.Dataset) -> str:
    """Say what certificates show."""
    a = certified.attrs
    unit = str(a.get("unit") or "")
    counts = {name: int(certified[name].sum()) for name in VERDICTS if name in certified}
    values = {
        "questions": _questions(sum(counts.values())),
        "limit": figure(a["tolerance"], unit, digits=3),
        "verdicts": say(", ").join(
            say("{verdict} in {count:,}", verdict=verdict_text(name), count=count)
            for name, count in counts.items()
            if count
        ),
    }
    asked = {
        "lag": say(
            "Of {questions} (a window and a lag each) whether the forecast moves by more than "
            "{limit}: {verdicts}.",
            **values,
        ),
        "ahead": say(
            "Of {questions} (a window and a step ahead each) whether the forecast moves by more "
            "than {limit}: {verdicts}.",
            **values,
        ),
        "whole": say(
            "Of {questions} (a window each) whether the forecast moves by more than {limit}: "
            "{verdicts}.",
            **values,
        ),
    }
    rest = [_most(certified, unit), *_ended(a, counts.get("not_asked", 0))]
    return with_caution(paragraph([asked[_along(certified)], *rest]), a)


def _questions(asked: int) -> str:
    # none at all is said as one is
    return many(max(asked, 1), "one question", "{count:,} questions")


def _most(certified: xr.Dataset, unit: str) -> str:
    """Say what no forecast moves by more than, of those that were bounded."""
    bounds = certified["bound"].values
    finite = bounds[np.isfinite(bounds)]
    if not finite.size:
        return ""
    bound = with_unit(rounded_up(float(finite.max())), unit)
    if finite.size == bounds.size:
        return say("In none can it move by more than {bound}.", bound=bound)
    return say(
        "In none of the {count:,} bounded can it move by more than {bound}.",
        count=finite.size,
        bound=bound,
    )


def _ended(a: Attributes, unasked: int) -> list[str]:
    """Say why a search ended before all was decided, and how much was left."""
    if not a.get("ended"):
        return []
    why = phrase(ENDED[a["ended"]])
    if not unasked:
        return [say("The search ended before all was decided: {why}.", why=why)]
    return [
        say(
            "The search ended before all was decided: {why}; {unasked:,} were not asked.",
            why=why,
            unasked=unasked,
        )
    ]


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
    return str(row["lag"]) if "lag" in row else say("all")


def _verdict(row: Row, windows: int) -> str:
    if windows == 1:
        return next(verdict_text(name) for name in VERDICTS if row[name])
    return say(", ").join(
        f"{verdict_text(name)} {row[name]}/{windows}" for name in VERDICTS if row[name]
    )
