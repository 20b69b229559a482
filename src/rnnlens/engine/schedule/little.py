"""Little work where no kernel is compiled yet: the equations do it, so that nobody waits for one.

A kernel takes seconds to compile, and stays compiled on a machine. Until it is, work that takes the
NumPy equations less than that is theirs; each process has as much of it as costs about what it
saves, and compiles then. Results agree to rounding. How much is done is counted and not measured,
so that the same calls in the same order do the same on every machine.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from rnnlens.engine.device.choice import chosen
from rnnlens.engine.kernels.ready import is_compiled
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import equations, kernels, settled
from rnnlens.engine.schedule.cost import BLOCK
from rnnlens.network.cells import Cell
from rnnlens.network.network import Network

__all__ = ["little_work", "runs_of_windows", "undecided"]

#: Seconds that the equations may take, about: in one piece of work, and in all of a process for
#: each kernel that they stand in for. Compiling a kernel takes two to four.
MOST, MOST_OF_ALL = 1.0, 2.0
#: Seconds of the equations: of one step of a layer with however few histories, and of one history
#: for each of its weights and of its gates' numbers.
STEP_SECONDS, WEIGHT_SECONDS, NUMBER_SECONDS = 1e-4, 2.5e-10, 4e-8

#: Seconds that the equations took, about, by the kernel that they stood in for.
_taken: dict[str, float] = {}


def undecided(network: Network, dtype: np.dtype[Any], *kernels: str) -> bool:
    """Say whether how much work it is decides who does it: a kernel of these is not compiled."""
    if settled() or chosen():
        return False
    cells = [layer.cell for _, layer in network.recurrent()]
    return not all(is_compiled(kernel, cell, dtype) for kernel in kernels for cell in cells)


@contextmanager
def little_work(
    network: Network, dtype: np.dtype[Any], kernel: str, *, cells: float, steps: float
) -> Generator[None]:
    """Have equations or kernels do a piece of work, whichever has it done sooner.

    It evaluates so many cells, of all recurrent layers together, and takes so many steps one after
    the other, however many histories each of them has. All of it is done in the same way; where it
    was said already in which way, that stands.
    """
    with _way(network, dtype, kernel, cells, steps):
        yield


def runs_of_windows(
    network: Network, inputs: Mapping[str, Array], kernel: str, *, runs: int = 1
) -> AbstractContextManager[None]:
    """Have equations or kernels run each window so many times.

    Shapes: inputs mapping of str to (sample, ...).
    """
    first = next(iter(inputs.values()))
    layers = sum(1 for _ in network.recurrent())
    steps = layers * max(array.shape[1] if array.ndim > 1 else 1 for array in inputs.values())
    many = runs * len(first)
    # of few windows several runs go side by side
    apart = steps * max(1.0, many / BLOCK)
    return little_work(network, first.dtype, kernel, cells=steps * many, steps=apart)


def _way(
    network: Network, dtype: np.dtype[Any], kernel: str, cells: float, steps: float
) -> AbstractContextManager[None]:
    """Choose the way in which the work is done."""
    if settled() or chosen():
        return nullcontext()
    found = [layer.cell for _, layer in network.recurrent()]
    if all(is_compiled(kernel, cell, dtype) for cell in found):
        return kernels()
    seconds = STEP_SECONDS * steps + cells * sum(map(_cell_seconds, found)) / len(found)
    before = _taken.get(kernel, 0.0)
    if seconds > MOST or before + seconds > MOST_OF_ALL:
        return kernels()
    _taken[kernel] = before + seconds
    return equations()


def _cell_seconds(cell: Cell) -> float:
    """Say what the equations of a cell take for one of many histories, about."""
    gates = cell.gates.values()
    weights = sum(gate.W.size + gate.U.size for gate in gates)
    return WEIGHT_SECONDS * weights + NUMBER_SECONDS * len(gates) * cell.units
