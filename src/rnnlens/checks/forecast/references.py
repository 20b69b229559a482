"""What is known without the network: persistence, the mean, the season before, a linear fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.checks.forecast.linear import WINDOWS, crossed, design, fitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.checks.forecast.data import ForecastData, Places, Series

    Array = NDArray[np.float64]

__all__ = ["FIT", "REFERENCES", "References", "persistence", "references"]

#: The forecast and its references, in the order of a result.
REFERENCES = ("forecast", "persistence", "mean", "season", "linear")
#: Part of the windows for which a season before must be known.
SEASON_KNOWN = 0.5
#: Windows for a linear fit, at least, and for each column of it.
FIT, FIT_A_COLUMN = 40, 1.5


@dataclass(frozen=True, eq=False)
class References:
    """Reference forecasts of the same windows, NaN where there is none.

    Parameters
    ----------
    persistence, mean, linear : array (sample,)
        In original units.
    season : array (sample,) or None
        Likewise; None where no season before is known.
    season_of : {"day", "week", "year", ""}
        What lies between the forecast and the value of the season before; empty for none.
    """

    persistence: Array
    mean: Array
    season: Array | None
    linear: Array
    season_of: str


def references(
    data: ForecastData,
    chosen: NDArray[np.int64],
    history: Series | None,
    background: ForecastData | None,
) -> References:
    """Make the references of the chosen windows, from a background where there is one.

    The windows are in the order of time. Without a background the mean is that of all that
    happened, and the linear fit of each half of the time is made on the other half.
    """
    some = data.select(chosen)
    known = np.flatnonzero(np.isfinite(data.actual))
    source, rows, late = data, known, chosen >= known[len(known) // 2]
    if background is not None and np.isfinite(background.actual).sum() >= FIT:
        source, rows, late = background, np.flatnonzero(np.isfinite(background.actual)), None
    season, season_of = _season(some.places, history)
    return References(
        persistence=persistence(some, history),
        mean=np.full(len(some), source.actual[rows].mean()),
        season=season,
        linear=_linear(some, source, rows, late),
        season_of=season_of,
    )


def _linear(
    some: ForecastData,
    source: ForecastData,
    rows: NDArray[np.int64],
    late: NDArray[np.bool_] | None,
) -> Array:
    """Forecast by a linear fit on some windows of a source, its rows.

    Where it is said which windows are late, by a fit on the other half of the time: late (sample,).
    """
    nothing = np.full(len(some), np.nan)
    if some.original is None or source.original is None:
        return nothing
    if len(rows) > 2 * WINDOWS:
        rows = rows[np.linspace(0, len(rows) - 1, 2 * WINDOWS).astype(int)]
    # whole windows are much more than the newest steps of them
    columns, others = design(source.original, some.own, rows), design(some.original, some.own)
    halves = 1 if late is None else 2
    if len(columns) < halves * max(FIT, FIT_A_COLUMN * columns.shape[1]):
        return nothing
    if late is None:
        return fitted(columns, source.actual[rows], others)
    return crossed(columns, source.actual[rows], others, late)


def persistence(data: ForecastData, history: Series | None) -> Array:
    """Give the target's value at the newest step, or the last that is known then: (sample,)."""
    if data.own is not None and data.original is not None:
        return data.original[:, -1, data.own].astype(float)
    if history is None or data.places is None or not len(history.places):
        return np.full(len(data), np.nan)
    row = np.searchsorted(history.places, data.places.issued, side="right") - 1
    found = history.values[np.maximum(row, 0)].astype(float)
    late = data.places.issued - history.places[np.maximum(row, 0)] > max(1, data.lead)
    found[(row < 0) | late] = np.nan
    return found


def _season(places: Places | None, history: Series | None) -> tuple[Array | None, str]:
    """Give the value one season before, the newest that is known when the forecast is made."""
    if places is None or history is None:
        return None, ""
    lead = places.valid - places.issued
    for name, length in (("day", places.day), ("week", places.week), ("year", places.year)):
        if length < 2:
            continue
        back = np.maximum(1, -(-lead // length)) * length
        found = history.at(places.valid - back)
        if np.isfinite(found).mean() >= SEASON_KNOWN:
            return found, name
    return None, ""
