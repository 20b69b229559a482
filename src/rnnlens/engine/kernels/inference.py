"""The way forward for what it gives alone: nothing is kept for a way back.

A single window takes some ten microseconds in the kernel; what stands around it is short too.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels import step_loop
from rnnlens.engine.kernels.arguments import Outputs, Reading, Windows
from rnnlens.engine.kernels.cells.called import lasting_cell
from rnnlens.engine.kernels.cells.packing import CellWeights
from rnnlens.engine.kernels.lowlevel.compiling import announcing_compilation
from rnnlens.engine.kernels.run import samples_apiece
from rnnlens.engine.kernels.tile import BLOCK
from rnnlens.engine.schedule.threads import share

__all__ = ["run_outputs"]

Array = NDArray[Any]
Pair = tuple[Array, Array]

#: Multiplications that no second thread is woken for.
_LITTLE = 1 << 22
#: Cells that have been run, and in what: they need not be announced any more.
_RUN: set[tuple[type, str]] = set()


@cache
def _nothing(dtype: np.dtype[Any]) -> tuple[NDArray[np.bool_], Pair, Pair]:
    """Give no mask, no states to start from and no checkpoints; nobody writes to them."""
    none, never = np.empty((0, 0), dtype), np.empty((0, 0, 0), dtype)
    return np.empty((0, 0), bool), (none, none), (never, never)


def run_outputs(
    weights: CellWeights, x: Array, reading: Reading, *, finals: bool
) -> tuple[Array, Pair]:
    """Run a cell over windows whose steps are all real, from states of zero.

    Gives outputs in the order in which steps were read, and the hidden and cell state at the end,
    of no sample where they are not wanted.

    Shapes: x (sample, step, feature) -> (sample, step or 1, output) and two (sample, unit).
    """
    dtype = weights.P.dtype
    flags = x.flags
    if x.dtype != dtype or not (flags.c_contiguous and flags.writeable and flags.aligned):
        x = np.require(x, dtype, ["C", "W", "A"])
    samples, steps = x.shape[:2]
    kept = samples if finals else 0
    last = np.empty((kept, weights.outputs), dtype), np.empty((kept, weights.cells), dtype)
    given = np.empty((samples, steps if reading.sequences else 1, weights.outputs), dtype)
    windows, results = Windows(x, *_nothing(dtype)), Outputs(given, last)

    called = lasting_cell(weights)

    def work(begin: int, end: int) -> None:
        step_loop.forward(called, windows, reading, results, (begin, end, max(steps, 1)))

    known = type(weights), dtype.char
    if known not in _RUN:
        with announcing_compilation():
            share(work, samples, samples_apiece(weights, samples, steps))
        _RUN.add(known)
    elif samples < BLOCK and samples * steps * weights.P.size < _LITTLE:
        work(0, samples)
    else:
        share(work, samples, samples_apiece(weights, samples, steps))
    return given, last
