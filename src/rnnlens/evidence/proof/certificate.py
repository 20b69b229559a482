"""Certificates: how far a forecast can move while one lag's features run through a range.

For one window ``x``, one lag and some of its features::

    D  >=  |f(x with that lag's features anywhere in the range) - f(x)|

with all other inputs as they are: a statement about this window and this network, proven by
`rnnlens.evidence.proof.zonotope.bounds` and branch and bound, never sampled. Its verdict is
*proven* where ``D`` is within the tolerance, *refuted* where a value was found that moves the
forecast further (a plain run of the network does), *undecided* where the budget ended before;
*structural* where the weights alone show that the features never reach the forecast, *not asked*
where the time given, or Ctrl-C, ended the search before all of the range was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError
from rnnlens.evidence.proof.answers import Aims, RangeAnswers, unanswered
from rnnlens.evidence.proof.boxes import RangeQuestions
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ends, Ranges, checked, checked_places, values_at
from rnnlens.evidence.proof.search import answer
from rnnlens.evidence.proof.stopping import Stop
from rnnlens.evidence.proof.zonotope.bounds import Start, start
from rnnlens.evidence.proof.zonotope.functions import UNIT
from rnnlens.evidence.reach.follow import reached
from rnnlens.names import declared

__all__ = ["VERDICTS", "CertifiedChanges", "certify", "certify_each"]

Array = NDArray[np.float64]

#: From the strongest statement of irrelevance to none.
VERDICTS = ("structural", "proven", "refuted", "undecided", "not asked")

#: How closely the forecast itself is to be known, as a share of the tolerance.
KNOWN = 0.01


@dataclass(frozen=True, eq=False, kw_only=True)
class CertifiedChanges:
    """One certificate a window and lag; changes in the target's own unit.

    Parameters
    ----------
    forecast : array (sample,)
        The forecast with the window as it is.
    bound : array (sample, lag)
        ``D``: no value in the range moves the forecast by more. Rounded up, with twice the
        deviation added; infinite where it was not asked, and where none was sought because the row
        has a counter-example.
    attained : array (sample, lag)
        The largest change that a value was found to make, rounded down: no rounding of a plain run
        is in it.
    value : array (sample, lag, feature)
        The values that made it, in the network's own units.
    low, high : array (sample, lag, feature)
        The ranges, in the network's own units.
    verdict : array (sample, lag) of str
        One of `VERDICTS`.
    boxes : array (sample, lag) of int
        Boxes that were bounded.
    structural, proven, refuted, undecided, not_asked : array (lag,) of int
        Windows with that verdict.
    worst : array (lag,) of int
        The window with the largest bound of those that have one.
    largest_bound, largest_attained : array (lag,)
        Over all windows.
    tolerance : float
        The change that does not matter.
    deviation : float
        By how much the user's own framework was seen to differ from exact arithmetic.
    """

    forecast: Array = declared("sample", long_name="forecast of {target}", unit="{unit}")
    bound: Array = declared(
        "sample", "lag", long_name="bound on the change of the forecast of {target}", unit="{unit}"
    )
    attained: Array = declared(
        "sample",
        "lag",
        long_name="largest change of the forecast of {target} that was attained",
        unit="{unit}",
    )
    value: Array = declared("sample", "lag", "feature", long_name="value that attained it")
    low: Array = declared("sample", "lag", "feature", long_name="lower end of the range")
    high: Array = declared("sample", "lag", "feature", long_name="upper end of the range")
    verdict: NDArray[np.str_] = declared("sample", "lag", long_name="what is shown of the lag")
    boxes: NDArray[np.int64] = declared("sample", "lag", long_name="boxes bounded")
    structural: NDArray[np.int64] = declared(
        "lag", long_name="windows in which the weights alone show it"
    )
    proven: NDArray[np.int64] = declared(
        "lag", long_name="windows in which the bound is within the tolerance"
    )
    refuted: NDArray[np.int64] = declared(
        "lag", long_name="windows in which a value moves the forecast further"
    )
    undecided: NDArray[np.int64] = declared(
        "lag", long_name="windows in which the budget ended before"
    )
    not_asked: NDArray[np.int64] = declared(
        "lag", long_name="windows that the time did not suffice for"
    )
    worst: NDArray[np.int64] = declared("lag", long_name="window with the largest bound")
    largest_bound: Array = declared("lag", long_name="largest bound of all windows", unit="{unit}")
    largest_attained: Array = declared(
        "lag", long_name="largest attained change of all windows", unit="{unit}"
    )
    tolerance: float
    deviation: float


def certify(
    question: Question,
    ranges: Ranges,
    limits: SearchLimits,
    *,
    stop: Stop | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CertifiedChanges:
    """Bound how far each forecast can move while one lag's features run through their ranges."""
    return certify_each(question, [ranges], limits, stop=stop, progress=progress)[0]


def certify_each(
    question: Question,
    several: Sequence[Ranges],
    limits: SearchLimits,
    *,
    rows: NDArray[np.int64] | None = None,
    stop: Stop | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[CertifiedChanges]:
    """Certify the same number of features in several ways, each as `certify` does.

    The states before a free step are the same in all of them and computed once; questions of all
    of them are taken in turn, so that what is done is spread evenly where it is to `stop`. `rows`
    (way, lag) say which of them speak of the same thing: where one window has a counter-example,
    the others are asked last, and where the limits are `by_row` no bound is sought of any of them.
    """
    if not question.windows:
        raise DataError("there are no windows to certify")
    used = reached(question)
    sets = [_asked(question, ranges, used) for ranges in several]
    asked = RangeQuestions(
        *(np.concatenate(same) for same in zip(*(one.asked for one in sets), strict=True))
    )
    searched = None
    if len(asked.window):
        row = None
        if rows is not None:
            pairs = zip(rows, sets, strict=True)
            row = np.concatenate([np.tile(own[one.where], question.windows) for own, one in pairs])
        searched = _searched(question, asked, limits, row, stop=stop, progress=progress)
    outputs = predict(question.network, question.inputs)
    forecast = question.target.pick(outputs if isinstance(outputs, tuple) else (outputs,))
    scale, made, begin = abs(question.target.scale), [], 0
    for one in sets:
        answers, end = _nothing(one.own), begin + len(one.asked.window)
        if searched is not None:
            shape = question.windows, len(one.where)
            for whole, found in zip(answers, searched, strict=True):
                whole[:, one.where] = found[begin:end].reshape(*shape, *found.shape[1:])
        begin = end
        made.append(_judged(forecast, answers, one.ends, scale, limits))
    return made


class _Asked(NamedTuple):
    """What is asked of one set of ranges: values that windows have, ends, questions, their lags."""

    own: Array
    ends: Ends
    asked: RangeQuestions
    where: list[int]


def _asked(question: Question, ranges: Ranges, used: NDArray[np.bool_]) -> _Asked:
    """Check ranges, and give what is asked of them; `used` says what reaches the forecast."""
    array = question.inputs[question.of]
    lags, features = checked_places(
        array.shape[1:3] if array.ndim == 3 else (0, 0), ranges.lags, ranges.features
    )
    own = values_at(np.asarray(array, float), lags, features)
    ends = checked(ranges.low, ranges.high, own, lags)
    return _Asked(own, ends, *_questions(used, (lags, features), ends))


def _searched(
    question: Question,
    asked: RangeQuestions,
    limits: SearchLimits,
    rows: NDArray[np.int64] | None,
    *,
    stop: Stop | None,
    progress: Callable[[int, int], None] | None,
) -> RangeAnswers:
    """Answer in the network's own units what is asked in the target's."""
    scale = abs(question.target.scale)
    reserved = max(limits.tolerance - 2 * limits.deviation, 0.0)
    aims = Aims(
        tolerance=reserved / scale * (1 - 8 * UNIT),
        gap=(limits.tolerance if limits.gap is None else limits.gap) / scale,
        share=limits.share,
        budget=limits.budget,
        by_row=limits.by_row,
    )
    begun: list[Start] = []
    with nullcontext() if stop is None else stop.keeping():
        width = KNOWN * aims.tolerance
        network, target = question.network, question.target
        begun.append(start(network, question.inputs, target, of=question.of, width=width))
    if not begun:
        return unanswered(question.inputs[question.of], asked)
    return answer(begun[0], asked, aims, seed=limits.seed, rows=rows, stop=stop, progress=progress)


def _questions(
    used: NDArray[np.bool_], places: tuple[list[int], list[int]], ends: Ends
) -> tuple[RangeQuestions, list[int]]:
    """Give the questions that the weights do not answer, and which lags they are about."""
    lags, features = places
    samples, steps = len(ends[0]), len(used)
    at = steps - np.array(lags, int)
    where = np.flatnonzero(used[at][:, features].any(axis=1)).tolist()
    grid = (samples, len(where))
    window = np.broadcast_to(np.arange(samples)[:, None], grid).ravel()
    step = np.broadcast_to(at[where], grid).ravel()
    feature = np.broadcast_to(np.array(features), (len(window), len(features))).copy()
    low, high = (end[:, where].reshape(-1, len(features)) for end in ends)
    return RangeQuestions(window, step, feature, low, high), where


def _nothing(own: Array) -> RangeAnswers:
    """Give the answers of questions whose features reach nothing."""
    none = np.zeros(own.shape[:2])
    return RangeAnswers(
        none,
        none.copy(),
        own.copy(),
        none.astype(np.int64),
        none.astype(np.bool_),
        np.ones(none.shape, np.bool_),
    )


def _judged(
    forecast: Array, answers: RangeAnswers, ends: Ends, scale: float, limits: SearchLimits
) -> CertifiedChanges:
    """Bring answers to the target's own unit, and give each its verdict."""
    tolerance, deviation = float(limits.tolerance), float(limits.deviation)
    # of what was not asked nothing is known, not even that it is not reached
    open_ = answers.reached | ~answers.asked
    exact = np.where(open_, answers.bound * scale * (1 + 4 * UNIT), 0.0)
    bound = np.where(open_, np.nextafter(exact + 2 * deviation, np.inf), 0.0)
    attained = np.maximum(answers.attained * scale * (1 - 4 * UNIT), 0.0)
    verdict = np.full(bound.shape, "undecided", dtype="<U10")
    verdict[~answers.asked] = "not asked"
    verdict[bound <= tolerance] = "proven"
    verdict[attained - 2 * deviation > tolerance] = "refuted"
    verdict[~open_] = "structural"
    counts = {name: (verdict == name).sum(axis=0) for name in VERDICTS}
    return CertifiedChanges(
        forecast=forecast,
        bound=bound,
        attained=np.where(open_, attained, 0.0),
        value=answers.value,
        low=ends[0],
        high=ends[1],
        verdict=verdict,
        boxes=answers.boxes,
        structural=counts["structural"],
        proven=counts["proven"],
        refuted=counts["refuted"],
        undecided=counts["undecided"],
        not_asked=counts["not asked"],
        worst=np.where(np.isinf(bound), -1.0, bound).argmax(axis=0),
        largest_bound=bound.max(axis=0),
        largest_attained=attained.max(axis=0),
        tolerance=tolerance,
        deviation=deviation,
    )
