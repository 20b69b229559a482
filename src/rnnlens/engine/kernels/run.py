"""Recurrent layers by compiled kernels: the whole way forward, the whole way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels import leaves as trees
from rnnlens.engine.kernels import step_loop as course
from rnnlens.engine.kernels.buffers import LOGISTIC, TANH
from rnnlens.engine.kernels.gru import GRUWeights, pack_gru
from rnnlens.engine.kernels.lowlevel.compiling import announced
from rnnlens.engine.kernels.lstm import LSTMWeights, pack_lstm
from rnnlens.engine.kernels.simple_rnn import SimpleRNNWeights, pack_simple_rnn
from rnnlens.engine.kernels.tile import BLOCK, pack, width
from rnnlens.engine.schedule.context import round_of_work
from rnnlens.engine.schedule.threads import share
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN

__all__ = [
    "Reading",
    "Record",
    "Ride",
    "back",
    "branch",
    "forks",
    "grow",
    "keeps",
    "packed",
    "record",
    "ride",
    "slopes",
]

Array = NDArray[Any]
Pair = tuple[Array, Array]

#: Bytes of the records of one stretch of steps: what fits the cache of one core.
STRETCH = 4_000_000
#: Multiplications of one sample that make it worth while to wake another thread.
WORTH = 1 << 22
#: Bytes of the records of all steps that one thread keeps where that saves a way forward.
WHOLE = 32_000_000


@dataclass(frozen=True)
class Reading:
    """How a layer reads its steps and what it gives.

    Parameters
    ----------
    backwards : bool
        Whether the newest step is read first.
    sequences : bool
        Whether every step's output is wanted, and not the last alone.
    zeroes : bool
        Whether the output of a masked step is zero, and not the one before it.
    """

    backwards: bool
    sequences: bool
    zeroes: bool

    @property
    def options(self) -> tuple[bool, bool, bool]:
        """What the kernels take."""
        return self.backwards, self.sequences, self.zeroes


@dataclass(frozen=True, eq=False)
class Ride:
    """What a way forward leaves for the way back.

    Parameters
    ----------
    weights : named tuple
        The cell, packed.
    reading : Reading
        How it read.
    x : array (sample, step, feature)
        Its inputs.
    mask : array (sample, step) of bool
        Which steps are real; empty where all are.
    states : tuple of two arrays
        Those it started from; empty for zero.
    marks : tuple of two arrays
        States before each stretch of steps; empty where one stretch holds all steps.
    outputs : array (sample, step or 1, output)
        Its outputs, in the order in which the steps were read.
    finals : tuple of two arrays (sample, output) and (sample, unit)
        Hidden and cell state after the last step.
    """

    weights: Any
    reading: Reading
    x: Array
    mask: Array
    states: Pair
    marks: Pair
    outputs: Array
    finals: Pair


@dataclass(frozen=True, eq=False)
class Record:
    """Everything that a cell computed, steps in the order of the window.

    Parameters
    ----------
    preactivation, gate_value : array (sample, step, gate, unit)
        What went into each gate's activation and what came out of it, gates in the cell's order.
        At masked steps what would have been.
    hidden : array (sample, step, output)
        Hidden state after the step.
    cell : array (sample, step, unit)
        Cell state after the step; no units for cells that have none.
    shown : array (sample, step, unit)
        ``o * phi(c')`` of an LSTM, before any projection; no units for other cells.
    """

    preactivation: Array
    gate_value: Array
    hidden: Array
    cell: Array
    shown: Array


#: The slabs of a step's record: pre-activations and values in the order of the cell's gates, and
#: what is shown before the projection.
_SLABS: dict[type, tuple[list[int], list[int], list[int]]] = {
    LSTMWeights: ([0, 1, 3, 2], [4, 5, 7, 6], [11]),
    GRUWeights: ([0, 1, 7], [2, 3, 5], []),
    SimpleRNNWeights: ([0], [1], []),
}


@dataclass(frozen=True, eq=False)
class _Known:
    """Packed weights, the bytes of the arrays they were packed from, and who compared last."""

    weights: Any
    arrays: tuple[bytes, ...]
    seen_in: object | None


_PACKED: WeakKeyDictionary[Cell, dict[str, _Known]] = WeakKeyDictionary()


def _arrays(cell: Cell) -> tuple[Array, ...]:
    kept = [array for gate in cell.gates.values() for array in gate.arrays().values()]
    projection = getattr(cell, "projection", None)
    return (*kept, *(() if projection is None else (projection,)))


@singledispatch
def _pack(cell: Cell, dtype: np.dtype[Any]) -> Any | None:
    return None


_pack.register(LSTM, pack_lstm)
_pack.register(GRU, pack_gru)
_pack.register(SimpleRNN, pack_simple_rnn)


def packed(cell: Cell, dtype: np.dtype[Any]) -> Any | None:
    """Give the packed weights of a cell, made anew only where an array has changed.

    Arrays are compared once a round of work (`round_of_work`), outside of any at every call.
    """
    known, here = _PACKED.setdefault(cell, {}), round_of_work()
    found = known.get(dtype.name)
    if found is not None and here is not None and found.seen_in is here:
        return found.weights
    arrays = tuple(array.tobytes() for array in _arrays(cell))
    if found is not None and found.arrays == arrays:
        found = replace(found, seen_in=here)
    else:
        found = _Known(_pack(cell, dtype), arrays, here)
    known[dtype.name] = found
    return found.weights


def _plain(array: Array, dtype: np.dtype[Any]) -> Array:
    """Give an array as the kernels were compiled for it: rows together, and not read-only."""
    return np.require(array, dtype, ["C", "W"])


def _real(mask: Array | None, x: Array) -> Array:
    """Give a mask (sample, step) as the kernels take it: empty where all steps are real."""
    return np.empty((0, 0), bool) if mask is None else np.array(np.broadcast_to(mask, x.shape[:2]))


def _empty(dtype: np.dtype[Any]) -> Pair:
    return np.empty((0, 0), dtype), np.empty((0, 0), dtype)


def _pair(states: tuple[Array, ...], dtype: np.dtype[Any]) -> Pair:
    hidden, cell = _empty(dtype)
    if states:
        hidden = _plain(states[0], dtype)
    if len(states) > 1:
        cell = _plain(states[1], dtype)
    return hidden, cell


def _record(weights: Any, samples: int) -> int:
    """Give the bytes of a step's record for a block, where there are so many samples."""
    return weights.record * width(samples) * weights.P.itemsize


def _stretch(weights: Any, samples: int, steps: int) -> int:
    return min(max(1, STRETCH // _record(weights, samples)), max(steps, 1))


def _apiece(weights: Any, samples: int, steps: int) -> int:
    """Say of how many samples threads take multiples: of one where each is much work."""
    return width(samples) if steps * weights.P.size >= WORTH else BLOCK


def _share(work: Callable[[int, int], None], samples: int, apiece: int = BLOCK) -> None:
    """Share samples among threads."""
    with announced():
        share(work, samples, apiece)


def ride(
    weights: Any, x: Array, mask: Array | None, reading: Reading, states: tuple[Array, ...]
) -> Ride:
    """Run a cell over windows.

    Shapes: x (sample, step, feature), mask (sample, step) of bool, states tuple of (sample, ...).
    """
    x, real = _plain(x, weights.P.dtype), _real(mask, x)
    samples, steps = x.shape[:2]
    start = _pair(states, x.dtype)
    outputs = np.empty((samples, steps if reading.sequences else 1, weights.outputs), x.dtype)
    finals = (
        np.empty((samples, weights.outputs), x.dtype),
        np.empty((samples, weights.cells), x.dtype),
    )
    stretch = _stretch(weights, samples, steps)
    marks = tuple(
        np.empty(
            (-(-samples // BLOCK), -(-steps // stretch), size * BLOCK)
            if stretch < steps
            else (0, 0, 0),
            x.dtype,
        )
        for size in (weights.outputs, weights.cells)
    )

    def work(begin: int, end: int) -> None:
        span = (begin, end, stretch)
        course.forward(weights, x, real, reading.options, start, outputs, finals, marks, span)

    _share(work, samples, _apiece(weights, samples, steps))
    return Ride(weights, reading, x, real, start, marks, outputs, finals)  # type: ignore[arg-type]


def record(
    weights: Any, x: Array, mask: Array | None, backwards: bool, states: tuple[Array, ...]
) -> Record:
    """Run a cell over windows and keep everything it computed.

    Shapes: x (sample, step, feature), mask (sample, step) of bool, states tuple of (sample, ...).
    """
    x, real = _plain(x, weights.P.dtype), _real(mask, x)
    samples, steps = x.shape[:2]
    before, after, last = _SLABS[type(weights)]
    slabs = np.array([*before, *after, *last])
    traced = np.empty((samples, steps, len(slabs), weights.units), x.dtype)
    hidden = np.empty((samples, steps, weights.outputs), x.dtype)
    cell = np.empty((samples, steps, weights.cells), x.dtype)
    start = _pair(states, x.dtype)

    def work(begin: int, end: int) -> None:
        span = begin, end
        course.record(weights, x, real, backwards, start, slabs, traced, hidden, cell, span)

    _share(work, samples, _apiece(weights, samples, steps))
    gates = len(before)
    shown = traced[:, :, 2 * gates :].reshape(samples, steps, -1)
    return Record(traced[:, :, :gates], traced[:, :, gates : 2 * gates], hidden, cell, shown)


def back(
    ride: Ride, ride0: Ride, m: Array | None, m_finals: tuple[Array, ...]
) -> tuple[Array, Pair]:
    """Carry multipliers back from what a cell gave to what it took.

    Shapes: m (sample, step or 1, output).
    """
    x, weights = ride.x, ride.weights
    samples, steps = x.shape[:2]
    given = np.empty((0, 0, 0), x.dtype) if m is None else _plain(m, x.dtype)
    after = _pair(m_finals, x.dtype)
    m_x = np.empty_like(x)
    before = (
        np.empty((samples, weights.outputs), x.dtype),
        np.empty((samples, weights.cells), x.dtype),
    )
    stretch = _stretch(weights, samples, steps)

    def work(begin: int, end: int) -> None:
        course.back(
            weights,
            ride is ride0,
            (x, ride0.x),
            ride.mask,
            ride.reading.options,
            (ride.states, ride0.states),
            (ride.marks, ride0.marks),
            given,
            after,
            m_x,
            before,
            nothing[0],
            (begin, end, stretch),
        )

    nothing = _empty(x.dtype)
    _share(work, samples, _apiece(weights, samples, steps))
    return m_x, before


def keeps(weights: Any, samples: int, steps: int) -> bool:
    """Say whether `slopes` serves windows of so many steps: it keeps the records of all of them."""
    return steps * _record(weights, samples) <= WHOLE


def slopes(weights: Any, x: Array, readout: Array) -> tuple[Array, Array]:
    """Differentiate a linear readout of the last hidden state, in one pass there and back.

    Shapes: x (sample, step, feature), readout (output,) -> tuple of (sample, output) and (sample,
    step, feature).
    """
    x = _plain(x, weights.P.dtype)
    samples, steps = x.shape[:2]
    m = np.empty((samples, 1, weights.outputs), x.dtype)
    m[:] = readout
    m_x, ends = np.empty_like(x), np.empty((samples, weights.outputs), x.dtype)
    nothing, mask = _empty(x.dtype), np.empty((0, 0), bool)
    marks = np.empty((0, 0, 0), x.dtype), np.empty((0, 0, 0), x.dtype)
    before = ends[:0], np.empty((0, weights.cells), x.dtype)

    def work(begin: int, end: int) -> None:
        course.back(
            weights,
            True,
            (x, x),
            mask,
            (False, False, False),
            (nothing, nothing),
            (marks, marks),
            m,
            nothing,
            m_x,
            before,
            ends,
            (begin, end, steps),
        )

    _share(work, samples, _apiece(weights, samples, steps))
    return ends, m_x


def branch(weights: Any, x: Array, states: tuple[Array, ...], histories: int) -> tuple[Array, ...]:
    """Take one step from states that many histories share.

    Shapes: x (input, feature), or (histories after the step, feature), states tuple of (state,
    unit) -> tuple of (history, unit).
    """
    x = _plain(x, weights.P.dtype)
    before = [_plain(state.T, x.dtype) for state in states]
    count = before[0].shape[1]
    after = [np.empty((len(state), histories), x.dtype) for state in before]
    none = np.empty((0, count), x.dtype), np.empty((0, histories), x.dtype)
    pair = (before[0], before[1] if len(before) > 1 else none[0])
    filled = (after[0], after[1] if len(after) > 1 else none[1])
    own = len(x) == histories

    def work(begin: int, end: int) -> None:
        course.branch(weights, x, own, pair, filled, (begin, end))

    _share(work, count)
    return tuple(state.T for state in after)


def forks(weights: Any) -> bool:
    """Say whether `grow` serves a cell."""
    if isinstance(weights, SimpleRNNWeights):
        return True
    if isinstance(weights, LSTMWeights):
        return weights.common
    return weights.sigma.kind == LOGISTIC and weights.phi.kind == TANH


def grow(
    weights: Any, x: Array, states: tuple[Array, ...], readout: Array, constant: float
) -> Array:
    """Evaluate a linear readout for every choice of hidden and shown steps.

    Shapes: x (2, step, feature), states tuple of (history, unit), readout (output,) -> (2 ** steps,
    history).
    """
    x = _plain(x, weights.P.dtype)
    before = [_plain(state.T, x.dtype) for state in states]
    count = before[0].shape[1]
    pair = (before[0], before[1] if len(before) > 1 else np.empty((0, count), x.dtype))
    base = _plain((x @ weights.W + weights.b).swapaxes(0, 1), x.dtype)
    out = np.empty((1 << x.shape[1], count), x.dtype)
    weighing = (pack(np.asarray(readout, x.dtype)[:, None]), x.dtype.type(constant))

    def work(begin: int, end: int) -> None:
        trees.grow(weights, base, pair, weighing, out, (begin, end))

    _share(work, count)
    return out
