"""What recurrent layers need of their steps: unit by unit, from the last step that is wanted back.

A unit of an LSTM needs its own cell state and gates, a gate the features and the hidden units whose
weights into it are not zero; so it is known which feature at which step can reach which unit of
which later step. Cells of other kinds need all of a step and of the states before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.recurrent import unmerged
from rnnlens.engine.operations.registry import Multipliers, Tape
from rnnlens.evidence.reach.rules import Counting, Known, Wanted, wanted_by
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN
from rnnlens.network.layers import Bidirectional, Recurrent

__all__ = ["before_step"]

Used = NDArray[np.bool_]
States = tuple[Used, ...]


@wanted_by.register
def _(
    layer: Recurrent, tape: Tape, wanted: tuple[Used, ...], known: Known, ones: Counting
) -> Wanted:
    x, *started = tape.inputs
    steps = x.shape[1]
    states = tuple(np.zeros(size, bool) for size in layer.cell.state_sizes)
    if layer.return_state:
        states = tuple(one[0] for one in wanted[1 : 1 + len(states)])
    outer = np.zeros((steps, len(states[0])), bool)  # what is wanted of the output of each step
    if layer.return_sequences:
        outer[:] = wanted[0][0]
    else:
        outer[-1] = wanted[0][0]
    needed = np.zeros((steps, x.shape[2]), bool)  # in the order in which steps are read
    back = before_step(layer.cell, ones)
    zero = not started and not ones.carried
    read = steps - 1
    while read >= 0:
        after = (states[0] | outer[read], *states[1:])
        needed[read], states = back(after, zero and not read)
        if read > 1 and _settled(after, states, outer[1:read]):
            needed[1:read] = needed[read]
            read = 1
        read -= 1
    needed = needed[::-1] if layer.go_backwards else needed
    return (needed[None], *(state[None] for state in states[: len(started)]))


def _settled(after: States, before: States, outer: Used) -> bool:
    """Tell whether the steps before one need the same of theirs: (step, unit) are yet to come."""
    same = all(np.array_equal(one, other) for one, other in zip(after, before, strict=True))
    return same and not (outer & ~before[0]).any()


@wanted_by.register
def _(
    layer: Bidirectional, tape: Tape, wanted: tuple[Used, ...], known: Known, ones: Counting
) -> Wanted:
    merge = "sum" if layer.merge_mode in {"ave", "mul"} else layer.merge_mode
    # what is wanted goes the way of multipliers, and stays boolean
    marks = cast("Multipliers", wanted)
    given = unmerged(replace(layer, merge_mode=merge), tape, tape, marks)
    (first, *early), (second, *late) = (
        wanted_by(direction, one, asked, [None], ones)
        for direction, one, asked in zip(
            (layer.forward, layer.backward), tape.saved[0], given, strict=True
        )
    )
    assert first is not None
    assert second is not None
    return (first | second, *early, *late)


def before_step(cell: Cell, ones: Counting) -> Callable[[States, bool], tuple[Used, States]]:
    """Give how the states wanted after a step become features and states wanted before it."""
    if isinstance(cell, LSTM):
        return _LSTM.of(cell, ones)
    if isinstance(cell, GRU):
        return _GRU.of(cell, ones)
    if isinstance(cell, SimpleRNN):
        return _Simple(_Ways.of(cell.hidden, ones))

    def everything(states: States, zero: bool) -> tuple[Used, States]:
        some = any(state.any() for state in states)
        return np.full(cell.features, some), tuple(np.full(len(state), some) for state in states)

    return everything


@dataclass(frozen=True)
class _Ways:
    """Which features and hidden units enter which units of a gate."""

    W: Used
    U: Used
    V: Used | None

    @classmethod
    def of(cls, gate: Gate, ones: Counting) -> _Ways:
        return cls(
            ones(gate.W) != 0, ones(gate.U) != 0, None if gate.V is None else ones(gate.V) != 0
        )

    def features(self, units: Used) -> Used:
        return np.asarray(self.W[:, units].any(axis=1))

    def hidden(self, units: Used) -> Used:
        return np.asarray(self.U[:, units].any(axis=1))

    def peeps(self, units: Used) -> Used:
        return np.zeros_like(units) if self.V is None else units & self.V


@dataclass(frozen=True)
class _Simple:
    """``h' = phi(x W + h U)``."""

    ways: _Ways

    def __call__(self, states: States, zero: bool) -> tuple[Used, States]:
        return self.ways.features(states[0]), (self.ways.hidden(states[0]),)


@dataclass(frozen=True)
class _LSTM:
    """``c' = f c + i g``, ``h' = o phi(c')``; the output gate's peephole sees c'."""

    input: _Ways
    forget: _Ways
    cell: _Ways
    output: _Ways
    projection: Used | None

    @classmethod
    def of(cls, cell: LSTM, ones: Counting) -> _LSTM:
        P = None if cell.projection is None else ones(cell.projection) != 0
        return cls(
            input=_Ways.of(cell.input, ones),
            forget=_Ways.of(cell.forget, ones),
            cell=_Ways.of(cell.cell, ones),
            output=_Ways.of(cell.output, ones),
            projection=P,
        )

    def __call__(self, states: States, zero: bool) -> tuple[Used, States]:
        hidden, cell = states
        P = self.projection
        out = hidden if P is None else np.asarray(P[:, hidden].any(axis=1))
        cell = cell | out | self.output.peeps(out)
        before = cell | self.input.peeps(cell) | self.forget.peeps(cell)
        # a forget gate of a state that is zero gates nothing
        inner = (self.input, self.cell) if zero else (self.input, self.forget, self.cell)
        features, hidden = self.output.features(out), self.output.hidden(out)
        for ways in inner:
            features, hidden = features | ways.features(cell), hidden | ways.hidden(cell)
        return features, (hidden, before)


@dataclass(frozen=True)
class _GRU:
    """``h' = z h + (1 - z) n``; the reset gate enters n with the hidden units that n takes."""

    update: _Ways
    reset: _Ways
    candidate: _Ways
    after: bool
    bias: Used | None

    @classmethod
    def of(cls, cell: GRU, ones: Counting) -> _GRU:
        b = cell.candidate.b_r
        return cls(
            update=_Ways.of(cell.update, ones),
            reset=_Ways.of(cell.reset, ones),
            candidate=_Ways.of(cell.candidate, ones),
            after=cell.reset_after,
            bias=None if b is None else ones(b) != 0,
        )

    def __call__(self, states: States, zero: bool) -> tuple[Used, States]:
        (units,) = states
        taken = self.candidate.hidden(units)
        if self.after:  # r (h U + b_r): nothing of r is needed where the product is zero
            fed = np.zeros(len(units), bool) if zero else self.candidate.U.any(axis=0)
            resets = units & (fed if self.bias is None else fed | self.bias)
        else:  # (r h) U
            resets = np.zeros_like(taken) if zero else taken
        features = (
            self.update.features(units)
            | self.candidate.features(units)
            | self.reset.features(resets)
        )
        hidden = units | taken | self.update.hidden(units) | self.reset.hidden(resets)
        return features, (hidden,)
