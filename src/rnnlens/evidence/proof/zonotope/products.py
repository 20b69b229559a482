"""Products of a box's rows with a cell's kernels, by tiles whose sums stay in registers.

In what order a sum is taken changes what it is off by, and never what it is off by at the most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import allocating, inner
from rnnlens.engine.kernels.lowlevel.primitives import (
    ROWS,
    columns_of,
    give_back,
    in_line,
    lent,
    never_inline,
    tile_of_lines,
)
from rnnlens.evidence.proof.zonotope.state import zero

__all__ = ["in_tiles", "multiplied", "rows_times"]

Array = NDArray[np.float64]


def in_tiles(matrix: Array) -> Array:
    """Lay a matrix (K, G) out in tiles of columns, (tiles * K * columns,), for `rows_times`.

    The last tile ends with the matrix, and may hold columns of the one before; a matrix of fewer
    columns than a tile has none.
    """
    G, columns = matrix.shape[1], columns_of(matrix.itemsize)
    if columns > G:
        return np.zeros(0)
    begins = np.minimum(np.arange(0, G, columns), G - columns)
    tiles = matrix[:, begins[:, None] + np.arange(columns)]
    return np.ascontiguousarray(tiles.swapaxes(0, 1)).ravel()


@allocating
def multiplied(rows, matrix, into):
    """Fill a table with ``rows matrix``: what Numba has for it makes arrays."""
    never_inline()
    np.dot(rows, matrix, into)


@inner
def rows_times(rows, count, matrix, tiles, into):
    """Fill ``into[:count]`` with ``rows[:count] matrix``.

    Shapes: rows (at least count, K), matrix (K, G), tiles: the same by `in_tiles`, into (at least
    count, G).
    """
    never_inline()
    if count < ROWS or tiles.size == 0:
        if count:
            multiplied(rows[:count], matrix, into[:count])
        return
    K, G = matrix.shape
    columns = columns_of(rows.itemsize)
    read, filled = in_line(rows), in_line(into)
    (nothing,) = lent(np.float64, (columns,))
    zero(nothing)
    for j in range(0, count, ROWS):
        first = min(j, count - ROWS)  # those at the end may be filled twice
        for k in range(0, G, columns):
            source, weights = (read, first * K, K), (tiles, k * K, K)
            target = filled, first * G + min(k, G - columns), G
            tile_of_lines(source, weights, (nothing, 0), target)
    give_back(nothing)
