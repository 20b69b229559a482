"""The numbers that the scalers of the tests are fitted on."""

from __future__ import annotations

import numpy as np

__all__ = ["COLUMNS", "measurements"]

COLUMNS = ["temp", "rain", "flow"]


def measurements():
    """Numbers above zero of three sizes: (row, column)."""
    # The one generator whose numbers have stayed the same since 2008: old files rest on them.
    random = np.random.RandomState(7)
    return np.exp(random.normal(size=(40, 3))) * [1.0, 20.0, 300.0] + 0.1
