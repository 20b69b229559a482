"""Tables of coalitions: what a player adds, summed by the size of the coalition that it joins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.compiling import announced, kernel

__all__ = ["additions"]

Array = NDArray[Any]


@kernel
def _additions(v, sizes, sums):
    """Add up ``v[S + p] - v[S]`` by player, by size of S, and by game."""
    players, _, games = sums.shape
    for p in range(players):
        bit = 1 << p
        for low in range(0, v.shape[0], 2 * bit):
            for S in range(low, low + bit):
                size = sizes[S]
                for game in range(games):
                    sums[p, size, game] += v[S + bit, game] - v[S, game]


def additions(v: Array) -> Array:
    """Sum what each player adds to the coalitions of each size.

    Parameters
    ----------
    v : array (2 ** players, game)
        Bit p of the index says whether player p takes part.

    Returns
    -------
    array (player, size, game)
        Of all coalitions of ``size`` others; exactly zero for a player that never adds anything.

    Examples
    --------
    >>> import numpy as np
    >>> additions(np.array([[0.0], [1.0], [2.0], [5.0]]))[..., 0]
    array([[1., 3.],
           [2., 4.]])
    """
    count = len(v).bit_length() - 1
    sums = np.zeros((count, max(count, 1), v.shape[1]))
    sizes = np.bitwise_count(np.arange(len(v))).astype(np.int64)
    with announced():
        _additions(np.require(v, np.float64, ["C", "W"]), sizes, sums)
    return sums
