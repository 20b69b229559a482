"""Matrix products on blocks of samples, in registers.

A block holds ``R`` samples, one column each: an array of units is ``(unit, R)``, laid flat. The
product ``Z = P' A`` of a weight matrix ``P (K, G)`` with a block ``A (K, R)`` is cut into tiles of
``ROWS`` rows of ``Z`` that stay in vector registers while ``K`` is gone through: one load of ``A``
serves all rows, and the weights are read in one stream, since `pack` lays each tile's weights side
by side. For the small products of a recurrent step this is about twice as fast as a call of BLAS,
which packs its operands anew at each call (``benchmarks/forward.py`` prints both).

``R`` is `BLOCK`, less where fewer samples are left: as many as fill whole tiles, or 1 where they
are only a few. Then the rows of several tiles lie along the registers, and each number of ``A`` is
spread over one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.extending import inlined
from rnnlens.engine.kernels.lowlevel.primitives import (
    BLOCK,
    COLUMNS_ABREAST,
    ROWS,
    always_inline,
    columns_of,
    never_inline,
    tile,
    tile_column,
    tile_columns,
)

__all__ = ["BLOCK", "pack", "product", "product_below", "width"]

#: Samples up to which one after the other is faster than a block that they do not fill.
_FEW = 6


@inlined
def width(samples: int, itemsize: int) -> int:
    """Say how many samples the next block holds where so many are left; for kernels too."""
    columns = columns_of(itemsize)
    return min(BLOCK, -(-samples // columns) * columns) if samples > _FEW else 1


def pack(weights: NDArray[Any], columns: int = ROWS) -> NDArray[Any]:
    """Lay a weight matrix out in tiles, for `product` unless told otherwise.

    Shapes: weights (K, G) -> (tiles * K * columns,).
    """
    K, G = weights.shape
    tiles = -(-G // columns)
    wide = np.zeros((K, tiles * columns), weights.dtype)
    wide[:, :G] = weights
    return np.ascontiguousarray(wide.reshape(K, tiles, columns).swapaxes(0, 1)).ravel()


@inner
def _product_single(P, K, A, Z, G):
    """Compute ``Z = P' A`` for one sample."""
    never_inline()
    if G > (COLUMNS_ABREAST - 1) * ROWS:
        last = (G - 1) // ROWS * ROWS - (COLUMNS_ABREAST - 1) * ROWS
        for j in range(0, G, COLUMNS_ABREAST * ROWS):
            first = min(j, last)  # those at the end may be filled twice
            tile_columns(P, first * K, K, A, Z, first)
    else:
        for j in range(0, G, ROWS):
            tile_column(P, j * K, K, A, Z, j)


@inner
def product_below(P, K, skip, A, Z, G, R):
    """Compute ``Z = P' A`` for a block of several samples without the first rows of ``P``.

    Shapes: P (tiles * K * ROWS,), A (at least (K - skip) * R,), Z (at least G * R rounded up to
    whole tiles,).
    """
    never_inline()
    columns = columns_of(A.itemsize)
    for j in range(0, G, ROWS):
        for s in range(0, R, columns):
            tile(P, j * K + skip * ROWS, A, s, K - skip, (Z, j * R + s, R))


@inner
def product(P, A, K, Z, G, R):
    """Compute ``Z = P' A`` for one block.

    Shapes: P (tiles * K * ROWS,), A (at least K * R,), Z (at least G * R rounded up to whole
    tiles,).
    """
    always_inline()
    if R == 1:
        _product_single(P, K, A, Z, G)
    else:
        product_below(P, K, 0, A, Z, G, R)
