"""A recurrent layer on affine forms, box by box: the steps that the free inputs reach."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import inner, kernel
from rnnlens.engine.kernels.lowlevel.primitives import give_back, lent, never_inline
from rnnlens.evidence.proof.zonotope.cells import InputRows, Sides, State
from rnnlens.evidence.proof.zonotope.functions import TINY, UNIT
from rnnlens.evidence.proof.zonotope.products import rows_times
from rnnlens.evidence.proof.zonotope.state import (
    absolute_sums,
    copied,
    emit,
    linear,
    meet,
    reduce,
    zero,
)
from rnnlens.evidence.proof.zonotope.steps import cell

__all__ = ["Beginning", "FormArrays", "Hulls", "Limits", "chain"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class FormArrays(NamedTuple):
    """The arrays of `rnnlens.evidence.proof.zonotope.forms.Forms`.

    Shapes: centre, rest (box, step, unit), rows (box, step, symbol, unit), ids (box, step, symbol)
    of int, count (box, step) of int.
    """

    centre: Array
    rest: Array
    rows: Array
    ids: Whole
    count: Whole  # type: ignore[assignment] - nobody counts in this tuple


class Hulls(NamedTuple):
    """Centre and radius of the hidden and of the cell state: (box, [step,] unit)."""

    h: Array
    hr: Array
    c: Array
    cr: Array


class Beginning(NamedTuple):
    """Where the steps of each box begin.

    Shapes: step (box,) of int, the first that the free inputs reach; numbers (box,) of int, the
    next free one of a symbol; states (box, unit) each; of states that the free inputs reach the
    rows of the hidden and of the cell state, (box, symbol, unit), ids (box, symbol) of int and
    count (box,) of int.
    """

    step: Whole
    numbers: Whole
    states: Hulls
    h_rows: Array
    c_rows: Array
    ids: Whole
    count: Whole  # type: ignore[assignment] - nobody counts in this tuple


class Limits(NamedTuple):
    """How many inputs are free, rows may be kept between steps, and symbols there are at most.

    Where no rows may be kept, the state between steps is an interval.
    """

    free: int
    rows: int
    symbols: int


@inner
def _room(w, features, H, R, rows, symbols):
    """Lend a state; ``h`` and ``ids`` give it back."""
    shown, kept, tables = (R, R, R, (rows, R)), (H, H, H, (rows, H)), (rows, w.U.shape[1])
    h, hr, Rh, h_rows, c, cr, Rc, c_rows, A, N = lent(
        np.float64, (*shown, *kept, tables, (rows + 3, max(H, R)))
    )
    ids, place_of = lent(np.int64, (rows, symbols))
    for j in range(rows + 3):
        zero(N[j])
    share = 2.0 * (rows + features + R + H + 32) * UNIT
    pad, line = 1.0 + 2.0 * share, 2.0 * (features + R + H + 32) * UNIT
    return State(h, hr, Rh, h_rows, c, cr, Rc, c_rows, ids, place_of, A, N, pad, share, line)


@inner
def _products(w, s, x, b, t, sides, g, X):
    """Compute both sides of the pre-activations, their errors and their rows."""
    never_inline()
    centre, x_rest, x_rows, count = x.centre[b, t], x.rest[b, t], x.rows[b, t], x.count[b, t]
    ax, dx, ah, dh = sides
    share, pad = s.line, s.pad
    spread, of_state = lent(np.float64, (len(centre), len(s.h)))
    for f in range(len(centre)):
        reach = 0.0
        for k in range(count):
            reach += abs(x_rows[k, f])
        spread[f] = (share * (abs(centre[f]) + reach) + x_rest[f]) * pad
    for u in range(len(ax)):
        ax[u] = w.b[u]
        dx[u] = share * abs(w.b[u])
    linear(centre, spread, w.W, w.W_size, ax, dx)
    for u in range(len(ah)):
        ah[u] = 0.0
        dh[u] = 0.0
    for r in range(len(s.h)):
        of_state[r] = (share * (abs(s.h[r]) + s.Rh[r]) + s.hr[r]) * pad
    linear(s.h, of_state, w.U, w.U_size, ah, dh)
    give_back(spread)
    for u in range(len(dx)):
        dx[u] = dx[u] * pad + TINY
    for u in range(len(dh)):
        dh[u] = dh[u] * pad + TINY
    _recurrent_rows(w, s, g)
    rows_times(x_rows, count, w.W, w.W_tiles, X)


@inner
def _recurrent_rows(w, s, g):
    """Multiply the rows of the hidden state by the recurrent kernel.

    The last ones are new, and of one entry each: a symbol is born in one unit.
    """
    never_inline()
    several = _of_several(s.h_rows, g)
    rows_times(s.h_rows, several, w.U, w.U_tiles, s.A)
    for j in range(several, g):
        row, into = s.h_rows[j], s.A[j]
        zero(into)
        for r in range(len(row)):
            if not abs(row[r]) <= 0.0:  # NaN is an entry
                for u in range(len(into)):
                    into[u] = row[r] * w.U[r, u]


@inner
def _of_several(rows, count):
    """Say after how many rows all others have one entry at most: rows (row, unit)."""
    for j in range(count - 1, -1, -1):
        entries = 0
        for r in range(rows.shape[1]):
            entries += not abs(rows[j, r]) <= 0.0  # NaN is an entry
        if entries > 1:
            return j + 1
    return 0


@inner
def _sizes(s, g):
    """Sum the sizes of the rows anew."""
    absolute_sums(s.h_rows, g, s.Rh)
    absolute_sums(s.c_rows, g, s.Rc)
    for r in range(len(s.h)):
        s.Rh[r] *= s.pad
    for u in range(len(s.c)):
        s.Rc[u] *= s.pad


@inner
def _begin(s, beginning, b):
    """Set the state of a box before its first step, and say how many rows it has."""
    never_inline()
    start = beginning.states
    copied(start.h[b], s.h)
    copied(start.hr[b], s.hr)
    copied(start.c[b], s.c)
    copied(start.cr[b], s.cr)
    for r in range(len(s.h)):
        s.Rh[r] = 0.0
    for u in range(len(s.c)):
        s.Rc[u] = 0.0
    for k in range(len(s.place_of)):
        s.place_of[k] = -1
    g = beginning.count[b]
    for j in range(g):
        s.ids[j] = beginning.ids[b, j]
        s.place_of[s.ids[j]] = j
        copied(beginning.h_rows[b, j], s.h_rows[j])
        copied(beginning.c_rows[b, j], s.c_rows[j])
    if g:
        _sizes(s, g)
    return g


@inner
def _fewer(s, g, number, keep, free):
    """Put rows together until as many are left, and sum their sizes anew."""
    never_inline()
    g, number = reduce(s, g, number, keep, free)
    _sizes(s, g)
    return g, number


@inner
def _no_rows(s, g):
    """Take the rows of a state into its rest."""
    never_inline()
    for r in range(len(s.h)):
        s.hr[r] = (s.Rh[r] + s.hr[r]) * s.pad
        s.Rh[r] = 0.0
    for u in range(len(s.c)):
        s.cr[u] = (s.Rc[u] + s.cr[u]) * s.pad
        s.Rc[u] = 0.0
    for j in range(g):
        s.place_of[s.ids[j]] = -1


@kernel
def chain(w, x, beginning, order, limits, out, last, record):
    """Run a cell over the steps of every box, from the first step that the free inputs reach.

    ``order`` says whether the newest step is read first and whether every step is given; ``last``
    is filled with the cell state after all steps, and ``record`` with the states after each step:
    they are empty where they are not wanted.
    """
    backwards, sequences = order
    boxes, steps, features = x.centre.shape
    start = beginning.states
    R, H = start.h.shape[1], start.c.shape[1]
    widest = x.rows.shape[2]
    rows = limits.rows + widest + 2 * H + R
    s = _room(w, features, H, R, rows, limits.symbols)
    (places,) = lent(np.int64, (max(widest, 1),))
    wide = w.W.shape[1], w.U.shape[1]
    ax, dx, ah, dh = lent(np.float64, (wide[0], wide[0], wide[1], wide[1]))
    sides = Sides(ax, dx, ah, dh)
    for b in range(boxes):
        g, number = _begin(s, beginning, b), beginning.numbers[b]
        for k in range(beginning.step[b], steps):
            t = steps - 1 - k if backwards else k
            count = x.count[b, t]
            if limits.rows == 0:
                _no_rows(s, g)
                g = 0
            g = meet(x.ids[b, t], count, s.ids, s.place_of, places, g, s.h_rows, s.c_rows)
            (X,) = lent(np.float64, ((count, wide[0]),))
            _products(w, s, x, b, t, sides, g, X)
            g, number = cell(w, s, InputRows(X, places, count), sides, g, number)
            give_back(X)
            if record.h.size:
                _write_hull(s, record, b, k)
            if k + 1 < steps and g > limits.rows > 0:
                g, number = _fewer(s, g, number, limits.rows - R - H, limits.free)
            if sequences or k == steps - 1:
                j = k if sequences else 0
                emit(s.h, s.h_rows, s.ids, g, out.centre[b, j], out.rows[b, j], out.ids[b, j])
                zero(out.rest[b, j])
                out.count[b, j] = g
            if k == steps - 1 and last.centre.size:
                emit(s.c, s.c_rows, s.ids, g, last.centre[b, 0], last.rows[b, 0], last.ids[b, 0])
                copied(s.cr, last.rest[b, 0])
                last.count[b, 0] = g
        beginning.numbers[b] = number
    give_back(s.h)
    give_back(s.ids)
    give_back(places)
    give_back(ax)


@inner
def _write_hull(s, record, b, k):
    """Write the intervals of the states after a step."""
    never_inline()
    copied(s.h, record.h[b, k])
    copied(s.c, record.c[b, k])
    for r in range(len(s.h)):
        record.hr[b, k, r] = (s.Rh[r] + s.hr[r]) * s.pad
    for u in range(len(s.c)):
        record.cr[b, k, u] = (s.Rc[u] + s.cr[u]) * s.pad
