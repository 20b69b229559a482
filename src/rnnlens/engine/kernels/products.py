"""Cells that read what their input puts in: its products with the weights were made before.

Runs that read the same steps, as those of a window in which one step is replaced do, need the
product of each step once. A table holds the products ``x W``, and a run says which row of it each
of its steps reads. A run may also differ by ``d`` in one feature ``k``, which adds ``d W_k``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.buffers import fill
from rnnlens.engine.kernels.cells.interface import advance_given
from rnnlens.engine.kernels.lowlevel.compiling import inner, kernel
from rnnlens.engine.kernels.lowlevel.primitives import (
    ROWS,
    give_back,
    in_line,
    lent,
    never_inline,
    no_alias,
    part,
    rest,
)
from rnnlens.engine.kernels.step_loop import load, store
from rnnlens.engine.kernels.tile import width

__all__ = ["Products", "run_products"]

Array = NDArray[Any]


class Products(NamedTuple):
    """What some runs read, by its products with the input kernels.

    Parameters
    ----------
    rows : array (row, gate * unit)
        The products.
    which : array (run, step) of int
        The row that each step of each run reads.
    columns : array (run,) of int
        The feature in which each run differs from its rows; empty where none does.
    away : array (run, step)
        By how much it differs; empty likewise.
    """

    rows: Array
    which: NDArray[np.int64]
    columns: NDArray[np.int64]
    away: Array


#: Numbers of a row that are moved at a time.
_LINE = 8


@inner
def _places(numbers, size, b, places):
    """Say where rows begin in a table laid out as a line: those of a block's runs.

    What a block holds beyond the last run reads what its first one does.
    """
    never_inline()
    count = min(places.size, numbers.size - b)
    for s in range(places.size):
        places[s] = np.uint64(numbers[b + s if s < count else b] * size)


@inner
def _same(places, R) -> bool:
    """Say whether all runs of a block read one row."""
    never_inline()
    apart = 0
    for s in range(1, R):
        apart += places[s] != places[0]
    return apart == 0


@inner
def _gather(line, places, size, G, R):
    """Turn the rows that runs read into rows of a block.

    A line of the cache at a time: rows often lie a power of two apart, where few are held at once.
    """
    never_inline()
    no_alias()
    # whole numbers that are never negative take the fewest instructions
    wide, whole = np.uint64(R), size // _LINE * _LINE
    for j in range(0, whole, _LINE):
        first = np.uint64(j)
        for s in range(R):
            place, at = places[s] + first, first * wide + np.uint64(s)
            for k in range(_LINE):
                G[at + np.uint64(k) * wide] = line[place + np.uint64(k)]
    for j in range(whole, size):
        for s in range(R):
            G[j * R + s] = line[places[s] + np.uint64(j)]


@inner
def _spread(line, place, size, G, R):
    """Do so where all read one row."""
    never_inline()
    no_alias()
    for j in range(size):
        number = line[place + np.uint64(j)]
        for s in range(R):
            G[j * R + s] = number


@inner
def _differing(away, b, t, d) -> bool:
    """Note by how much each run of a block differs, and say whether any does."""
    never_inline()
    found = False
    for s in range(min(d.size, away.shape[0] - b)):
        d[s] = away[b + s, t]
        found = found or d[s] != 0
    return found


@inner
def _differ(line, places, d, size, G, R):
    """Add what the one feature in which each run differs puts in more."""
    never_inline()
    no_alias()
    wide, whole = np.uint64(R), size // _LINE * _LINE
    for j in range(0, whole, _LINE):
        first = np.uint64(j)
        for s in range(R):
            place, at, by = places[s] + first, first * wide + np.uint64(s), d[s]
            for k in range(_LINE):
                G[at + np.uint64(k) * wide] += by * line[place + np.uint64(k)]
    for j in range(whole, size):
        for s in range(R):
            G[j * R + s] += d[s] * line[places[s] + np.uint64(j)]


@kernel
def run_products(w, W, products, states, results, span):
    """Run a cell that reads nothing itself: W (feature, gate * unit)."""
    rows, which, columns, away = products
    outputs, finals = results
    begin, end = span
    T, size, most = which.shape[1], rows.shape[1], width(end - begin, rows.itemsize)
    sizes = (1 + w.outputs + ROWS) * most, w.cells * most, w.record * most, size * most, most
    A, cells, D, G, d = lent(rows.dtype, sizes)
    read, features = lent(np.uint64, (most, most))
    fill(d, 0)
    table, kernel = in_line(rows), in_line(W)
    b = begin
    while b < end:
        R = width(end - b, rows.itemsize)
        C, put_in = part(cells, 0, w.cells * R), part(G, 0, size * R)
        fill(A, 0)
        fill(part(A, 0, R), 1)
        fill(C, 0)
        load(states[0], b, rest(A, R), R)
        load(states[1], b, C, R)
        if columns.size:
            _places(columns, size, b, part(features, 0, R))
        for t in range(T):
            _places(which[:, t], size, b, part(read, 0, R))
            if _same(read, R):
                _spread(table, read[0], size, put_in, R)
            else:
                _gather(table, read, size, put_in, R)
            if columns.size and _differing(away, b, t, part(d, 0, R)):
                _differ(kernel, features, d, size, put_in, R)
            advance_given(w, A, C, D, put_in, R)
            if outputs.shape[1] > 1:
                store(rest(A, R), outputs[:, t], b, R)
        if outputs.shape[1] == 1:
            store(rest(A, R), outputs[:, 0], b, R)
        store(rest(A, R), finals[0], b, R)
        store(C, finals[1], b, R)
        b += R
    give_back(A)
    give_back(read)
