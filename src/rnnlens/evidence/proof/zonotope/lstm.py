"""One step of an LSTM on affine forms; the letters are those of `cells`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.primitives import give_back, lent, never_inline
from rnnlens.evidence.proof.zonotope.cells import (
    band,
    both_sides,
    corners,
    drop,
    half_width,
    hopeless,
)
from rnnlens.evidence.proof.zonotope.functions import TINY
from rnnlens.evidence.proof.zonotope.products import multiplied
from rnnlens.evidence.proof.zonotope.state import (
    FEW,
    absolute_sums,
    copied,
    fresh,
    linear,
    times_rest,
    zero,
)

__all__ = ["lstm"]


class _Form(NamedTuple):
    """An affine form that is filled: its rows, its centres and their sums of absolute rows."""

    rows: NDArray[np.float64]
    centre: NDArray[np.float64]
    reach: NDArray[np.float64]


def lstm(w, s, rows, sides, g, number):
    """Take one step of an LSTM; ``s.A`` holds the rows of all four pre-activations."""
    both_sides(s, rows, sides)
    a, d = sides.ax, sides.dx
    H, pad = len(s.c), s.pad
    A = s.A
    _peep_before(w.V, s, a, d, g)
    S, e = lent(np.float64, (4 * H, H))
    absolute_sums(A, g, S)
    if w.V is not None:
        for u in range(2 * H):
            d[u] += FEW * S[u]
    _cell_state(w, s, a, d, S, g)
    copied(s.N[0, :H], e)
    begin = g
    g, number = fresh(e, s.c_rows, s.h_rows, s.ids, s.place_of, g, number)
    for j in range(begin, g):
        zero(A[j, 3 * H :])
    for u in range(H):
        s.Rc[u] = (s.Rc[u] + e[u]) * pad
        s.cr[u] = 0.0
    So = S[3 * H :]
    _peep_after(w.V, s, a, d, So, g)
    g, number = _read(w.U2, w, s, a, d, So, g, number)
    give_back(S)
    return g, number


@inner
def _read(P, w, s, a, d, So, g, number):
    """Read the cell state through the output gate, and project what comes of it."""
    if P is not None:
        _hidden_state(w, s, _Form(s.N[1:], s.N[-1], s.N[-2]), a, d, So, g)
        return _project(w, s, P, g, number)
    _hidden_state(w, s, _Form(s.h_rows, s.h, s.Rh), a, d, So, g)
    (e,) = lent(np.float64, (len(s.h),))
    for u in range(len(s.h)):
        e[u] = s.N[0, u]
        s.Rh[u] = (s.Rh[u] + e[u]) * s.pad
        s.hr[u] = 0.0
    g, number = fresh(e, s.h_rows, s.c_rows, s.ids, s.place_of, g, number)
    give_back(e)
    return g, number


@inner
def _peep_before(peepholes, s, a, d, g):
    """Let the input and the forget gate see the old cell state."""
    never_inline()
    if peepholes is None:
        return
    H, A, c_rows = len(s.c), s.A, s.c_rows
    for u in range(H):
        for k in range(2):
            V = peepholes[k, u]
            a[k * H + u] += V * s.c[u]
            spread = abs(V) * (s.line * (abs(s.c[u]) + s.Rc[u]) + s.cr[u])
            d[k * H + u] += (spread + FEW * abs(a[k * H + u])) * s.pad
            for j in range(g):
                A[j, k * H + u] += V * c_rows[j, u]


@inner
def _peep_after(peepholes, s, a, d, So, g):
    """Let the output gate see the new cell state."""
    never_inline()
    if peepholes is None:
        return
    H, A, c_rows = len(s.c), s.A, s.c_rows
    for u in range(H):
        k, V = 3 * H + u, peepholes[2, u]
        a[k] += V * s.c[u]
        d[k] += (abs(V) * s.line * (abs(s.c[u]) + s.Rc[u]) + FEW * abs(a[k])) * s.pad
        So[u] = 0.0
        for j in range(g):
            A[j, k] += V * c_rows[j, u]
            So[u] += abs(A[j, k])
        d[k] += FEW * So[u]


@inner
def _cell_state(w, s, a, d, S, g):
    """``c' = f c + i g``; its fresh radii are left in the first row of ``s.N``."""
    never_inline()
    H, pad, share = len(s.c), s.pad, s.share
    f_c, c_f, i_g, g_i, l_f, l_ig = lent(np.float64, (H, H, H, H, H, H))
    beyond_f, beyond_i, rest, middle, low, high = lent(np.float64, (H, H, H, H, H, H))
    for u in range(H):
        li, mi, ri, i0, i1 = band(w.sigma, w.sigma_p, a[u], S[u], d[u], pad)
        lf, mf, rf, f0, f1 = band(w.sigma, w.sigma_p, a[H + u], S[H + u], d[H + u], pad)
        lg, mg, rg, g0, g1 = band(w.phi, w.phi_p, a[2 * H + u], S[2 * H + u], d[2 * H + u], pad)
        c, reach = s.c[u], s.Rc[u]
        f_c[u], c_f[u], i_g[u], g_i[u] = mf, c * lf, mi * lg, mg * li
        l_f[u], l_ig[u] = lf, li * lg
        Ri, Rf, Rg = abs(li) * S[u] * pad, abs(lf) * S[H + u] * pad, abs(lg) * S[2 * H + u] * pad
        beyond_f[u] = abs(mf) * s.cr[u] + abs(c) * rf + (Rf + rf) * (reach + s.cr[u])
        beyond_i[u] = abs(mi) * rg + abs(mg) * ri + (Ri + ri) * (Rg + rg)
        rest[u] = FEW * (
            abs(mf) * (abs(c) + reach) + abs(c) * Rf + abs(mi) * (abs(mg) + Rg) + abs(mg) * Ri
        )
        middle[u] = mf * c + mi * mg
        around = (reach + s.cr[u]) * pad
        p0, p1 = corners(f0, f1, c - around, c + around)
        q0, q1 = corners(i0, i1, g0, g1)
        low[u], high[u] = p0 + q0, p1 + q1
    sums, qf, qf_size, qi, qi_size = lent(np.float64, (H, H, H, H, H))
    for row in (sums, qf, qf_size, qi, qi_size):
        zero(row)
    for j in range(g):
        row, Ai, Af, Ag = s.c_rows[j], s.A[j, :H], s.A[j, H : 2 * H], s.A[j, 2 * H : 3 * H]
        for u in range(H):
            p, q = Af[u] * row[u], Ai[u] * Ag[u]
            qf[u] += p
            qf_size[u] += abs(p)
            qi[u] += q
            qi_size[u] += abs(q)
            new = f_c[u] * row[u] + c_f[u] * Af[u] + i_g[u] * Ag[u] + g_i[u] * Ai[u]
            row[u] = new
            sums[u] += abs(new)
    for u in range(H):
        s.c[u] = middle[u] + 0.5 * (l_f[u] * qf[u] + l_ig[u] * qi[u])
        known = abs(l_f[u]) * qf_size[u], abs(l_ig[u]) * qi_size[u]
        e = times_rest(beyond_f[u], known[0], pad, share)
        e += times_rest(beyond_i[u], known[1], pad, share)
        e = (e + rest[u] + FEW * abs(s.c[u])) * pad
        half = half_width(low[u], high[u], pad)
        if hopeless(half, sums[u], e):
            s.c[u], e, sums[u] = 0.5 * (low[u] + high[u]), half, 0.0
            drop(s.c_rows, g, u)
        s.Rc[u] = sums[u] * pad
        s.N[0, u] = e
    give_back(f_c)
    give_back(beyond_f)
    give_back(sums)


@inner
def _hidden_state(w, s, form, a, d, So, g):
    """``o phi(c')``; its fresh radii are left in the first row of ``s.N``."""
    never_inline()
    rows, centre, reach = form
    H, pad, share = len(s.c), s.pad, s.share
    o_t, t_o, l_ot, beyond, rest = lent(np.float64, (H, H, H, H, H))
    middle, low, high, sums, q, q_size = lent(np.float64, (H, H, H, H, H, H))
    for row in (sums, q, q_size):
        zero(row)
    for u in range(H):
        lt, mt, rt, t0, t1 = band(w.phi, w.phi_p, s.c[u], s.Rc[u], 0.0, pad)
        lo, mo, ro, o0, o1 = band(w.sigma, w.sigma_p, a[3 * H + u], So[u], d[3 * H + u], pad)
        o_t[u], t_o[u], l_ot[u] = mo * lt, mt * lo, lo * lt
        Rt, Ro = abs(lt) * s.Rc[u] * pad, abs(lo) * So[u] * pad
        beyond[u] = abs(mo) * rt + abs(mt) * ro + (Ro + ro) * (Rt + rt)
        rest[u] = FEW * (abs(mo) * (abs(mt) + Rt) + abs(mt) * Ro)
        middle[u] = mo * mt
        low[u], high[u] = corners(o0, o1, t0, t1)
    for j in range(g):
        row, c, Ao = rows[j], s.c_rows[j], s.A[j, 3 * H :]
        for u in range(H):
            p = Ao[u] * c[u]
            q[u] += p
            q_size[u] += abs(p)
            new = o_t[u] * c[u] + t_o[u] * Ao[u]
            row[u] = new
            sums[u] += abs(new)
    for u in range(H):
        centre[u] = middle[u] + 0.5 * l_ot[u] * q[u]
        e = times_rest(beyond[u], abs(l_ot[u]) * q_size[u], pad, share)
        e = (e + rest[u] + FEW * abs(centre[u])) * pad
        half = half_width(low[u], high[u], pad)
        if hopeless(half, sums[u], e):
            centre[u], e, sums[u] = 0.5 * (low[u] + high[u]), half, 0.0
            drop(rows, g, u)
        reach[u] = sums[u] * pad
        s.N[0, u] = e
    give_back(o_t)
    give_back(middle)


@inner
def _project(w, s, P, g, number):
    """``h' = (o phi(c')) P``."""
    never_inline()
    H, R, pad = len(s.c), len(s.h), s.pad
    rows, centre, reach = s.N[1:], s.N[-1], s.N[-2]
    e, spread, error = lent(np.float64, (H, H, R))
    copied(s.N[0, :H], e)
    for u in range(H):
        zero(rows[g])
        rows[g, u] = e[u]
        zero(s.c_rows[g])
        s.ids[g] = number
        s.place_of[number] = g
        g += 1
        number += 1
    for u in range(H):
        spread[u] = s.line * (abs(centre[u]) + reach[u] + e[u])
    zero(s.h)
    zero(error)
    linear(centre[:H], spread, P, w.U2_size, s.h, error)
    (read,) = lent(np.float64, ((g, H),))
    for j in range(g):
        copied(rows[j, :H], read[j])
    multiplied(read, P, s.h_rows[:g])
    give_back(read)
    absolute_sums(s.h_rows, g, s.Rh)
    for r in range(R):
        error[r] = error[r] * pad + TINY
        s.Rh[r] = (s.Rh[r] + error[r]) * pad
        s.hr[r] = 0.0
    g, number = fresh(error, s.h_rows, s.c_rows, s.ids, s.place_of, g, number)
    give_back(e)
    return g, number
