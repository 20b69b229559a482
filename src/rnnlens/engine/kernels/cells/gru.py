"""The GRU on a block, both conventions: one step forward, one step of multipliers back.

The equations are those of `rnnlens.engine.step.gru_after`, `rnnlens.engine.step.gru_before` and of
`rnnlens.engine.cells`. A step's record holds rows of ``n = units * R`` numbers: the
pre-activations of z and r; their values; the hidden state before the step; the candidate; ``q``;
and the candidate's pre-activation: the last, since the product that gives it may overwrite what
follows. The way back holds the multipliers of the pre-activations in the order n, z, r: those of
the inputs come from three rows that lie together, and those of the hidden state too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnlens.engine.kernels.buffers import (
    LOGISTIC,
    TANH,
    CompiledActivation,
    activate,
    add,
    compiled,
    copy,
    mean_times,
    slopes,
)
from rnnlens.engine.kernels.cells.interface import Array, concatenated, register_cell
from rnnlens.engine.kernels.functions import logistic, tanh
from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.primitives import (
    ROWS,
    always_inline,
    never_inline,
    no_alias,
    part,
    rest,
)
from rnnlens.engine.kernels.tile import BLOCK, pack, product, product_below
from rnnlens.network.cells import GRU

__all__ = ["GRUWeights", "pack_gru"]


class GRUWeights(NamedTuple):
    """The weights of a GRU, packed.

    Parameters
    ----------
    units, features, outputs : int
        Sizes; outputs are units.
    cells : int
        Size of the cell state: none.
    record, room : int
        Numbers that a step keeps for a block, and that its way back needs.
    after : bool
        Whether the reset gate acts after the recurrent product.
    W, b : array (feature, gate * unit) and (gate * unit,)
        Input kernels and the biases beside them, in the order z, r, n.
    P : array
        From ``[x; 1; h]`` to the pre-activations of z and r, packed.
    P_n : array
        From ``[x; 1]`` to the input side of the candidate, packed; from ``[x; 1; r*h]`` to the
        whole of it where the reset gate acts before.
    P_q : array
        From ``[1; h]`` to ``q``, packed; where the reset gate acts before, from the multipliers of
        the candidate's pre-activation back to ``r*h``.
    Q_x : array
        From the multipliers of the pre-activations of n, z and r back to ``x``, packed.
    Q_h : array
        From those of z, r (and ``q``) back to ``h``, packed.
    sigma, phi : CompiledActivation
        Activations of the gates; of the candidate.
    """

    units: int
    features: int
    outputs: int
    cells: int
    record: int
    room: int
    after: bool
    W: Array
    b: Array
    P: Array
    P_n: Array
    P_q: Array
    Q_x: Array
    Q_h: Array
    sigma: CompiledActivation
    phi: CompiledActivation


def pack_gru(gru: GRU, dtype: np.dtype[Any]) -> GRUWeights | None:
    """Pack the weights of a GRU."""
    sigma = compiled(gru.recurrent_activation, dtype)
    phi = compiled(gru.activation, dtype)
    if sigma is None or phi is None:
        return None
    W, b, U = concatenated((gru.update, gru.reset))
    W_n, b_n, U_n = concatenated((gru.candidate,))
    if gru.reset_after:
        zero = np.zeros(gru.units)
        sides = (gru.candidate.b, gru.candidate.b_r)
        b_n, b_rn = (zero if side is None else np.asarray(side, float) for side in sides)
        P_n, P_q = np.concatenate([W_n, b_n[None]]), np.concatenate([b_rn[None], U_n])
        Q_h = np.concatenate([U, U_n], axis=1)
    else:
        P_n, P_q, Q_h = np.concatenate([W_n, np.reshape(b_n, (1, -1)), U_n]), U_n.T, U
    return GRUWeights(
        units=gru.units,
        features=gru.features,
        outputs=gru.units,
        cells=0,
        record=8 * gru.units + ROWS,
        room=5 * gru.units,
        after=gru.reset_after,
        W=np.concatenate([W, W_n], axis=1).astype(dtype, order="C"),
        b=np.concatenate([b, np.ravel(b_n)]).astype(dtype),
        P=pack(np.concatenate([W, b[None], U]).astype(dtype)),
        P_n=pack(P_n.astype(dtype)),
        P_q=pack(P_q.astype(dtype)),
        Q_x=pack(np.concatenate([W_n, W], axis=1).T.astype(dtype)),
        Q_h=pack(Q_h.T.astype(dtype)),
        sigma=sigma,
        phi=phi,
    )


@inner
def _finish_after(D, h, n):
    """Finish a step of logistic gates and tanh, keeping nothing; reset after.

    In two loops, as the LSTM's is.
    """
    never_inline()
    one = D.dtype.type(1)
    for s in range(n):
        D[5 * n + s] = D[7 * n + s] + logistic(D[n + s]) * D[6 * n + s]
    for s in range(n):
        z = logistic(D[s])
        h[s] = z * h[s] + (one - z) * tanh(D[5 * n + s])


@inner
def _finish_before(z, before, a, h):
    """Finish such a step from its gates: reset before."""
    never_inline()
    one = a.dtype.type(1)
    for s in range(z.size):
        h[s] = z[s] * before[s] + (one - z[s]) * tanh(a[s])


@inner
def _reset(r, before, h):
    """Compute ``r * h``."""
    never_inline()
    for s in range(r.size):
        h[s] = r[s] * before[s]


@inner
def _candidate(r, q, a):
    """Add ``r * q`` to the input side of the candidate."""
    never_inline()
    for s in range(r.size):
        a[s] += r[s] * q[s]


@inner
def _mix(z, before, c, h):
    """Compute ``z*h + (1-z)*n``."""
    never_inline()
    one = c.dtype.type(1)
    for s in range(z.size):
        h[s] = z[s] * before[s] + (one - z[s]) * c[s]


@inner
def _advance_keeping(w, A, D, bare, R):
    """Take a step, and keep its record unless it is bare."""
    never_inline()
    n, at = w.units * R, (w.features + 1) * R
    h, z, r, before = (
        part(A, at, at + n),
        part(D, 2 * n, 3 * n),
        part(D, 3 * n, 4 * n),
        part(D, 4 * n, 5 * n),
    )
    c, q, a_n = part(D, 5 * n, 6 * n), rest(D, 6 * n), part(D, 7 * n, 8 * n)
    product(w.P, A, w.features + 1 + w.units, D, 2 * w.units, R)
    if w.after:
        product(w.P_q, rest(A, w.features * R), 1 + w.units, q, w.units, R)
        product(w.P_n, A, w.features + 1, rest(D, 7 * n), w.units, R)
    copy(D, part(D, 2 * n, 4 * n))
    activate(w.sigma, part(D, 2 * n, 4 * n))
    copy(h, before)
    if w.after:
        _candidate(r, q, a_n)
    else:
        # r*h stands in the place of h for one product
        _reset(r, before, h)
        product(w.P_n, A, w.features + 1 + w.units, rest(D, 7 * n), w.units, R)
        if bare:
            _finish_before(z, before, a_n, h)
            return
    copy(a_n, c)
    activate(w.phi, c)
    _mix(z, before, c, h)


def _advance(w, A, C, D, keep, R):
    always_inline()
    bare = w.sigma.kind == LOGISTIC and w.phi.kind == TANH and not keep
    if bare and w.after:
        n = w.units * R
        product(w.P, A, w.features + 1 + w.units, D, 2 * w.units, R)
        product(w.P_q, rest(A, w.features * R), 1 + w.units, rest(D, 6 * n), w.units, R)
        product(w.P_n, A, w.features + 1, rest(D, 7 * n), w.units, R)
        _finish_after(D, rest(A, (w.features + 1) * R), n)
    else:
        _advance_keeping(w, A, D, bare, R)


@inner
def _finish_pair_after(D, q, base, before, h, units):
    """Finish a step from its recurrent products, with what the input puts in; reset after."""
    never_inline()
    no_alias()
    R, one = BLOCK, D.dtype.type(1)
    n = units * R
    for u in range(units):
        b_r, b_n = base[units + u], base[2 * units + u]
        r, added = part(D, n + u * R, n + (u + 1) * R), part(q, u * R, (u + 1) * R)
        row = part(h, u * R, (u + 1) * R)
        for s in range(R):
            row[s] = b_n + logistic(r[s] + b_r) * added[s]
    for u in range(units):
        b_z, z = base[u], part(D, u * R, (u + 1) * R)
        old, row = part(before, u * R, (u + 1) * R), part(h, u * R, (u + 1) * R)
        for s in range(R):
            value = logistic(z[s] + b_z)
            row[s] = value * old[s] + (one - value) * tanh(row[s])


@inner
def _reset_pair(D, base, before, h, units):
    """Compute ``r * h``, with what the input puts in."""
    never_inline()
    no_alias()
    R = BLOCK
    n = units * R
    for u in range(units):
        b_r, r = base[units + u], part(D, n + u * R, n + (u + 1) * R)
        old, row = part(before, u * R, (u + 1) * R), part(h, u * R, (u + 1) * R)
        for s in range(R):
            row[s] = logistic(r[s] + b_r) * old[s]


@inner
def _finish_pair_before(D, a, base, before, h, units):
    """Finish such a step from the candidate's product: reset before."""
    never_inline()
    no_alias()
    R, one = BLOCK, D.dtype.type(1)
    for u in range(units):
        b_z, b_n, z = base[u], base[2 * units + u], part(D, u * R, (u + 1) * R)
        old, row, n = (
            part(before, u * R, (u + 1) * R),
            part(h, u * R, (u + 1) * R),
            part(a, u * R, (u + 1) * R),
        )
        for s in range(R):
            value = logistic(z[s] + b_z)
            row[s] = value * old[s] + (one - value) * tanh(n[s] + b_n)


def _advance_pair(w, g, c, base, D, hs, cs):
    never_inline()
    n, K, skip, before = w.units * BLOCK, w.features + 1 + w.units, w.features + 1, rest(g, BLOCK)
    product_below(w.P, K, skip, before, D, 2 * w.units, BLOCK)
    if w.after:
        q = rest(D, 6 * n)
        product(w.P_q, g, 1 + w.units, q, w.units, BLOCK)
        for j in range(2):
            _finish_pair_after(D, q, base[j], before, hs[j, BLOCK:], w.units)
    else:
        for j in range(2):
            h = hs[j, BLOCK:]
            _reset_pair(D, base[j], before, h, w.units)
            product_below(w.P_n, K, skip, h, rest(D, 6 * n), w.units, BLOCK)
            _finish_pair_before(D, rest(D, 6 * n), base[j], before, h, w.units)


@inner
def _pull_mix(m, D, D0, n, Z):
    """Go back through ``h' = z*h + (1-z)*n``: multipliers of n, of z, and of h directly."""
    never_inline()
    half, one = m.dtype.type(0.5), m.dtype.type(1)
    for s in range(n):
        z = half * (D[2 * n + s] + D0[2 * n + s])
        before = half * (D[4 * n + s] + D0[4 * n + s])
        c = half * (D[5 * n + s] + D0[5 * n + s])
        Z[s] = m[s] * (one - z)
        Z[n + s] = m[s] * (before - c)
        Z[4 * n + s] = m[s] * z


def _advance_given(w, A, C, D, G, R):
    never_inline()
    n = w.units * R
    h, gates, a_n = part(A, R, R + n), part(D, 0, 2 * n), part(D, 7 * n, 8 * n)
    product(w.P, A, 1 + w.units, D, 2 * w.units, R)
    add(part(G, 0, 2 * n), gates)
    if w.after:
        product(w.P_q, A, 1 + w.units, rest(D, 6 * n), w.units, R)
        product(w.P_n, A, 1, rest(D, 7 * n), w.units, R)
        add(rest(G, 2 * n), a_n)
        _finish_after(D, h, n)
        return
    before = part(D, 4 * n, 5 * n)
    activate(w.sigma, gates)
    copy(h, before)
    _reset(part(D, n, 2 * n), before, h)
    product(w.P_n, A, 1 + w.units, rest(D, 7 * n), w.units, R)
    add(rest(G, 2 * n), a_n)
    _finish_before(part(D, 0, n), before, a_n, h)


def _pull(w, D, D0, same, B, C, Z, R):
    never_inline()
    n = w.units * R
    h = part(B, w.features * R, w.features * R + n)
    m_n, m_z, m_r = part(Z, 0, n), part(Z, n, 2 * n), part(Z, 2 * n, 3 * n)
    m_q, direct = part(Z, 3 * n, 4 * n), part(Z, 4 * n, 5 * n)
    _pull_mix(h, D, D0, n, Z)
    slopes(
        w.phi,
        part(D, 7 * n, 8 * n),
        part(D, 5 * n, 6 * n),
        part(D0, 7 * n, 8 * n),
        part(D0, 5 * n, 6 * n),
        same,
        m_n,
    )
    slopes(
        w.sigma,
        part(D, 0, n),
        part(D, 2 * n, 3 * n),
        part(D0, 0, n),
        part(D0, 2 * n, 3 * n),
        same,
        m_z,
    )
    if w.after:
        # a_n = x W_n + b_n + r*q
        mean_times(m_n, part(D, 6 * n, 7 * n), part(D0, 6 * n, 7 * n), m_r)
        mean_times(m_n, part(D, 3 * n, 4 * n), part(D0, 3 * n, 4 * n), m_q)
    else:
        # a_n = x W_n + b_n + (r*h) U_n
        product(w.P_q, m_n, w.units, B, w.units, R)
        copy(B, m_q)
        mean_times(m_q, part(D, 4 * n, 5 * n), part(D0, 4 * n, 5 * n), m_r)
        mean_times(m_q, part(D, 3 * n, 4 * n), part(D0, 3 * n, 4 * n), h)
        add(h, direct)
    slopes(
        w.sigma, rest(D, n), part(D, 3 * n, 4 * n), rest(D0, n), part(D0, 3 * n, 4 * n), same, m_r
    )
    product(w.Q_x, Z, 3 * w.units, B, w.features, R)
    product(w.Q_h, rest(Z, n), (3 if w.after else 2) * w.units, rest(B, w.features * R), w.units, R)
    add(direct, h)


register_cell(GRUWeights, _advance, _advance_pair, _advance_given, _pull)
