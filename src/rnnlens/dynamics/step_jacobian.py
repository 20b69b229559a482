"""What one step of a cell does to a small change of its state, by the derivatives of its equations.

The letters are those of `rnnlens.engine.step`; a ``d`` before one is its change. A state is what
the cell carries on: the hidden state, and for an LSTM the cell state behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine import step
from rnnlens.engine.activations import derivative
from rnnlens.engine.cells import Ready, States, Step
from rnnlens.engine.operations.registry import Array
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Gate, SimpleRNN

__all__ = ["push"]


def push(ready: Ready, saved: Step, changes: States) -> States:
    """Carry changes of the state before a step to changes of the state after it.

    Shapes: changes tuple of (sample, direction, unit) -> the same.
    """
    cell = ready.cell
    if isinstance(cell, LSTM):
        return _push_lstm(ready, cell, saved, changes)
    if isinstance(cell, GRU):
        return (_push_gru(ready, cell, saved, changes[0]),)
    assert isinstance(cell, SimpleRNN)
    assert not isinstance(saved.values, step.LSTMStep | step.GRUStep)
    return (_slope(cell.activation, saved.values[0]) * _times(changes[0], ready.U),)


def _slope(phi: Activation, a: Array) -> Array:
    """Give the slope of an activation for every direction: a (sample, unit)."""
    return derivative(phi, a)[:, None]


def _times(changes: Array, kernel: NDArray[np.floating[Any]]) -> Array:
    """Give the changes of all samples times a kernel, as one product instead of one a sample."""
    rows = changes.reshape(-1, changes.shape[-1]) @ kernel
    return rows.reshape(*changes.shape[:-1], kernel.shape[1])


def _push_lstm(ready: Ready, cell: LSTM, saved: Step, changes: States) -> States:
    s, c = saved.values, saved.before[1][:, None]
    assert isinstance(s, step.LSTMStep)
    sigma, phi = cell.recurrent_activation, cell.activation
    dc = changes[1]
    da_i, da_f, da_g, da_o = ready.split(_times(changes[0], ready.U))
    di = _slope(sigma, s.a_i) * _seen(cell.input, da_i, dc)
    df = _slope(sigma, s.a_f) * _seen(cell.forget, da_f, dc)
    dg = _slope(phi, s.a_g) * da_g
    dc = s.f[:, None] * dc + c * df + s.g[:, None] * di + s.i[:, None] * dg
    do = _slope(sigma, s.a_o) * _seen(cell.output, da_o, dc)
    dh = s.phi_c[:, None] * do + s.o[:, None] * _slope(phi, s.c) * dc
    return (dh if cell.projection is None else _times(dh, cell.projection)), dc


def _seen(gate: Gate, da: Array, dc: Array) -> Array:
    """Add what a gate sees of the cell state through its peephole: (sample, direction, unit)."""
    return da if gate.V is None else da + gate.V * dc


def _push_gru(ready: Ready, cell: GRU, saved: Step, dh: Array) -> Array:
    s, h = saved.values, saved.before[0][:, None]
    assert isinstance(s, step.GRUStep)
    sigma, phi = cell.recurrent_activation, cell.activation
    r, z = s.r[:, None], s.z[:, None]
    if cell.reset_after:
        da_z, da_r, dq = ready.split(_times(dh, ready.U))
        da_n = s.q[:, None] * _slope(sigma, s.a_r) * da_r + r * dq
    else:
        H = cell.units
        da_z, da_r = ready.split(_times(dh, ready.U[:, : 2 * H]))
        dq = h * _slope(sigma, s.a_r) * da_r + r * dh
        da_n = _times(dq, ready.U[:, 2 * H :])
    dz, dn = _slope(sigma, s.a_z) * da_z, _slope(phi, s.a_n) * da_n
    return z * dh + (h - s.n[:, None]) * dz + (1 - z) * dn
