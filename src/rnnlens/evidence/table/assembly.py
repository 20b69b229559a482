"""All evidence on each row, and the verdict that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.engine.schedule.progress import Parts, Progress
from rnnlens.engine.schedule.threads import aside
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.evidence.ladder import CONSTANT, NOT_WIRED, RUNGS, ladder
from rnnlens.evidence.proof.stopping import INTERRUPTED
from rnnlens.evidence.reach.follow import reached
from rnnlens.evidence.statistics.scenario import Scenario
from rnnlens.evidence.table.certificates import LagCertificates, certify_lags
from rnnlens.evidence.table.inputs import TableData, TableOptions
from rnnlens.evidence.table.observed import draw_rows
from rnnlens.evidence.table.plain_runs import PlainRuns, plain_runs
from rnnlens.evidence.table.rows import Row, Rows
from rnnlens.evidence.table.tests import LagTests, test_rows
from rnnlens.evidence.table.work import by_row, cells_of_table, timed
from rnnlens.names import declared, told

__all__ = ["HELD", "LagTable", "lag_table"]

T = TypeVar("T")

#: What is said of a row all of which is held.
HELD = "held"
#: What may be missing, and why it is where Ctrl-C ended the work.
NO_CERTIFICATES = told("no certificates")
NO_TEST = told("no test over the data set")
NO_DRAWS = told("no draws of observed values")
ENDED_BEFORE = told(
    "no test over the data set, no draws of observed values: Ctrl-C ended the work before it"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class LagTable:
    """All evidence on each row; a kind that was not asked for, or could not be had, is None.

    Parameters
    ----------
    rows : Rows
        What the table has rows for.
    certificates : LagCertificates, optional
        Of some windows.
    plain_runs : PlainRuns, optional
        All over the data.
    tests : LagTests, optional
        Over the data set.
    observed : Scenario, optional
        Draws of observed values.
    missing : tuple of str
        What could not be had, and why.
    verdict, rung : array (part,) of str
        What the evidence says of each row, and what that stands on.
    """

    rows: Rows
    certificates: LagCertificates | None
    plain_runs: PlainRuns | None
    tests: LagTests | None
    observed: Scenario | None
    missing: tuple[str, ...]
    verdict: NDArray[np.str_] = declared("part", long_name="what the evidence says")
    rung: NDArray[np.str_] = declared("part", long_name="what the verdict stands on")


def lag_table(
    question: Question,
    rows: Rows,
    data: TableData,
    options: TableOptions,
    progress: Progress | None = None,
) -> LagTable:
    """Gather all evidence on each row that was asked for."""
    known = question.windows if data.actual is None else int(np.isfinite(data.actual).sum())
    cells = cells_of_table(
        question, rows, options, known=known, values=len(data.values), timed=data.timed
    )
    with Parts(progress, **cells) as parts:
        return _gathered(question, rows, data, options, parts)


def _gathered(
    question: Question, rows: Rows, data: TableData, options: TableOptions, parts: Parts
) -> LagTable:
    missing: list[str] = []
    found = _proved_and_tested(question, rows, data, options, parts, missing)
    certificates, tests, test = found.certificates, found.tests, options.test
    still = _still(question, rows, data)
    observed = None
    if test is not None and test.replacements != 0 and not found.ended:

        def draw() -> Scenario:
            shown = _verdicts(question, rows, still, certificates, tests, None)
            asked_rows = np.array([row.part is not None for row in rows.rows])
            # of other rows a counter-example decides nothing, and takes long to be sure of
            doubtful = (shown[asked_rows] == "undecided") & ~still
            return draw_rows(question, rows, data, test, doubtful, parts.of("observed"))

        stated = test.replacements is not None
        observed = _tried(NO_DRAWS, draw, missing, stated=stated)
    verdict = _verdicts(question, rows, still, certificates, tests, observed)
    grounds = {**RUNGS, HELD: HELD}
    rung = np.array([grounds[one] for one in verdict], dtype="<U32")
    rung[rows.spread(still, False) & (verdict == "undecided")] = CONSTANT
    rung[rows.spread(_unwired(question, rows), False)] = NOT_WIRED
    return LagTable(
        rows=rows,
        certificates=certificates,
        plain_runs=found.plain_runs,
        tests=tests,
        observed=observed,
        missing=tuple(missing),
        verdict=verdict,
        rung=rung,
    )


class _Found(NamedTuple):
    """What certificates and tests found, and whether Ctrl-C ended the work."""

    certificates: LagCertificates | None = None
    plain_runs: PlainRuns | None = None
    tests: LagTests | None = None
    ended: bool = False


def _proved_and_tested(
    question: Question,
    rows: Rows,
    data: TableData,
    options: TableOptions,
    parts: Parts,
    missing: list[str],
) -> _Found:
    """Certify lags, and test rows beside that; certificates that get some seconds come first."""
    stated, test = options.certificates, options.test
    asked = timed(question, rows, stated) if stated is not None and stated.windows else None
    beside = asked is not None and asked.seconds is None
    names = ("certificates", "plain_runs", "tests")
    told_of = parts.beside(*names) if beside else {name: parts.of(name) for name in names}

    def hide() -> LagTests | None:
        if test is None or not test.hiding:
            return None
        return test_rows(question, rows, data, test, options.criterion(test), told_of["tests"])

    def certify() -> LagCertificates | None:
        if stated is None or asked is None:
            return None
        options.ready()
        told = told_of["certificates"]
        return certify_lags(question, rows, data, asked, told, by_row=by_row(stated))

    with aside(hide, at_once=beside) as hiding:
        certificates = _tried(
            NO_CERTIFICATES, certify, missing, stated=stated is not None and stated.stated
        )
        if certificates is not None and certificates.ended == INTERRUPTED:
            # whoever ends the work wants what there is, now
            missing.append(ENDED_BEFORE)
            return _Found(certificates, ended=True)
        runs = None
        if certificates is not None and data.timed:
            runs = plain_runs(question, rows, data, told_of["plain_runs"])
        tests = _tried(
            NO_TEST,
            lambda: hiding.result(parts.again),
            missing,
            stated=test is not None and test.stated,
        )
    return _Found(certificates, runs, tests)


def _tried(what: str, run: Callable[[], T], missing: list[str], *, stated: bool) -> T | None:
    """Do a part of the work, or note in a sentence why it could not be done."""
    # where options of this very part were stated, it is what was asked for: errors are the answer
    if stated:
        return run()
    try:
        return run()
    except (DataError, UnsupportedModel) as reason:
        missing.append(told("{what}: {why}", what=what, why=str(reason)))
        return None


def _unwired(question: Question, rows: Rows) -> NDArray[np.bool_]:
    """Tell rows from which nothing leads to the forecast, whatever the weights: (asked,)."""
    wired = reached(question, zeros=True).reshape(question.x.shape[1:])
    return np.array([not part.meets(wired) for part in rows.parts], dtype=bool)


def _still(question: Question, rows: Rows, data: TableData) -> NDArray[np.bool_]:
    """Tell rows that never change, whose draws can show nothing: (asked,)."""
    if question.inputs[question.of].ndim != 3:
        return np.zeros(len(rows.parts), bool)
    first = question.x[0]
    changes = (question.x != first).any(axis=0) | (data.values != first).any(axis=0)
    return np.array([not part.meets(changes) for part in rows.parts], dtype=bool)


def _verdicts(
    question: Question,
    rows: Rows,
    still: NDArray[np.bool_],
    certificates: LagCertificates | None,
    tests: LagTests | None,
    observed: Scenario | None,
) -> NDArray[np.str_]:
    """Give the ladder's verdict of every row."""
    seen = reached(question).reshape(question.x.shape[1:])

    def judge(number: int, row: Row) -> str:
        of_row = None if certificates is None else certificates.of(row)
        counts = {} if of_row is None else of_row.counts
        drawn = None if observed is None or still[number] else observed
        tested = "" if tests is None or still[number] else str(tests.equivalence.verdict[number])
        return ladder(
            unreached=not rows.parts[number].meets(seen),
            whole=of_row is not None and of_row.whole,
            proven=counts.get("proven", 0) + counts.get("structural", 0),
            refuted=counts.get("refuted", 0),
            windows=0 if of_row is None else len(of_row.verdict),
            exceeded=None if drawn is None else int(drawn.exceeded[number]),
            moved=drawn is not None and bool(drawn.moved[number]),
            tested=tested,
        )

    return rows.spread([judge(number, row) for number, row in enumerate(rows.asked)], HELD)
