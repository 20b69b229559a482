"""One step of each cell and its Jacobian, written once for numbers and for intervals.

What a step takes is ``u = [x, h]`` beside the cell's own state; kernels of both stand in one matrix
``K`` (gate * unit, feature + unit), the transpose of the network's. With ``D(v)`` a diagonal matrix
and a prime for a slope, an LSTM has

    dc'/du = D(c f') K_f + D(g i') K_i + D(i g') K_g,       dc'/dc = D(f + c f' V_f + g i' V_i)
    dh'/d. = D(o phi'(c')) dc'/d. + D(phi(c') o') (K_o + V_o dc'/d.)

and a GRU, with ``n`` its candidate,

    dh'/du = D(1 - z) dn/du + D((h - n) z') K_z + [0, D(z)]

where the reset gate acts after the product ``q = h U_n + b_rn``,
``dn/du = D(n') ([W_n, 0] + D(q r') K_r + D(r) [0, U_n])``, and where it acts before,
``dn/du = D(n') ([W_n, 0] + U_n (D(h r') K_r + [0, D(r)]))``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.curves import check_enclosed, slope, value
from rnnlens.dynamics.fixed_points.intervals import Number, beside
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN

__all__ = ["Move", "OneStep", "one_step"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Move:
    """Where a step leads, and how that depends on where it began.

    Parameters
    ----------
    state : array or Interval (..., state)
        After the step, hidden state first.
    by_input : array or Interval (..., state, feature)
        Derivative with respect to the input.
    by_state : array or Interval (..., state, state)
        And with respect to the state before.
    """

    state: Number
    by_input: Number
    by_state: Number


class _Kernel:
    """The kernels of one gate: of input and hidden state side by side, and what is added."""

    def __init__(self, gate: Gate, *, recurrent_bias: bool = True) -> None:
        W, U = np.asarray(gate.W, float), np.asarray(gate.U, float)
        self.W, self.U, self.features = W.T, U.T, len(W)
        self.K = np.concatenate([self.W, self.U], axis=1)
        zero = np.zeros(W.shape[1])
        b_r = gate.b_r if recurrent_bias else None
        self.b = [np.asarray(b, float) for b in (gate.b, b_r) if b is not None] or [zero]
        self.V = zero if gate.V is None else np.asarray(gate.V, float)

    def into(self, u: Number) -> Number:
        """Give ``x W + h U + b``: u (..., feature + unit)."""
        total = u @ self.K.T
        for b in self.b:
            total = total + b
        return total


def _rows(v: Number, K: Number) -> Number:
    """Give ``D(v) K``: v (..., unit), K (..., unit, any)."""
    return v[..., :, None] * K


def _diagonal(v: Number) -> Number:
    return v[..., :, None] * np.eye(v.shape[-1])


def _padded(K: Array, before: int, after: int) -> Array:
    return np.pad(K, [(0, 0), (before, after)])


class OneStep:
    """One step of a cell."""

    def __init__(self, cell: Cell) -> None:
        self.features, self.sizes = cell.features, cell.state_sizes

    def __call__(self, x: Number, state: Number) -> Move:
        """Take the step and differentiate it: x (..., feature), state (..., state)."""
        raise NotImplementedError

    def _move(self, state: Number, by_u: Number) -> Move:
        return Move(state, by_u[..., : self.features], by_u[..., self.features :])


class _LSTM(OneStep):
    def __init__(self, cell: LSTM) -> None:
        super().__init__(cell)
        self.i, self.f, self.g, self.o = (_Kernel(gate) for gate in cell.gates.values())
        self.sigma, self.phi = cell.recurrent_activation, cell.activation
        self.P = None if cell.projection is None else np.asarray(cell.projection, float)

    def __call__(self, x: Number, state: Number) -> Move:
        hidden = self.sizes[0]
        h, c = state[..., :hidden], state[..., hidden:]
        u = beside([x, h], axis=-1)
        a_i, a_f = self.i.into(u) + self.i.V * c, self.f.into(u) + self.f.V * c
        a_g = self.g.into(u)
        i, f, g = value(self.sigma, a_i), value(self.sigma, a_f), value(self.phi, a_g)
        c_next = f * c + i * g
        a_o = self.o.into(u) + self.o.V * c_next
        o, phi_c = value(self.sigma, a_o), value(self.phi, c_next)
        h_next = o * phi_c

        by_i, by_f = g * slope(self.sigma, a_i), c * slope(self.sigma, a_f)
        c_u = (
            _rows(by_f, self.f.K)
            + _rows(by_i, self.i.K)
            + _rows(i * slope(self.phi, a_g), self.g.K)
        )
        c_c = _diagonal(f + by_f * self.f.V + by_i * self.i.V)
        by_c = o * slope(self.phi, c_next) + phi_c * slope(self.sigma, a_o) * self.o.V
        h_u = _rows(by_c, c_u) + _rows(phi_c * slope(self.sigma, a_o), self.o.K)
        h_c = _rows(by_c, c_c)
        if self.P is not None:
            h_next, h_u, h_c = h_next @ self.P, self.P.T @ h_u, self.P.T @ h_c
        by = beside([beside([h_u, h_c], axis=-1), beside([c_u, c_c], axis=-1)], axis=-2)
        return self._move(beside([h_next, c_next], axis=-1), by)


class _GRU(OneStep):
    def __init__(self, cell: GRU) -> None:
        super().__init__(cell)
        self.z, self.r = _Kernel(cell.update), _Kernel(cell.reset)
        self.n = _Kernel(cell.candidate, recurrent_bias=not cell.reset_after)
        self.after = cell.reset_after
        inner = cell.candidate.b_r if cell.reset_after else None
        self.b_rn = np.zeros(cell.units) if inner is None else np.asarray(inner, float)
        self.sigma, self.phi = cell.recurrent_activation, cell.activation

    def __call__(self, x: Number, state: Number) -> Move:
        h, F, H = state, self.features, self.sizes[0]
        u = beside([x, h], axis=-1)
        a_z, a_r = self.z.into(u), self.r.into(u)
        z, r = value(self.sigma, a_z), value(self.sigma, a_r)
        a_n = x @ self.n.W.T
        for b in self.n.b:
            a_n = a_n + b
        W_n, U_n = _padded(self.n.W, 0, H), _padded(self.n.U, F, 0)
        if self.after:
            q = h @ self.n.U.T + self.b_rn
            a_n = a_n + r * q
            inner = _rows(q * slope(self.sigma, a_r), self.r.K) + _rows(r, U_n) + W_n
        else:
            a_n = a_n + (r * h) @ self.n.U.T
            own = r[..., :, None] * _padded(np.eye(H), F, 0)
            inner = self.n.U @ (_rows(h * slope(self.sigma, a_r), self.r.K) + own) + W_n
        n = value(self.phi, a_n)
        back = h - n
        by = (
            _rows((1.0 - z) * slope(self.phi, a_n), inner)
            + _rows(back * slope(self.sigma, a_z), self.z.K)
            + z[..., :, None] * _padded(np.eye(H), F, 0)
        )
        return self._move(n + z * back, by)


class _SimpleRNN(OneStep):
    def __init__(self, cell: SimpleRNN) -> None:
        super().__init__(cell)
        self.only, self.phi = _Kernel(cell.hidden), cell.activation

    def __call__(self, x: Number, state: Number) -> Move:
        a = self.only.into(beside([x, state], axis=-1))
        return self._move(value(self.phi, a), _rows(slope(self.phi, a), self.only.K))


@singledispatch
def one_step(cell: Cell) -> OneStep:
    """Make one step of a cell ready."""
    raise NotImplementedError(f"no step for a cell of class {type(cell).__name__}")


def _checked(*activations: Activation) -> None:
    for phi in activations:
        check_enclosed(phi)


@one_step.register
def _(cell: LSTM) -> OneStep:
    _checked(cell.activation, cell.recurrent_activation)
    return _LSTM(cell)


@one_step.register
def _(cell: GRU) -> OneStep:
    _checked(cell.activation, cell.recurrent_activation)
    return _GRU(cell)


@one_step.register
def _(cell: SimpleRNN) -> OneStep:
    _checked(cell.activation)
    return _SimpleRNN(cell)
