"""Affine maps of rows that lie within longer rows: the convolution over the steps.

A sample is laid out as one long line, padding included, in which the numbers that an output step
reads stand together: step ``t`` reads ``K`` numbers from ``t * pace`` on. Nothing is gathered but
where the taps stand apart. Outputs lie along the vector registers, ``ROWS`` steps at a time: a line
of weights is loaded once for all of them, and each number that is read is spread over a register.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numpy.typing import NDArray

from rnnlens.engine.kernels.buffers import activate, copy, fill, slopes
from rnnlens.engine.kernels.lowlevel.compiling import apart, disjoint, instruction, kernel, part
from rnnlens.engine.kernels.lowlevel.registers import (
    ROWS,
    VECTORS,
    Vectors,
    columns_of,
    places,
    summed,
)
from rnnlens.engine.kernels.tile import pack

__all__ = ["back", "forward", "lay", "spread"]


def lay(weights: NDArray[Any]) -> NDArray[Any]:
    """Lay a weight matrix out for the kernels: weights (K, G) -> (tiles * K * columns,)."""
    return pack(weights, columns_of(weights.itemsize))


@instruction
def _tile(typing_context, X, x, pace, W, w, K, B, b, Z, z, hop):
    """Multiply ``ROWS`` stretches of a line by a tile of weights."""
    n = types.intp
    signature = types.void(X, n, n, W, n, n, B, n, Z, n, n)

    def generate(context, builder, signature, arguments):
        X0, x, pace, W0, w, K, B0, b, Z0, z, hop = places(context, builder, signature, arguments)
        vectors, integer = Vectors(builder, X.dtype), ir.IntType(64)
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
            weights = [vectors.load(line, end) for end in ends]
            totals = iter(sums)
            return [
                vectors.fused(read, weight, next(totals))
                for read in (vectors.spread(builder.gep(start, [k])) for start in starts)
                for weight in weights
            ]

        begun = [vectors.load(b0, end) for end in ends]
        totals = iter(summed(builder, K, begun * ROWS, add))
        for row in rows:
            for end in ends:
                vectors.store(next(totals), row, end)
        return context.get_dummy_value()

    return signature, generate


@part
def _rows_times(line, pace, W, K, b, G, out, rows, Z):
    """Fill ``out`` (row * G,) with ``line[row * pace:][:K] @ W + b``.

    The line is longer by ``ROWS`` rows than what is read of it, and ``b`` fills whole tiles.
    """
    apart()
    disjoint()
    columns = columns_of(line.itemsize)
    for t in range(0, rows, ROWS):
        for g in range(0, G, columns):
            wide, high = min(columns, G - g), min(ROWS, rows - t)
            if wide == columns and high == ROWS:
                _tile(line, t * pace, pace, W, g * K, K, b, g, out, t * G + g, G)
                continue
            _tile(line, t * pace, pace, W, g * K, K, b, g, Z, 0, columns)
            for j in range(high):
                source, place = Z[j * columns :], (t + j) * G + g
                target = out[place : place + wide]
                for s in range(wide):
                    target[s] = source[s]


@part
def _rows_onto(line, pace, W, K, G, out, places, rows, Z):
    """Add ``line[row * pace:][:K] @ W`` onto ``out[row * hop:]``, tap by tap.

    ``places`` is the hop from one row to the next, the numbers of a tap, and the hop from one tap
    to the next.
    """
    apart()
    disjoint()
    hop, size, apiece = places
    columns = columns_of(line.itemsize)
    zeros = Z[ROWS * columns :]
    for t in range(0, rows, ROWS):
        for g in range(0, G, columns):
            _tile(line, t * pace, pace, W, g * K, K, zeros, 0, Z, 0, columns)
            wide = min(columns, G - g)
            for j in range(min(ROWS, rows - t)):
                source, first = Z[j * columns :], (t + j) * hop
                if size == apiece:
                    target = out[first + g : first + g + wide]
                    for s in range(wide):
                        target[s] += source[s]
                else:
                    for s in range(wide):
                        out[first + (g + s) // size * apiece + (g + s) % size] += source[s]


#: Numbers that `spread` takes at a time.
STRETCH = 512


@kernel
def spread(x, W, G, y, span):
    """Multiply numbers by a row of weights: x (number,), y (number * G,)."""
    columns = columns_of(x.itemsize)
    line = np.zeros(STRETCH + ROWS, x.dtype)
    Z = np.empty(ROWS * columns, x.dtype)
    nothing = np.zeros(W.size, x.dtype)
    for begin in range(span[0], span[1], STRETCH):
        rows = min(STRETCH, span[1] - begin)
        copy(x[begin : begin + rows], line[:rows])
        _rows_times(line, 1, W, 1, nothing, G, y[begin * G :], rows, Z)


@part
def _read(x, F, sizes, wide, line):
    """Lay a sample's steps out as a line; where taps stand apart, every output step's own."""
    apart()
    disjoint()
    taps, dilation, stride, before, rows = sizes
    copy(x, wide[before * F : before * F + x.size])
    if dilation > 1:
        for t in range(rows):
            for k in range(taps):
                place = (t * stride + k * dilation) * F
                copy(wide[place : place + F], line[(t * taps + k) * F :][:F])


@kernel
def forward(x, F, W, b, sizes, bent, phi, a, y, span):
    """Convolve samples over the steps.

    Shapes: x (sample, step * feature), b (unit,), a (sample, output step * unit), y (sample, output
    step * unit).
    """
    taps, dilation, stride, before, rows = sizes
    G, K = b.size, taps * F
    padded = max(before + x.shape[1] // F, (rows - 1 + ROWS) * stride + (taps - 1) * dilation + 1)
    wide = np.zeros(padded * F, x.dtype)
    apiece = dilation > 1
    line = np.zeros((rows + ROWS) * K if apiece else 0, x.dtype)
    columns = columns_of(x.itemsize)
    Z = np.empty(ROWS * columns, x.dtype)
    more = np.zeros((G + columns - 1) // columns * columns, x.dtype)
    copy(b, more[:G])
    for n in range(span[0], span[1]):
        _read(x[n], F, sizes, wide, line)
        if apiece:
            _rows_times(line, K, W, K, more, G, a[n], rows, Z)
        else:
            _rows_times(wide, stride * F, W, K, more, G, a[n], rows, Z)
        if bent:
            if y.shape[0]:
                copy(a[n], y[n])
            activate(phi, y[n] if y.shape[0] else a[n])


@kernel
def back(m, F, W, sizes, bent, phi, a, y, same, m_x, span):
    """Carry multipliers back through a convolution.

    Shapes: m (sample, output step * unit), a, y tuple of two (sample, output step * unit), m_x
    (sample, step * feature).
    """
    taps, dilation, stride, before, rows = sizes
    G, K = m.shape[1] // rows, taps * F
    padded = max(before + m_x.shape[1] // F, (rows - 1) * stride + (taps - 1) * dilation + 1)
    wide = np.empty(padded * F, m_x.dtype)
    line = np.zeros((rows + ROWS) * G, m_x.dtype)
    columns = columns_of(m_x.itemsize)
    Z = np.zeros((ROWS + 1) * columns, m_x.dtype)  # a tile, and a row of zeros
    for n in range(span[0], span[1]):
        inner = line[: rows * G]
        copy(m[n], inner)
        if bent:
            slopes(phi, a[0][n], y[0][n], a[1][n], y[1][n], same, inner)
        fill(wide, 0)
        _rows_onto(line, G, W, G, K, wide, (stride * F, F, dilation * F), rows, Z)
        copy(wide[before * F :], m_x[n])
