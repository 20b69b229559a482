"""Scalings that inputs and targets may have had in training, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Line", "of_data", "restated"]


class Line(NamedTuple):
    """``value = network * scale + offset``."""

    scale: float
    offset: float


def restated(mean: Array, scale: Array) -> dict[str, tuple[Array, Array]]:
    """Give other readings of the numbers that were stated: mean, scale (feature,).

    ``none``: the values go in as they stand. ``inverse``: what was given as scale multiplies, as
    ``scale_`` of scikit-learn's MinMaxScaler does, after the mean is taken off. ``min_``: ``value
    * scale + mean``, that class's ``scale_`` and ``min_``. ``twice``: the stated one, on values
    that it was applied to.
    """
    return {
        "none": (np.zeros_like(mean), np.ones_like(scale)),
        "inverse": (mean, 1 / scale),
        "min_": (-mean / scale, 1 / scale),
        "twice": (mean + scale * mean, scale**2),
    }


def of_data(values: Array) -> dict[str, tuple[Array, Array]]:
    """Give the scalings that data suggest: values (..., feature)."""
    # a feature at a time: windows that overlap are not laid out for it
    each = [values[..., feature] for feature in range(values.shape[-1])]
    low, high, mean, spread = (
        np.array([getattr(one, what)() for one in each]) for what in ("min", "max", "mean", "std")
    )
    width = high - low
    middle = (low + high) / 2
    made = {
        "standard": (mean, spread),
        "min-max": (low, width),
        "min-max -1 to 1": (middle, width / 2),
    }
    return {name: (m, np.where(s > 0, s, 1.0)) for name, (m, s) in made.items()}
