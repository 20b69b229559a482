"""Whether single precision serves: its error is measured on a few windows, in the way asked for.

It takes an eighth of the time of double precision. What is resolved is a change of the forecast
that matters; an error of a thousandth of that is not seen in a bound, a curve or a lag.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnlens.dynamics.memory.histories import history_changes
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.forward import inputs_of
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.plan import evenly

__all__ = ["ENOUGH", "in_single", "rounding"]

#: The part of what is resolved that single precision may be off.
ENOUGH = 1e-3
#: Windows, histories and numbers of kept steps on which the error is measured.
WINDOWS, HISTORIES, KEPT = 4, 4, 3


def in_single(question: MemoryQuestion) -> MemoryQuestion:
    """Ask the same in single precision."""
    return replace(question, inputs={k: x.astype(np.float32) for k, x in question.inputs.items()})


def rounding(question: MemoryQuestion, full: Array) -> float:
    """Give the largest error of single precision in the forecast's change: full (sample,)."""
    windows = evenly(len(question.x), WINDOWS)
    histories = question.histories[evenly(len(question.histories), HISTORIES)]
    rows = np.concatenate([windows, histories])
    few = replace(
        question,
        inputs=inputs_of(question.inputs, rows),
        histories=np.arange(len(windows), len(rows)),
        kept=question.kept[evenly(len(question.kept), KEPT)],
    )
    double, single = (history_changes(one, full[rows]) for one in (few, in_single(few)))
    gaps = [np.abs(double.largest - single.largest)]
    if double.short is not None and single.short is not None:
        gaps.append(np.abs(double.short - single.short))
    return float(np.nanmax(gaps))
