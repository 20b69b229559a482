"""The ranges that a certificate is asked about, checked: one for each window, lag and feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.errors import DataError

__all__ = [
    "Ends",
    "Ranges",
    "around",
    "between_quantiles",
    "checked",
    "checked_places",
    "values_at",
]

Array = NDArray[np.float64]

#: Ends of ranges, in size, whose products with weights and with each other floats still hold.
LARGEST = 1e100
#: The lower and the upper ends of ranges.
Ends = tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Ranges:
    """What a certificate is asked about: some features of each lag, and what they run through.

    Parameters
    ----------
    lags : sequence of int
        Each is a question of its own.
    features : sequence of int
        They are free together.
    low, high : array (sample, lag, feature), or what broadcasts to it
        Ends of the ranges, in the network's own units.
    """

    lags: Sequence[int]
    features: Sequence[int]
    low: ArrayLike
    high: ArrayLike


def values_at(x: Array, lags: Sequence[int], features: Sequence[int]) -> Array:
    """Give the values that windows have: (sample, step, feature) -> (sample, lag, free)."""
    steps = np.array([x.shape[1] - lag for lag in lags], int)
    return np.ascontiguousarray(x[:, steps[:, None], np.array(features, int)])


def between_quantiles(
    data: Array, own: Array, features: Sequence[int], shares: tuple[float, float]
) -> Ends:
    """Make ranges from what a feature did in the data.

    Where both quantiles are the same number, as of rain that falls seldom, from the least to the
    largest value.

    Shapes: data (sample, step, feature), own (sample, lag, free) -> tuple of two (sample, lag,
    free).
    """
    low, high = shares
    if not 0 <= low < high <= 1:
        raise DataError(f"a range of quantiles needs 0 <= low < high <= 1, not {low:g} to {high:g}")
    values = data[:, :, list(features)].reshape(-1, len(features))
    ends = np.quantile(values, [low, high], axis=0)
    whole = np.stack([values.min(axis=0), values.max(axis=0)])
    ends = np.where(ends[0] == ends[1], whole, ends)
    return np.minimum(ends[0], own), np.maximum(ends[1], own)


def around(own: Array, error: ArrayLike) -> Ends:
    """Make ranges from the error of a sensor.

    Shapes: own (sample, lag, free), error float or (free,) -> tuple of two (sample, lag, free).
    """
    size = np.asarray(error, float)
    if not (np.isfinite(size) & (size > 0)).all():
        raise DataError(f"the error of a sensor must be above 0, and is {error}")
    return own - size, own + size


def checked(low: ArrayLike, high: ArrayLike, own: Array, lags: Sequence[int]) -> Ends:
    """Check that every range has two ends and holds the window's own value.

    Shapes: own (sample, lag, free) -> tuple of two (sample, lag, free).
    """
    try:
        a, b = (np.broadcast_to(np.asarray(end, float), own.shape).copy() for end in (low, high))
    except ValueError:
        raise DataError(
            f"the ends of the ranges must fit windows, lags and features {own.shape}, but came "
            f"with the shapes {np.shape(low)} and {np.shape(high)}"
        ) from None
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DataError("the ends of a range must be finite numbers")
    beyond = np.maximum(np.abs(a), np.abs(b)) > LARGEST
    if beyond.any():
        n, k, f = (int(place) for place in np.argwhere(beyond)[0])
        raise DataError(
            f"the range of window {n} at lag {lags[k]} goes from {a[n, k, f]:g} to "
            f"{b[n, k, f]:g}, and what a network makes of numbers beyond {LARGEST:g} is "
            "beyond what floating-point numbers hold: give a narrower range"
        )
    if (a >= b).any():
        n, k, f = (int(place) for place in np.argwhere(a >= b)[0])
        raise DataError(
            f"the range of window {n} at lag {lags[k]} is empty: it goes from {a[n, k, f]:g} to "
            f"{b[n, k, f]:g}"
        )
    outside = (own < a) | (own > b)
    if outside.any():
        n, k, f = (int(place) for place in np.argwhere(outside)[0])
        raise DataError(
            f"the range from {a[n, k, f]:g} to {b[n, k, f]:g} does not hold the own value "
            f"{own[n, k, f]:g} of window {n} at lag {lags[k]}: a certificate compares with it"
        )
    return a, b


def checked_places(
    shape: tuple[int, int], lags: Sequence[int], features: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Check lags and features against a window."""
    steps, count = shape
    for lag in lags:
        if not 1 <= lag <= steps:
            raise DataError(
                f"lag {lag} is beyond the window: windows of {steps} steps have lags 1 to {steps}"
            )
    for feature in features:
        if not 0 <= feature < count:
            raise DataError(
                f"there is no feature number {feature}: windows of {count} features have numbers 0 "
                f"to {count - 1}"
            )
    for what, given in (("lag", lags), ("feature", features)):
        if not len(given):
            raise DataError(f"a certificate needs at least one {what}")
        if len(set(given)) < len(given):
            raise DataError(f"a {what} is given twice: {', '.join(map(str, given))}")
    return [int(lag) for lag in lags], [int(feature) for feature in features]
