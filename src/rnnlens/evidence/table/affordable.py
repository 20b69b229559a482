"""How much of the evidence over the data set is gathered where all of it would take too long.

Hiding each row takes ``rows * windows * draws * T`` cell evaluations a layer, and drawing observed
values ``rows * draws * T``: both grow with the square of a window's length. Within a fixed number
of evaluations everything is done; beyond it windows keep fewer draws each, down to one, which costs
the least for what is known of the mean; then fewer windows are tested, evenly spaced in time; fewer
observed values are drawn, whose limit says so itself; and of long windows the horizon is asked for
at some lags, so that what it says is rather too long than too short. The result says all of it. The
number is fixed, and not a time: the same question gives the same answer on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.games.costs import usual_cells
from rnnlens.attribution.games.one_step import FEWEST_STEPS
from rnnlens.attribution.question import Question
from rnnlens.engine.schedule.plan import evenly
from rnnlens.engine.stepwise.stretches import stretches
from rnnlens.evidence.options import Test
from rnnlens.evidence.statistics.one_step import FEWEST_STRETCHED, step_of
from rnnlens.evidence.statistics.scenario import draws_needed
from rnnlens.evidence.table.rows import Rows

__all__ = ["DRAWS", "Affordable", "affordable"]

#: Draws that the loss of a window is averaged over.
DRAWS = 5
#: Cell evaluations of usual layers that hiding rows may take, hiding all older lags, and drawing.
#: A usual cell takes 0.25 to 0.35 us on one processor in single precision, so that the first takes
#: at most half a minute on two, and the others some seconds each.
HIDING, OLDER, DRAWING = 150_000_000, 20_000_000, 20_000_000
#: Windows and observed values below which neither goes.
LEAST_WINDOWS, LEAST_REPLACEMENTS = 200, 100
#: Lags at which the horizon is asked for at the least.
LEAST_LAGS = 12


@dataclass(frozen=True, eq=False, kw_only=True)
class Affordable:
    """What is gathered.

    Parameters
    ----------
    windows : array (sample,) of int
        The windows that are tested.
    draws : int
        Draws that the loss of each is averaged over.
    lags : tuple of int, optional
        The lags that the horizon is asked for at; all of them where not given.
    replacements : int
        Observed values that are drawn for each row.
    """

    windows: NDArray[np.int64]
    draws: int
    lags: tuple[int, ...] | None
    replacements: int

    @property
    def cut(self) -> bool:
        """Whether any of the windows, draws or lags were left out of the tests."""
        return self.draws < DRAWS or self.lags is not None


def affordable(question: Question, rows: Rows, asked: Test, known: int) -> Affordable:
    """Choose how much is gathered, before anything is run.

    `known` windows have an actual.
    """
    steps, whole = rows.steps, usual_cells(question.network)
    row = len(rows.parts) * steps * _each_step(question, rows)
    each = HIDING / max(row, 1.0)
    draws = int(min(DRAWS, max(1, each // max(known, 1))))
    windows = known
    if asked.block_length is None:  # which counts windows that follow one another
        windows = min(known, max(LEAST_WINDOWS, int(each / draws)))
    lags, runs = None, OLDER / (windows * draws * steps * whole)
    if runs < steps / 2:  # on average the horizon ends half way
        count = max(LEAST_LAGS, int(2 * runs))
        if count < steps:
            lags = tuple(np.unique(np.geomspace(1, steps, count).round().astype(int)).tolist())
    needed = draws_needed() if asked.replacements is None else asked.replacements
    replacements = needed
    if asked.replacements is None:
        replacements = min(needed, max(LEAST_REPLACEMENTS, int(DRAWING / max(row, 1.0))))
    return Affordable(
        windows=evenly(known, windows), draws=draws, lags=lags, replacements=replacements
    )


def _each_step(question: Question, rows: Rows) -> float:
    """Give what a step of a window of which a row is hidden takes on average, in usual cells."""
    network = question.network
    whole = usual_cells(network)
    if not all(step_of(part) is not None for part in rows.parts):
        return whole
    together = stretches(network, question.of, np.dtype(np.float32)) is not None
    if together and rows.steps >= FEWEST_STRETCHED:
        return whole / 2
    # a window by itself reads what its runs share once
    return usual_cells(network, reads=False) / 2 if rows.steps >= FEWEST_STEPS else whole
