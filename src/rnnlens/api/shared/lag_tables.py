"""The table of evidence on the lags of one sequence, or on each of several inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.each_input import (
    in_one_tree,
    nothing_more,
    own_background,
    own_ranges,
    shared_time,
)
from rnnlens.api.shared.evidence import background_values, stated_ranges
from rnnlens.api.shared.forecast.check import about_forecast
from rnnlens.api.shared.forecast.important import important_features
from rnnlens.api.shared.given.target import one_target
from rnnlens.api.shared.labels.joint import on_lags, on_own_axis
from rnnlens.api.shared.labels.lag_shares import shares_of, shares_together
from rnnlens.api.shared.labels.lags import labelled_table
from rnnlens.engine.schedule.progress import equal_parts
from rnnlens.errors import DataError
from rnnlens.evidence.options import Certificates, Shares
from rnnlens.evidence.proof.stopping import INTERRUPTED
from rnnlens.evidence.proof.tolerance import make_tolerance
from rnnlens.evidence.table.assembly import lag_table
from rnnlens.evidence.table.inputs import TableData, TableOptions
from rnnlens.evidence.table.rows import LagSpan, make_rows
from rnnlens.results.attributes import attributes

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.options import Target
    from rnnlens.engine.schedule.progress import Progress
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["Asked"]


@dataclass(frozen=True, eq=False)
class Asked:
    """What `rnnlens.lags` was asked, the same for every input.

    Parameters
    ----------
    target : Target
        Which number of the output.
    explained_on : {"output", "logits"}
        What of it.
    y, held, background, shares
        As in `rnnlens.lags`.
    options : TableOptions
        The evidence that is gathered.
    """

    target: Target
    explained_on: str
    y: ArrayLike | None
    held: Sequence[str] | None
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None
    shares: Shares
    options: TableOptions

    @property
    def stated(self) -> Certificates:
        """The certificates that are asked for: none of them where they are left out."""
        return self.options.certificates or Certificates(windows=0)

    def check(self, case: Case) -> None:
        """Refuse ranges and names that do not fit before anything is computed."""
        one_target(case, replace(self.target, logits=None))
        if case.each:
            for name in case.each:
                self.of_input(case, name).check(case.each[name])
            return
        ranges = stated_ranges(case, self.stated, background_values(case, self.background))
        ranges.check_names(_free(case, self.held))

    def of_input(self, case: Case, name: str) -> Asked:
        """Ask the same of one of several inputs."""
        given = self.options.certificates
        own = None if given is None else own_ranges(case, name, given)
        return replace(
            self,
            held=case.own_held(name, self.held),
            background=own_background(case, name, self.background),
            options=replace(self.options, certificates=own),
        )

    def ended(self) -> Asked:
        """Ask for nothing more, once Ctrl-C ended the work."""
        asked = self.options.certificates
        left = None if asked is None else nothing_more(asked)
        return replace(self, options=replace(self.options, certificates=left, test=None))

    def tables(
        self, case: Case, explained: xr.DataTree | xr.Dataset, by: str, progress: Progress | None
    ) -> xr.DataTree | xr.Dataset:
        """Give the tables of several inputs, or of one that has no steps."""
        assert case.layout is not None, "what has no steps is laid into rows"
        whole = {one.name: on_lags(explained, one) for one in case.layout.inputs}
        rows = {one.name: by if one.lags else "feature" for one in case.layout.inputs}
        shares = shares_together(whole, rows, self.shares)
        parts: dict[str, xr.Dataset] = {}
        told = equal_parts(progress, len(whole))
        given = self.options.certificates
        options = (
            self.options
            if given is None
            else replace(self.options, certificates=shared_time(given, len(whole)))
        )
        own_question = replace(self, options=options)
        for (name, one), said in zip(whole.items(), told, strict=True):
            known = case.each.get(name, case)
            asked = own_question.of_input(case, name) if case.each else own_question
            own = shares_of(one, rows[name], self.shares, shares[name])
            own = own.assign_attrs(important_features(one))
            parts[name] = asked.table(known, one, own.copy, rows[name], said)
            if parts[name].attrs.get("certificates_ended") == INTERRUPTED:
                own_question = own_question.ended()
        if case.each:
            return in_one_tree(parts, case, [])
        return on_own_axis(parts[case.layout.inputs[0].name], case.layout.inputs[0])

    def table(
        self,
        case: Case,
        explained: xr.Dataset,
        shares: Callable[[], xr.Dataset],
        by: str,
        progress: Progress | None,
    ) -> xr.Dataset:
        """Give the table of one input, whose labelled shares may come last."""
        named = one_target(case, replace(self.target, logits=None))
        values = background_values(case, self.background)
        question = case.question(
            (named.on_logits() if self.explained_on == "logits" else named).resolved
        )
        held = case.held(self.held)[0].tolist()
        rows = make_rows(by, case.x.shape[1:], _spans(explained), case.features, held)
        actual = _actual(self.y, explained, self.explained_on, len(case.x))
        judged = case.single
        told: dict[str, Any] = {}
        if self.y is not None and actual is not None and judged is not None:
            # what explain did not know
            told = attributes(about_forecast(judged, named, self.background, actual))
        data = TableData(
            actual=actual,
            background=None if self.background is None else values.whole,
            values=values.values if self.background is None else values.whole,
            ranges=stated_ranges(case, self.stated, values),
            tolerance=make_tolerance(
                question,
                self.stated.tolerance,
                values.values,
                forecast=self._forecast(explained),
            ),
            timed=_timed(case),
            moments=_moments(case),
        )
        table = lag_table(question, rows, data, self.options, progress)
        labelled = shares().assign_attrs(told)
        return labelled_table(labelled, case, table, self.stated, data.tolerance)

    def _forecast(self, explained: xr.Dataset) -> NDArray[np.float64] | None:
        """Give the forecasts of what the tolerance is of, where explaining has made them."""
        other = self.background is not None or self.explained_on == "logits"
        return None if other else explained["forecast"].values


def _free(case: Case, held: Sequence[str] | None) -> list[int]:
    places = case.held(held)[0]
    return [feature for feature, _ in enumerate(case.features) if feature not in places]


def _spans(explained: xr.Dataset) -> list[LagSpan]:
    """Give the lags that stand together in an explanation."""
    ends = zip(explained["lag"].values, explained["lag_to"].values, strict=True)
    return [LagSpan(int(first), int(last)) for first, last in ends]


def _actual(
    given: ArrayLike | None, explained: xr.Dataset, explained_on: str, count: int
) -> NDArray[np.float64] | None:
    """Give what happened, where it is known."""
    if given is None:
        known = "actual" in explained and explained_on != "logits"
        values = explained["actual"].values if known else np.full(count, np.nan)
        return values if np.isfinite(values).any() else None
    if explained_on == "logits":
        raise DataError("classes are explained on their logits, which no actuals compare with")
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (count,):
        raise DataError(
            f"actuals must have shape ({count},), one a window, but came with {values.shape}"
        )
    return values


def _timed(case: Case) -> bool:
    """Say whether windows have times by the clock."""
    return case.windows is not None and case.windows.issued.dtype.kind == "M"


def _moments(case: Case) -> NDArray[Any] | None:
    """Give what puts windows of all groups in order in time; None for what has no steps."""
    if case.layout is not None:
        return None
    return np.arange(len(case.x)) if case.windows is None else case.windows.issued
