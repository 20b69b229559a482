"""Tables of coalitions: what a player adds, summed by the size of the coalition that it joins.

The lowest bits of a coalition's number are added up in a row of their own for each count of the
higher bits, so that the inner loop goes through neighbours; sizes are told apart at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine import plan
from rnnlens.engine.kernels.compiling import announced, kernel

__all__ = ["additions"]

Array = NDArray[Any]

#: Numbers of a row: some thousand bytes, which stay in the cache.
_ROW = 256


@kernel
def _additions(v, counts, rows, sums, span):
    """Add up ``v[S + p] - v[S]`` for some players, by the size of S.

    Parameters
    ----------
    v : array (2 ** players * game,)
        The table.
    counts : array (2 ** players,)
        Players of each coalition.
    rows : array (player + 1, low * game)
        Room.
    sums : array (player, size, game)
        Filled.
    span : tuple of two int
        First player and end.
    """
    players, _, games = sums.shape
    low = rows.shape[1] // games
    for p in range(span[0], span[1]):
        bit = 1 << p
        rows[:] = 0
        # coalitions without p come in runs of ``bit``
        width = min(bit, low) * games
        for high in range(0, counts.size, low):
            if bit >= low and high & bit:
                continue
            row = rows[counts[high]]
            for run in range(0, low, 2 * bit):
                without = v[(high + run) * games : (high + run) * games + width]
                joined = v[(high + run + bit) * games : (high + run + bit) * games + width]
                place = row[run * games : run * games + width]
                for k in range(width):
                    place[k] += joined[k] - without[k]
        for count in range(players):
            for S in range(low):
                # there are no coalitions with p here, and none of more than the others
                if not S & bit and count + counts[S] < players:
                    for game in range(games):
                        sums[p, count + counts[S], game] += rows[count, S * games + game]


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
    count, games = len(v).bit_length() - 1, v.shape[1]
    sums = np.zeros((count, max(count, 1), games))
    counts = np.bitwise_count(np.arange(len(v))).astype(np.int64)
    low = 1
    while low < len(v) and 2 * low * games <= _ROW:
        low *= 2
    table = np.require(v, np.float64, ["C", "W"]).ravel()

    def work(begin: int, end: int) -> None:
        rows = np.empty((count + 1, low * games))
        _additions(table, counts, rows, sums, (begin, end))

    with announced():
        plan.share(work, count, 1)
    return sums
