"""The common results of attribution methods, and the check that they sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import NotAdditive
from rnnlens.names import declared

__all__ = [
    "TOLERANCE",
    "Contribution",
    "LagContribution",
    "LagFeatureContribution",
    "Sensitivity",
    "additive",
]

Array = NDArray[np.float64]

#: Largest residual, relative to the forecasts' size, that float64 rounding explains. Secants of
#: networks with weights of scale 0.1 to 5 over 1 to 200 steps leave 1e-10 at the most.
TOLERANCE = 1e-8
#: The same for float32.
TOLERANCE_SINGLE = 1e-3
#: Samples that are checked together.
AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Contribution:
    """Signed contributions by lag and feature, in the target's own unit.

    Parameters
    ----------
    contribution : array (sample, lag, feature)
        Lag 1, the newest step, comes first.
    forecast, baseline_forecast : array (sample,)
        For the window, and for the baseline (the mean over backgrounds).
    residual : array (sample,)
        ``forecast - baseline_forecast - sum of contributions``, `carried` among them.
    carried : array (sample,), optional
        What the state carried into the window contributes, against a state of zero.
    """

    contribution: Array = declared("sample", "lag", "feature")
    forecast: Array = declared("sample")
    baseline_forecast: Array = declared("sample")
    residual: Array = declared("sample")
    carried: Array | None = declared("sample", optional=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class LagContribution:
    """Signed contributions by lag, in the target's own unit.

    Parameters
    ----------
    contribution : array (sample, lag)
        Newest player first; the last one may stand for all older lags.
    lag_from, lag_to : array (lag,) of int
        First and last lag of each player.
    forecast, baseline_forecast, residual : array (sample,)
        As in `Contribution`.
    cells : int
        Cell evaluations that it took.
    players : tuple of str
        What each player is called, where some are named groups of lags.
    carried : array (sample,), optional
        As in `Contribution`.
    places : tuple of array of int
        The steps of each player, counted back from the newest, 0.
    """

    contribution: Array = declared("sample", "lag")
    lag_from: NDArray[np.int64]
    lag_to: NDArray[np.int64]
    forecast: Array = declared("sample")
    baseline_forecast: Array = declared("sample")
    residual: Array = declared("sample")
    cells: int
    players: tuple[str, ...] = ()
    carried: Array | None = declared("sample", optional=True)
    places: tuple[NDArray[np.int64], ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class LagFeatureContribution:
    """Signed contributions by lag and feature where older lags may stand together.

    Parameters
    ----------
    contribution : array (sample, lag, feature)
        Newest player first; the last one may stand for all older lags, each feature by itself.
        Held features are no players and have zeros.
    lag_from, lag_to : array (lag,) of int
        First and last lag of each player.
    columns : tuple of tuple of int
        The features of each entry along ``feature``: one, or those of a named group.
    forecast, baseline_forecast, residual : array (sample,)
        As in `Contribution`.
    cells : int
        Cell evaluations that it took.
    players : tuple of str
        What each player is called, where some are named groups of lags.
    column_names : tuple of str
        Names of the groups of features; empty text for a feature by itself.
    carried : array (sample,), optional
        As in `Contribution`.
    places : tuple of array of int
        The steps of each player, counted back from the newest, 0.
    """

    contribution: Array = declared("sample", "lag", "feature")
    lag_from: NDArray[np.int64]
    lag_to: NDArray[np.int64]
    columns: tuple[tuple[int, ...], ...]
    forecast: Array = declared("sample")
    baseline_forecast: Array = declared("sample")
    residual: Array = declared("sample")
    cells: int
    players: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    carried: Array | None = declared("sample", optional=True)
    places: tuple[NDArray[np.int64], ...] = ()


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Derivatives of the forecast: what a small change does. They do not sum to it.

    Parameters
    ----------
    sensitivity : array (sample, lag, feature)
        Change of the forecast, in the target's own unit, per unit of the network's input.
    forecast : array (sample,)
        For the window.
    """

    sensitivity: Array = declared("sample", "lag", "feature")
    forecast: Array = declared("sample")


def additive(total: Array, forecast: Array, baseline_forecast: Array, method: str) -> Array:
    """Give the residual of contributions, or refuse them where they do not sum.

    Shapes: total (sample,), forecast, baseline_forecast (sample,) -> (sample,).

    Examples
    --------
    >>> import numpy as np
    >>> additive(np.array([1.0]), np.array([3.0]), np.array([2.0]), "secant")
    array([0.])
    """
    residual = forecast - baseline_forecast - total
    allowed = TOLERANCE_SINGLE if forecast.dtype == np.float32 else TOLERANCE

    def size(k: slice | int) -> Array:
        return np.maximum(1.0, np.maximum(np.abs(forecast[k]), np.abs(baseline_forecast[k])))

    # some at a time: of whole arrays this would take several
    parts = [slice(first, first + AT_ONCE) for first in range(0, len(residual), AT_ONCE)]
    excess = [np.max(np.abs(residual[k]) / size(k)) for k in parts]
    if not all(one <= allowed for one in excess):
        away = np.abs(residual) / size(slice(None))
        worst = int(np.argmax(np.where(np.isnan(away), np.inf, away)))
        raise NotAdditive(
            f"the contributions of method {method!r} miss the change of the forecast by "
            f"{residual[worst]:.3g} in sample {worst} (forecast {forecast[worst]:.6g}, baseline "
            f"forecast {baseline_forecast[worst]:.6g}, tolerance {allowed * size(worst):.1g}): "
            f"the network amplifies rounding beyond {forecast.dtype}; use "
            + ("precision 'float64'" if forecast.dtype == np.float32 else "method 'tree'")
            + " for this window"
        )
    return residual
