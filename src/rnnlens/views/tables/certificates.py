"""Certificates as a table: by lag how far forecasts can move, and what moves them furthest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.views.tables.summary import time_text
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.rounding import downward, upward

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

__all__ = ["certificate_sentence", "certificate_summary", "certificate_view"]

VERDICTS = ("structural", "proven", "refuted", "undecided")


def certificate_summary(found: xr.Dataset) -> dict[str, Any]:
    """Give a result of ``certify`` as a plain dict, ready for JSON."""
    attrs = {str(key): _plain(value) for key, value in found.attrs.items()}
    return {**attrs, "lags": _rows(found), "sentence": certificate_sentence(found)}


def certificate_view(found: xr.Dataset) -> Group:
    """Show certificates for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    a = found.attrs
    unit = str(a.get("unit") or "")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("lag", "at most", "attained"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("by", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    if found.sizes["sample"] > 1:
        table.add_column("worst window", no_wrap=True)
    for row in _rows(found):
        values = ", ".join(f"{name} {figure(value)}" for name, value in row["attained_by"].items())
        cells = [str(row["lag"]), upward(row["bound"]), downward(row["attained"]), values]
        cells.append(_verdict(row, found.sizes["sample"]))
        if found.sizes["sample"] > 1:
            cells.append(row["worst_time"])
        table.add_row(*cells)
    target = a.get("target") or "the output"
    heading = f"How far one lag can move the forecast of {target}{f' ({unit})' if unit else ''}"
    ranges = f"Range: {a['range']}; all other inputs as they are.{_deviation(a, unit)}"
    return Group(heading, table, ranges, certificate_sentence(found))


def _deviation(a: dict[Any, Any], unit: str) -> str:
    against = str(a.get("deviation_against") or "")
    if not float(a.get("deviation") or 0):
        return ""
    amount = figure(a["deviation"], unit, digits=2)
    return f" Twice a deviation of {amount} is added, measured and not proven ({against})."


def certificate_sentence(found: xr.Dataset) -> str:
    """Say what certificates show."""
    a = found.attrs
    unit = str(a.get("unit") or "")
    counts = {name: int(found[name].sum()) for name in VERDICTS}
    asked = sum(counts.values())
    many = f"{asked:,} questions" if asked > 1 else "one question"
    said = ", ".join(f"{name} in {count:,}" for name, count in counts.items() if count)
    most = float(found["largest_bound"].max())
    limit = figure(a["tolerance"], unit, digits=3)
    bound = f"{upward(most)} {unit}".strip()
    return (
        f"Of {many} (a window and a lag each) whether the forecast moves by more than {limit}: "
        f"{said}. In none can it move by more than {bound}."
    )


def _rows(found: xr.Dataset) -> list[dict[str, Any]]:
    """Give one dict a lag: the largest bound, and the window and values of the largest change."""
    rows = []
    for place, lag in enumerate(found["lag"].values):
        one = found.isel(lag=place)
        top, worst = int(one["attained"].values.argmax()), int(one["worst"])
        value = one["value"].isel(sample=top)
        names = [str(name) for name in value["feature"].values]
        rows.append({
            "lag": int(lag),
            "bound": float(one["largest_bound"]),
            "attained": float(one["largest_attained"]),
            "attained_by": dict(zip(names, map(float, value.values), strict=True)),
            "attained_in": top,
            "worst": worst,
            "worst_time": time_text(found, worst, of="issued"),
            **{name: int(one[name]) for name in VERDICTS},
        })
    return rows


def _verdict(row: dict[str, Any], windows: int) -> str:
    if windows == 1:
        return next(name for name in VERDICTS if row[name])
    return ", ".join(f"{name} {row[name]}/{windows}" for name in VERDICTS if row[name])


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
