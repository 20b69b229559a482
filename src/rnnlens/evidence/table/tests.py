"""What hiding each row does to the error over the data set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.engine.schedule.progress import Parts, Progress
from rnnlens.errors import DataError
from rnnlens.evidence.options import Test
from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.equivalence import Equivalence, equivalence
from rnnlens.evidence.statistics.horizon import Horizon, horizon
from rnnlens.evidence.statistics.loss import LOSSES
from rnnlens.evidence.statistics.losses import Losses, make_margin
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.table.affordable import affordable
from rnnlens.evidence.table.certificates import some_windows
from rnnlens.evidence.table.inputs import TableData
from rnnlens.evidence.table.rows import Rows
from rnnlens.evidence.table.sampler_choice import ChosenSampler, chosen_sampler
from rnnlens.names import declared

__all__ = ["LagTests", "OlderLags", "TestedRows", "older_lags", "test_rows", "tested_rows"]

Array = NDArray[np.float64]

#: How long making a sampler and seeing whether it fits takes, in tests of a row.
SAMPLER = 4


@dataclass(frozen=True, eq=False)
class LagTests:
    """What replacing each row, and all older lags together, does to the loss.

    Parameters
    ----------
    equivalence : Equivalence
        Of the rows that are not held.
    horizon : Horizon
        Of the newest lags that are needed.
    sampler : ChosenSampler
        What stood in for hidden inputs, and whether it fits.
    margin_text : str
        Where the margin comes from.
    loss : str
        Of the forecast's error.
    samples : int
        Windows that were tested, evenly spaced.
    samples_of : int
        Of how many: those whose actuals are known.
    single : bool
        Whether forecasts of windows with replaced parts were made in single precision.
    """

    equivalence: Equivalence
    horizon: Horizon
    sampler: ChosenSampler
    margin_text: str
    loss: str
    samples: int
    samples_of: int
    single: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class TestedRows:
    """What hiding does, row by row; NaN for a row that is held.

    Parameters
    ----------
    error_change : array (part,)
        Mean change of the loss.
    error_change_low, error_change_high : array (part,)
        Its interval.
    p_equivalent, p_used : array (part,)
        Of both tests, corrected.
    variance_left : array (part,)
        Share of the row's variance that the rest of the window leaves.
    resting_on : array (part,)
        On how many windows the change rests; NaN where nothing changed.
    note : array (part,) of str
        What a reader must know of the row.
    """

    error_change: Array = declared(
        "part", long_name="change of the loss when hidden", unit="{unit}"
    )
    error_change_low: Array = declared("part", long_name="lower end of its interval", unit="{unit}")
    error_change_high: Array = declared(
        "part", long_name="upper end of its interval", unit="{unit}"
    )
    p_equivalent: Array = declared("part", long_name="p-value of the test of equivalence", unit="1")
    p_used: Array = declared("part", long_name="p-value of the test of use", unit="1")
    variance_left: Array = declared(
        "part", long_name="share of its variance that the rest leaves", unit="1"
    )
    resting_on: Array = declared("part", long_name="windows that the change rests on", unit="1")
    note: NDArray[np.object_] = declared("part", long_name="to be known")


@dataclass(frozen=True, eq=False, kw_only=True)
class OlderLags:
    """What hiding each lag and all older ones did; NaN where it was not tested.

    Parameters
    ----------
    older_change : array (lag,)
        Mean change of the loss.
    older_p : array (lag,)
        Of the test of equivalence.
    older_resting_on : array (lag,)
        On how many windows the change rests.
    """

    older_change: Array = declared(
        "lag", long_name="change of the loss by hiding this lag and all older ones"
    )
    older_p: Array = declared(
        "lag", long_name="p-value of the test of equivalence for hiding this lag and all older ones"
    )
    older_resting_on: Array = declared(
        "lag", long_name="windows that this change rests on", unit="1"
    )


def test_rows(
    question: Question,
    rows: Rows,
    data: TableData,
    asked: Test,
    criterion: Criterion,
    progress: Progress | None,
) -> LagTests:
    """Test each row of a table, and from the oldest lag on how many are needed."""
    if question.inputs[question.of].ndim != 3:
        raise DataError(f"drawing parts of windows needs numbers, but {question.of!r} holds tokens")
    rows.check_free()
    every = _Windows(question, data.actual, data.moments).known()
    # too few windows are said before anything is learned from them
    criterion.means(np.zeros((every.count, 1)), asked.seed)
    chosen = affordable(question, rows, asked, every.count)
    tested = every if len(chosen.windows) == every.count else every.some(chosen.windows)
    replacement = Replacement(tested.question)
    parts = Parts(progress, sampler=SAMPLER, rows=len(rows.parts), horizon=rows.steps)
    # what windows are like is learned from all of them, those that are not tested too
    background = every.question.x if tested is not every else None
    background = background if data.background is None else data.background
    sampler = chosen_sampler(asked, tested.question.x, background, rows, tested.order)
    parts.done("sampler")
    losses = Losses(
        replacement,
        sampler.sampler,
        tested.actual,
        loss=asked.loss,
        draws=chosen.draws,
        seed=asked.seed,
    )
    criterion, margin_text = _with_margin(criterion, losses, data)
    losses = losses.resolving(make_margin(losses, criterion.margin, criterion.margin_share).value)
    tests = equivalence(
        losses, rows.parts, criterion, correction=asked.correction, progress=parts.of("rows")
    )
    found = horizon(
        losses, criterion, lags=chosen.lags, held=rows.held, progress=parts.of("horizon")
    )
    return LagTests(
        equivalence=tests,
        horizon=found,
        sampler=sampler,
        margin_text=margin_text or tests.margin_text,
        loss=asked.loss,
        samples=tested.count,
        samples_of=every.count,
        single=losses.replaced.single,
    )


@dataclass(frozen=True, eq=False)
class _Windows:
    """Windows that are tested, what happened in them, and what puts them in order in time."""

    question: Question
    actual: Array | None
    moments: NDArray[Any] | None

    @property
    def count(self) -> int:
        return self.question.windows

    @property
    def order(self) -> NDArray[np.int64] | None:
        return None if self.moments is None else np.argsort(self.moments, kind="stable")

    def some(self, places: NDArray[np.int64]) -> _Windows:
        actual, moments = (
            None if one is None else one[places] for one in (self.actual, self.moments)
        )
        return _Windows(some_windows(self.question, places), actual, moments)

    def known(self) -> _Windows:
        """Leave out windows of which it is not known what happened, where it is of any."""
        if self.actual is None:
            return self
        known = self.some(np.flatnonzero(np.isfinite(self.actual)))
        if not known.count:
            raise DataError("no window's actual is known")
        return known


def _with_margin(criterion: Criterion, losses: Losses, data: TableData) -> tuple[Criterion, str]:
    """Take the margin from the tolerance where there is no mean loss to take a share of."""
    if criterion.margin is not None or not losses.blind:
        return criterion, ""
    margin = float(LOSSES[losses.loss](np.asarray(data.tolerance.value)))
    text = f"{data.tolerance.text}{', squared' if losses.loss == 'squared' else ''}"
    return replace(criterion, margin=margin), text


def tested_rows(rows: Rows, tests: LagTests) -> TestedRows:
    """Give what the tests say of each row."""
    of_parts = tests.equivalence
    return TestedRows(
        error_change=rows.spread(of_parts.change, np.nan),
        error_change_low=rows.spread(of_parts.change_low, np.nan),
        error_change_high=rows.spread(of_parts.change_high, np.nan),
        p_equivalent=rows.spread(of_parts.p_equivalent, np.nan),
        p_used=rows.spread(of_parts.p_used, np.nan),
        variance_left=rows.spread(of_parts.variance_left, np.nan),
        resting_on=rows.spread(of_parts.resting_on, np.nan),
        note=rows.spread(of_parts.note, ""),
    )


def older_lags(rows: Rows, tests: LagTests) -> OlderLags | None:
    """Give what hiding each lag and all older ones did, where each lag has a row."""
    if not (rows.by == "lag" and len(rows.rows) == rows.steps):
        return None
    of_lags = tests.horizon

    def by_lag(values: Array) -> Array:
        every = np.full(rows.steps, np.nan)
        every[of_lags.lag_from - 1] = values
        return every

    return OlderLags(
        older_change=by_lag(of_lags.change),
        older_p=by_lag(of_lags.p_equivalent),
        older_resting_on=by_lag(of_lags.resting_on),
    )
