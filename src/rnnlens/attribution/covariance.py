"""The covariance of all numbers of a window, shrunk so that it can be inverted.

    C = D ((1 - s) R + s I) D

with R the correlations of the windows given, D their standard deviations, and s the shrinkage, from
1e-6 to 1, under which windows that were left out are likeliest: each third of the windows, as they
stand in time, is left out once. Formulas for the smallest squared error (Ledoit and Wolf 2004) take
windows as independent, which overlapping ones are not, and shrink the small differences between
neighbouring steps of a slow series away, on which what fills a gap depends. Numbers that never
change are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.grouped import mean_of
from rnnlens.errors import DataError

__all__ = ["MOST_NUMBERS", "SHRINKAGES", "WindowMoments", "shrinkage", "window_moments"]

Array = NDArray[np.float64]

#: What is tried; never 0, for copies of a number have a singular covariance.
SHRINKAGES = 10.0 ** np.arange(-6.0, 0.5, 0.5)
#: Parts of the windows, one of which is left out at a time.
PARTS = 3
#: Numbers of a window beyond which a covariance takes too much memory and time.
MOST_NUMBERS = 1500


@dataclass(frozen=True, eq=False)
class WindowMoments:
    """Mean and covariance of the numbers of a window, step by step and feature by feature.

    Parameters
    ----------
    mean : array (step * feature,)
        Of every number.
    varying : array of int
        The numbers that change at all.
    covariance : array (varying, varying)
        Of those.
    shrinkage : float
        What it was shrunk by.
    """

    mean: Array
    varying: NDArray[np.int64]
    covariance: Array
    shrinkage: float


def shrinkage(z: Array) -> float:
    """Give the shrinkage of the correlations under which windows left out are likeliest.

    Parameters
    ----------
    z : array (window, number)
        Standardised: mean 0 and variance 1 over the windows; in the order of time.

    Returns
    -------
    float
        One of `SHRINKAGES`.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.random.default_rng(0).normal(size=(200, 30))
    >>> shrinkage((z - z.mean(0)) / z.std(0)) > 0.5  # no correlations: nothing to keep
    True
    """
    loss = np.zeros(len(SHRINKAGES))
    for out in np.array_split(np.arange(len(z)), PARTS):
        kept = np.delete(z, out, axis=0)
        eigenvalues, Q = np.linalg.eigh(kept.T @ kept / len(kept))
        power = np.sum((z[out] @ Q) ** 2, axis=0)
        for k, s in enumerate(SHRINKAGES):
            variance = (1 - s) * np.maximum(eigenvalues, 0.0) + s
            loss[k] += len(out) * np.log(variance).sum() + (power / variance).sum()
    return float(SHRINKAGES[loss.argmin()])


def window_moments(data: Array) -> WindowMoments:
    """Estimate mean and covariance from windows.

    Parameters
    ----------
    data : array (window, step, feature)
        The windows.

    Returns
    -------
    WindowMoments
        Of all numbers of a window.

    Raises
    ------
    DataError
        If there are fewer windows than numbers that change, or too many numbers.
    """
    flat = data.reshape(len(data), -1)
    mean = mean_of(flat)
    varying = np.flatnonzero((flat != flat[:1]).any(axis=0))
    size = f"{data.shape[1]} steps of {data.shape[2]} features"
    if len(varying) > MOST_NUMBERS:
        raise DataError(
            f"windows of {size} have {len(varying):,} numbers that change, and their covariance is "
            f"made for up to {MOST_NUMBERS:,}: hold features, or choose another baseline"
        )
    if len(flat) <= len(varying):
        raise DataError(
            f"the covariance of windows of {size} needs more than {len(varying):,} windows, but "
            f"{len(flat):,} came: give more background windows, or choose another baseline"
        )
    deviation = flat[:, varying].std(axis=0)
    z = (flat[:, varying] - mean[varying]) / deviation
    s = shrinkage(z) if len(varying) else 0.0
    R = (1 - s) * (z.T @ z / len(z)) + s * np.eye(len(varying))
    return WindowMoments(mean, varying, R * np.outer(deviation, deviation), s)
