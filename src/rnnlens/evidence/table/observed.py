"""How far values that were observed elsewhere move forecasts, in the place of each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.errors import DataError
from rnnlens.evidence.options import Test
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.scenario import Scenario, scenario
from rnnlens.evidence.table.affordable import affordable
from rnnlens.evidence.table.inputs import TableData
from rnnlens.evidence.table.rows import Rows
from rnnlens.names import declared

__all__ = ["ObservedRows", "draw_rows", "observed_rows"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ObservedRows:
    """What draws of observed values did, row by row.

    Parameters
    ----------
    observed_largest : array (part,)
        Largest change of the forecast; NaN for a row that is held.
    observed_exceeded : array (part,) of int
        Draws that moved it beyond the tolerance; -1 for a row that is held.
    observed_share : array (part,)
        Limit of the share of all pairs that do.
    """

    observed_largest: Array = declared(
        "part", long_name="largest change that observed values made", unit="{unit}"
    )
    observed_exceeded: NDArray[np.int64] = declared(
        "part", long_name="draws that moved the forecast beyond the tolerance", unit="1"
    )
    observed_share: Array = declared(
        "part", long_name="limit of the share of all pairs that do", unit="1"
    )


def draw_rows(
    question: Question,
    rows: Rows,
    data: TableData,
    asked: Test,
    doubtful: NDArray[np.bool_],
    progress: Callable[[int, int], None] | None,
) -> Scenario:
    """Replace each row by observed values, as often as a bound needs.

    Counter-examples are made sure of in doubtful rows: (part,) of bool.
    """
    if question.inputs[question.of].ndim != 3:
        raise DataError(
            f"replacing parts of windows needs numbers, but {question.of!r} holds tokens"
        )
    rows.check_free()
    return scenario(
        Replacement(question),
        [replace(part, doubtful=bool(d)) for part, d in zip(rows.parts, doubtful, strict=True)],
        values=data.values,
        tolerance=data.tolerance.value,
        draws=affordable(question, rows, asked, question.windows).replacements,
        seed=asked.seed,
        progress=progress,
    )


def observed_rows(rows: Rows, observed: Scenario) -> ObservedRows:
    """Give what the draws say of each row."""
    return ObservedRows(
        observed_largest=rows.spread(np.abs(observed.largest), np.nan),
        observed_exceeded=rows.spread(observed.exceeded, -1),
        observed_share=rows.spread(observed.share_limit, np.nan),
    )
