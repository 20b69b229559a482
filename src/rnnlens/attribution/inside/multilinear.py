"""Exact Shapley values of a state that is carried from step to step by gates.

``c_t = f_t c_{t-1} + i_t g_t`` is linear in each of its gates, each step's apart: with players
gate x step, every gate at its value on the window or on the baseline, ``c_T`` is multilinear. Its
Shapley value is the integral over q from 0 to 1 of its derivative by the player, all players being
at the share q of the way (Owen 1972, "Multilinear extensions of games"): a polynomial in q of
a degree below T + 2, which Gauss and Legendre's rule with T / 2 + 2 nodes integrates exactly.

For all nodes at once, with what stands before each step kept and what comes after it multiplied up
from the end, this takes T steps there and T back; the products ``i g`` and the sums over nodes are
products of matrices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Carried", "shapley_of_carried"]

Array = NDArray[np.float64]

#: Numbers that the states before each step may take at once, all nodes of some columns.
KEPT = 2_500_000


class Carried(NamedTuple):
    """The gates of every step, (step, column), and the state before the first, (column,)."""

    f: Array
    i: Array
    g: Array
    start: Array


def shapley_of_carried(here: Carried, there: Carried) -> tuple[Array, Array, Array, Array]:
    """Give each player's share in ``c_T`` here less ``c_T`` there.

    Shapes: the shares of f, i and g (step, column), and that of the start (column,).
    """
    steps, columns = here.f.shape
    nodes, weights = np.polynomial.legendre.leggauss(steps // 2 + 2)
    q, w = (nodes + 1) / 2, weights / 2
    f, i, g = (np.empty((steps, columns)) for _ in range(3))
    start = np.empty(columns)
    width = max(1, KEPT // (len(q) * (steps + 1)))
    for begin in range(0, columns, width):
        part = slice(begin, begin + width)
        pair = tuple(
            Carried(side.f[:, part], side.i[:, part], side.g[:, part], side.start[part])
            for side in (here, there)
        )
        own = _part(pair[0], pair[1], q, w)
        f[:, part], i[:, part], g[:, part], start[part] = own
    return f, i, g, start


def _part(here: Carried, there: Carried, q: Array, w: Array) -> tuple[Array, Array, Array, Array]:
    f0, i0, g0 = there.f, there.i, there.g
    df, di, dg = here.f - f0, here.i - i0, here.g - g0
    steps, columns = f0.shape
    line = np.stack([np.ones_like(q), q], axis=1)
    curve = np.stack([np.ones_like(q), q, q**2], axis=1)
    # i g at the share q of the way, a polynomial of degree 2
    written = np.stack([i0 * g0, i0 * dg + di * g0, di * dg], axis=1)
    kept = np.stack([f0, df], axis=1)
    before = np.empty((steps + 1, len(q), columns))
    before[0] = there.start + q[:, None] * (here.start - there.start)
    for t in range(steps):
        np.multiply(line @ kept[t], before[t], out=before[t + 1])
        before[t + 1] += curve @ written[t]

    after = np.broadcast_to(w[:, None], (len(q), columns)).copy()  # with the weights of the sum
    by_f, sums = np.empty((steps, columns)), np.empty((steps, 2, columns))
    for t in range(steps - 1, -1, -1):
        np.matmul(line.T, after, out=sums[t])
        np.einsum("qk,qk->k", after, before[t], out=by_f[t])
        after *= line @ kept[t]
    by_i = g0 * sums[:, 0] + dg * sums[:, 1]
    by_g = i0 * sums[:, 0] + di * sums[:, 1]
    return df * by_f, di * by_i, dg * by_g, (here.start - there.start) * after.sum(axis=0)
