"""Tiles of matrix products whose sums stay in vector registers."""

from __future__ import annotations

from llvmlite import ir
from numba import types

from rnnlens.engine.kernels.lowlevel.generated.hints import intrinsic
from rnnlens.engine.kernels.lowlevel.generated.registers import (
    ROWS,
    VECTORS,
    Vectors,
    places,
    summed,
)

__all__ = ["BLOCK", "COLUMNS_ABREAST", "tile", "tile_column", "tile_columns", "tile_of_lines"]

#: Samples in a full block.
BLOCK = 32
#: Tiles that are gone through side by side for a single sample: enough sums to hide the latency of
#: a multiply-add.
COLUMNS_ABREAST = 8


@intrinsic
def tile(typing_context, P, p, A, a, K, target):
    """Fill ``ROWS`` rows of the target; ``a`` is where the first sample is in ``A``.

    The target is an array, where to begin in it, and the samples of a block, one column each.
    """
    signature = types.void(P, types.intp, A, types.intp, types.intp, target)

    def generate(context, builder, signature, arguments):
        P0, p, A0, a, K, Z0, z, R = places(context, builder, signature, arguments)
        vectors, integer = Vectors(builder, P.dtype), ir.IntType(64)
        p0, a0, z0 = builder.gep(P0, [p]), builder.gep(A0, [a]), builder.gep(Z0, [z])
        ends = [v * vectors.lanes for v in range(VECTORS)]

        def add(k, sums):
            row = builder.gep(a0, [builder.mul(k, R)])
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
            row = builder.gep(z0, [builder.mul(integer(j), R)])
            for end in ends:
                vectors.store(next(totals), row, end)
        return context.get_dummy_value()

    return signature, generate


def _for_one_sample(tiles):
    """Make what fills the rows of some tiles for one sample; see `tile`."""

    @intrinsic
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


tile_column, tile_columns = _for_one_sample(1), _for_one_sample(COLUMNS_ABREAST)


@intrinsic
def tile_of_lines(typing_context, read, weights, bias, target):
    """Multiply ``ROWS`` stretches of a line by a tile of weights.

    Each argument is an array and where to begin in it; what is read and the target have the hop
    from one row to the next beside it, and the weights the numbers that a row reads.
    """

    def generate(context, builder, signature, arguments):
        X0, x, pace, W0, w, K, B0, b, Z0, z, hop = places(context, builder, signature, arguments)
        vectors, integer = Vectors(builder, read.types[0].dtype), ir.IntType(64)
        columns = VECTORS * vectors.lanes
        starts, rows = (
            [
                builder.gep(base, [builder.add(first, builder.mul(integer(j), apiece))])
                for j in range(ROWS)
            ]
            for base, first, apiece in ((X0, x, pace), (Z0, z, hop))
        )
        w0, b0 = builder.gep(W0, [w]), builder.gep(B0, [b])
        ends = [v * vectors.lanes for v in range(VECTORS)]

        def add(k, sums):
            line = builder.gep(w0, [builder.mul(k, integer(columns))])
            loaded = [vectors.load(line, end) for end in ends]
            totals = iter(sums)
            return [
                vectors.fused(number, weight, next(totals))
                for number in (vectors.spread(builder.gep(start, [k])) for start in starts)
                for weight in loaded
            ]

        begun = [vectors.load(b0, end) for end in ends]
        totals = iter(summed(builder, K, begun * ROWS, add))
        for row in rows:
            for end in ends:
                vectors.store(next(totals), row, end)
        return context.get_dummy_value()

    return types.void(read, weights, bias, target), generate
