"""Contributions of which mean sizes over the windows are all that is asked, as shares ask.

They take single precision where that resolves them: on some windows both precisions are run, and of
no lag, feature or number the sizes may differ by more than a thousandth of the standard error that
their mean over all windows has. Windows are taken to be independent for it, which makes the error
that is allowed the smaller one. Of what is less than a millionth of all nothing is told, so that
its rounding does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.costs import usual_cells
from rnnlens.attribution.question import Question
from rnnlens.attribution.result import Contribution
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.schedule.plan import evenly
from rnnlens.errors import NotAdditive

__all__ = ["answer_for_sizes", "enough_for_sizes"]

Answer = TypeVar("Answer")

#: The part of a standard error that single precision may be off.
ENOUGH = 1e-3
#: Cells of usual layers that take about a second: compiling what is single takes longer than less.
FELT = 1_000_000
#: Windows that both precisions are run on, and how many times as many there must be.
SAMPLE, WORTH = 64, 4
#: The part of all mean sizes together below which nothing is told of one.
TOLD = 1e-6


def enough_for_sizes(
    question: Question, explain: Callable[[Question], Contribution], cells: int
) -> tuple[Question, float] | None:
    """Ask in single precision, where mean sizes of what explains the question allow it.

    Explaining it takes so many cells: where they take no time that is felt, nothing is won.

    Gives with it what they are off by, as a part of their standard errors, on the windows tried.
    """
    usual = cells * usual_cells(question.network) / max(1, cells_of(question.network))
    if usual < FELT or question.windows < WORTH * SAMPLE or question.x.dtype != np.float64:
        return None
    some = question.part(evenly(question.windows, SAMPLE))
    try:
        own = explain(some)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is seen to be off
            off = _off(own, explain(some.in_single_precision()), question.windows)
            single = question.in_single_precision()
    except NotAdditive:
        return None
    return (single, off) if off <= ENOUGH else None


def answer_for_sizes(
    question: Question,
    explain: Callable[[Question], Contribution],
    cells: int,
    answer: Callable[[Question, float | None], Answer],
) -> Answer:
    """Answer in single precision, where mean sizes allow it and all windows sum in it.

    The answer is told what mean sizes are off by then; see `enough_for_sizes`.
    """
    single = enough_for_sizes(question, explain, cells)
    if single is not None:
        with suppress(NotAdditive):  # some window may not sum where those tried did
            return answer(*single)
    return answer(question, None)


def _off(double: Contribution, single: Contribution, windows: int) -> float:
    """Give what mean sizes are off by, the largest, as a part of what so many windows resolve."""
    pairs = [(_sizes(double, axes), _sizes(single, axes)) for axes in ((), (2,), (1,))]
    return float(np.max([_largest(own, rough, windows) for own, rough in pairs]))


def _sizes(found: Contribution, summed: tuple[int, ...]) -> Array:
    """Give the sizes by window of sums over lags or features: (sample, player)."""
    sums = found.contribution.sum(axis=summed, dtype=np.float64)
    return np.abs(sums).reshape(len(sums), -1)


def _largest(own: Array, rough: Array, windows: int) -> float:
    """Give the largest error of mean sizes, beside their standard errors: (sample, player)."""
    error: NDArray[np.float64] = own.std(axis=0, ddof=1) / np.sqrt(windows)
    least = TOLD * own.mean(axis=0).sum()
    allowed = np.maximum(error, least)
    away = np.abs(rough - own).mean(axis=0)
    return float((away[allowed > 0] / allowed[allowed > 0]).max(initial=0.0))
