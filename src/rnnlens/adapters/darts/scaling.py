"""The line that a fitted scaler of darts draws, from what it does to series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["line_of"]

#: How far a scaler may be from a line, in sizes of what it gives.
TOLERANCE = 1e-9


def line_of(
    scaler: Any, series: Sequence[Any], which: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and scale of each component: ``network = (value - mean) / scale``.

    Scalers are asked what they make of the series; none of their insides are looked at.

    Shapes: gives (component,) and (component,).
    """
    if scaler is None:
        return np.zeros(series[0].width), np.ones(series[0].width)
    if not hasattr(scaler, "transform"):
        raise DataError(
            "scaler must have a method transform, as a fitted Scaler or Pipeline of darts has, and "
            f"is of type {type(scaler).__name__}"
        )
    given = [one.all_values(copy=False)[..., 0].astype(np.float64) for one in series]
    low = np.nanmin([np.nanmin(one, axis=0) for one in given], axis=0)
    high = np.nanmax([np.nanmax(one, axis=0) for one in given], axis=0)
    high = np.where(high > low, high, low + 1.0)
    lines = [_asked(scaler, series, one, k) for k, one in enumerate((low, high))]
    found: list[tuple[Any, Any]] = []
    for k, made in enumerate(_made(scaler, series)):
        slope = (lines[1][k] - lines[0][k]) / (high - low)
        scale = 1 / slope
        mean = low - lines[0][k] * scale
        size = np.nanmax(np.abs(made)) + 1.0
        if not (slope > 0).all() or np.nanmax(np.abs((given[k] - mean) / scale - made)) > (
            TOLERANCE * size
        ):
            raise DataError(
                f"the scaler of {which} bends the values, and rnnlens takes those that shift and "
                "stretch them: transform the series yourself, and leave the scaler out, so that "
                "results are in its units"
            )
        found.append((mean, scale))
    if any(not np.allclose(found[0], other, rtol=1e-12) for other in found[1:]):
        raise DataError(
            f"the scaler of {which} scales each series by itself, and results of several would be "
            "in different units: ask about one series at a time, or fit Scaler(global_fit=True)"
        )
    return found[0]


def _made(scaler: Any, series: Sequence[Any]) -> list[NDArray[np.float64]]:
    """Scale series: each (step, component)."""
    scaled = scaler.transform(list(series) if len(series) > 1 else series[0])
    every = scaled if isinstance(scaled, Sequence) else [scaled]
    return [one.all_values(copy=False)[..., 0].astype(np.float64) for one in every]


def _asked(
    scaler: Any, series: Sequence[Any], values: NDArray[np.float64], _: int
) -> list[NDArray[np.float64]]:
    """Ask what a scaler makes of one value a component: gives (component,) a series."""
    constant = []
    for one in series:
        filled = one.all_values().astype(np.float64)
        filled[...] = values[None, :, None]
        constant.append(one.with_values(filled))
    return [made[0] for made in _made(scaler, constant)]
