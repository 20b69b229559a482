"""Tables of coalitions: what a player adds, summed by the size of the coalition that it joins.

The table is gone through once. Its players are two groups, the low and the high bits of a
coalition's number: values are summed over the coalitions of each group that have the same size, and
what a player of the other group adds follows from those sums, which are few.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.buffers import add, fill
from rnnlens.engine.kernels.lowlevel.compiling import announcing_compilation, inner, kernel
from rnnlens.engine.kernels.lowlevel.primitives import never_inline
from rnnlens.engine.schedule.context import by_equations

__all__ = ["marginal_sums"]

Array = NDArray[Any]

#: Bits of a coalition's number that are summed as vectors: 32 numbers.
_VECTOR = 5


@inner
def _sum_line(line, counts, games, room, sums):
    """Sum a line of the table over coalitions of the low players that have the same size.

    Shapes: line (low * game,), counts (coalition,), room (size, run * game), sums (size * game,).
    """
    never_inline()
    run = room.shape[1]
    fill(sums, 0)
    for more in range(room.shape[0]):
        fill(room[more], 0)
    for k in range(0, line.size, run):
        add(line[k:], room[counts[k // run]])
    for more in range(room.shape[0]):
        row = room[more]
        for S in range(run // games):
            place = (more + counts[S]) * games
            for game in range(games):
                sums[place + game] += row[S * games + game]


@kernel
def _sum_by_size(v, counts, games, by_high, by_low, room):
    """Sum a table over the coalitions of one group of players that have the same size.

    Shapes: v (high * low * game,), counts (at least as many as high and low,), by_high (size, low *
    game), by_low (high, size * game), room (size, run * game).
    """
    by_high[:] = 0
    wide = by_high.shape[1]
    for high in range(by_low.shape[0]):
        line = v[high * wide : (high + 1) * wide]
        add(line, by_high[counts[high]])
        _sum_line(line, counts, games, room, by_low[high])


@kernel
def _contributions(by_size, counts, sums):
    """Give what each player of a group adds, by size, from sums over the other group.

    Shapes: by_size (size, coalition, game), counts (coalition,), sums (player, size, game).
    """
    for p in range(sums.shape[0]):
        bit = 1 << p
        for size in range(by_size.shape[0]):
            for S in range(by_size.shape[1]):
                if not S & bit:
                    for game in range(by_size.shape[2]):
                        added = by_size[size, S | bit, game] - by_size[size, S, game]
                        sums[p, size + counts[S], game] += added


def _marginal_sums(v: Array, players: int) -> Array:
    """Give what `marginal_sums` does, and no kernel for it."""
    v = v.astype(float, copy=False)
    sizes = np.bitwise_count(np.arange(len(v) >> 1))
    of_size = (np.arange(max(players, 1))[:, None] == sizes).astype(float)
    sums = np.empty((players, max(players, 1), v.shape[1]))
    for p in range(players):
        without, within = v.reshape(-1, 2, 1 << p, v.shape[1]).swapaxes(0, 1)
        sums[p] = of_size @ (within - without).reshape(-1, v.shape[1])
    return sums


def marginal_sums(v: Array) -> Array:
    """Sum what each player adds to the coalitions of each size.

    Shapes: v (2 ** players, game) -> (player, size, game).

    Examples
    --------
    >>> import numpy as np
    >>> marginal_sums(np.array([[0.0], [1.0], [2.0], [5.0]]))[..., 0]
    array([[1., 3.],
           [2., 4.]])
    """
    players, games = len(v).bit_length() - 1, v.shape[1]
    if by_equations():
        return _marginal_sums(v, players)
    low = (players + 1) // 2
    run = min(low, _VECTOR)
    counts = np.bitwise_count(np.arange(1 << low)).astype(np.int64)
    sums = np.zeros((players, max(players, 1), games))
    by_high = np.empty((players - low + 1, games << low))
    by_low = np.empty((1 << players - low, (low + 1) * games))
    room = np.empty((low - run + 1, games << run))
    table = np.require(v, None, ["C", "W"]).ravel()
    with announcing_compilation():
        _sum_by_size(table, counts, games, by_high, by_low, room)
        _contributions(by_high.reshape(len(by_high), -1, games), counts, sums[:low])
        by_size = by_low.reshape(-1, low + 1, games).swapaxes(0, 1)
        _contributions(np.ascontiguousarray(by_size), counts, sums[low:])
    return sums
