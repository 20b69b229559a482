"""The summary of a whole archive as a table: each lag's share, group by group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.explanation import figure, percent
from rnnlens.views.words.language import say
from rnnlens.views.words.units import in_brackets

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group
    from rich.table import Table

__all__ = ["archive_summary_view", "lags_that_hold"]

#: The share of absolute contributions that nearly all of them are.
NEARLY_ALL = 0.99


def lags_that_hold(summed: xr.Dataset, part: float = NEARLY_ALL) -> list[int]:
    """Give for each group the newest lags that hold a part of the absolute contributions."""
    held = np.cumsum(summed["lag_share"].values, axis=1)
    reached = held >= part - 1e-12
    places = np.where(reached.any(axis=1), reached.argmax(axis=1), held.shape[1] - 1)
    return [int(summed["lag"].values[place]) for place in places]


def archive_summary_view(summed: xr.Dataset) -> Group:
    """Show a summary for the terminal: a row a group, then of each group a row a lag."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    attrs = summed.attrs
    unit_of_all = summed["mean_absolute"].attrs.get("units")
    parts = []
    for group, target, one in _each(summed):
        unit = in_brackets(str(one["unit"].values) if "unit" in one else unit_of_all)
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        slopes = "sensitivity_share" in one
        heads = ["lag", "share", f"mean size{unit}", "5 %", "median", "95 %"]
        for name in [*heads, *([say("derivative's share")] if slopes else [])]:
            table.add_column(name, justify="right")
        quantiles = one["lag_quantile"].sel(quantile=[0.05, 0.5, 0.95]).values
        for place, lag in enumerate(one["lag"].values):
            table.add_row(
                str(int(lag)),
                percent(float(one["lag_share"][place])),
                figure(float(one["lag_mean_absolute"][place])),
                *(figure(float(value)) for value in quantiles[:, place]),
                *([percent(float(one["sensitivity_share"][place]))] if slopes else []),
            )
        reach = lags_that_hold(one.expand_dims("group"))[0]
        title = "" if attrs["grouped_by"] == "all" else f"{attrs['grouped_by']} {group}"
        sentence = _held(attrs.get("kind", ""), reach, target, int(one["windows"]))
        parts += [*([title] if title else []), table, sentence]
    return Group(_spread(summed), *parts)


def _held(kind: str, lags: int, target: str, windows: int) -> str:
    """Say how many lags hold nearly all of what the result shows."""
    held = {"lags": lags, "part": percent(NEARLY_ALL), "target": target, "windows": f"{windows:,}"}
    if kind == "sensitivity":
        return say(
            "The newest {lags} lags hold {part} of the absolute sensitivities of {target}, over "
            "{windows} windows.",
            **held,
        )
    return say(
        "The newest {lags} lags hold {part} of the absolute contributions to {target}, over "
        "{windows} windows.",
        **held,
    )


def _spread(summed: xr.Dataset) -> Table:
    """Show how far back each group's contributions, and derivatives, lie: a row a group."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    several = "unit" in summed
    table.add_column(say("group"))
    if several:
        table.add_column(say("target"))
    names = {"lag_within_half": say("half within"), "lag_within_most": say("95 % within")}
    if "sensitivity" in summed:
        names["sensitivity_within_half"] = say("half of the derivative within")
        names["sensitivity_within_most"] = say("95 % of the derivative within")
    for head in (say("windows"), *names.values()):
        table.add_column(head, justify="right")
    for group, target, one in _each(summed):
        windows = f"{int(one['windows']):,}"
        own = [target] if several else []
        table.add_row(group, *own, windows, *(f"{float(one[name]):.0f}" for name in names))
    return table


def _each(summed: xr.Dataset) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Give what is summed up of each group, target by target, with the names of both."""
    axes = [axis for axis in ("horizon", "target") if axis in summed.dims]
    for k, group in enumerate(summed["group"].values):
        one = summed.isel(group=k)
        for place in np.ndindex(*(one.sizes[axis] for axis in axes)):
            at = one.isel(dict(zip(axes, place, strict=True)))
            target = str(at["target"].values) if "target" in axes else summed.attrs["target"]
            if "horizon" in axes:
                target = say("{target}, horizon {step}", target=target, step=int(at["horizon"]))
            yield str(group), target, at
