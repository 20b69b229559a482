"""One step of a GRU on affine forms; the letters are those of `cells`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.primitives import give_back, lent, never_inline
from rnnlens.evidence.proof.zonotope.cells import band, drop, half_width, hopeless
from rnnlens.evidence.proof.zonotope.functions import TINY
from rnnlens.evidence.proof.zonotope.products import multiplied
from rnnlens.evidence.proof.zonotope.state import (
    FEW,
    absolute_sums,
    add,
    copied,
    fresh,
    linear,
    times_rest,
    zero,
)

__all__ = ["gru"]

Array = NDArray[np.float64]


class _Bands(NamedTuple):
    """The activations of a gate, unit by unit, as `band` gives them; and the sums of its rows."""

    slope: Array
    middle: Array
    radius: Array
    low: Array
    high: Array
    S: Array


class _Preactivation(NamedTuple):
    """Centres and rests of the candidate's pre-activation; and the sums of its rows."""

    a: Array
    d: Array
    S: Array


def gru(w, s, input_rows, sides, g, number):
    """Take one step of a GRU; ``s.A`` holds the recurrent side, ``X`` the input side."""
    X, places, count = input_rows
    ax, dx, ah, dh = sides
    H, pad, share = len(s.h), s.pad, s.share
    A, N = s.A, s.N
    for k in range(count):
        add(X[k], A[places[k], : 2 * H], 0)
    S, centre, error, Sn = lent(np.float64, (A.shape[1], H, H, H))
    absolute_sums(A, g, S)
    l_r, m_r, beyond, rest = lent(np.float64, (H, H, H, H))
    l_z, m_z, r_z, z0, z1 = lent(np.float64, (H, H, H, H, H))
    before = len(w.U2) > 0  # the reset gate multiplies before the candidate's product
    for u in range(H):
        a, d = ax[u] + ah[u], (dx[u] + dh[u] + FEW * (abs(ax[u]) + abs(ah[u]) + S[u])) * pad
        l_z[u], m_z[u], r_z[u], z0[u], z1[u] = band(w.sigma, w.sigma_p, a, S[u], d, pad)
        k = H + u
        a, d = ax[k] + ah[k], (dx[k] + dh[k] + FEW * (abs(ax[k]) + abs(ah[k]) + S[k])) * pad
        l_r[u], m_r[u], r_r, _, _ = band(w.sigma, w.sigma_p, a, S[k], d, pad)
        if before:  # what the reset gate multiplies
            q, Q, dq = s.h[u], s.Rh[u], s.hr[u]
        else:
            q, Q = ah[2 * H + u] + w.b2[u], S[2 * H + u]
            dq = (dh[2 * H + u] + FEW * (abs(ah[2 * H + u]) + abs(w.b2[u]))) * pad
        R = abs(l_r[u]) * S[k] * pad
        beyond[u] = abs(m_r[u]) * dq + abs(q) * r_r + (R + r_r) * (Q + dq)
        rest[u] = FEW * (abs(m_r[u]) * (abs(q) + Q) + abs(q) * R)
        ah[u] = q  # the update gate's place is free by now
    _reset(s, l_r, m_r, ah[:H], before, g)
    q_sum, q_size = N[-1], N[-2]
    for u in range(H):
        centre[u] = m_r[u] * ah[u] + 0.5 * l_r[u] * q_sum[u]
        error[u] = times_rest(beyond[u], abs(l_r[u]) * q_size[u], pad, share)
        error[u] = (error[u] + rest[u] + FEW * abs(centre[u])) * pad
    rows = N[:-2]
    _reset_product(w.U2, w.U2_size, s, centre, error, g)
    for k in range(count):
        add(X[k], rows[places[k]], 2 * H)
    absolute_sums(rows, g, Sn)
    for u in range(H):
        k = 2 * H + u
        error[u] = (error[u] + dx[k] + FEW * (abs(ax[k]) + abs(centre[u]) + Sn[u])) * pad
        centre[u] += ax[k]
    z, n = _Bands(l_z, m_z, r_z, z0, z1, S), _Preactivation(centre, error, Sn)
    g, number = _mix(w, s, z, n, g, number)
    give_back(S)
    give_back(l_r)
    give_back(l_z)
    return g, number


@inner
def _reset(s, l_r, m_r, q, before, g):
    """Leave the rows of ``r q`` in ``s.N``, and the sums of its diagonal in the last two rows."""
    never_inline()
    H = len(l_r)
    N, A = s.N, s.A
    q_sum, q_size = N[-1], N[-2]
    zero(q_sum)
    zero(q_size)
    for j in range(g):
        row, Ar = N[j], A[j, H : 2 * H]
        Q = s.h_rows[j] if before else A[j, 2 * H :]
        for u in range(H):
            p = Ar[u] * Q[u]
            q_sum[u] += p
            q_size[u] += abs(p)
            row[u] = m_r[u] * Q[u] + q[u] * l_r[u] * Ar[u]


@inner
def _reset_product(kernel, size, s, centre, error, g):
    """Multiply ``r h`` by the candidate's recurrent kernel, in place."""
    never_inline()
    if len(kernel) == 0:
        return
    H, pad = len(centre), s.pad
    reach, spread, into, wrong = lent(np.float64, (H, H, H, H))
    zero(into)
    zero(wrong)
    rows = s.N[:-2]
    absolute_sums(rows, g, reach)
    for u in range(H):
        spread[u] = (s.line * (abs(centre[u]) + reach[u]) + error[u]) * pad
    linear(centre, spread, kernel, size, into, wrong)
    if g:
        (product,) = lent(np.float64, ((g, H),))
        multiplied(rows[:g], kernel, product)
        for j in range(g):
            copied(product[j], rows[j])
        give_back(product)
    for u in range(H):
        centre[u] = into[u]
        error[u] = wrong[u] * pad + TINY
    give_back(reach)


@inner
def _mix(w, s, update, candidate, g, number):
    """``h' = n + z (h - n)``."""
    never_inline()
    l_z, m_z, r_z, z0, z1, S = update
    a_n, d_n, Sn = candidate
    H, pad, share = len(s.h), s.pad, s.share
    l_n, m_n, r_n, low, high, e = lent(np.float64, (H, H, H, H, H, H))
    for u in range(H):
        l_n[u], m_n[u], r_n[u], low[u], high[u] = band(w.phi, w.phi_p, a_n[u], Sn[u], d_n[u], pad)
    sums, q, q_size, reach = lent(np.float64, (H, H, H, H))
    for row in (sums, q, q_size, reach):
        zero(row)
    for j in range(g):
        row, Z, n_row = s.h_rows[j], s.A[j, :H], s.N[j]
        for u in range(H):
            n = l_n[u] * n_row[u]
            d = row[u] - n
            reach[u] += abs(d)
            p = Z[u] * d
            q[u] += p
            q_size[u] += abs(p)
            new = n + m_z[u] * d + (s.h[u] - m_n[u]) * l_z[u] * Z[u]
            row[u] = new
            sums[u] += abs(new)
    for u in range(H):
        d, Rz, Rn = s.h[u] - m_n[u], abs(l_z[u]) * S[u] * pad, abs(l_n[u]) * Sn[u] * pad
        beyond = abs(m_z[u]) * s.hr[u] + abs(d) * r_z[u] + (Rz + r_z[u]) * (reach[u] + s.hr[u])
        e[u] = times_rest(beyond, abs(l_z[u]) * q_size[u], pad, share)
        e[u] += r_n[u] * max(abs(1.0 - z0[u]), abs(1.0 - z1[u]))
        sizes = abs(s.h[u]) + s.Rh[u] + abs(m_n[u]) + Rn
        e[u] += FEW * (1.0 + abs(m_z[u]) + Rz) * (sizes + reach[u])
        around = (s.Rh[u] + s.hr[u]) * pad
        bottom, top = min(s.h[u] - around, low[u]), max(s.h[u] + around, high[u])
        s.h[u] = m_n[u] + m_z[u] * d + 0.5 * l_z[u] * q[u]
        e[u] = (e[u] + FEW * abs(s.h[u])) * pad
        half = half_width(bottom, top, pad)
        if z0[u] >= 0.0 and z1[u] <= 1.0 and hopeless(half, sums[u], e[u]):
            s.h[u], e[u], sums[u] = 0.5 * (bottom + top), half, 0.0
            drop(s.h_rows, g, u)
        s.Rh[u] = (sums[u] + e[u]) * pad
        s.hr[u] = 0.0
    g, number = fresh(e, s.h_rows, s.c_rows, s.ids, s.place_of, g, number)
    give_back(l_n)
    give_back(sums)
    return g, number
