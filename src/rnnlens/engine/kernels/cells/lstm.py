"""The LSTM on a block: one step forward, one step of multipliers back.

The equations are those of `rnnlens.engine.step.lstm` and of `rnnlens.engine.cells`. A step's record
holds rows of ``n = units * R`` numbers: the pre-activations of the gates in the order i, f, o, g;
their values in that order; the cell state before the step and after it; ``phi(c')``; and
``o * phi(c')``. For derivatives of the common LSTM it is half as long, and stays in the cache: the
values of the gates, the cell state before the step, and ``tanh c'``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnlens.engine.kernels.buffers import (
    CompiledActivation,
    activate,
    add,
    compiled,
    copy,
    fused,
    mean_times,
    slopes,
)
from rnnlens.engine.kernels.cells.interface import Array, concatenated, register_cell
from rnnlens.engine.kernels.functions import gated, logistic, tanh
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
from rnnlens.network.cells import LSTM

__all__ = ["LSTMWeights", "pack_lstm"]


class LSTMWeights(NamedTuple):
    """The weights of an LSTM, packed.

    Parameters
    ----------
    units, features, outputs : int
        Sizes; outputs are units unless the hidden state is projected.
    cells : int
        Size of the cell state.
    record, room : int
        Numbers that a step keeps for a sample, and that its way back needs.
    W, b : array (feature, gate * unit) and (gate * unit,)
        Input kernels and biases in the order i, f, o, g.
    P : array
        From ``[x; 1; h]`` to the pre-activations, packed.
    Q : array
        From the multipliers of the pre-activations back to ``[x; h]``, packed.
    peeps : bool
        Whether there are peepholes.
    V : array (3, unit)
        Peepholes of the input, forget and output gates.
    projects : bool
        Whether the hidden state is projected.
    down, up : array
        The projection and its transpose, packed.
    sigma, phi : CompiledActivation
        Activations of the gates; of the candidate and the cell state.
    common : bool
        Whether they are logistic and tanh, without peepholes and projection.
    """

    units: int
    features: int
    outputs: int
    cells: int
    record: int
    room: int
    W: Array
    b: Array
    P: Array
    Q: Array
    peeps: bool
    V: Array
    projects: bool
    down: Array
    up: Array
    sigma: CompiledActivation
    phi: CompiledActivation
    common: bool


def pack_lstm(lstm: LSTM, dtype: np.dtype[Any]) -> LSTMWeights | None:
    """Pack the weights of an LSTM."""
    common = (
        fused(lstm.recurrent_activation, lstm.activation)
        and lstm.projection is None
        and all(gate.V is None for gate in (lstm.input, lstm.forget, lstm.output))
    )
    sigma = compiled(lstm.recurrent_activation, dtype, loops=not common)
    phi = compiled(lstm.activation, dtype, loops=not common)
    if sigma is None or phi is None:
        return None
    gates = (lstm.input, lstm.forget, lstm.output, lstm.cell)
    W, b, U = concatenated(gates)
    zero = np.zeros(lstm.units)
    V = np.stack([zero if gate.V is None else np.asarray(gate.V, float) for gate in gates[:3]])
    down = np.zeros((0, 0)) if lstm.projection is None else np.asarray(lstm.projection, float)
    return LSTMWeights(
        units=lstm.units,
        features=lstm.features,
        outputs=lstm.state_sizes[0],
        cells=lstm.units,
        record=12 * lstm.units + ROWS,
        room=6 * lstm.units + ROWS,
        W=W.astype(dtype, order="C"),
        b=b.astype(dtype),
        P=pack(np.concatenate([W, b[None], U]).astype(dtype)),
        Q=pack(np.concatenate([W, U]).T.astype(dtype)),
        peeps=any(gate.V is not None for gate in gates),
        V=V.astype(dtype),
        projects=lstm.projection is not None,
        down=pack(down.astype(dtype)),
        up=pack(down.T.astype(dtype)),
        sigma=sigma,
        phi=phi,
        common=common,
    )


@inner
def _finish(a, C, h, n):
    """Finish a step of logistic gates and tanh, keeping nothing.

    Two loops are faster than one: the processor looks only so far ahead, and the shorter the way
    through a number is, the more numbers it works on at once.
    """
    never_inline()
    for s in range(n):
        C[s] = logistic(a[n + s]) * C[s] + gated(a[s], a[3 * n + s])
    for s in range(n):
        h[s] = gated(a[2 * n + s], C[s])


@inner
def _finish_pair(a, base, c, cs, hs):
    """Finish such a step with both inputs, which come on top of the products."""
    never_inline()
    no_alias()
    # whole numbers that are never negative: an index that might be is no vector code
    wide, units = np.uint64(BLOCK), base.shape[1] // 4
    n = np.uint64(units) * wide
    for j in range(2):
        b, C, h = base[j], cs[j], hs[j]
        for u in range(units):
            b_i, b_f, b_g = b[u], b[units + u], b[3 * units + u]
            first = np.uint64(u) * wide
            for k in range(BLOCK):
                s = first + np.uint64(k)
                C[s] = logistic(a[n + s] + b_f) * c[s] + gated(a[s] + b_i, a[n + n + n + s] + b_g)
        for u in range(units):
            b_o = b[2 * units + u]
            first = np.uint64(u) * wide
            for k in range(BLOCK):
                s = first + np.uint64(k)
                h[wide + s] = gated(a[n + n + s] + b_o, C[s])


@inner
def _open_gates(a, n):
    """Put the values of logistic gates in place of their pre-activations."""
    never_inline()
    for s in range(n):
        a[s] = logistic(a[s])


@inner
def _update(i, f, g, C, before, n):
    """Compute ``c' = f*c + i*g`` from pre-activations of g; keep its value and c."""
    never_inline()
    for s in range(n):
        value, c = tanh(g[s]), C[s]
        g[s] = value
        before[s] = c
        C[s] = f[s] * c + i[s] * value


@inner
def _hidden(o, C, phi_c, h, n):
    """Compute ``h' = o * tanh c'`` and keep the second factor."""
    never_inline()
    for s in range(n):
        value = tanh(C[s])
        phi_c[s] = value
        h[s] = o[s] * value


@inner
def _pull_hidden(o, phi_c, m, C, m_o, n):
    """Carry multipliers of ``h'`` back to the output gate and the cell state, by derivatives."""
    never_inline()
    one = m.dtype.type(1)
    for s in range(n):
        m_o[s] = m[s] * phi_c[s] * (o[s] * (one - o[s]))
        C[s] += m[s] * o[s] * (one - phi_c[s] * phi_c[s])


@inner
def _pull_candidate(i, g, C, m_i, m_g, n):
    """Carry multipliers of ``c'`` back to the input gate and the candidate, by derivatives."""
    never_inline()
    one = C.dtype.type(1)
    for s in range(n):
        m = C[s] * i[s]
        m_i[s] = m * (one - i[s]) * g[s]
        m_g[s] = m * (one - g[s] * g[s])


@inner
def _pull_forget(f, before, C, m_f, n):
    """Carry multipliers of ``c'`` back to the forget gate and to c, by derivatives."""
    never_inline()
    one = C.dtype.type(1)
    for s in range(n):
        m = C[s] * f[s]
        m_f[s] = m * (one - f[s]) * before[s]
        C[s] = m


@inner
def _peep(V, c, a, R):
    """Add ``V * c`` to pre-activations."""
    never_inline()
    for u in range(V.size):
        weight = V[u]
        row, state = part(a, u * R, (u + 1) * R), part(c, u * R, (u + 1) * R)
        for s in range(R):
            row[s] += weight * state[s]


@inner
def _cell_state(y, before, c, n):
    """Compute ``c' = f*c + i*g``."""
    never_inline()
    for s in range(n):
        c[s] = y[n + s] * before[s] + y[s] * y[3 * n + s]


@inner
def _advance_keeping(w, A, C, D, keep, R):
    """Take a step and keep its record."""
    never_inline()
    n = w.units * R
    h = rest(A, (w.features + 1) * R)
    product(w.P, A, w.features + 1 + w.outputs, D, 4 * w.units, R)
    if w.common and keep == 2:
        _open_gates(D, 3 * n)
        _update(D, rest(D, n), rest(D, 3 * n), C, rest(D, 4 * n), n)
        _hidden(rest(D, 2 * n), C, rest(D, 5 * n), h, n)
        return
    a, y = part(D, 0, 4 * n), part(D, 4 * n, 8 * n)
    before, c = part(D, 8 * n, 9 * n), part(D, 9 * n, 10 * n)
    phi_c, m = part(D, 10 * n, 11 * n), part(D, 11 * n, 12 * n)
    copy(C, before)
    if w.peeps:
        _peep(w.V[0], before, part(a, 0, n), R)
        _peep(w.V[1], before, part(a, n, 2 * n), R)
    copy(a, y)
    activate(w.sigma, part(y, 0, 2 * n))
    activate(w.phi, rest(y, 3 * n))
    _cell_state(y, before, c, n)
    if w.peeps:
        _peep(w.V[2], c, part(a, 2 * n, 3 * n), R)
        copy(part(a, 2 * n, 3 * n), part(y, 2 * n, 3 * n))
    activate(w.sigma, part(y, 2 * n, 3 * n))
    copy(c, phi_c)
    copy(c, C)
    activate(w.phi, phi_c)
    for s in range(n):
        m[s] = y[2 * n + s] * phi_c[s]
    if w.projects:
        product(w.down, m, w.units, h, w.outputs, R)
    else:
        copy(m, part(h, 0, n))


def _advance(w, A, C, D, keep, R):
    always_inline()
    if w.common and keep == 0:
        product(w.P, A, w.features + 1 + w.outputs, D, 4 * w.units, R)
        _finish(D, C, rest(A, (w.features + 1) * R), w.units * R)
    else:
        _advance_keeping(w, A, C, D, keep, R)


def _advance_pair(w, g, c, base, D, hs, cs):
    never_inline()
    product_below(
        w.P, w.features + 1 + w.outputs, w.features + 1, rest(g, BLOCK), D, 4 * w.units, BLOCK
    )
    _finish_pair(D, base, c, cs, hs)


def _advance_given(w, A, C, D, G, R):
    never_inline()
    n = w.units * R
    product(w.P, A, 1 + w.outputs, D, 4 * w.units, R)
    add(G, part(D, 0, 4 * n))
    _finish(D, C, rest(A, R), n)


def _pull(w, D, D0, same, B, C, Z, R):
    never_inline()
    n = w.units * R
    if same and w.common:
        _pull_hidden(rest(D, 2 * n), rest(D, 5 * n), rest(B, w.features * R), C, rest(Z, 2 * n), n)
        _pull_candidate(D, rest(D, 3 * n), C, Z, rest(Z, 3 * n), n)
        _pull_forget(rest(D, n), rest(D, 4 * n), C, rest(Z, n), n)
        product(w.Q, Z, 4 * w.units, B, w.features + w.outputs, R)
        return
    a, y, before, c, phi_c = (
        part(D, 0, 4 * n),
        part(D, 4 * n, 8 * n),
        rest(D, 8 * n),
        rest(D, 9 * n),
        rest(D, 10 * n),
    )
    a0, y0, before0, c0, phi_c0 = (
        part(D0, 0, 4 * n),
        part(D0, 4 * n, 8 * n),
        rest(D0, 8 * n),
        rest(D0, 9 * n),
        rest(D0, 10 * n),
    )
    m = part(Z, 4 * n, 5 * n)
    if w.projects:
        product(w.up, rest(B, w.features * R), w.outputs, m, w.units, R)
    else:
        copy(part(B, w.features * R, w.features * R + n), m)
    # h' = o * phi(c')
    m_o, m_c = part(Z, 2 * n, 3 * n), part(Z, 5 * n, 6 * n)
    mean_times(m, phi_c, phi_c0, m_o)
    mean_times(m, rest(y, 2 * n), rest(y0, 2 * n), m_c)
    slopes(
        w.sigma,
        part(a, 2 * n, 3 * n),
        part(y, 2 * n, 3 * n),
        part(a0, 2 * n, 3 * n),
        part(y0, 2 * n, 3 * n),
        same,
        m_o,
    )
    slopes(w.phi, part(c, 0, n), part(phi_c, 0, n), part(c0, 0, n), part(phi_c0, 0, n), same, m_c)
    for s in range(n):
        C[s] += m_c[s]
    if w.peeps:
        _peep(w.V[2], m_o, C, R)
    # c' = f*c + i*g
    mean_times(C, rest(y, 3 * n), rest(y0, 3 * n), part(Z, 0, n))
    mean_times(C, before, before0, part(Z, n, 2 * n))
    mean_times(C, y, y0, part(Z, 3 * n, 4 * n))
    slopes(
        w.sigma,
        part(a, 0, 2 * n),
        part(y, 0, 2 * n),
        part(a0, 0, 2 * n),
        part(y0, 0, 2 * n),
        same,
        part(Z, 0, 2 * n),
    )
    slopes(
        w.phi,
        part(a, 3 * n, 4 * n),
        part(y, 3 * n, 4 * n),
        part(a0, 3 * n, 4 * n),
        part(y0, 3 * n, 4 * n),
        same,
        part(Z, 3 * n, 4 * n),
    )
    mean_times(C, rest(y, n), rest(y0, n), m_c)
    copy(m_c, part(C, 0, n))
    if w.peeps:
        _peep(w.V[0], part(Z, 0, n), C, R)
        _peep(w.V[1], part(Z, n, 2 * n), C, R)
    product(w.Q, Z, 4 * w.units, B, w.features + w.outputs, R)


register_cell(LSTMWeights, _advance, _advance_pair, _advance_given, _pull)
