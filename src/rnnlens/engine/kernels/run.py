"""Recurrent layers by compiled kernels: the whole way forward, the whole way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels import leaves, step_loop
from rnnlens.engine.kernels.arguments import (
    Gradients,
    Multipliers,
    Outputs,
    Reading,
    Trace,
    Windows,
)
from rnnlens.engine.kernels.buffers import with_loops
from rnnlens.engine.kernels.cells.called import called_cell, lasting_cell
from rnnlens.engine.kernels.cells.packing import TRACED, CellWeights, packed, takes_pairs
from rnnlens.engine.kernels.lowlevel.compiling import announcing_compilation
from rnnlens.engine.kernels.lowlevel.primitives import columns_of
from rnnlens.engine.kernels.one_input import FEWEST_HISTORIES, reading_nothing
from rnnlens.engine.kernels.products import Products, run_products
from rnnlens.engine.kernels.tile import BLOCK, pack, width
from rnnlens.engine.schedule.threads import share, threads

__all__ = [
    "CellTrace",
    "ForwardRecord",
    "Products",
    "Reading",
    "evaluate_leaves",
    "one_pass_serves",
    "packed",
    "readout_gradient",
    "run_backward",
    "run_forward",
    "run_from_products",
    "samples_apiece",
    "step_shared",
    "takes_pairs",
    "trace_cell",
]

Array = NDArray[Any]
Pair = tuple[Array, Array]

#: Bytes of the records of one stretch of steps: what fits the cache of one core.
STRETCH = 4_000_000
#: Multiplications of one sample that make it worth while to wake another thread.
WORTH = 1 << 22
#: Bytes of the records of all steps that one thread keeps where that saves a way forward.
WHOLE = 32_000_000


@dataclass(frozen=True, eq=False)
class ForwardRecord:
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
    checkpoints : tuple of two arrays
        States before each stretch of steps; empty where one stretch holds all steps.
    outputs : array (sample, step or 1, output)
        Its outputs, in the order in which the steps were read.
    finals : tuple of two arrays (sample, output) and (sample, unit)
        Hidden and cell state after the last step.
    """

    weights: CellWeights
    reading: Reading
    x: Array
    mask: NDArray[np.bool_]
    states: Pair
    checkpoints: Pair
    outputs: Array
    finals: Pair

    @property
    def windows(self) -> Windows:
        """What the kernels take."""
        return Windows(self.x, self.mask, self.states, self.checkpoints)


@dataclass(frozen=True, eq=False)
class CellTrace:
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


def _plain(array: Array, dtype: np.dtype[Any]) -> Array:
    """Give an array as the kernels were compiled for it: rows together, and not read-only."""
    flags = array.flags
    if array.dtype == dtype and flags.c_contiguous and flags.writeable:
        return array
    return np.require(array, dtype, ["C", "W"])


def _real(mask: Array | None, x: Array) -> NDArray[np.bool_]:
    """Give a mask (sample, step) as the kernels take it: empty where all steps are real."""
    return np.empty((0, 0), bool) if mask is None else np.array(np.broadcast_to(mask, x.shape[:2]))


def _empty(dtype: np.dtype[Any]) -> Pair:
    return np.empty((0, 0), dtype), np.empty((0, 0), dtype)


def _no_checkpoints(dtype: np.dtype[Any]) -> Pair:
    return np.empty((0, 0, 0), dtype), np.empty((0, 0, 0), dtype)


def _pair(states: tuple[Array, ...], dtype: np.dtype[Any]) -> Pair:
    hidden, cell = _empty(dtype)
    if states:
        hidden = _plain(states[0], dtype)
    if len(states) > 1:
        cell = _plain(states[1], dtype)
    return hidden, cell


def _record(weights: CellWeights, samples: int) -> int:
    """Give the bytes of a step's record for a block, where there are so many samples."""
    return weights.record * width(samples, weights.P.itemsize) * weights.P.itemsize


def _stretch(weights: CellWeights, samples: int, steps: int) -> int:
    return min(max(1, STRETCH // _record(weights, samples)), max(steps, 1))


def samples_apiece(weights: CellWeights, samples: int, steps: int) -> int:
    """Say of how many samples threads take multiples: of fewer where each is much work.

    Checkpoints are laid out by full blocks: fewer than a block are a part of one.
    """
    if steps * weights.P.size < WORTH:
        return BLOCK
    itemsize = weights.P.itemsize
    apiece = BLOCK if width(samples, itemsize) > 1 else 1
    while apiece > columns_of(itemsize) and samples <= apiece * threads():
        apiece //= 2
    return apiece


def _with_loops(weights: CellWeights, *, back: bool) -> CellWeights:
    """Give a cell with what records of its steps, and a way back, ask of its activations."""
    named = {name: getattr(weights, name) for name in ("sigma", "phi") if hasattr(weights, name)}
    return weights._replace(**{name: with_loops(phi, back=back) for name, phi in named.items()})


def _called_back(weights: CellWeights, *, same: bool) -> Any:
    """Give a cell as a way back calls it, of two runs or of one; its weights must live on."""
    if same and getattr(weights, "common", False):  # whose derivatives are fused
        return lasting_cell(weights, back=True)
    return called_cell(_with_loops(weights, back=True), back=True)


def _share(work: Callable[[int, int], None], samples: int, apiece: int = BLOCK) -> None:
    """Share samples among threads."""
    with announcing_compilation():
        share(work, samples, apiece)


def run_forward(
    weights: CellWeights,
    x: Array,
    mask: Array | None,
    reading: Reading,
    states: tuple[Array, ...],
) -> ForwardRecord:
    """Run a cell over windows.

    Shapes: x (sample, step, feature), mask (sample, step) of bool, states tuple of (sample, ...).
    """
    x, real = _plain(x, weights.P.dtype), _real(mask, x)
    samples, steps = x.shape[:2]
    results = Outputs(
        np.empty((samples, steps if reading.sequences else 1, weights.outputs), x.dtype),
        (
            np.empty((samples, weights.outputs), x.dtype),
            np.empty((samples, weights.cells), x.dtype),
        ),
    )
    stretch = _stretch(weights, samples, steps)
    blocks, stretches = -(-samples // BLOCK), -(-steps // stretch)
    sizes = weights.outputs, weights.cells
    shapes = [(blocks, stretches, n * BLOCK) if stretch < steps else (0, 0, 0) for n in sizes]
    checkpoints = np.empty(shapes[0], x.dtype), np.empty(shapes[1], x.dtype)
    windows = Windows(x, real, _pair(states, x.dtype), checkpoints)

    called = lasting_cell(weights)

    def work(begin: int, end: int) -> None:
        step_loop.forward(called, windows, reading, results, (begin, end, stretch))

    _share(work, samples, samples_apiece(weights, samples, steps))
    return ForwardRecord(weights, reading, *windows, *results)


def run_from_products(
    weights: CellWeights, products: Products, states: tuple[Array, ...], *, sequences: bool
) -> tuple[Array, Pair]:
    """Run a cell of `takes_pairs` over steps of which its input's products are known.

    Shapes: states tuple of (run, ...) -> (run, step or 1, output), and the last hidden and cell
    state (run, ...).
    """
    dtype, (runs, steps) = weights.P.dtype, products.which.shape
    results = Outputs(
        np.empty((runs, steps if sequences else 1, weights.outputs), dtype),
        (np.empty((runs, weights.outputs), dtype), np.empty((runs, weights.cells), dtype)),
    )
    bare = reading_nothing(weights, np.zeros(weights.features, dtype))
    cell, begun = called_cell(bare, given=True), _pair(states, dtype)

    def work(begin: int, end: int) -> None:
        run_products(cell, weights.W, products, begun, results, (begin, end))

    _share(work, runs, samples_apiece(bare, runs, steps))
    return results.outputs, results.finals


def trace_cell(
    weights: CellWeights,
    x: Array,
    mask: Array | None,
    backwards: bool,
    states: tuple[Array, ...],
) -> CellTrace:
    """Run a cell over windows and keep everything it computed.

    Shapes: x (sample, step, feature), mask (sample, step) of bool, states tuple of (sample, ...).
    """
    x, real = _plain(x, weights.P.dtype), _real(mask, x)
    samples, steps = x.shape[:2]
    weights = _with_loops(weights, back=False)
    before, after, last = TRACED[type(weights)]
    rows = np.array([*before, *after, *last])
    results = Trace(
        rows,
        np.empty((samples, steps, len(rows), weights.units), x.dtype),
        np.empty((samples, steps, weights.outputs), x.dtype),
        np.empty((samples, steps, weights.cells), x.dtype),
    )
    windows = Windows(x, real, _pair(states, x.dtype), _no_checkpoints(x.dtype))

    called = called_cell(weights)

    def work(begin: int, end: int) -> None:
        step_loop.trace(called, windows, backwards, results, (begin, end))

    _share(work, samples, samples_apiece(weights, samples, steps))
    gates, values = len(before), results.values
    shown = values[:, :, 2 * gates :].reshape(samples, steps, -1)
    return CellTrace(
        values[:, :, :gates],
        values[:, :, gates : 2 * gates],
        results.hidden,
        results.cell,
        shown,
    )


def run_backward(
    record: ForwardRecord, record0: ForwardRecord, m: Array | None, m_finals: tuple[Array, ...]
) -> tuple[Array, Pair]:
    """Carry multipliers back from what a cell gave to what it took.

    Shapes: m (sample, step or 1, output).
    """
    x, weights = record.x, record.weights
    samples, steps = x.shape[:2]
    given = np.empty((0, 0, 0), x.dtype) if m is None else _plain(m, x.dtype)
    multipliers = Multipliers(given, _pair(m_finals, x.dtype))
    before = (
        np.empty((samples, weights.outputs), x.dtype),
        np.empty((samples, weights.cells), x.dtype),
    )
    results = Gradients(np.empty_like(x), before, _empty(x.dtype)[0])
    runs, same = (record.windows, record0.windows), record is record0
    called = _called_back(weights, same=same)
    stretch = _stretch(weights, samples, steps)

    def work(begin: int, end: int) -> None:
        span = begin, end, stretch
        step_loop.back(called, runs, same, record.reading, multipliers, results, span)

    _share(work, samples, samples_apiece(weights, samples, steps))
    return results.inputs, before


def one_pass_serves(weights: CellWeights, samples: int, steps: int) -> bool:
    """Say whether `readout_gradient` serves so many steps: it keeps the records of all of them."""
    return steps * _record(weights, samples) <= WHOLE


def readout_gradient(weights: CellWeights, x: Array, readout: Array) -> tuple[Array, Array]:
    """Differentiate a linear readout of the last hidden state, in one pass there and back.

    Shapes: x (sample, step, feature), readout (output,) -> tuple of (sample, output) and (sample,
    step, feature).
    """
    called = _called_back(weights, same=True)
    x = _plain(x, weights.P.dtype)
    samples, steps = x.shape[:2]
    m = np.empty((samples, 1, weights.outputs), x.dtype)
    m[:] = readout
    m_x, last = np.empty_like(x), np.empty((samples, weights.outputs), x.dtype)
    nothing = _empty(x.dtype)
    windows = Windows(x, _real(None, x), nothing, _no_checkpoints(x.dtype))
    multipliers = Multipliers(m, nothing)
    before = last[:0], np.empty((0, weights.cells), x.dtype)
    results = Gradients(m_x, before, last)
    reading = Reading(backwards=False, sequences=False, zeroes=False)

    def work(begin: int, end: int) -> None:
        span = begin, end, steps
        step_loop.back(called, (windows, windows), True, reading, multipliers, results, span)

    _share(work, samples, samples_apiece(weights, samples, steps))
    return last, m_x


def step_shared(
    weights: CellWeights, x: Array, states: tuple[Array, ...], histories: int
) -> tuple[Array, ...]:
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
    if len(x) == 1 and FEWEST_HISTORIES <= count == histories and weights.features:
        weights, x = reading_nothing(weights, x[0]), x[:, :0]
        called = called_cell(weights)
    else:
        called = lasting_cell(weights)
    own = len(x) == histories

    def work(begin: int, end: int) -> None:
        step_loop.step_shared(called, x, own, pair, filled, (begin, end))

    _share(work, count)
    return tuple(state.T for state in after)


def evaluate_leaves(
    weights: CellWeights, x: Array, states: tuple[Array, ...], readout: Array, constant: float
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
        leaves.evaluate(weights, base, pair, weighing, out, (begin, end))

    _share(work, count)
    return out
