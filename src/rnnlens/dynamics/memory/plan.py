"""How many histories, kept steps and windows a question of memory can be asked of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.histories import way_of
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.single import ENOUGH, in_single, rounding
from rnnlens.engine.forward import inputs_of
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.plan import evenly

__all__ = ["planned", "some_of", "steps_of_cells", "thinned"]

#: Operations that replacing histories may take, in double and in single precision, and those from
#: which on it is asked whether single precision serves.
OPERATIONS, OPERATIONS_IN_SINGLE, WORTH = 1e11, 6e11, 2e9
#: Operations of an activation beside those of a product.
ACTIVATION = 60
#: Operations of one way forward over the windows whose cells are looked at step by step.
LOOKED_AT = 1e10
#: Fewest histories, and fewest windows, that are kept where all of them would take too long.
FEWEST_HISTORIES, FEWEST_WINDOWS = 8, 64
#: Numbers of kept steps that are asked one by one, and how much further each later one is.
ONE_BY_ONE, FURTHER = 8, 1.25


def thinned(last: int) -> NDArray[np.int64]:
    """Give rising numbers of kept steps up to the last: all of the first, then fewer and fewer.

    Examples
    --------
    >>> thinned(20).tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 20]
    """
    chosen = list(range(1, min(ONE_BY_ONE, last) + 1))
    while chosen[-1] < last:
        chosen.append(min(last, int(chosen[-1] * FURTHER)))
    return np.array(chosen)


def planned(
    question: MemoryQuestion,
    full: Array,
    kept: NDArray[np.int64] | None,
    histories: int,
    tolerance: float,
) -> tuple[MemoryQuestion, int, float | None]:
    """Choose what is asked, and in which precision: full (sample,) forecasts.

    Gives the question of the newest windows, the first of these, and where it is asked in single
    precision the error that this makes.
    """
    steps, total = question.steps, len(question.x)
    known = np.array([max(1, steps - 1)]) if kept is None else kept
    way = way_of(replace(question, kept=known))
    if kept is None:
        kept = np.arange(1, max(steps, 2)) if way == "series" else thinned(max(1, steps - 1))
    chosen = evenly(total, int(min(histories, max(1, total // 4))))
    question = replace(question, kept=kept, histories=chosen)
    error = None
    if _operations(question, way, len(chosen), total) > WORTH:
        error = rounding(question, full)
        error = error if error <= ENOUGH * tolerance else None
    allowed = OPERATIONS if error is None else OPERATIONS_IN_SINGLE
    count, windows = len(chosen), total
    while _operations(question, way, count, windows) > allowed and count > FEWEST_HISTORIES:
        count = max(FEWEST_HISTORIES, count // 2)
    while _operations(question, way, count, windows) > allowed and windows > FEWEST_WINDOWS:
        windows = max(FEWEST_WINDOWS, windows // 2)
    first = total - windows
    newest = inputs_of(question.inputs, slice(first, total))
    question = replace(question, inputs=newest, histories=evenly(windows, count))
    return (question if error is None else in_single(question)), first, error


def _operations(question: MemoryQuestion, way: str, histories: int, windows: int) -> float:
    """Count the operations of so many histories before so many windows."""
    steps = steps_of_cells(way, question.steps, windows, question.kept)
    return histories * steps * step_operations(question)


def some_of(question: MemoryQuestion) -> MemoryQuestion:
    """Take as many evenly spaced windows as every step of every cell can be looked at of."""
    apiece = question.steps * step_operations(question)
    most = max(FEWEST_WINDOWS, int(LOOKED_AT / apiece))
    if len(question.x) <= most:
        return question
    chosen = evenly(len(question.x), most)
    return replace(question, inputs=inputs_of(question.inputs, chosen))


def steps_of_cells(way: str, steps: int, windows: int, kept: NDArray[np.int64]) -> float:
    """Count the steps of cells that one history takes for all windows, of so many steps.

    Along a series of windows, runs from its last places end with it.

    Examples
    --------
    >>> steps_of_cells("series", 24, 100, np.array([1, 3]))
    303.0
    """
    last = int(kept[-1])
    if way == "series":
        return last * (windows - 1) + last * (last + 1) / 2
    return float(windows * (kept.sum() if way == "suffix" else len(kept) * steps))


def step_operations(question: MemoryQuestion) -> float:
    """Count the operations of all recurrent layers at a step."""
    total = 1.0
    for _, layer in question.network.recurrent():
        cell = layer.cell
        rows = cell.features + cell.state_sizes[0]
        total += len(cell.gates) * cell.units * (2 * rows + ACTIVATION)
    return total
