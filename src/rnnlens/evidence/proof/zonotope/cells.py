"""Cells on affine forms: what their steps share, and the step of a plain cell.

The equations are those of `rnnlens.engine.step`, enclosed. A step takes both sides of the
pre-activations, replaces the state by the one after it and gives the new number of rows and the
next free number of a symbol. Where the plain interval of a new state is much narrower than its
affine form the interval is taken: far beyond a network's usual inputs it is, and bounds stay finite
there.

Letters: ``a`` centres of pre-activations, ``d`` their rests, ``A`` their rows, ``S`` sums of
absolute rows; ``l m r`` slope, middle and radius of an activation's band; ``e`` what becomes fresh
symbols; ``h c`` centres of the states, ``Rh Rc`` their sums of absolute rows, ``hr cr`` their
rests.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.primitives import give_back, lent, never_inline
from rnnlens.evidence.proof.zonotope.functions import TINY, UNIT, enclose
from rnnlens.evidence.proof.zonotope.state import FEW, absolute_sums, add, fresh

__all__ = [
    "GRUWeights",
    "InputRows",
    "LSTMWeights",
    "Sides",
    "SimpleWeights",
    "State",
    "Weights",
    "both_sides",
    "simple",
]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class Weights(NamedTuple):
    """A cell as arrays: its matrices with their absolute values and their tiles beside them.

    ``U2`` is the candidate's recurrent kernel of a GRU that resets before the product, or the
    projection of an LSTM; ``V`` the peepholes (3, unit); ``b2`` the recurrent bias of a GRU's
    candidate. Arrays that a cell does not have are None, but for a GRU's ``U2``, which is empty:
    both kinds are compiled together. The class says which cell it is: its step is compiled
    without what it does not have.
    """

    W: Array
    W_size: Array
    U: Array
    U_size: Array
    b: Array
    W_tiles: Array
    U_tiles: Array
    U2: Array | None
    U2_size: Array | None
    V: Array | None
    b2: Array | None
    sigma: int
    sigma_p: Array
    phi: int
    phi_p: Array


class LSTMWeights(Weights):
    """Those of an LSTM."""


class GRUWeights(Weights):
    """Those of a GRU."""


class SimpleWeights(Weights):
    """Those of a plain cell."""


class State(NamedTuple):
    """The state of one box and the room that a step works in."""

    h: Array
    hr: Array
    Rh: Array
    h_rows: Array
    c: Array
    cr: Array
    Rc: Array
    c_rows: Array
    ids: Whole
    place_of: Whole
    A: Array
    N: Array
    pad: float
    share: float
    line: float


class InputRows(NamedTuple):
    """Rows of the input side: their place among those of the state, and how many there are."""

    X: Array
    places: Whole
    count: int  # type: ignore[assignment] - nobody counts in this tuple


class Sides(NamedTuple):
    """Centres and rests of the pre-activations, of the input side and of the recurrent side."""

    ax: Array
    dx: Array
    ah: Array
    dh: Array


@inner
def half_width(low, high, pad):
    return 0.5 * (high - low) * pad + FEW * (abs(low) + abs(high)) + TINY


@inner
def hopeless(half, known, lost):
    """Say whether an affine form is worth less than an interval with that half width."""
    # it is mostly wider, by what it loses, and still worth more: later losses cancel in it
    return half < lost or 3.0 * half < known + lost


@inner
def drop(rows, g, u):
    for j in range(g):
        rows[j, u] = 0.0


@inner
def band(kind, p, a, S, d, pad):
    """Enclose an activation of a pre-activation; the rest flows into the band's radius."""
    never_inline()
    slope, m, r, low, high = enclose(kind, p, a, (S + d) * pad)
    return slope, m, (r + abs(slope) * d) * pad, low, high


@inner
def corners(a, b, c, d):
    """Give the least and largest product of numbers in [a, b] and [c, d]."""
    p, q, r, s = a * c, a * d, b * c, b * d
    return min(p, q, r, s), max(p, q, r, s)


@inner
def both_sides(s, rows, sides):
    """Add the recurrent side to the input side, and the input's rows to those of the state."""
    never_inline()
    X, places, count = rows
    ax, dx, ah, dh = sides
    for u in range(len(ax)):
        dx[u] = (dx[u] + dh[u] + 4.0 * UNIT * (abs(ax[u]) + abs(ah[u]))) * s.pad
        ax[u] += ah[u]
    for k in range(count):
        add(X[k], s.A[places[k]], 0)


def simple(w, s, rows, sides, g, number):
    """Take one step of a plain cell, ``h' = phi(a)``."""
    both_sides(s, rows, sides)
    a, d = sides.ax, sides.dx
    H, pad = len(s.h), s.pad
    S, slope, e = lent(np.float64, (H, H, H))
    absolute_sums(s.A, g, S)
    for u in range(H):
        slope[u], m, r, low, high = band(w.phi, w.phi_p, a[u], S[u], d[u], pad)
        e[u] = (r + FEW * (abs(slope[u]) * S[u] + abs(m))) * pad + TINY
        s.h[u], s.Rh[u], s.hr[u] = m, (abs(slope[u]) * S[u] + e[u]) * pad, 0.0
        half = half_width(low, high, pad)
        if hopeless(half, s.Rh[u] - e[u], e[u]):
            slope[u], s.h[u], s.Rh[u], e[u] = 0.0, 0.5 * (low + high), half, half
    for j in range(g):
        row, A = s.h_rows[j], s.A[j]
        for u in range(H):
            row[u] = slope[u] * A[u]
    g, number = fresh(e, s.h_rows, s.c_rows, s.ids, s.place_of, g, number)
    give_back(S)
    return g, number
