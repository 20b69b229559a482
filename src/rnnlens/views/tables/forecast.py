"""The check of a forecast, for the terminal and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.words.explanation import percent
from rnnlens.views.words.forecast import (
    caution_sentence,
    forecast_line,
    misplaced_text,
    remedies_of,
    season_name,
    verdict_sentence,
)
from rnnlens.views.words.language import marked, phrase, say
from rnnlens.views.words.units import in_brackets

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group
    from rich.table import Table

__all__ = ["check_summary", "check_view"]

#: What each reference is.
TEXTS = {
    "forecast": marked("the forecast"),
    "persistence": marked("persistence"),
    "mean": marked("mean"),
    "linear": marked("linear fit on the same windows"),
}


@with_origin
def check_view(page: xr.Dataset) -> Group:
    """Show how good the forecast is, where its inputs lie, and what fits better."""
    from rich.console import Group

    a = page.attrs
    parts: list[object] = [
        say("Is it a forecast of {target}?", target=a["target"]),
        forecast_line(page),
        "",
    ]
    if int(a["judged"]):
        parts += [_errors(page), ""]
    if page.sizes.get("feature", 0):
        parts += [say("Inputs, in network units"), _inputs(page), ""]
    shares = zip(page["layer"].values, page["saturated"].values, strict=True) if (
        page.sizes.get("layer", 0)
    ) else ()  # fmt: skip
    parts += [say("Gates of {name} that are saturated: {share}.", name=name,
                  share=percent(float(share))) for name, share in shares]  # fmt: skip
    wrong = misplaced_text(page)
    parts += [say("Of the inputs, {wrong}.", wrong=wrong)] if wrong else []
    caution = caution_sentence(page)
    parts += [say("{caution}.", caution=caution) if caution else verdict_sentence(page)]
    return Group(*(f"{part}" if isinstance(part, str) else part for part in parts))  # type: ignore


def _errors(page: xr.Dataset) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    unit = in_brackets(page.attrs.get("unit"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("")
    for heading in (say("MAE{unit}", unit=unit), "RMSE", say("forecast better by")):
        table.add_column(heading, justify="right")
    for name in page["reference"].values:
        row = page.sel(reference=name)
        if not np.isfinite(float(row["error"])):
            continue
        season = season_name(page.attrs["season_of"])
        better = float(row["better"])
        table.add_row(
            phrase(TEXTS[str(name)]) if str(name) in TEXTS else season,
            f"{float(row['error']):.3g}",
            f"{float(row['rmse']):.3g}",
            say("{better:+.1f} se", better=better) if np.isfinite(better) else "",
        )
    return table


def _inputs(page: xr.Dataset) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(say("feature"))
    for heading in (say("mean"), say("sd"), say("lowest"), say("highest"), say("beyond 5")):
        table.add_column(heading, justify="right")
    names = [f"input_{part}" for part in ("mean", "spread", "low", "high")]
    for k, feature in enumerate(page["feature"].values):
        numbers = [f"{float(page[name].values[k]):.3g}" for name in names]
        beyond = percent(float(page["input_beyond"].values[k]))
        table.add_row(str(feature), *numbers, beyond)
    return table


def check_summary(page: xr.Dataset) -> Row:
    """Give a result of ``check`` as a plain dict, ready for JSON."""
    references = [str(name) for name in page["reference"].values]
    attrs = plain_attributes(page.attrs)
    return {
        **attrs,
        "remedies": remedies_of(page.attrs),
        **{
            name: dict(zip(references, plain(page[name].values), strict=True))  # type: ignore
            for name in ("error", "rmse", "better")
        },
        "inputs": [
            {
                "feature": str(name),
                **{
                    part: plain(page[f"input_{part}"].values[k])
                    for part in ("mean", "spread", "low", "high", "beyond")
                },
            }
            for k, name in enumerate(page["feature"].values)
        ]
        if "feature" in page.coords
        else [],
        "saturated": dict(
            zip(map(str, page["layer"].values), plain(page["saturated"].values), strict=True)  # type: ignore
        )
        if "layer" in page.coords
        else {},
        "forecast_check": forecast_line(page),
        "caution": caution_sentence(page),
    }
