"""What a question will take, before it is asked: seconds by a short run, and memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np

from rnnlens.api.shared.each_target import targets_asked
from rnnlens.api.shared.evidence import background_values, stated_ranges
from rnnlens.api.shared.given.baselines import usual_baseline
from rnnlens.api.shared.given.case import Case
from rnnlens.api.shared.given.joint.baselines import baseline_of
from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.api.shared.given.shares import share_question
from rnnlens.api.shared.given.target import one_target
from rnnlens.api.shared.pace import (
    certify_pace,
    hiding_pace,
    secant_pace,
    slowness,
    tree_pace,
    within_seconds,
)
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.default import parts_of
from rnnlens.attribution.games.budget import Cost
from rnnlens.attribution.games.fitting import fitting
from rnnlens.attribution.methods.owen import NEWEST as OWEN_LAGS
from rnnlens.attribution.methods.secant import secant_cells
from rnnlens.attribution.methods.shapley_tree import NEWEST
from rnnlens.attribution.options import Effort, Target, as_target
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.schedule.plan import Estimate, estimate
from rnnlens.errors import DataError
from rnnlens.evidence.options import Certificates, Shares, Test
from rnnlens.evidence.proof.limits import BUDGET, SearchLimits
from rnnlens.evidence.proof.tolerance import make_tolerance
from rnnlens.evidence.table.certificates import rows_spoken_of, search_limits
from rnnlens.evidence.table.inputs import TableOptions
from rnnlens.evidence.table.rows import LagSpan, Rows, make_rows
from rnnlens.evidence.table.work import (
    by_row,
    cells_of_table,
    certified_columns,
    certified_questions,
    timed,
)
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.attribution.baselines.windows import RealWindows
    from rnnlens.attribution.question import Question
    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput

    Given = Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike]
    Background = Windows | WindowsByInput | ArrayLike | None

__all__ = [
    "USUAL",
    "Limited",
    "expected",
    "expected_certificates",
    "expected_lags",
    "expected_report",
]

#: Cells below which nothing is timed: they take less than a second on any machine.
FELT = 200_000
#: Arrays as large as the windows that an explanation holds at its peak, about.
COPIES = 8
#: Windows that the tolerance is taken from here.
FOR_TOLERANCE = 200
#: What drawing stand-ins for hidden inputs takes, beside the runs of what was drawn.
DRAWING = 1.5
#: What a report takes beside its contributions: each figure as long as so many seconds here, and
#: so many figures beside those of layers.
FIGURE, FIGURES = 0.25, 6
#: The evidence that a table of lags gathers where nothing else is asked for.
USUAL = TableOptions(certificates=Certificates(), test=Test(), margin=None, alpha=0.05)


class Limited(NamedTuple):
    """What bounds an explanation: its lags, and what it may cost, as in `rnnlens.explain`."""

    newest: int | None = None
    effort: Effort = Effort()


#: An explanation of which nothing is stated.
UNLIMITED = Limited()


def expected(
    net: Network,
    X: Given,
    *,
    target: Target | str | int | Sequence[str | int] | None = None,
    method: str = "auto",
    baseline: str | ArrayLike | None = None,
    held: Sequence[str] | None = None,
    background: Background = None,
    within: Limited = UNLIMITED,
) -> Estimate | None:
    """Say what `rnnlens.explain` will take; None for methods of which nothing is known before.

    A budget that is stated bounds it, a time as the cells that it becomes.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> expected(net, np.zeros((5, 24, 10)), method="gradient", target=0).cells
    360
    """
    if len(net.inputs) > 1:
        return None  # nothing is known of several at once
    case = make_case(net, X, output=as_target(target).output)
    asked = as_target(target)
    names, steps = targets_asked(case, asked)
    several = len(names) * len(steps)
    question = case.question(case.target(names[0], steps[0], asked.output).resolved)
    size = case.x.nbytes
    if method == "gradient":
        once = estimate(case.network, case.inputs, forwards=1, backwards=1, runs=2, result=size)
        return _whole(once, several, size)
    if method not in {"auto", "secant", "tree", "owen"}:
        return None
    stand_in, _ = baseline_of(case, usual_baseline(case, baseline), held, background, 0)
    if not isinstance(stand_in, Baseline):
        return None
    question = replace(question, baseline=stand_in, newest=within.newest)
    budget = within_seconds(within.effort, question, several).cells
    asked = _Asked(method, baseline, budget, several)
    cells = _cells(case, question, asked, background)
    return _whole(_timed(case, question, cells), several, size)


class _SharesAsked(TypedDict):
    """How shares are explained."""

    method: str
    baseline: str | ArrayLike | None
    within: Limited


class _Asked(NamedTuple):
    """What is explained by: a method, against what, within which cells, of how many targets."""

    method: str
    baseline: str | ArrayLike | None
    budget: int | None
    several: int


def _cells(case: Case, question: Question, asked: _Asked, background: Background) -> dict[str, int]:
    """Count the cells of each part of an explanation: of secant, and of exact values."""
    method = asked.method
    if method == "auto":
        drawn = None
        if asked.baseline is None:
            drawn = baseline_of(case, "background", None, background, 0)[0]
        many = drawn if isinstance(drawn, Baseline) else None
        return parts_of(question, background=many, budget=asked.budget, asked=asked.several)
    if method == "secant":
        return {"secant": secant_cells(question)}
    by_feature = method == "owen"
    cost = Cost(question, by_feature=by_feature)
    if asked.budget is None:
        newest = fitting(question, NEWEST, by_feature=by_feature)
        return {method: cost.exact(min(newest, question.steps)) or 0}
    usual = OWEN_LAGS if by_feature else NEWEST
    try:
        decided = cost.decide(question.newest_or(usual), asked.budget)
    except DataError:
        return {}  # it is refused, with the numbers, by the verb itself
    return {decided.method: decided.cells}


def _timed(case: Case, question: Question, cells: Mapping[str, int]) -> Estimate:
    """Turn cells into seconds by timing some of them."""
    plain = estimate(case.network, case.inputs, forwards=1, runs=3)
    whole = sum(cells.values())
    if whole < FELT:
        return replace(plain, cells=whole, seconds=0.0)
    of_secant = cells.get("secant", 0)
    seconds = 0.0
    if of_secant:
        layers = cells_of(question.network)
        each = question.windows * question.steps * layers
        backgrounds = len(question.one_window("secant").windows)
        # timed against one baseline: against many, all but the first run are done for each
        times = (of_secant / each - 1) / 3 / backgrounds
        seconds += secant_pace(question) * question.windows * times
    if whole > of_secant:
        seconds += tree_pace(question) * (whole - of_secant)
    return replace(plain, cells=whole, seconds=seconds)


def _whole(one: Estimate, several: int, size: int) -> Estimate:
    """Add up several targets, and what the process holds already."""
    return Estimate(
        cells=one.cells * several,
        seconds=one.seconds * several,
        bytes=_held_now() + one.bytes + (COPIES + several) * size,
    )


def _held_now() -> int:
    """Give the bytes that this process holds, its data and its libraries included."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def expected_lags(
    net: Network,
    X: Given,
    options: TableOptions = USUAL,
    *,
    target: Target | str | int | None = None,
    held: Sequence[str] | None = None,
    background: Background = None,
    by: str = "lag",
    shares: Shares = Shares(),
) -> Estimate | None:
    """Say what `rnnlens.lags` will take: shares, certificates, tests and draws."""
    if len(net.inputs) > 1:
        return None
    case = make_case(net, X, output=as_target(target).output)
    named = one_target(case, replace(as_target(target), logits=None))
    question = case.question(named.resolved)
    explained = expected(
        net, X, target=target, held=held, background=background, **_shares(case, shares)
    )
    if explained is None or case.inputs[case.of].ndim != 3:
        return explained
    spans = [LagSpan(lag, lag) for lag in range(1, question.steps + 1)]
    rows = make_rows(by, case.x.shape[1:], spans, case.features, case.held(held)[0].tolist())
    if not rows.parts:
        return explained
    values = background_values(case, background)
    by_clock = case.windows is not None and case.windows.issued.dtype.kind == "M"
    cells = cells_of_table(
        question, rows, options, known=question.windows, values=len(values.values), timed=by_clock
    )
    seconds = _evidence_seconds(case, question, cells)
    if cells["certificates"]:
        seconds += _certified_seconds(case, question, rows, options, values)
    return replace(
        explained,
        cells=explained.cells + sum(cells.values()),
        seconds=explained.seconds + seconds,
    )


def expected_certificates(
    net: Network,
    X: Given,
    *,
    lags: Sequence[int],
    features: Sequence[str] | None = None,
    target: Target | str | int | None = None,
    background: Background = None,
    certificates: Certificates = Certificates(),
) -> Estimate | None:
    """Say what `rnnlens.certify` will take; None where nothing is known before."""
    if len(net.inputs) > 1:
        return None
    case = make_case(net, X, output=as_target(target).output)
    if case.inputs[case.of].ndim != 3 or case.each or case.layout is not None:
        return None
    question = case.question(one_target(case, target).resolved)
    values = background_values(case, background)
    ranges = stated_ranges(case, certificates, values)
    held = case.held(None)[0].tolist() if features is None else []
    free = [k for k, name in enumerate(case.features) if features is None or name in features]
    still = ranges.constant(case.x, free) if features is None else []
    freed = [k for k in free if k not in held and k not in still]
    if not freed:
        return None  # which the verb refuses itself
    limits = SearchLimits(
        tolerance=_tolerance(question, certificates, values.values),
        budget=certificates.boxes or BUDGET,
        deviation=certificates.deviation,
    )
    pace = certify_pace(question, ranges, [freed], limits)
    plain = estimate(case.network, case.inputs, forwards=1, runs=3)
    return replace(plain, seconds=_kept(certificates, pace * question.windows * len(lags)))


def _shares(case: Case, shares: Shares) -> _SharesAsked:
    """Give what an explanation for shares is asked with."""
    asked = share_question(case, shares)
    return {
        "method": asked["method"],
        "baseline": asked["baseline"],
        "within": Limited(asked["newest"]),
    }


def _kept(asked: Certificates, seconds: float) -> float:
    """Give the seconds that certificates take, within the time that they are given."""
    return seconds if asked.seconds is None else min(seconds, asked.seconds)


def _evidence_seconds(case: Case, question: Question, cells: Mapping[str, int]) -> float:
    """Time runs of which a step is replaced, which the evidence consists of that is not proven."""
    layers = cells_of(case.network)
    drawn = DRAWING * (cells["tests"] + cells["observed"])
    if not drawn + cells["plain_runs"]:
        return 0.0
    return hiding_pace(question) * (cells["plain_runs"] + drawn) / question.steps / layers


def _certified_seconds(
    case: Case, question: Question, rows: Rows, options: TableOptions, values: RealWindows
) -> float:
    """Time some of the certificates of a table, as it asks for them."""
    stated = options.certificates
    if stated is None:
        return 0.0
    asked = timed(question, rows, stated)
    ranges = stated_ranges(case, asked, values)
    constant = ranges.constant(case.x, rows.free)
    columns = certified_columns(rows, options, constant)
    if not columns:
        return 0.0
    tolerance = _tolerance(question, asked, values.values)
    pace = certify_pace(
        question,
        ranges,
        columns,
        search_limits(asked, question.steps, tolerance, by_row=by_row(stated)),
        windows=asked.windows,
        within=asked.seconds,
        rows=rows_spoken_of(rows, [tuple(free) for free in columns], constant),
    )
    return _kept(asked, pace * certified_questions(question, rows, options))


def _tolerance(question: Question, asked: Certificates, values: NDArray[np.float64]) -> float:
    """Take the change that does not matter from some windows (window, step, feature)."""
    some = values[:: -(-len(values) // FOR_TOLERANCE)]
    return make_tolerance(question, asked.tolerance, some).value


def expected_report(
    net: Network,
    X: Given,
    *,
    target: Target | str | int | None = None,
    held: Sequence[str] | None = None,
    background: Background = None,
    shares: Shares = Shares(),
) -> Estimate | None:
    """Say what `rnnlens.report` will take: contributions, and drawing."""
    if len(net.inputs) > 1:
        return None
    case = make_case(net, X, output=as_target(target).output)
    explained = expected(
        net, X, target=target, held=held, background=background, **_shares(case, shares)
    )
    if explained is None:
        return None
    figures = FIGURES + 4 * sum(1 for _ in net.recurrent())
    return replace(explained, seconds=explained.seconds + slowness() * FIGURE * figures)
