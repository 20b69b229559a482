"""How much work each kind of evidence is, known before any of it is gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnlens.attribution.games.costs import usual_cells
from rnnlens.attribution.question import Question
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.evidence.options import Certificates
from rnnlens.evidence.proof.limits import BUDGET
from rnnlens.evidence.table.affordable import affordable
from rnnlens.evidence.table.certificates import MOST_TOGETHER
from rnnlens.evidence.table.inputs import TableOptions
from rnnlens.evidence.table.plain_runs import tried
from rnnlens.evidence.table.rows import Rows

__all__ = [
    "by_row",
    "cells_of_table",
    "certified_columns",
    "certified_questions",
    "timed",
]

#: Runs of a window that one question of a certificate takes as long as, about: most are settled by
#: a few boxes, and some go on to the end of their budget.
QUESTION = 200
#: Cell evaluations of usual layers beyond which certificates that nobody limited get some seconds.
MANY, SECONDS = 100_000_000, "5 s"
#: Questions beyond which fewer windows are asked about, one at the least, so that those seconds
#: reach further back; and the seconds where one window alone has more than so many.
MOST_ASKED, FEW_SECONDS = 50_000, "2 s"
#: Tests of a row that making a sampler, and seeing whether it fits, take.
SAMPLER = 4


def by_row(stated: Certificates) -> bool:
    """Say whether no bound is sought of rows that are refuted: where nobody stated a budget.

    Who states one asks for what can be had within it.
    """
    return stated.budget is None


def certified_columns(
    rows: Rows, options: TableOptions, constant: Sequence[int]
) -> list[list[int]]:
    """Give the features that are freed together, column by column."""
    asked, free = options.certificates, [k for k in rows.free if k not in constant]
    if asked is None or not free:
        return []
    together = len(free) <= MOST_TOGETHER if asked.together is None else asked.together
    return [free] if together and rows.by == "lag" else [[feature] for feature in free]


def certified_questions(question: Question, rows: Rows, options: TableOptions) -> int:
    """Count the questions that certificates answer: windows by lag and by what is freed."""
    if options.certificates is None:
        return 0
    asked = timed(question, rows, options.certificates)
    columns = len(certified_columns(rows, options, ()))
    return min(asked.windows, question.windows) * rows.steps * columns


def timed(question: Question, rows: Rows, asked: Certificates) -> Certificates:
    """Ask for certificates within some seconds, where nobody limited them and they are many."""
    of_window = rows.steps * max(1, len(rows.free))
    windows = min(asked.windows, question.windows)
    cells = windows * of_window * QUESTION * rows.steps * usual_cells(question.network)
    if asked.budget is not None or cells <= MANY:
        return asked
    fewer = min(windows, max(1, MOST_ASKED // of_window))
    return replace(asked, windows=fewer, budget=SECONDS if of_window <= MOST_ASKED else FEW_SECONDS)


def cells_of_table(
    question: Question, rows: Rows, options: TableOptions, *, known: int, values: int, timed: bool
) -> dict[str, int]:
    """Say about how many cells each part of a table takes, in the order of the work.

    `known` windows have an actual, observed values come from `values` windows, and plain runs are
    made where windows are `timed` by the clock.
    """
    asked, test, steps = options.certificates, options.test, rows.steps
    cells = dict.fromkeys(("certificates", "plain_runs", "tests", "observed"), 0)
    certified = certified_questions(question, rows, options)
    if asked is not None and certified:
        usual = asked.boxes or BUDGET
        cells["certificates"] = certified * round(QUESTION * min(1.0, usual / BUDGET)) * steps
        if timed:
            runs = tried(question, rows) * 2 * len(rows.free) * steps
            cells["plain_runs"] = runs * steps
    chosen = None if test is None else affordable(question, rows, test, known)
    if test is not None and chosen is not None and test.hiding:
        # the horizon ends at the first lag that matters: on average half way
        asked_at = steps if chosen.lags is None else len(chosen.lags)
        tests = len(rows.parts) + SAMPLER + asked_at // 2
        cells["tests"] = tests * len(chosen.windows) * chosen.draws * steps
    if test is not None and chosen is not None and test.replacements != 0:
        drawn = min(chosen.replacements, question.windows * values)
        cells["observed"] = len(rows.parts) * drawn * steps
    layers = cells_of(question.network)
    return {name: layers * count for name, count in cells.items()}
