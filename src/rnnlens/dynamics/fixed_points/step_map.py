"""The map that one step of a stack of recurrent layers makes, its input held.

The state is that of every layer, one after the other, hidden state before cell state. A cycle of L
steps is a fixed point of the map on L states at once,
``(s_1, ..., s_L) -> (F_L(s_L), F_1(s_1), ..., F_{L-1}(s_{L-1}))``: it needs no
powers of F, and its proof is as well conditioned as one step's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.cells import OneStep, one_step
from rnnlens.dynamics.fixed_points.curves import bounded
from rnnlens.dynamics.fixed_points.intervals import Interval, Number, array_of, beside
from rnnlens.engine.cells import Ready, ready
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN

__all__ = ["StepMap", "step_map"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StepMap:
    """One step, or L of them in turn, at inputs that are held.

    Parameters
    ----------
    cells : tuple of Cell
        The layers' cells, each taking the new hidden state of the one before.
    steps : tuple of OneStep
        The same, ready.
    inputs : array (phase, feature)
        What the first layer takes at each of the L steps.
    """

    cells: tuple[Cell, ...]
    steps: tuple[OneStep, ...]
    inputs: Array

    @cached_property
    def ready(self) -> tuple[Ready, ...]:
        """The cells as the engine runs them."""
        return tuple(ready(cell) for cell in self.cells)

    @property
    def size(self) -> int:
        """Numbers of one state."""
        return sum(sum(step.sizes) for step in self.steps)

    @property
    def length(self) -> int:
        """L, the steps of a cycle."""
        return len(self.inputs)

    def repeated(self, times: int) -> StepMap:
        """Give the map of several rounds of the inputs."""
        return replace(self, inputs=np.tile(self.inputs, (times, 1)))

    @property
    def confined(self) -> bool:
        """Whether the map sends a compact convex set into itself, which every orbit enters.

        An LSTM's |h| <= 1, |c| <= max i / (1 - max f): its gates are bounded away from 1 where
        they do not depend on the cell state; a GRU's and a plain cell's [-1, 1].
        """
        return all(_confined(cell) for cell in self.cells)

    @cached_property
    def limits(self) -> Array:
        """How large each number of a state can be where it rests: (state,), infinite if unknown."""
        parts = []
        for cell in self.cells:
            hidden = (
                1.0 if _confined(cell) and getattr(cell, "projection", None) is None else np.inf
            )
            parts.append(np.full(cell.state_sizes[0], hidden))
            parts.extend(np.full(size, np.inf) for size in cell.state_sizes[1:])
        return np.concatenate(parts)

    def move(self, state: Number, x: Array) -> tuple[Number, Number]:
        """Take one step: state (..., state), x (feature,) -> the next state, and the Jacobian.

        Shapes: (..., state) -> tuple of (..., state) and (..., state, state).
        """
        lead = state.shape[:-1]
        given: Number = np.broadcast_to(x, (*lead, len(x)))
        if isinstance(state, Interval):  # products of x alone are rounded too
            given = Interval.at(given)
        by_all: Number | None = None
        after, rows, begin = [], [], 0
        for step in self.steps:
            size, hidden = sum(step.sizes), step.sizes[0]
            move = step(given, state[..., begin : begin + size])
            blocks = [move.by_state, np.zeros((*lead, size, self.size - begin - size))]
            if by_all is None:
                own = beside(blocks, axis=-1)
            else:
                through = move.by_input @ by_all[..., :begin]
                own = beside([through, *blocks], axis=-1)
            after.append(move.state)
            rows.append(own)
            given, by_all = move.state[..., :hidden], own[..., :hidden, :]
            # the next layer meets this one's state and those below alone
            begin += size
        return beside(after, axis=-1), beside(rows, axis=-2)

    def move_at(self, state: Array, x: Array) -> tuple[Array, Array]:
        """Take one step in floats, as `move`."""
        after, J = self.move(state, x)
        return array_of(after), array_of(J)

    def state_after(self, state: Array, x: Array) -> Array:
        """Take one step without its derivatives: state (..., state), x (feature,)."""
        given, begin, after = np.broadcast_to(x, (*state.shape[:-1], len(x))), 0, []
        for cell in self.ready:
            own = []
            for size in cell.cell.state_sizes:
                own.append(state[..., begin : begin + size])
                begin += size
            states, _ = cell.advance(cell.project(given), tuple(own))
            after.extend(states)
            given = states[0]
        return np.concatenate(after, axis=-1)

    def __call__(self, states: Number) -> Number:
        """Give the image of L states: (..., phase, state)."""
        images = [self.move(states[..., k, :], x)[0] for k, x in enumerate(self.inputs)]
        turned = [images[-1], *images[:-1]]
        return beside([image[..., None, :] for image in turned], axis=-2)

    def jacobians(self, states: Number) -> list[Number]:
        """Give the Jacobian of each step: L of (..., state, state)."""
        return [self.move(states[..., k, :], x)[1] for k, x in enumerate(self.inputs)]

    def whole(self, jacobians: Sequence[Number]) -> Number:
        """Lay the Jacobian of the map on L states out: (..., L state, L state)."""
        n, L = self.size, self.length
        if L == 1:
            return jacobians[0]
        lead = jacobians[0].shape[:-2]
        parts = [_ends(one) for one in jacobians]
        ends = []
        for side in (0, 1):
            out = np.zeros((*lead, L * n, L * n))
            for k in range(L):
                to = (k + 1) % L
                out[..., to * n : (to + 1) * n, k * n : (k + 1) * n] = parts[k][side]
            ends.append(out)
        if not any(isinstance(one, Interval) for one in jacobians):
            return ends[0]
        return Interval(ends[0], ends[1])


def _ends(number: Number) -> tuple[Array, Array]:
    return (number.low, number.high) if isinstance(number, Interval) else (number, number)


def _confined(cell: Cell) -> bool:
    if isinstance(cell, LSTM):
        gates = cell.recurrent_activation.name == "sigmoid" and bounded(cell.activation)
        return gates and all(gate.V is None for gate in cell.gates.values())
    if isinstance(cell, GRU):
        gates = cell.recurrent_activation.name in {"sigmoid", "hard_sigmoid"}
        return gates and bounded(cell.activation)
    return isinstance(cell, SimpleRNN) and bounded(cell.activation)


def step_map(cells: Sequence[Cell], inputs: Array) -> StepMap:
    """Make the map of a stack of cells: inputs (phase, feature)."""
    return StepMap(
        tuple(cells), tuple(one_step(cell) for cell in cells), np.atleast_2d(np.asarray(inputs))
    )
