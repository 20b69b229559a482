"""Matrix products on blocks of samples, in registers.

A block holds ``R`` samples, one column each: an array of units is ``(unit, R)``, laid flat. The
product ``Z = P' A`` of a weight matrix ``P (K, G)`` with a block ``A (K, R)`` is cut into tiles of
``ROWS`` rows of ``Z`` that stay in vector registers while ``K`` is gone through: one load of ``A``
serves all rows, and the weights are read in one stream, since `pack` lays each tile's weights side
by side. For the small products of a recurrent step this is about twice as fast as a call of BLAS,
which packs its operands anew at each call (``benchmarks/forward.py`` prints both).
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from rnnlens.engine.kernels.compiling import apart, instruction, part, within

__all__ = ["ROWS", "R", "pack", "product", "product_below"]

#: Samples in a block.
R = 32

_WIDE = llvm.get_host_cpu_features().get("avx512f", False)
#: Rows of a tile: with two vectors a row they fill half of the vector registers, and there are
#: enough of them to hide the latency of a multiply-add.
ROWS = 8 if _WIDE else 4
_VECTORS = 2
#: Bytes of a vector: a machine with narrower registers uses two for one.
_BYTES = 64 if _WIDE else 32
#: Samples of a tile, by bytes of a number.
_COLUMNS = {4: _VECTORS * _BYTES // 4, 8: _VECTORS * _BYTES // 8}


def pack(weights: NDArray[Any], width: int = ROWS) -> NDArray[Any]:
    """Lay a weight matrix out in tiles, for `product` unless another width is given.

    Parameters
    ----------
    weights : array (K, G)
        The matrix.
    width : int
        Columns of a tile.

    Returns
    -------
    array (tiles * K * width,)
        The same numbers, each tile's columns together; the last tile is filled up with zeros.
    """
    K, G = weights.shape
    tiles = -(-G // width)
    wide = np.zeros((K, tiles * width), weights.dtype)
    wide[:, :G] = weights
    return np.ascontiguousarray(wide.reshape(K, tiles, width).swapaxes(0, 1)).ravel()


def _vector(dtype: types.Float) -> tuple[ir.Type, ir.VectorType, int]:
    size = dtype.bitwidth // 8
    number = ir.FloatType() if size == 4 else ir.DoubleType()
    return number, ir.VectorType(number, _BYTES // size), size


@instruction
def _tile(typing_context, P, p, A, a, K, Z, z):
    """Fill ``ROWS`` rows of ``Z`` from ``z`` on; ``a`` is the place of the first sample in ``A``.

    Parameters
    ----------
    typing_context : object
        Numba's.
    P, p : array and int
        Packed weights, and where those of the tile begin.
    A, a : array and int
        The block, and where the tile's columns begin in its first row.
    K : int
        Rows of the block.
    Z, z : array and int
        The result, and where the tile begins.

    Returns
    -------
    tuple
        Signature and code generator.
    """
    signature = types.void(P, types.intp, A, types.intp, types.intp, Z, types.intp)

    def generate(context, builder, signature, arguments):
        number, vector, size = _vector(P.dtype)
        lanes = vector.count
        integer = ir.IntType(64)
        bases = [
            cgutils.create_struct_proxy(signature.args[k])(context, builder, arguments[k]).data
            for k in (0, 2, 5)
        ]
        p0, a0, z0 = (
            builder.gep(base, [arguments[k]]) for base, k in zip(bases, (1, 3, 6), strict=True)
        )
        fma = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [vector] * 3),
            f"llvm.fmuladd.v{lanes}f{8 * size}",
        )

        def load(row: ir.Value, v: int) -> ir.Value:
            place = builder.gep(row, [integer(v * lanes)])
            return builder.load(builder.bitcast(place, vector.as_pointer()), align=size)

        def spread(value: ir.Value) -> ir.Value:
            undefined = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(undefined, value, ir.IntType(32)(0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            return builder.shuffle_vector(first, undefined, zeros)

        entry = builder.block
        loop = builder.append_basic_block("tile")
        done = builder.append_basic_block("tiled")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(integer)
        k.add_incoming(integer(0), entry)
        sums = [[builder.phi(vector) for _ in range(_VECTORS)] for _ in range(ROWS)]
        row = builder.gep(a0, [builder.mul(k, integer(R))])
        columns = [load(row, v) for v in range(_VECTORS)]
        weights = builder.gep(p0, [builder.mul(k, integer(ROWS))])
        after = builder.add(k, integer(1))
        k.add_incoming(after, loop)
        for j, line in enumerate(sums):
            weight = spread(builder.load(builder.gep(weights, [integer(j)]), align=size))
            for v, total in enumerate(line):
                total.add_incoming(ir.Constant(vector, [number(0.0)] * lanes), entry)
                line[v] = builder.call(fma, [weight, columns[v], total])
                total.add_incoming(line[v], loop)
        builder.cbranch(builder.icmp_signed("<", after, arguments[4]), loop, done)
        builder.position_at_end(done)
        for j, line in enumerate(sums):
            row = builder.gep(z0, [integer(j * R)])
            for v, total in enumerate(line):
                place = builder.gep(row, [integer(v * lanes)])
                builder.store(total, builder.bitcast(place, vector.as_pointer()), align=size)
        return context.get_dummy_value()

    return signature, generate


_NARROW, _BROAD = _COLUMNS[8], _COLUMNS[4]


@part
def product_below(P, K, skip, A, Z, G):
    """Compute ``Z = P' A`` without the first rows of ``P`` and ``A``.

    Parameters
    ----------
    P : array (tiles * K * ROWS,)
        From `pack`.
    K, skip : int
        Rows of the matrix, and how many of them are left out.
    A : array (at least (K - skip) * R,)
        The block, one row a number of a sample, without those rows.
    Z : array (at least G * R rounded up to whole tiles,)
        As `product` fills it.
    G : int
        Rows wanted.
    """
    apart()
    columns = _NARROW if A.itemsize == 8 else _BROAD
    for j in range(0, G, ROWS):
        for s in range(0, R, columns):
            _tile(P, j * K + skip * ROWS, A, s, K - skip, Z, j * R + s)


@part
def product(P, A, K, Z, G):
    """Compute ``Z = P' A`` for one block.

    Parameters
    ----------
    P : array (tiles * K * ROWS,)
        From `pack`.
    A : array (at least K * R,)
        The block, one row a number of a sample.
    K : int
        Its rows, at least one.
    Z : array (at least G * R rounded up to whole tiles,)
        Filled; rows beyond ``G``, up to a whole tile, are overwritten.
    G : int
        Rows wanted.
    """
    within()
    product_below(P, K, 0, A, Z, G)
