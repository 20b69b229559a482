"""How far inputs at the ends of their ranges move forecasts, in plain runs all over the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.games.costs import usual_cells
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import predict
from rnnlens.engine.schedule.plan import evenly
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.stepwise.replaced import Replaced
from rnnlens.errors import DataError
from rnnlens.evidence.statistics.one_step import (
    changes_of_steps,
    own_run_of,
    stretched,
    worth_sharing,
)
from rnnlens.evidence.statistics.parts import lag_parts
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.table.certificates import check_certified, some_windows
from rnnlens.evidence.table.inputs import TableData
from rnnlens.evidence.table.rows import Rows
from rnnlens.names import declared

__all__ = ["PlainRuns", "plain_runs", "tried"]

Array = NDArray[np.float64]

#: Windows in which plain runs look for when inputs move the forecast.
TRIED = 400
#: Fewer, down to so many, where the runs of all would take more cell evaluations of usual layers.
LEAST, RUNNING = 20, 200_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class PlainRuns:
    """What plain runs did.

    Parameters
    ----------
    moved : array (tried, lag)
        Largest change of the forecast that one input at an end of its range made, by the table's
        lags, in the target's own unit.
    places : array (tried,) of int
        The windows that were tried.
    """

    moved: Array = declared(
        "tried",
        "lag",
        long_name="largest change that one input at an end of its range made, in plain runs",
        unit="{unit}",
    )
    places: NDArray[np.int64]


def plain_runs(
    question: Question, rows: Rows, data: TableData, progress: Progress | None = None
) -> PlainRuns:
    """Put one input of each lag at an end of its range, window by window."""
    check_certified(question, rows)
    data.ranges.check_names(rows.free)
    places = evenly(question.windows, tried(question, rows))
    few, steps = some_windows(question, places), rows.steps
    windows, moved = few.x, np.zeros((len(places), steps))
    lags = list(range(1, steps + 1))
    moves = _moves(few, steps, data.tolerance.value)
    for done, feature in enumerate(rows.free):
        span = data.ranges.ranges(windows, lags, [feature])[0]
        ends = [np.asarray(end)[:, :, 0] for end in (span.low, span.high)]
        np.maximum(moved, moves(feature, ends), out=moved)
        if progress:
            progress(done + 1, len(rows.free))
    return PlainRuns(moved=rows.by_span(moved), places=places)


def tried(question: Question, rows: Rows) -> int:
    """Say in how many windows plain runs look: fewer where each takes long."""
    apiece = 2 * len(rows.free) * rows.steps**2 * usual_cells(question.network)
    return min(question.windows, TRIED, max(LEAST, int(RUNNING / max(apiece, 1))))


def _moves(few: Question, steps: int, tolerance: float) -> Callable[[int, list[Array]], Array]:
    """Make what says how far one feature at ends of its range moves forecasts.

    Shapes: ends list of (sample, lag) -> (sample, lag).
    """
    windows, target = few.x, few.target
    lags = range(1, steps + 1)
    parts = lag_parts(windows.shape[1:])
    try:
        runs = Replacement(few)
    except DataError:  # padding, of which each window is run by itself
        runs = None
    if runs is not None and stretched(runs) is not None and worth_sharing(runs, parts):
        together = runs.resolving(tolerance)
        own, which = own_run_of(together), np.arange(len(windows))

        def shared(feature: int, ends: list[Array]) -> Array:
            asked = [
                Replaced(steps - lag, 1, which, _one_input(windows, steps - lag, feature, end, lag))
                for end in ends
                for lag in lags
            ]
            changes = np.abs(changes_of_steps(together, asked, own=own))
            return changes.reshape(len(ends), steps, -1).max(axis=0).T

        return shared

    def forecast(x: Array) -> Array:
        outputs = predict(few.network, {**few.inputs, few.of: x})
        return target.pick(outputs if isinstance(outputs, tuple) else (outputs,))

    own_forecast = forecast(windows)

    def whole(feature: int, ends: list[Array]) -> Array:
        moved = np.zeros((len(windows), steps))
        for end in ends:
            for lag in lags:
                x = windows.copy()
                x[:, steps - lag, feature] = end[:, lag - 1]
                change = np.abs(forecast(x) - own_forecast)
                np.maximum(moved[:, lag - 1], change, out=moved[:, lag - 1])
        return moved

    return whole


def _one_input(
    windows: Array, step: int, feature: int, end: Array, lag: int
) -> Callable[[NDArray[np.int64]], Array]:
    """Give a step of windows with one feature at an end of its range: (row,) -> (row, 1, ...)."""

    def values(rows: NDArray[np.int64]) -> Array:
        x = windows[rows, step][:, None]
        x[:, 0, feature] = end[rows, lag - 1]
        return x

    return values
