"""The state of a chain of steps as affine forms: rows of coefficients, one row a symbol.

A state is ``s = centre + sum_j row_j e_j +- rest``, entry by entry, with every symbol ``e_j`` in
[-1, 1]: the same symbols in all states of a box, known by number. What is lost by a curve, a
product or a rounding becomes a fresh symbol of its own entry. Where rows become too many, those
that move the state least are put together, entry by entry, into fresh ones (order reduction).
"""

from __future__ import annotations

import numpy as np

from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.primitives import (
    add_in_any_order,
    give_back,
    lent,
    never_inline,
)
from rnnlens.evidence.proof.zonotope.functions import TINY, UNIT

__all__ = [
    "FEW",
    "absolute_sums",
    "add",
    "copied",
    "emit",
    "fresh",
    "largest",
    "linear",
    "meet",
    "reduce",
    "times_rest",
    "zero",
]

#: Share of rounding of a few operations on one number.
FEW = 16 * UNIT


@inner
def copied(row, into):
    """Copy a vector; a loop compiles in a tenth of the time that an assignment takes.

    Shapes: row, into (entry,).
    """
    for k in range(len(row)):
        into[k] = row[k]


@inner
def add(row, into, first):
    """Add the entries of a vector from one of them on: row (entry,)."""
    for k in range(len(into)):
        into[k] += row[first + k]


@inner
def zero(row):
    """Set a vector to zero: row (entry,)."""
    for k in range(len(row)):
        row[k] = 0.0


@inner
def meet(x_ids, count, ids, place_of, places, g, h_rows, c_rows):
    """Give each symbol of an input its row among those of the state.

    Shapes: x_ids (symbol,) of int, ids (row,) of int, place_of (number,) of int, places (symbol,)
    of int, h_rows, c_rows (row, unit).
    """
    for k in range(count):
        number = x_ids[k]
        if place_of[number] < 0:
            place_of[number] = g
            ids[g] = number
            zero(h_rows[g])
            zero(c_rows[g])
            g += 1
        places[k] = place_of[number]
    return g


@inner
def linear(centre, spread, matrix, sizes, into, error):
    """Add ``centre matrix`` to a vector, and to its error what the product may be wrong by.

    Shapes: centre (entry,), spread (entry,), matrix, sizes (entry, unit), into, error (unit,).
    """
    for k in range(len(centre)):
        x, e = centre[k], spread[k]
        row, size = matrix[k], sizes[k]
        for u in range(len(into)):
            into[u] += x * row[u]
            error[u] += e * size[u]


@inner
def absolute_sums(rows, count, sums):
    """Sum the absolute coefficients of every column: rows (row, unit), sums (unit,)."""
    never_inline()
    zero(sums)
    for j in range(count):
        row = rows[j]
        for u in range(len(sums)):
            sums[u] += abs(row[u])


@inner
def times_rest(beyond, diagonal, pad, share):
    """Bound what the product of two affine forms has beyond its affine part.

    With ``a = a0 + sum a_j e_j +- a_rest`` and ``b`` alike, the affine part is taken as
    ``a0 b0 + sum (a0 b_j + b0 a_j) e_j + sum a_j b_j / 2``: of ``a_j b_j e_j^2``, which lies
    between 0 and ``a_j b_j``, the middle. So half of the diagonal is known and comes off.
    """
    return max(beyond * pad - 0.5 * diagonal, 0.0) + share * (diagonal + beyond) + TINY


@inner
def fresh(radii, rows, other, ids, place_of, g, number):
    """Turn radii into symbols, one an entry: radii (unit,), rows, other (row, unit)."""
    for u in range(len(radii)):
        zero(rows[g])
        zero(other[g])
        rows[g, u] = radii[u]
        ids[g] = number
        place_of[number] = g
        g += 1
        number += 1
    return g, number


@inner
def largest(numbers, count):
    """Give the number that as many are not below: the count-th largest: numbers (entry,)."""
    first, last, place = 0, len(numbers) - 1, count - 1
    while first < last:  # quickselect, the middle as the pivot
        pivot = numbers[(first + last) // 2]
        i, j = first, last
        while i <= j:
            while numbers[i] > pivot:
                i += 1
            while numbers[j] < pivot:
                j -= 1
            if i <= j:
                numbers[i], numbers[j] = numbers[j], numbers[i]
                i += 1
                j -= 1
        if place <= j:
            last = j
        elif place >= i:
            first = i
        else:
            break
    return numbers[place]


@inner
def size(row):
    """Sum the sizes of entries, in any order: row (entry,)."""
    never_inline()
    total = 0.0
    for u in range(len(row)):
        total = add_in_any_order(total, abs(row[u]))
    return total


@inner
def reduce(s, g, number, keep, free):
    """Keep the rows that matter most, and put the others together entry by entry.

    ``s`` is a `rnnlens.evidence.proof.zonotope.cells.State`, ``g`` its number of rows and
    ``number`` the next free one of a symbol.
    """
    never_inline()
    h_rows, c_rows, ids, place_of, pad = s.h_rows, s.c_rows, s.ids, s.place_of, s.pad
    of_h, of_c = h_rows.shape[1], c_rows.shape[1]
    norms, sorted_norms, h_rest, c_rest = lent(np.float64, (g, g, of_h, of_c))
    zero(h_rest)
    zero(c_rest)
    for j in range(g):
        norms[j] = np.inf if ids[j] < free else size(h_rows[j]) + size(c_rows[j])
    copied(norms, sorted_norms)
    least = largest(sorted_norms, keep)
    alike = keep  # rows of just that size that there is room for
    for j in range(g):
        alike -= norms[j] > least
    n = 0
    for j in range(g):
        if norms[j] > least or (norms[j] == least and alike > 0):
            alike -= norms[j] == least
            if n < j:
                copied(h_rows[j], h_rows[n])
                copied(c_rows[j], c_rows[n])
                ids[n] = ids[j]
                place_of[ids[j]] = n
            n += 1
        else:
            for u in range(len(h_rest)):
                h_rest[u] += abs(h_rows[j, u])
            for u in range(len(c_rest)):
                c_rest[u] += abs(c_rows[j, u])
            place_of[ids[j]] = -1
    for u in range(len(h_rest)):
        h_rest[u] *= pad
    for u in range(len(c_rest)):
        c_rest[u] *= pad
    n, number = fresh(h_rest, h_rows, c_rows, ids, place_of, n, number)
    n, number = fresh(c_rest, c_rows, h_rows, ids, place_of, n, number)
    give_back(norms)
    return n, number


@inner
def emit(centre, rows, ids, g, out_centre, out_rows, out_ids):
    """Copy a state as what the layer gives at a step.

    Shapes: centre (unit,), rows (row, unit), ids (row,) of int.
    """
    never_inline()
    copied(centre, out_centre)
    for j in range(g):
        copied(rows[j], out_rows[j])
        out_ids[j] = ids[j]
