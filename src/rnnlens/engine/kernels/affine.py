"""Affine maps of rows that lie within longer rows: the convolution over the steps.

A sample is laid out as one long line, padding included, in which the numbers that an output step
reads stand together: step ``t`` reads ``K`` numbers from ``t * pace`` on. Nothing is gathered but
where the taps stand apart. Outputs lie along the vector registers, ``ROWS`` steps at a time: a line
of weights is loaded once for all of them, and each number that is read is spread over a register.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from rnnlens.engine.kernels.buffers import CompiledActivation, activate, copy, fill, slopes
from rnnlens.engine.kernels.lowlevel.compiling import inner, kernel
from rnnlens.engine.kernels.lowlevel.primitives import (
    ROWS,
    columns_of,
    give_back,
    lent,
    never_inline,
    no_alias,
    tile_of_lines,
)
from rnnlens.engine.kernels.tile import pack

__all__ = ["Convolution", "Taps", "back", "forward", "lay", "spread"]


class Taps(NamedTuple):
    """Where the taps of a convolution stand.

    Parameters
    ----------
    features : int
        Numbers of a step.
    taps, dilation, stride : int
        How many taps there are, and steps from one to the next, and from one output to the next.
    before : int
        Steps of padding before the oldest step.
    rows : int
        Output steps.
    """

    features: int
    taps: int
    dilation: int
    stride: int
    before: int
    rows: int


class Convolution(NamedTuple):
    """What a convolution makes of the numbers that its taps read.

    Parameters
    ----------
    W : array
        Weights, laid out by `lay`.
    b : array (unit,)
        Biases; not used on the way back.
    bent : bool
        Whether the activation is another than the identity.
    phi : CompiledActivation
        The activation.
    """

    W: NDArray[Any]
    b: NDArray[Any]
    bent: bool
    phi: CompiledActivation


def lay(weights: NDArray[Any]) -> NDArray[Any]:
    """Lay a weight matrix out for the kernels: weights (K, G) -> (tiles * K * columns,)."""
    return pack(weights, columns_of(weights.itemsize))


@inner
def _rows_times(read, W, b, G, out, rows, Z):
    """Fill ``out`` (row * G,) with ``line[row * pace:][:K] @ W + b``.

    ``read`` is the line, the pace and K. The line is longer by ``ROWS`` rows than what is read of
    it, and ``b`` fills whole tiles.
    """
    never_inline()
    no_alias()
    line, pace, K = read
    columns = columns_of(line.itemsize)
    for t in range(0, rows, ROWS):
        for g in range(0, G, columns):
            wide, high = min(columns, G - g), min(ROWS, rows - t)
            if wide == columns and high == ROWS:
                source = (line, t * pace, pace)
                tile_of_lines(source, (W, g * K, K), (b, g), (out, t * G + g, G))
                continue
            tile_of_lines((line, t * pace, pace), (W, g * K, K), (b, g), (Z, 0, columns))
            for j in range(high):
                source, place = Z[j * columns :], (t + j) * G + g
                target = out[place : place + wide]
                for s in range(wide):
                    target[s] = source[s]


@inner
def _rows_onto(read, W, G, out, places, rows, Z):
    """Add ``line[row * pace:][:K] @ W`` onto ``out[row * hop:]``, tap by tap.

    ``read`` is the line, the pace and K; ``places`` is the hop from one row to the next, the
    numbers of a tap, and the hop from one tap to the next.
    """
    never_inline()
    no_alias()
    line, pace, K = read
    hop, size, apiece = places
    columns = columns_of(line.itemsize)
    zeros = Z[ROWS * columns :]
    for t in range(0, rows, ROWS):
        for g in range(0, G, columns):
            tile_of_lines((line, t * pace, pace), (W, g * K, K), (zeros, 0), (Z, 0, columns))
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
    line, Z, nothing = lent(x.dtype, (STRETCH + ROWS, ROWS * columns, W.size))
    fill(line, 0)
    fill(nothing, 0)
    for begin in range(span[0], span[1], STRETCH):
        rows = min(STRETCH, span[1] - begin)
        copy(x[begin : begin + rows], line[:rows])
        _rows_times((line, 1, 1), W, nothing, G, y[begin * G :], rows, Z)
    give_back(line)


@inner
def _read(x, where, wide, line):
    """Lay a sample's steps out as a line; where taps stand apart, every output step's own."""
    never_inline()
    no_alias()
    F, taps, dilation, stride, before, rows = where
    copy(x, wide[before * F : before * F + x.size])
    if dilation > 1:
        for t in range(rows):
            for k in range(taps):
                place = (t * stride + k * dilation) * F
                copy(wide[place : place + F], line[(t * taps + k) * F :][:F])


@kernel
def forward(layer, where, x, a, y, span):
    """Convolve samples over the steps.

    Shapes: x (sample, step * feature), a, y (sample, output step * unit).
    """
    W, b, bent, phi = layer
    F, taps, dilation, stride, before, rows = where
    G, K = b.size, taps * F
    padded = max(before + x.shape[1] // F, (rows - 1 + ROWS) * stride + (taps - 1) * dilation + 1)
    apiece, columns = dilation > 1, columns_of(x.itemsize)
    sizes = padded * F, (rows + ROWS) * K if apiece else 0, ROWS * columns
    wide, line, Z, more = lent(x.dtype, (*sizes, (G + columns - 1) // columns * columns))
    fill(wide, 0)
    fill(line, 0)
    fill(more, 0)
    copy(b, more[:G])
    for n in range(span[0], span[1]):
        _read(x[n], where, wide, line)
        if apiece:
            _rows_times((line, K, K), W, more, G, a[n], rows, Z)
        else:
            _rows_times((wide, stride * F, K), W, more, G, a[n], rows, Z)
        if bent:
            if y.shape[0]:
                copy(a[n], y[n])
            activate(phi, y[n] if y.shape[0] else a[n])
    give_back(wide)


@kernel
def back(layer, where, m, a, y, same, m_x, span):
    """Carry multipliers back through a convolution.

    Shapes: m (sample, output step * unit), a, y tuple of two (sample, output step * unit), m_x
    (sample, step * feature).
    """
    W, _, bent, phi = layer
    F, taps, dilation, stride, before, rows = where
    G, K = m.shape[1] // rows, taps * F
    padded = max(before + m_x.shape[1] // F, (rows - 1) * stride + (taps - 1) * dilation + 1)
    columns = columns_of(m_x.itemsize)
    # Z: a tile, and a row of zeros
    sizes = padded * F, (rows + ROWS) * G, (ROWS + 1) * columns
    wide, line, Z = lent(m_x.dtype, sizes)
    fill(line, 0)
    fill(Z, 0)
    for n in range(span[0], span[1]):
        inner = line[: rows * G]
        copy(m[n], inner)
        if bent:
            slopes(phi, a[0][n], y[0][n], a[1][n], y[1][n], same, inner)
        fill(wide, 0)
        _rows_onto((line, G, G), W, K, wide, (stride * F, F, dilation * F), rows, Z)
        copy(wide[before * F :], m_x[n])
    give_back(wide)
