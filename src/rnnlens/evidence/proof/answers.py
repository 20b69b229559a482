"""What is asked of a search for bounds of many questions, and what it answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.evidence.proof.boxes import RangeQuestions

__all__ = ["Aims", "RangeAnswers", "unanswered"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class RangeAnswers(NamedTuple):
    """What was found, in the network's own units of the output.

    Parameters
    ----------
    bound : array (question,)
        No value in the range moves the output by more; infinite where none was sought.
    attained : array (question,)
        A value in the range moves it by this much at least, rounding taken off.
    value : array (question, free)
        That value.
    boxes : array (question,) of int
        Boxes bounded.
    reached : array (question,) of bool
        False where no box can reach the output at all.
    asked : array (question,) of bool
        False where the search ended before all of the range was bounded: nothing is known.
    """

    bound: Array
    attained: Array
    value: Array
    boxes: Whole
    reached: NDArray[np.bool_]
    asked: NDArray[np.bool_]


class Aims(NamedTuple):
    """When a question is settled, in the network's own units of the output.

    Parameters
    ----------
    tolerance : float
        The change that does not matter.
    gap : float
        Where a larger change was attained, how near to it the bound is brought.
    share : float
        The same as a share of what was attained, where that is more.
    budget : int
        Boxes that a question may take.
    by_row : bool
        Whether what rows say is all that is asked: then one counter-example settles all questions
        of its row, and no bound is sought of any of them.
    """

    tolerance: float
    gap: float
    share: float
    budget: int
    by_row: bool = False


def unanswered(x: Array, asked: RangeQuestions) -> RangeAnswers:
    """Give the answers of questions of windows (window, step, feature) that were not begun."""
    count, free = asked.low.shape
    own = x[asked.window[:, None], asked.step[:, None], asked.feature].reshape(count, free)
    return RangeAnswers(
        bound=np.full(count, np.inf),
        attained=np.zeros(count),
        value=own.astype(float),
        boxes=np.zeros(count, np.int64),
        reached=np.zeros(count, bool),
        asked=np.zeros(count, bool),
    )
