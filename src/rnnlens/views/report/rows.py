"""The rows of the page's tables, as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnlens.views.tables import summary
from rnnlens.views.tables.lag_rows import evidence_rows
from rnnlens.views.tables.lags import evidence_cells
from rnnlens.views.words.explanation import percent
from rnnlens.views.words.forecast import season_name
from rnnlens.views.words.language import many, paragraph, say
from rnnlens.views.words.units import in_brackets, with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Split", "error_table", "evidence_table", "feature_table", "lag_table"]

#: Part of the sum at which a table stops, and rows that are not worth hiding.
ENOUGH, FEW = 0.99, 3
#: Rows that are shown at most before the rest is one click away.
ROWS = 40


class Split(NamedTuple):
    """A table, of which the rows that hold next to nothing are one click away.

    Parameters
    ----------
    headings : list of str
    rows, others : list of list of str
        What is shown at once, and the rest.
    said : str
        What the rest is.
    """

    headings: list[str]
    rows: list[list[str]]
    others: list[list[str]]
    said: str


def lag_table(lags: xr.Dataset) -> Split:
    """Give the share of each lag, its interval and the mean contribution."""
    unit = str(lags.attrs.get("unit") or "")
    table = summary.lag_table(lags)
    kind = _aligned(table["mean_contribution"].to_numpy())
    rows = []
    for row in table.to_dict("records"):
        low, high = row["share_low"], row["share_high"]
        known = math.isfinite(low) and math.isfinite(high)
        mean = row["mean_contribution"]
        rows.append([
            row["label"],
            _share(row["share"]),
            say("{low} to {high}", low=_share(low), high=_share(high))
            if known
            else say("not computed"),
            with_unit(f"{mean:+,{kind}}", unit) if math.isfinite(mean) else say("missing"),
        ])
    headings = [say("lag"), say("share"), say("interval"), say("mean contribution")]
    return _split(headings, rows, table["share"].to_numpy(float))


def evidence_table(evidence: xr.Dataset) -> Split:
    """Give the evidence on each lag, or each input."""
    headings, cells = evidence_cells(evidence)
    headings = [paragraph(heading.split("\n")) for heading in headings]
    shares = evidence_rows(evidence)["share"].to_numpy(float)
    return _split(headings, cells, shares)


def feature_table(explanation: xr.Dataset) -> Split | None:
    """Give the share of each feature in what moved the forecasts, the largest first.

    ``share_f = mean |sum over lags of contribution_f| / sum over features of the same``.
    """
    contribution = explanation["contribution"]
    if "feature" not in contribution.dims:
        return None
    summed = contribution.sum("lag") if "lag" in contribution.dims else contribution
    size = np.abs(summed.transpose("sample", "feature").values).mean(axis=0)
    share = size / size.sum() if size.sum() > 0 else np.full(len(size), np.nan)
    order = np.argsort(-share, kind="stable")
    mean = summed.mean("sample").values
    unit = str(explanation.attrs.get("unit") or "")
    names = [str(name) for name in explanation["feature"].values]
    of_size, of_mean = _aligned(size), _aligned(mean)
    rows = [
        [
            names[k],
            _share(float(share[k])),
            with_unit(f"{size[k]:,{of_size}}", unit),
            with_unit(f"{mean[k]:+,{of_mean}}", unit),
        ]
        for k in order
    ]
    headings = [say("input"), say("share"), say("mean size"), say("mean contribution")]
    return _split(headings, rows, share[order])


def error_table(check: xr.Dataset | None) -> Split | None:
    """Give the errors of the forecast and of what is known without it."""
    if check is None or not int(check.attrs["judged"]):
        return None
    unit = in_brackets(check.attrs.get("unit"))
    names = {
        "forecast": say("this forecast"),
        "persistence": say("nothing will change (persistence)"),
        "season": season_name(check.attrs["season_of"]),
        "mean": say("always the mean (climatology)"),
        "linear": say("a straight line through the same windows"),
    }
    rows = []
    for name in map(str, check["reference"].values):
        one = check.sel(reference=name)
        if np.isfinite(float(one["error"])):
            errors = [f"{float(one[kind]):,.3g}" for kind in ("error", "rmse")]
            rows.append([names[name], *errors, _beaten(name, float(one["better"]))])
    headings = [say("what is said"), say("mean absolute error{unit}", unit=unit),
                say("root mean square error{unit}", unit=unit), say("the forecast is")]  # fmt: skip
    return Split(headings, rows, [], "")


def _beaten(name: str, better: float) -> str:
    """Say whether the forecast is better than a reference, beyond noise."""
    if name == "forecast" or not np.isfinite(better):
        return ""
    if abs(better) < NOISE:
        return say("not told apart")
    return say("better") if better > 0 else say("worse")


#: Standard errors beyond which one error is larger than another, as the verdict has it.
NOISE = 2.5


def _split(headings: list[str], rows: list[list[str]], shares: np.ndarray) -> Split:
    """Show the rows up to nearly all of the sum, in their order; hide the rest behind a click."""
    total = np.nancumsum(shares)
    if not len(shares) or not np.isfinite(shares).all() or not total[-1] > 0:
        return _halved(headings, rows, min(len(rows), ROWS), "")
    # a sum that makes it exactly may fall short of it by rounding
    shown = int(np.argmax(total / total[-1] >= ENOUGH - 1e-12)) + 1
    if len(rows) - shown < FEW:
        shown = len(rows)
    shown = min(shown, ROWS)
    rest = percent(float(1 - total[shown - 1] / total[-1]))
    return _halved(headings, rows, shown, rest)


def _halved(headings: list[str], rows: list[list[str]], shown: int, rest: str) -> Split:
    count = len(rows) - shown
    if not count:
        return Split(headings, rows, [], "")
    said = (
        many(
            count,
            "{count} more row, with {rest} of the sum",
            "{count:,} more rows, with {rest} of the sum",
            rest=rest,
        )
        if rest
        else many(count, "{count} more row", "{count:,} more rows")
    )
    return Split(headings, rows[:shown], rows[shown:], said)


def _aligned(values: np.ndarray) -> str:
    """Give the form of a column: three digits of its largest, as many decimals for all."""
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    decimals = max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 0
    return f".{decimals}f" if decimals < 7 else ".2e"


def _share(share: float) -> str:
    if not math.isfinite(share):
        return say("missing")
    return percent(share) if 0 < share < 0.00005 else f"{100 * share:.2f} %"
