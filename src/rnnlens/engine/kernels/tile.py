"""Matrix products on blocks of samples, in registers.

A block holds ``R`` samples, one column each: an array of units is ``(unit, R)``, laid flat. The
product ``Z = P' A`` of a weight matrix ``P (K, G)`` with a block ``A (K, R)`` is cut into tiles of
``ROWS`` rows of ``Z`` that stay in vector registers while ``K`` is gone through: one load of ``A``
serves all rows, and the weights are read in one stream, since `pack` lays each tile's weights side
by side. For the small products of a recurrent step this is about twice as fast as a call of BLAS,
which packs its operands anew at each call (``benchmarks/forward.py`` prints both).

``R`` is `BLOCK`, or 1 where only a few samples are left: a single sample takes a sixth of a block's
time or less. Then the rows of several tiles lie along the registers, and each number of ``A`` is
spread over one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import register_jitable
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import apart, instruction, part, within
from rnnlens.engine.kernels.lowlevel.registers import (
    ROWS,
    VECTORS,
    Vectors,
    columns_of,
    places,
    summed,
)

__all__ = ["BLOCK", "pack", "product", "product_below", "width"]

#: Samples in a full block.
BLOCK = 32
#: Samples up to which one after the other is faster than a block that they do not fill.
_FEW = 6
#: Tiles that are gone through side by side for a single sample: enough sums to hide the latency of
#: a multiply-add.
_ABREAST = 8


@register_jitable
def width(samples: int) -> int:
    """Say how many samples the next block holds where so many are left; for kernels too."""
    return BLOCK if samples > _FEW else 1


def pack(weights: NDArray[Any], columns: int = ROWS) -> NDArray[Any]:
    """Lay a weight matrix out in tiles, for `product` unless told otherwise.

    Shapes: weights (K, G) -> (tiles * K * columns,).
    """
    K, G = weights.shape
    tiles = -(-G // columns)
    wide = np.zeros((K, tiles * columns), weights.dtype)
    wide[:, :G] = weights
    return np.ascontiguousarray(wide.reshape(K, tiles, columns).swapaxes(0, 1)).ravel()


@instruction
def _tile(typing_context, P, p, A, a, K, Z, z):
    """Fill ``ROWS`` rows of ``Z`` from ``z`` on; ``a`` is where the first sample is in ``A``."""
    signature = types.void(P, types.intp, A, types.intp, types.intp, Z, types.intp)

    def generate(context, builder, signature, arguments):
        P0, p, A0, a, K, Z0, z = places(context, builder, signature, arguments)
        vectors, integer = Vectors(builder, P.dtype), ir.IntType(64)
        p0, a0, z0 = builder.gep(P0, [p]), builder.gep(A0, [a]), builder.gep(Z0, [z])
        ends = [v * vectors.lanes for v in range(VECTORS)]

        def add(k, sums):
            row = builder.gep(a0, [builder.mul(k, integer(BLOCK))])
            columns = [vectors.load(row, end) for end in ends]
            line = builder.gep(p0, [builder.mul(k, integer(ROWS))])
            totals = iter(sums)
            return [
                vectors.fused(weight, column, next(totals))
                for weight in (vectors.spread(line, j) for j in range(ROWS))
                for column in columns
            ]

        totals = iter(summed(builder, K, [vectors.zero] * (ROWS * VECTORS), add))
        for j in range(ROWS):
            for end in ends:
                vectors.store(next(totals), z0, j * BLOCK + end)
        return context.get_dummy_value()

    return signature, generate


def _single(tiles):
    """Make what fills the rows of some tiles for one sample; see `_tile`."""

    @instruction
    def column(typing_context, P, p, K, A, Z, z):
        signature = types.void(P, types.intp, types.intp, A, Z, types.intp)

        def generate(context, builder, signature, arguments):
            P0, p, K, A0, Z0, z = places(context, builder, signature, arguments)
            vectors, integer = Vectors(builder, P.dtype, ROWS), ir.IntType(64)
            whole = builder.mul(K, integer(ROWS))
            starts = [builder.gep(P0, [p])]
            for _ in range(tiles - 1):
                starts.append(builder.gep(starts[-1], [whole]))

            def add(k, sums):
                number, place = vectors.spread(builder.gep(A0, [k])), builder.mul(k, integer(ROWS))
                return [
                    vectors.fused(number, vectors.load(builder.gep(start, [place])), total)
                    for start, total in zip(starts, sums, strict=True)
                ]

            z0 = builder.gep(Z0, [z])
            for j, total in enumerate(summed(builder, K, [vectors.zero] * tiles, add)):
                vectors.store(total, z0, j * ROWS)
            return context.get_dummy_value()

        return signature, generate

    return column


_column, _columns = _single(1), _single(_ABREAST)


@part
def _product_single(P, K, A, Z, G):
    """Compute ``Z = P' A`` for one sample."""
    apart()
    if G > (_ABREAST - 1) * ROWS:
        last = (G - 1) // ROWS * ROWS - (_ABREAST - 1) * ROWS
        for j in range(0, G, _ABREAST * ROWS):
            first = min(j, last)  # those at the end may be filled twice
            _columns(P, first * K, K, A, Z, first)
    else:
        for j in range(0, G, ROWS):
            _column(P, j * K, K, A, Z, j)


@part
def product_below(P, K, skip, A, Z, G):
    """Compute ``Z = P' A`` for a full block without the first rows of ``P`` and ``A``.

    Shapes: P (tiles * K * ROWS,), A (at least (K - skip) * BLOCK,), Z (at least G * BLOCK rounded
    up to whole tiles,).
    """
    apart()
    columns = columns_of(A.itemsize)
    for j in range(0, G, ROWS):
        for s in range(0, BLOCK, columns):
            _tile(P, j * K + skip * ROWS, A, s, K - skip, Z, j * BLOCK + s)


@part
def product(P, A, K, Z, G, R):
    """Compute ``Z = P' A`` for one block.

    Shapes: P (tiles * K * ROWS,), A (at least K * R,), Z (at least G * R rounded up to whole
    tiles,).
    """
    within()
    if R == 1:
        _product_single(P, K, A, Z, G)
    else:
        product_below(P, K, 0, A, Z, G)
