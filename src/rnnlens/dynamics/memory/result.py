"""What is known of a network's memory, all of it by lag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.engine.operations.registry import Array
from rnnlens.names import declared

__all__ = ["MEASURES", "ForecastMemory", "LayerMemory"]

#: The measures of which each gives a lag, in the order in which they are shown.
MEASURES = ("gates", "derivative", "exponents", "cut", "replaced", "truncation", "any history")


@dataclass(frozen=True, eq=False, kw_only=True)
class ForecastMemory:
    """How the forecast depends on what is long ago.

    Parameters
    ----------
    sensitivity : array (lag, feature), optional
        Mean size of the forecast's derivative, times the input's standard deviation.
    share, share_low, share_high, cumulative_share : array (lag,), optional
        The lag's share of it with its interval; the share of it and of all newer lags.
    cut_change, replaced_change : array (kept,)
        Mean size of the forecast's change where only the newest steps are fed, and where all
        before them is another window's.
    bound : array (kept,)
        Conformal bound on the largest change of a new window's forecast.
    truncation_error : array (kept,)
        Mean absolute error of the forecast from the newest steps alone.
    within_half, within_most, low, high : array (measure,)
        The lag within which half and 95 % of what the measure counts lies, and the interval of
        the latter. NaN where the measure has none.
    """

    sensitivity: Array | None = declared(
        "lag",
        "feature",
        optional=True,
        long_name="mean |derivative of {target}| times sd of the input",
        unit="{unit}",
    )
    share: Array | None = declared("lag", optional=True, long_name="share of the derivative")
    share_low: Array | None = declared("lag", optional=True, long_name="lower end of the share")
    share_high: Array | None = declared("lag", optional=True, long_name="upper end of the share")
    cumulative_share: Array | None = declared(
        "lag", optional=True, long_name="share of the derivative within the lag"
    )
    cut_change: Array | None = declared(
        "kept",
        optional=True,
        long_name="mean change of {target} fed with the newest steps alone",
        unit="{unit}",
    )
    replaced_change: Array | None = declared(
        "kept",
        optional=True,
        long_name="mean change of {target} with another history before the newest steps",
        unit="{unit}",
    )
    bound: Array | None = declared(
        "kept",
        optional=True,
        long_name="bound on the change of {target} of a new window, whatever the history",
        unit="{unit}",
    )
    truncation_error: Array | None = declared(
        "kept",
        optional=True,
        long_name="mean absolute error of {target} from the newest steps alone",
        unit="{unit}",
    )
    within_half: Array = declared("measure", long_name="lag within which half lies", unit="steps")
    within_most: Array = declared("measure", long_name="lag within which 95 % lies", unit="steps")
    low: Array = declared(
        "measure", long_name="lower end of the interval of within_most", unit="steps"
    )
    high: Array = declared(
        "measure", long_name="upper end of the interval of within_most", unit="steps"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerMemory:
    """What the units of a layer and direction keep.

    Parameters
    ----------
    half_life : array (unit,)
        Steps in which the gate alone halves what the unit holds; NaN where it has no such gate.
    influence : array (unit,)
        Size of what reaches the forecast through the unit's gates.
    read : array (unit,) of bool
        Whether that is more than a hundredth of the largest of the layer.
    exponent, exponent_low, exponent_high : array (exponent,), optional
        Lyapunov exponents per step, the largest first, with their intervals.
    """

    half_life: Array = declared("unit", long_name="half-life of the gate", unit="steps")
    influence: Array = declared("unit", long_name="influence on the forecast")
    read: np.ndarray = declared("unit", long_name="whether the forecast reads the unit")
    lyapunov: Array | None = declared(
        "exponent", optional=True, long_name="Lyapunov exponent a step"
    )
    lyapunov_low: Array | None = declared(
        "exponent", optional=True, long_name="lower end of the exponent"
    )
    lyapunov_high: Array | None = declared(
        "exponent", optional=True, long_name="upper end of the exponent"
    )
