"""Tiles of matrix products as loops, laid out as the generated ones are."""

from __future__ import annotations

from rnnlens.engine.kernels.lowlevel.compiling import INNER, uncached
from rnnlens.engine.kernels.lowlevel.extending import inlined

__all__ = [
    "BLOCK",
    "COLUMNS_ABREAST",
    "ROWS",
    "columns_of",
    "tile",
    "tile_column",
    "tile_columns",
    "tile_of_lines",
]

BLOCK = 32
ROWS = 4
COLUMNS_ABREAST = 8


@inlined
def columns_of(itemsize: int) -> int:
    """Give the numbers in a row of a tile, in Python and in kernels."""
    return 64 // itemsize


@uncached(INNER)
def tile(P, p, A, a, K, target):
    """Fill ``ROWS`` rows of the target; ``a`` is where the first sample is in ``A``."""
    Z, z, R = target
    columns = columns_of(Z.itemsize)
    for j in range(ROWS):
        row = Z[z + j * R : z + j * R + columns]
        row[:] = 0
        for k in range(K):
            weight, column = P[p + k * ROWS + j], A[a + k * R : a + k * R + columns]
            for s in range(columns):
                row[s] += weight * column[s]


@uncached(INNER)
def tile_column(P, p, K, A, Z, z):
    """Fill the rows of one tile for one sample."""
    for j in range(ROWS):
        total = A.dtype.type(0)
        for k in range(K):
            total += P[p + k * ROWS + j] * A[k]
        Z[z + j] = total


@uncached(INNER)
def tile_columns(P, p, K, A, Z, z):
    """Fill the rows of several tiles for one sample."""
    for t in range(COLUMNS_ABREAST):
        tile_column(P, p + t * K * ROWS, K, A, Z, z + t * ROWS)


@uncached(INNER)
def tile_of_lines(read, weights, bias, target):
    """Multiply ``ROWS`` stretches of a line by a tile of weights."""
    (X, x, pace), (W, w, K), (B, b), (Z, z, hop) = read, weights, bias, target
    columns = columns_of(Z.itemsize)
    for j in range(ROWS):
        row = Z[z + j * hop : z + j * hop + columns]
        for s in range(columns):
            row[s] = B[b + s]
        for k in range(K):
            number, line = X[x + j * pace + k], W[w + k * columns : w + (k + 1) * columns]
            for s in range(columns):
                row[s] += number * line[s]
