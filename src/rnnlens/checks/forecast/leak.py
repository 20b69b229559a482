"""An input that holds what is to be forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.checks.forecast.data import ForecastData

    Array = NDArray[np.float64]

__all__ = ["Leak", "find_leak"]

#: Steps, counted from the newest, that are looked at.
STEPS = 6
#: Part of the actuals' standard deviation that a straight line of a leaked input may leave.
LEFT = 0.02
#: What no other reading of the same size leaves: how much more the best other input leaves.
ALONE = 5.0
#: What counts as nothing left, and the target's own lags that may tell its future by themselves.
EXACT, OWN_LAGS = 1e-3, 12


@dataclass(frozen=True)
class Leak:
    """The input that holds what is to be forecast.

    Parameters
    ----------
    feature : int
        Which.
    lag : int
        At which lag, 1 the newest.
    left : float
        Standard deviation that a straight line of it leaves of what happened, over that of what
        happened.
    """

    feature: int
    lag: int
    left: float


def find_leak(data: ForecastData) -> Leak | None:
    """Look for one input of the newest steps that is what happens at the time of the forecast.

    A value that hardly moves from step to step (a slow river) is near to its future by itself, so
    an input must leave much less than the target's own newest value, and its neighbours in time,
    do.
    """
    known = np.isfinite(data.actual)
    if data.original is None or known.sum() < 2:
        return None
    wanted = data.actual[known]
    wanted = wanted - wanted.mean()
    size = float(np.sqrt((wanted**2).mean()))
    if not size > 0:
        return None
    newest = data.original[known, -STEPS:]
    x = newest - newest.mean(axis=0)
    spread = np.sqrt((x**2).mean(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.einsum("skf,s->kf", x, wanted) / len(x)
        fit = np.where(spread > 0, along / (spread * size), 0.0)
    left = np.sqrt(np.clip(1 - fit**2, 0, None))
    step, feature = (int(k) for k in np.unravel_index(left.argmin(), left.shape))
    if left[step, feature] > LEFT:
        return None
    if data.own is not None:
        if feature == data.own and len(left) - step > 1:
            return None
        others = left[:, data.own] if feature != data.own else np.delete(left[:, feature], step)
        lags = data.original[known, :, data.own][:, -OWN_LAGS:]
        others = np.append(others, _left_by(lags, wanted) / size)
        if others.min() < ALONE * max(left[step, feature], EXACT):
            return None
    return Leak(feature, len(left) - step, float(left[step, feature]))


def _left_by(lags: Array, wanted: Array) -> float:
    """Give what a linear fit on the target's own lags leaves: lags (sample, lag)."""
    columns = np.column_stack([lags, np.ones(len(lags))])
    fit, *_ = np.linalg.lstsq(columns, wanted, rcond=None)
    return float(np.sqrt(((wanted - columns @ fit) ** 2).mean()))
