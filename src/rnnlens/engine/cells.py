"""Cells made ready to run: packed arrays, one step forward, one step of multipliers back.

`advance` calls the equations of `rnnlens.engine.step`. `pull` carries multipliers back through the
same step: linear maps by their transpose, activations by `rnnlens.engine.activations.pull`, and a
product ``z = u v`` between two points by ``m_u = m_z (v + v0) / 2``, ``m_v = m_z (u + u0) / 2``,
the exact Shapley value of its two factors (Lundberg and Lee 2017, "A unified approach to
interpreting model predictions"). With the point as its own reference this is the chain rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine import step
from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.arrays import beside, zeros
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN

__all__ = ["Ready", "States", "Step", "ready"]

Array = NDArray[np.float64]
States = tuple[Array, ...]


class Step(NamedTuple):
    """What one step leaves for the way back: the states before it and all it computed."""

    before: States
    values: step.LSTMStep | step.GRUStep | tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Ready:
    """A cell in float64 with its gates side by side.

    Parameters
    ----------
    cell : Cell
        The cell.
    W : array (feature, gate * unit)
        Input kernels.
    U : array (unit, gate * unit)
        Recurrent kernels; (output, gate * unit) where the hidden state is projected.
    b : array (gate * unit,)
        Biases; both sides added, except the recurrent bias of a reset-after GRU's candidate.
    """

    cell: Cell
    W: Array
    U: Array
    b: Array

    def project(self, x: Array) -> Array:
        """Give ``x W + b`` for any leading axes: x (..., feature) -> (..., gate * unit)."""
        return x @ self.W + self.b

    def split(self, packed: Array) -> list[Array]:
        """Give the gates of a packed array apart, as views.

        Shapes: packed (sample, gate * unit) -> list of (sample, unit).
        """
        H = self.cell.units
        return [packed[..., k : k + H] for k in range(0, packed.shape[-1], H)]

    def start(self, samples: int) -> States:
        """Give states of zero: tuple of (sample, unit)."""
        return tuple(zeros((samples, size), self.W) for size in self.cell.state_sizes)

    def advance(self, xW: Array, states: States) -> tuple[States, Step]:
        """Take one step: xW (sample, gate * unit), states tuple of (sample, unit)."""
        raise NotImplementedError

    def pull(self, saved: Step, saved0: Step, m: States) -> tuple[Array, States]:
        """Carry multipliers back through one step: m tuple of (sample, unit)."""
        raise NotImplementedError


def _mean(u: Array, u0: Array) -> Array:
    return u if u is u0 else (u + u0) / 2


def _pack(cell: Cell) -> tuple[Array, Array, Array]:
    gates = cell.gates.values()
    W = np.concatenate([np.asarray(gate.W, float) for gate in gates], axis=1)
    U = np.concatenate([np.asarray(gate.U, float) for gate in gates], axis=1)
    zero = np.zeros(cell.units)
    b = [zero if gate.b is None else np.asarray(gate.b, float) for gate in gates]
    b_r = [zero if gate.b_r is None else np.asarray(gate.b_r, float) for gate in gates]
    if isinstance(cell, GRU) and cell.reset_after:
        b_r[-1] = zero
    return W, U, np.concatenate(b) + np.concatenate(b_r)


@singledispatch
def ready(cell: Cell) -> Ready:
    """Make a cell ready to run."""
    raise NotImplementedError(f"no equations for a cell of class {type(cell).__name__}")


@dataclass(frozen=True, eq=False)
class _ReadyLSTM(Ready):
    V: tuple[Array, Array, Array]
    sigma: Activation
    phi: Activation
    P: Array | None

    def advance(self, xW: Array, states: States) -> tuple[States, Step]:
        h, c = states
        gates = self.split(xW), self.split(h @ self.U)
        s = step.lstm(*gates, c, self.V, self.sigma, self.phi, P=self.P)
        return (s.h, s.c), Step(states, s)

    def pull(self, saved: Step, saved0: Step, m: States) -> tuple[Array, States]:
        s, s0 = saved.values, saved0.values
        assert isinstance(s, step.LSTMStep)
        assert isinstance(s0, step.LSTMStep)
        c, c0 = saved.before[1], saved0.before[1]
        V_i, V_f, V_o = self.V
        m_h, m_c = m
        if self.P is not None:  # h' = (o * phi(c')) P
            m_h = m_h @ self.P.T
        # h' = o * phi(c')
        m_ao = pull_activation(self.sigma, s.a_o, s0.a_o, m_h * _mean(s.phi_c, s0.phi_c))
        m_c = m_c + pull_activation(self.phi, s.c, s0.c, m_h * _mean(s.o, s0.o)) + m_ao * V_o
        # c' = f * c + i * g
        m_ai = pull_activation(self.sigma, s.a_i, s0.a_i, m_c * _mean(s.g, s0.g))
        m_af = pull_activation(self.sigma, s.a_f, s0.a_f, m_c * _mean(c, c0))
        m_ag = pull_activation(self.phi, s.a_g, s0.a_g, m_c * _mean(s.i, s0.i))
        m_before = m_c * _mean(s.f, s0.f) + m_ai * V_i + m_af * V_f
        m_xW = beside([m_ai, m_af, m_ag, m_ao])
        return m_xW, (m_xW @ self.U.T, m_before)


@ready.register
def _(cell: LSTM) -> Ready:
    zero = np.zeros(cell.units)
    peepholes = (cell.input.V, cell.forget.V, cell.output.V)
    i, f, o = (zero if V is None else np.asarray(V, float) for V in peepholes)
    P = None if cell.projection is None else np.asarray(cell.projection, float)
    return _ReadyLSTM(cell, *_pack(cell), (i, f, o), cell.recurrent_activation, cell.activation, P)


@dataclass(frozen=True, eq=False)
class _ReadyGRU(Ready):
    b_rn: Array
    reset_after: bool
    sigma: Activation
    phi: Activation

    def advance(self, xW: Array, states: States) -> tuple[States, Step]:
        (h,) = states
        gates = self.split(xW)
        if self.reset_after:
            s = step.gru_after(gates, self.split(h @ self.U), h, self.b_rn, self.sigma, self.phi)
        else:
            U_zr, U_n = self._recurrent_kernels()
            s = step.gru_before(gates, self.split(h @ U_zr), h, U_n, self.sigma, self.phi)
        return (s.h,), Step(states, s)

    def _recurrent_kernels(self) -> tuple[Array, Array]:
        H = self.cell.units
        return self.U[:, : 2 * H], self.U[:, 2 * H :]

    def pull(self, saved: Step, saved0: Step, m: States) -> tuple[Array, States]:
        s, s0 = saved.values, saved0.values
        assert isinstance(s, step.GRUStep)
        assert isinstance(s0, step.GRUStep)
        h, h0 = saved.before[0], saved0.before[0]
        (m_h,) = m
        # h' = n + z * (h - n)
        z = _mean(s.z, s0.z)
        m_before = m_h * z
        m_az = pull_activation(self.sigma, s.a_z, s0.a_z, m_h * (_mean(h, h0) - _mean(s.n, s0.n)))
        m_an = pull_activation(self.phi, s.a_n, s0.a_n, m_h * (1 - z))
        if self.reset_after:  # a_n = xW_n + r * q, q = h U_n + b_rn
            m_ar = pull_activation(self.sigma, s.a_r, s0.a_r, m_an * _mean(s.q, s0.q))
            m_hU = beside([m_az, m_ar, m_an * _mean(s.r, s0.r)])
            m_before = m_before + m_hU @ self.U.T
        else:  # a_n = xW_n + q U_n, q = r * h
            U_zr, U_n = self._recurrent_kernels()
            m_q = m_an @ U_n.T
            m_ar = pull_activation(self.sigma, s.a_r, s0.a_r, m_q * _mean(h, h0))
            m_hU = beside([m_az, m_ar])
            m_before = m_before + m_q * _mean(s.r, s0.r) + m_hU @ U_zr.T
        return beside([m_az, m_ar, m_an]), (m_before,)


@ready.register
def _(cell: GRU) -> Ready:
    b_rn = np.zeros(cell.units)
    if cell.reset_after and cell.candidate.b_r is not None:
        b_rn = np.asarray(cell.candidate.b_r, float)
    return _ReadyGRU(
        cell, *_pack(cell), b_rn, cell.reset_after, cell.recurrent_activation, cell.activation
    )


@dataclass(frozen=True, eq=False)
class _ReadySimpleRNN(Ready):
    phi: Activation

    def advance(self, xW: Array, states: States) -> tuple[States, Step]:
        a, h = step.simple_rnn(xW, states[0] @ self.U, self.phi)
        return (h,), Step(states, (a, h))

    def pull(self, saved: Step, saved0: Step, m: States) -> tuple[Array, States]:
        m_a = pull_activation(self.phi, saved.values[0], saved0.values[0], m[0])
        return m_a, (m_a @ self.U.T,)


@ready.register
def _(cell: SimpleRNN) -> Ready:
    return _ReadySimpleRNN(cell, *_pack(cell), cell.activation)
