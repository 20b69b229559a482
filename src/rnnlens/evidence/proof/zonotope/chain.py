# ruff: noqa: PLR0913, PLR0914, PLR0917 - compiled code takes its arrays one by one
"""A recurrent layer on affine forms, box by box: the steps that the free inputs reach."""

from __future__ import annotations

import numpy as np
from numba.extending import overload

from rnnlens.engine.kernels.lowlevel.compiling import OPTIONS, apart
from rnnlens.evidence.proof.zonotope.cells import (
    GRUWeights,
    LSTMWeights,
    SimpleWeights,
    State,
    simple,
)
from rnnlens.evidence.proof.zonotope.functions import TINY, UNIT, kernel, making, part
from rnnlens.evidence.proof.zonotope.gru import gru
from rnnlens.evidence.proof.zonotope.lstm import lstm
from rnnlens.evidence.proof.zonotope.state import (
    absolute_sums,
    copied,
    emit,
    linear,
    meet,
    reduce,
    zero,
)

__all__ = ["chain"]


@making
def _room(w, features, H, R, rows, symbols):
    wide = w.U.shape[1]
    share = 2.0 * (rows + features + R + H + 32) * UNIT
    return State(
        np.zeros(R),
        np.zeros(R),
        np.zeros(R),
        np.empty((rows, R)),
        np.zeros(H),
        np.zeros(H),
        np.zeros(H),
        np.empty((rows, H)),
        np.empty(rows, np.int64),
        np.empty(symbols, np.int64),
        np.empty((rows, wide)),
        np.zeros((rows + 3, max(H, R))),
        1.0 + 2.0 * share,
        share,
        2.0 * (features + R + H + 32) * UNIT,
    )


@making
def _products(w, s, x, x_rest, x_rows, count, ax, dx, ah, dh, g):
    """Compute both sides of the pre-activations, their errors, and the recurrent rows."""
    apart()
    share, pad = s.line, s.pad
    spread = np.empty(len(x))
    for f in range(len(x)):
        reach = 0.0
        for k in range(count):
            reach += abs(x_rows[k, f])
        spread[f] = (share * (abs(x[f]) + reach) + x_rest[f]) * pad
    for u in range(len(ax)):
        ax[u] = w.b[u]
        dx[u] = share * abs(w.b[u])
    linear(x, spread, w.W, w.W_size, ax, dx)
    for u in range(len(ah)):
        ah[u] = 0.0
        dh[u] = 0.0
    spread = np.empty(len(s.h))
    for r in range(len(s.h)):
        spread[r] = (share * (abs(s.h[r]) + s.Rh[r]) + s.hr[r]) * pad
    linear(s.h, spread, w.U, w.U_size, ah, dh)
    for u in range(len(dx)):
        dx[u] = dx[u] * pad + TINY
    for u in range(len(dh)):
        dh[u] = dh[u] * pad + TINY
    if g:
        np.dot(s.h_rows[:g], w.U, s.A[:g])
    if count == 0:
        return np.empty((0, w.W.shape[1]))
    return np.dot(x_rows[:count], w.W)


def cell(w, s, X, places, count, ax, dx, ah, dh, g, number) -> tuple[int, int]:
    """Take the step of the cell whose weights these are; only compiled code can."""
    raise NotImplementedError


@overload(cell, jit_options=OPTIONS)
def _cell(w, s, X, places, count, ax, dx, ah, dh, g, number):
    # by type, so that no other cell is compiled
    return {LSTMWeights: lstm, GRUWeights: gru, SimpleWeights: simple}[w.instance_class]


@part
def _begin(s, start, b):
    """Set the state of a box before its first step."""
    apart()
    copied(start[0][b], s.h)
    copied(start[1][b], s.hr)
    copied(start[2][b], s.c)
    copied(start[3][b], s.cr)
    for r in range(len(s.h)):
        s.Rh[r] = 0.0
    for u in range(len(s.c)):
        s.Rc[u] = 0.0
    for k in range(len(s.place_of)):
        s.place_of[k] = -1


@part
def _fewer(s, g, number, keep, free):
    """Put rows together until as many are left, and sum their sizes anew."""
    apart()
    g, number = reduce(s.h_rows, s.c_rows, s.ids, s.place_of, g, number, keep, free, s.pad)
    absolute_sums(s.h_rows, g, s.Rh)
    absolute_sums(s.c_rows, g, s.Rc)
    for r in range(len(s.h)):
        s.Rh[r] *= s.pad
    for u in range(len(s.c)):
        s.Rc[u] *= s.pad
    return g, number


@kernel
def chain(
    w,
    x,
    x_rest,
    x_rows,
    x_ids,
    x_count,
    first,
    start,
    numbers,
    backwards,
    sequences,
    free,
    cap,
    symbols,
    out,
    out_rest,
    out_rows,
    out_ids,
    out_count,
    record,
):
    """Run a cell over the steps of every box, from the first step that the free inputs reach.

    Shapes: x, x_rest (box, step, feature), x_rows (box, step, symbol, feature), x_ids (box, step,
    symbol) of int, x_count (box, step) of int, first (box,) of int, start tuple of four (box,
    unit), numbers (box,) of int, record tuple of four (box, step, unit).
    """
    boxes, steps, features = x.shape
    R, H = start[0].shape[1], start[2].shape[1]
    widest = x_rows.shape[2]
    rows = cap + widest + 2 * H + R
    s = _room(w, features, H, R, rows, symbols)
    places = np.empty(max(widest, 1), np.int64)
    ax, dx = np.empty(w.W.shape[1]), np.empty(w.W.shape[1])
    ah, dh = np.empty(w.U.shape[1]), np.empty(w.U.shape[1])
    for b in range(boxes):
        _begin(s, start, b)
        g, number = np.int64(0), numbers[b]
        for k in range(first[b], steps):
            t = steps - 1 - k if backwards else k
            count = x_count[b, t]
            g = meet(x_ids[b, t], count, s.ids, s.place_of, places, g, s.h_rows, s.c_rows)
            X = _products(
                w, s, x[b, t], x_rest[b, t], x_rows[b, t], count, ax, dx, ah, dh, g
            )  # fmt: skip
            g, number = cell(w, s, X, places, count, ax, dx, ah, dh, g, number)
            if record[0].size:
                _hull(s, record, b, k)
            if k + 1 < steps and g > cap:
                g, number = _fewer(s, g, number, cap - R - H, free)
            if sequences or k == steps - 1:
                j = k if sequences else 0
                emit(s.h, s.h_rows, s.ids, g, out[b, j], out_rows[b, j], out_ids[b, j])
                zero(out_rest[b, j])
                out_count[b, j] = g
        numbers[b] = number


@part
def _hull(s, record, b, k):
    """Write the intervals of the states after a step."""
    apart()
    copied(s.h, record[0][b, k])
    copied(s.c, record[2][b, k])
    for r in range(len(s.h)):
        record[1][b, k, r] = (s.Rh[r] + s.hr[r]) * s.pad
    for u in range(len(s.c)):
        record[3][b, k, u] = (s.Rc[u] + s.cr[u]) * s.pad
