"""What a probe gives: of each state of each layer, how well a concept is read, and what moves."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.engine.operations.registry import Array
from rnnlens.names import declared

__all__ = ["CONTROLS", "Concept", "StateProbe"]

#: Every control, in the order in which they are shown.
CONTROLS = (
    "untrained",
    "random weights",
    "recent inputs",
    "moving means",
    "shifted concept",
    "random smooth target",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Concept:
    """The concept as it was given: of each window, or of each of its steps."""

    concept: Array | None = declared("sample", optional=True, long_name="concept")
    concept_by_step: Array | None = declared("sample", "step", optional=True, long_name="concept")


@dataclass(frozen=True, eq=False, kw_only=True)
class StateProbe:
    """How well a concept is read off one state, beside its controls, and what moving it does.

    Parameters
    ----------
    r2 : float
        In blocks of time that the regression has not seen.
    selectivity, selectivity_low, selectivity_high : float
        R2 less that of the best control, both at least 0, and its interval.
    p_value : float
        Share of shifted concepts, its own place among them, that are read as well.
    control_r2, control_most : array (control,)
        R2 of each control, the mean and the largest over its draws.
    shifted_r2 : array (shift,)
        Of the concept moved round in time: what is read by chance.
    estimate, estimate_by_step : array (sample,) or (sample, step)
        What is read, in blocks that the regression has not seen; NaN at padding.
    reading : array (unit,)
        What one more of each unit adds to what is read, from all windows.
    correlation : array (unit,)
        Of each unit alone with the concept; says where to look, and nothing of chance.
    erased_change, patched_change : float
        Mean size of the forecast's change where what is read is held at its mean, and where it is
        brought to that of another window with all that goes with it.
    pushed_change : array (direction,)
        The same where states are moved as far as in erasing, along random directions that leave
        the reading as it is.
    erased_p_value : float
        Share of these, erasing among them, that change the forecast as much.
    per_concept : float
        What one more of the concept, with what goes with it in the state, does to the forecast.
    """

    r2: float = declared(long_name="R2 in blocks not seen")
    selectivity: float = declared(long_name="R2 less that of the best control")
    selectivity_low: float = declared(long_name="lower end of the 95 % interval")
    selectivity_high: float = declared(long_name="upper end of the 95 % interval")
    p_value: float = declared(long_name="share of shifted concepts that are read as well")
    control_r2: Array = declared("control", long_name="R2 of the control, mean over its draws")
    control_most: Array = declared("control", long_name="R2 of the control, largest of its draws")
    shifted_r2: Array = declared("shift", long_name="R2 of the concept moved round in time")
    estimate: Array | None = declared("sample", optional=True, long_name="what is read")
    estimate_by_step: Array | None = declared(
        "sample", "step", optional=True, long_name="what is read"
    )
    reading: Array = declared("unit", long_name="what one more of the unit adds to the reading")
    correlation: Array = declared("unit", long_name="correlation of the unit with the concept")
    erased_change: float = declared(
        long_name="mean change of the forecast of {target}, the reading held", unit="{unit}"
    )
    patched_change: float = declared(
        long_name="mean change of the forecast of {target}, another window's reading",
        unit="{unit}",
    )
    pushed_change: Array = declared(
        "direction",
        long_name="mean change of the forecast of {target}, moved as far in a random direction",
        unit="{unit}",
    )
    erased_p_value: float = declared(long_name="share of directions that change it as much")
    per_concept: float = declared(
        long_name="change of the forecast of {target} for one more of the concept", unit="{unit}"
    )
