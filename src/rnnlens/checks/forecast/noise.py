"""Whether a forecast is better than another beyond noise, where errors depend on neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "beyond_noise", "lopsided"]

#: Windows from which on an error is said to be larger than another.
FEWEST = 20
#: Batches that the windows are split into, at most, and windows of a batch, at least.
BATCHES, OF_A_BATCH = 16, 4
#: Part of the mean's absolute error that the median's must be within for squares to be compared.
LOPSIDED = 0.8


def lopsided(actual: NDArray[np.float64]) -> bool:
    """Say whether absolute errors reward a forecast that never moves: rain, alarms, rare events.

    There the median (often zero) has a much smaller absolute error than the mean, and than a
    forecast of the mean that knows something, so that squared errors are to be compared.
    """
    known = actual[np.isfinite(actual)]
    if len(known) < FEWEST:
        return False
    of_median, of_mean = (np.abs(known - at).mean() for at in (np.median(known), known.mean()))
    return bool(of_median < LOPSIDED * of_mean)


def beyond_noise(difference: NDArray[np.float64]) -> float:
    """Give the t-ratio of a mean over windows in the order of time, by the means of batches.

    Batches of neighbours are much longer than the errors' memory in all but the shortest sets, so
    that their means are near independent (the method of batch means; Law and Kelton, *Simulation
    Modeling and Analysis*). Zero where there are too few windows to say.

    Shapes: difference (sample,).
    """
    count = len(difference)
    if count < FEWEST:
        return 0.0
    batches = min(BATCHES, count // OF_A_BATCH)
    means = np.array([part.mean() for part in np.array_split(difference, batches)])
    error = means.std(ddof=1) / np.sqrt(batches)
    total = float(means.mean())
    if error == 0:
        return float(np.sign(total)) * np.inf if total else 0.0
    return total / float(error)
