"""Whether a forecast is better than another beyond noise, where errors depend on neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "beyond_noise"]

#: Windows from which on an error is said to be larger than another.
FEWEST = 20
#: Batches that the windows are split into, at most, and windows of a batch, at least.
BATCHES, OF_A_BATCH = 16, 4


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
