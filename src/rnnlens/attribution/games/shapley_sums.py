"""Shapley's formula over a table of all coalitions, for many games at once."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.coalition_tables import marginal_sums

__all__ = ["shapley_values"]

Array = NDArray[np.float64]


def shapley_values(v: Array) -> Array:
    """Give the Shapley values of games from the values of all their coalitions.

    Shapes: v (2 ** players, ...) -> (player, ...).

    Examples
    --------
    >>> import numpy as np
    >>> shapley_values(np.array([0.0, 1.0, 2.0, 5.0]))
    array([2., 3.])
    """
    count = len(v).bit_length() - 1
    weights = np.array([1 / (count * comb(count - 1, s)) for s in range(count)])
    sums = marginal_sums(v.reshape(len(v), -1))
    return np.einsum("s,psg->pg", weights, sums).reshape(count, *v.shape[1:])
