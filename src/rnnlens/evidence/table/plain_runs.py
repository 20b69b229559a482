"""How far inputs at the ends of their ranges move forecasts, in plain runs all over the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.engine.forward import predict
from rnnlens.engine.schedule.plan import evenly
from rnnlens.engine.schedule.progress import Progress
from rnnlens.evidence.proof.stated_ranges import StatedRanges
from rnnlens.evidence.table.certificates import check_certified, some_windows
from rnnlens.evidence.table.rows import Rows
from rnnlens.names import declared

__all__ = ["PlainRuns", "plain_runs"]

Array = NDArray[np.float64]

#: Windows in which plain runs look for when inputs move the forecast.
TRIED = 400


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
    question: Question, rows: Rows, ranges: StatedRanges, progress: Progress | None = None
) -> PlainRuns:
    """Put one input of each lag at an end of its range, window by window."""
    check_certified(question, rows)
    ranges.check_names(rows.free)
    places = evenly(question.windows, TRIED)
    few, steps = some_windows(question, places), rows.steps
    windows, target = few.x, few.target

    def forecast(x: Array) -> Array:
        outputs = predict(few.network, {**few.inputs, few.of: x})
        return target.pick(outputs if isinstance(outputs, tuple) else (outputs,))

    own, moved = forecast(windows), np.zeros((len(places), steps))
    lags = list(range(1, steps + 1))
    for done, feature in enumerate(rows.free):
        span = ranges.ranges(windows, lags, [feature])[0]
        for end in (np.asarray(span.low), np.asarray(span.high)):
            for lag in lags:
                x = windows.copy()
                x[:, steps - lag, feature] = end[:, lag - 1, 0]
                np.maximum(moved[:, lag - 1], np.abs(forecast(x) - own), out=moved[:, lag - 1])
        if progress:
            progress(done + 1, len(rows.free))
    return PlainRuns(moved=rows.by_span(moved), places=places)
