"""How many histories, kept steps and windows a question of memory can be asked of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.histories import way_of, work_of
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.forward import inputs_of
from rnnlens.engine.schedule.plan import evenly

__all__ = ["planned", "some_of", "thinned"]

#: Operations that replacing histories may take, and those of an activation beside a product.
OPERATIONS, ACTIVATION = 1e11, 60
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
    question: MemoryQuestion, kept: NDArray[np.int64] | None, histories: int
) -> tuple[MemoryQuestion, int]:
    """Choose what is asked: the question of the newest windows, and the first of these."""
    steps = question.steps
    known = np.array([max(1, steps - 1)]) if kept is None else kept
    way = way_of(replace(question, kept=known))
    if kept is None:
        kept = np.arange(1, max(steps, 2)) if way == "series" else thinned(max(1, steps - 1))
    apiece = work_of(way, steps, kept) * step_operations(question)
    total = len(question.x)
    count = int(min(histories, max(1, total // 4)))
    windows = total
    while count * windows * apiece > OPERATIONS and count > FEWEST_HISTORIES:
        count = max(FEWEST_HISTORIES, count // 2)
    while count * windows * apiece > OPERATIONS and windows > FEWEST_WINDOWS:
        windows = max(FEWEST_WINDOWS, windows // 2)
    first = total - windows
    chosen = evenly(windows, count)
    newest = inputs_of(question.inputs, slice(first, total))
    return replace(question, inputs=newest, kept=kept, histories=chosen), first


def some_of(question: MemoryQuestion) -> MemoryQuestion:
    """Take as many evenly spaced windows as every step of every cell can be looked at of."""
    apiece = question.steps * step_operations(question)
    most = max(FEWEST_WINDOWS, int(LOOKED_AT / apiece))
    if len(question.x) <= most:
        return question
    chosen = evenly(len(question.x), most)
    return replace(question, inputs=inputs_of(question.inputs, chosen))


def step_operations(question: MemoryQuestion) -> float:
    """Count the operations of all recurrent layers at a step."""
    total = 1.0
    for _, layer in question.network.recurrent():
        cell = layer.cell
        rows = cell.features + cell.state_sizes[0]
        total += len(cell.gates) * cell.units * (2 * rows + ACTIVATION)
    return total
