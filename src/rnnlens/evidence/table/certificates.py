"""How far inputs can move the forecasts of a few windows, by row of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.engine.schedule.plan import evenly
from rnnlens.engine.schedule.progress import Progress
from rnnlens.errors import DataError
from rnnlens.evidence.options import Certificates
from rnnlens.evidence.proof.certificate import VERDICTS, certify_each
from rnnlens.evidence.proof.limits import BUDGET, SearchLimits
from rnnlens.evidence.proof.stated_ranges import not_freed
from rnnlens.evidence.proof.stopping import Stop
from rnnlens.evidence.table.inputs import TableData
from rnnlens.evidence.table.rows import Row, Rows
from rnnlens.names import clauses, declared

__all__ = [
    "CertifiedRows",
    "LagCertificates",
    "RowCertificates",
    "certified_rows",
    "certify_lags",
    "check_certified",
    "rows_spoken_of",
    "search_limits",
    "some_windows",
]

Array = NDArray[np.float64]

#: Features of a lag that are certified together; of more, one at a time: eight at once, each in all
#: of its range, are beyond any budget.
MOST_TOGETHER = 3
#: How near a bound is brought to a larger change that was attained, as a share of it, where all are
#: asked closely, in windows of so many steps at most; in longer ones that is given up.
CLOSE, SHORT = 0.25, 48


@dataclass(frozen=True, eq=False)
class RowCertificates:
    """The certificates of one row: changes in the target's own unit.

    Parameters
    ----------
    bound, attained : array (sample, question)
        Of each certificate.
    verdict : array (sample, question) of str
        Of each certificate.
    whole : bool
        Whether all of the row was free at once.
    """

    bound: Array
    attained: Array
    verdict: NDArray[np.str_]
    whole: bool

    @property
    def counts(self) -> dict[str, int]:
        """Windows that the row has each verdict in, taking its questions together."""
        if not self.verdict.shape[1]:
            return dict.fromkeys(VERDICTS, 0)
        refuted = (self.verdict == "refuted").any(axis=1)
        unasked = (self.verdict == "not asked").any(axis=1) & ~refuted
        structural = (self.verdict == "structural").all(axis=1)
        proven = np.isin(self.verdict, ["proven", "structural"]).all(axis=1) & ~structural
        undecided = ~(refuted | structural | proven | unasked)
        return {
            "structural": int(structural.sum()),
            "proven": int(proven.sum()),
            "refuted": int(refuted.sum()),
            "undecided": int(undecided.sum()),
            "not asked": int(unasked.sum()),
        }


@dataclass(frozen=True, eq=False)
class LagCertificates:
    """Certificates of every lag in some windows, changes in the target's own unit.

    Parameters
    ----------
    places : array (sample,) of int
        The windows, by their number among those of the table.
    bound, attained : array (sample, step, column)
        By lag, from 1 on; a column a free feature, or one for all of them. A bound is infinite
        where none was sought.
    verdict : array (sample, step, column) of str
        Of each certificate.
    columns : tuple of tuple of int
        The features that were free in each column.
    boxes : int
        Boxes that were bounded, in all.
    range_text : str
        What the ranges are.
    constant : tuple of int
        Features that never change, so that they have no range and were not freed.
    by_row : bool
        Whether no bound was sought where a row has a counter-example.
    ended : str
        Why the search ended before all was decided, see `rnnlens.evidence.proof.stopping`.
    time : mapping of str to float
        The time that was stated, and how much of it was used.
    """

    places: NDArray[np.int64]
    bound: Array
    attained: Array
    verdict: NDArray[np.str_]
    columns: tuple[tuple[int, ...], ...]
    boxes: int
    range_text: str
    constant: tuple[int, ...] = ()
    by_row: bool = False
    ended: str = ""
    time: Mapping[str, float] = field(default_factory=dict)

    @property
    def together(self) -> bool:
        """Whether several features were free at once."""
        return len(self.columns[0]) > 1

    def of(self, row: Row) -> RowCertificates:
        """Give those of a row."""
        freed = _freed(row.features, self.constant)
        which = _within(self.columns, freed)

        def of_row(values: NDArray) -> NDArray:
            return values[:, row.lags.places][:, :, which].reshape(len(values), -1)

        whole = row.lags.first == row.lags.last and freed in self.columns
        return RowCertificates(
            of_row(self.bound), of_row(self.attained), of_row(self.verdict), whole
        )

    def undecided_in_refuted_rows(self, rows: Rows) -> int:
        """Count the undecided certificates of rows that others refute, and that stopped there."""
        if not self.by_row:
            return 0
        found = [self.of(row).verdict for row in rows.asked]
        return sum(int((one == "undecided").sum()) for one in found if (one == "refuted").any())

    def frees(self, row: Row) -> bool:
        """Say whether anything of a row was freed."""
        return not set(row.features) <= set(self.constant)

    def by_feature(self, values: Array, count: int) -> Array:
        """Put columns in the places of their features: (sample, lag, feature), held ones NaN."""
        table = np.full((*values.shape[:2], count), np.nan)
        for column, (feature,) in enumerate(self.columns):
            table[:, :, feature] = values[:, :, column]
        return table


@dataclass(frozen=True, eq=False, kw_only=True)
class CertifiedRows:
    """What certificates say of each row, in all windows that were certified.

    Parameters
    ----------
    largest_bound, largest_attained : array (part,)
        In the target's own unit; NaN for a row that is held, or of which nothing was freed. The
        bound is infinite where none was sought, because of a counter-example.
    worst : array (part,) of int
        The window with the largest bound, or the largest change attained where the bound is
        infinite; -1 for such a row.
    structural, proven, refuted, undecided : array (part,) of int
        Windows in which the row, its questions taken together, is that.
    """

    largest_bound: Array = declared(
        "part", long_name="bound on the change of the forecast, in all windows", unit="{unit}"
    )
    largest_attained: Array = declared(
        "part", long_name="largest change of the forecast that was attained", unit="{unit}"
    )
    worst: NDArray[np.int64] = declared(
        "part", long_name="window with the largest bound, or the largest change attained"
    )
    structural: NDArray[np.int64] = declared("part", long_name="windows that are structural")
    proven: NDArray[np.int64] = declared("part", long_name="windows that are proven")
    refuted: NDArray[np.int64] = declared("part", long_name="windows that are refuted")
    undecided: NDArray[np.int64] = declared("part", long_name="windows that are undecided")
    not_asked: NDArray[np.int64] = declared("part", long_name="windows that were not asked")


@lru_cache(maxsize=64)
def _freed(features: tuple[int, ...], constant: tuple[int, ...]) -> tuple[int, ...]:
    """Give the features that have a range."""
    return tuple(feature for feature in features if feature not in constant)


@lru_cache(maxsize=64)
def _within(columns: tuple[tuple[int, ...], ...], freed: tuple[int, ...]) -> list[int]:
    """Give the columns whose features are all among some, which many rows share."""
    return [k for k, free in enumerate(columns) if set(free) <= set(freed)]


def some_windows(question: Question, places: NDArray[np.int64]) -> Question:
    """Ask the same of some windows alone."""
    inputs = {name: array[places] for name, array in question.inputs.items()}
    return replace(question, inputs=inputs)


def check_certified(question: Question, rows: Rows) -> None:
    """Refuse windows that certificates are not for, and tables of which nothing is free."""
    if question.inputs[question.of].ndim != 3:
        raise DataError(
            f"a certificate needs windows (step, feature), and {question.of!r} has tokens"
        )
    if not rows.free:
        raise DataError(f"every feature is held ({', '.join(rows.features)}), so none is free")


def search_limits(
    asked: Certificates, steps: int, tolerance: float, *, by_row: bool
) -> SearchLimits:
    """Say when a question of a table is settled: nearer than its verdict needs in short windows."""
    return SearchLimits(
        tolerance=tolerance,
        gap=None if steps <= SHORT else np.inf,
        share=CLOSE if steps <= SHORT else 0.0,
        budget=asked.boxes or BUDGET,
        by_row=by_row,
        deviation=asked.deviation,
    )


def certify_lags(
    question: Question,
    rows: Rows,
    data: TableData,
    asked: Certificates,
    progress: Progress | None,
    *,
    by_row: bool,
) -> LagCertificates:
    """Certify every lag in some windows: each of them closely, or only what `by_row` needs."""
    check_certified(question, rows)
    ranges = data.ranges
    ranges.check_names(rows.free)
    places = evenly(question.windows, asked.windows)
    few, lags = some_windows(question, places), list(range(1, rows.steps + 1))
    limits = search_limits(asked, rows.steps, data.tolerance.value, by_row=by_row)
    constant = ranges.constant(question.x, rows.free)
    free = [feature for feature in rows.free if feature not in constant]
    if not free:
        raise DataError(
            f"no feature changes in the data ({', '.join(rows.features[k] for k in constant)}), so "
            "that none has a range: state one with range="
        )
    together = len(free) <= MOST_TOGETHER if asked.together is None else asked.together
    # rows of one feature each ask what that feature does alone
    together = together and rows.by == "lag"
    columns = [tuple(free)] if together else [(feature,) for feature in free]
    each = [ranges.ranges(few.x, lags, column) for column in columns]
    stop = Stop(asked.seconds)
    asked_of = [column_ranges for column_ranges, _ in each]
    rows_asked = rows_spoken_of(rows, columns, constant)
    made = certify_each(few, asked_of, limits, rows=rows_asked, stop=stop, progress=progress)
    return LagCertificates(
        places=places,
        bound=np.stack([one.bound for one in made], axis=2),
        attained=np.stack([one.attained for one in made], axis=2),
        verdict=np.stack([one.verdict for one in made], axis=2),
        columns=tuple(columns),
        boxes=int(sum(one.boxes.sum() for one in made)),
        range_text=clauses([
            *([ranges.text] if ranges.given is None else (text for _, text in each)),
            *(not_freed(rows.features[k]) for k in constant),
        ]),
        constant=tuple(constant),
        by_row=by_row,
        ended=stop.why,
        time=stop.facts,
    )


def rows_spoken_of(
    rows: Rows, columns: Sequence[tuple[int, ...]], constant: Sequence[int]
) -> NDArray[np.int64]:
    """Give the number of the row that each certificate speaks of: (column, step)."""
    of_row = np.full((len(columns), rows.steps), -1)
    every, held = tuple(columns), tuple(constant)
    for number, row in enumerate(rows.asked):
        which = _within(every, _freed(row.features, held))
        places = of_row[which, row.lags.places]
        of_row[which, row.lags.places] = np.where(places < 0, number, places)
    # what no row speaks of stands for itself
    alone = of_row < 0
    of_row[alone] = len(rows.asked) + np.arange(alone.sum())
    return of_row


def certified_rows(rows: Rows, certificates: LagCertificates) -> CertifiedRows:
    """Give what certificates say of each row."""
    of_row = [certificates.of(row) for row in rows.asked]
    counts = [one.counts for one in of_row]
    by_verdict = {name: rows.spread([one[name] for one in counts], 0) for name in VERDICTS}
    return CertifiedRows(
        largest_bound=rows.spread([_largest(one.bound) for one in of_row], np.nan),
        largest_attained=rows.spread([_largest(one.attained) for one in of_row], np.nan),
        worst=rows.spread([_worst(one) for one in of_row], -1),
        structural=by_verdict["structural"],
        proven=by_verdict["proven"],
        refuted=by_verdict["refuted"],
        undecided=by_verdict["undecided"],
        not_asked=by_verdict["not asked"],
    )


def _worst(one: RowCertificates) -> int:
    """Give the window that moves furthest, as far as is known; -1 where nothing was freed."""
    if not one.bound.size:
        return -1
    known = one.bound if np.isfinite(one.bound).all() else one.attained
    return int(known.max(axis=1).argmax())


def _largest(of_row: Array) -> float:
    """Give the largest number of a row; NaN where nothing of it was freed."""
    return float(of_row.max()) if of_row.size else float("nan")
