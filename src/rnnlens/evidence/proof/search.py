"""Branch and bound: many questions at once, each over the range of a few numbers.

A question's range is split into boxes. A box is closed when the forecast cannot move in it by more
than is allowed; others are split further, into as many pieces as their lost part asks for: it falls
with the square of the width. Besides, the plain network is run at the ends that the affine forms
point to. A value that moves it furthest so far is bounded as a box of no width: what its interval
leaves after rounding on either side is attained in exact arithmetic, the bound from below.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import predict
from rnnlens.errors import RnnlensError
from rnnlens.evidence.proof.zonotope.bounds import Boxes, Start, bounds

__all__ = ["ROUNDING", "RangeAnswers", "RangeQuestions", "answer"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Pieces of each free number's range to begin with, by how many are free; more are left whole.
BEGIN = {1: 4, 2: 3, 3: 2}
#: Points that are tried along one free number's range before any box is bounded.
GRID = 17
#: Points that are tried at random where several numbers are free.
RANDOM = 64
#: Pieces that a box is split into at the most.
PIECES = 8
#: What a plain run and a bound may differ by in rounding, beside the size of the forecast.
ROUNDING = 1e-9
#: Keeps a division by nothing from failing.
TINY = 1e-300


class RangeQuestions(NamedTuple):
    """Ranges of the same number of free inputs.

    Parameters
    ----------
    window, step : array (question,) of int
        Which window and which step.
    feature : array (question, free) of int
        Which features are free.
    low, high : array (question, free)
        Their ranges.
    """

    window: Whole
    step: Whole
    feature: Whole
    low: Array
    high: Array


class RangeAnswers(NamedTuple):
    """What was found, in the network's own units of the output.

    Parameters
    ----------
    bound : array (question,)
        No value in the range moves the output by more.
    attained : array (question,)
        A value in the range moves it by this much at least, rounding taken off.
    value : array (question, free)
        That value.
    boxes : array (question,) of int
        Boxes bounded.
    reached : array (question,) of bool
        False where no box can reach the output at all.
    """

    bound: Array
    attained: Array
    value: Array
    boxes: Whole
    reached: NDArray[np.bool_]


class _Frontier(NamedTuple):
    """Boxes to bound: their questions, their ranges, and what is known to hold already."""

    question: Whole
    low: Array
    high: Array
    known: Array


def answer(
    known: Start,
    asked: RangeQuestions,
    *,
    tolerance: float,
    gap: float,
    budget: int,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> RangeAnswers:
    """Bound how far the output moves, from above and from below."""
    search = _Search(known, asked, tolerance, gap)
    search.try_out(*_first_points(asked, np.random.default_rng(seed)))
    front = _first_boxes(asked)
    total = len(asked.window)
    while len(front.question):
        front = search.advance(front, budget)
        if progress is not None:
            progress(total - len(np.unique(front.question)), total)
    search.check()
    return RangeAnswers(search.bound, search.attained, search.value, search.boxes, search.reached)


class _Search:
    """What is known of every question so far."""

    def __init__(self, known: Start, asked: RangeQuestions, tolerance: float, gap: float) -> None:
        self.known, self.asked, self.tolerance, self.gap = known, asked, tolerance, gap
        count, free = asked.low.shape
        self.bound, self.attained = np.zeros(count), np.zeros(count)
        #: the largest change of a plain run, its rounding in it
        self.seen = np.zeros(count)
        own = known.inputs[known.of][asked.window[:, None], asked.step[:, None], asked.feature]
        self.value = own.reshape(count, free).copy()
        self.boxes, self.reached = np.zeros(count, np.int64), np.zeros(count, bool)
        self.forecast = _outputs(known, known.inputs)

    def try_out(self, question: Whole, values: Array) -> None:
        """Run the plain network with values in their places, and keep the best of each question."""
        asked, known = self.asked, self.known
        window, step = asked.window[question], asked.step[question]
        inputs = {name: array[window] for name, array in known.inputs.items()}
        x = inputs[known.of].copy()
        x[np.arange(len(x))[:, None], step[:, None], asked.feature[question]] = values
        moved = np.abs(_outputs(known, {**inputs, known.of: x}) - self.forecast[window])
        order = np.lexsort((moved, question))
        last = np.flatnonzero(np.diff(question[order], append=-1))
        best = order[last]
        better = best[moved[best] > self.seen[question[best]]]
        if not len(better):
            return
        self.seen[question[better]] = moved[better]
        surely = self._surely(question[better], values[better])
        more = surely > self.attained[question[better]]
        better, surely = better[more], surely[more]
        self.attained[question[better]] = surely
        self.value[question[better]] = values[better]

    def _surely(self, question: Whole, values: Array) -> Array:
        """Give what values move the output by, whatever a plain run loses to rounding."""
        asked, known = self.asked, self.known
        least = np.zeros(len(question))
        for one in np.unique(asked.step[question]):
            at = np.flatnonzero(asked.step[question] == one)
            q = question[at]
            window, point = asked.window[q], values[at]
            output = bounds(known, Boxes(window, int(one), asked.feature[q], point, point))
            rise = np.nextafter(output.low - known.high[window], -np.inf)
            fall = np.nextafter(known.low[window] - output.high, -np.inf)
            least[at] = np.fmax(np.fmax(rise, fall), 0.0)
        return least

    def allowed(self) -> Array:
        """Give the change that needs no closer look, by question."""
        refuted = self.attained > self.tolerance
        return np.where(refuted, self.attained + self.gap, self.tolerance)

    def advance(self, front: _Frontier, budget: int) -> _Frontier:
        """Bound boxes, and give those that come of splitting what is not settled."""
        up, down, slope, lost = self._bounds(front)
        self.boxes += np.bincount(front.question, minlength=len(self.boxes))
        most = np.minimum(np.maximum(up, down), front.known)
        still = most > self.allowed()[front.question]
        if still.any():
            self._try_extremes(front, still, slope, up >= down)
            still = most > self.allowed()[front.question]
        done = ~still | (self.boxes[front.question] >= budget)
        np.maximum.at(self.bound, front.question[done], most[done])
        open_ = np.flatnonzero(~done)
        with np.errstate(invalid="ignore"):  # infinity less infinity, where a bound overflows
            slack = self.allowed()[front.question] - (most - lost)
        whole = (self.asked.high - self.asked.low)[front.question[open_]]
        pieces, along = _pieces(front, open_, slope, np.sqrt(lost / np.maximum(slack, TINY)), whole)
        return _split(front, open_, most, np.where(slack[open_] > 0, pieces, 2), along)

    def _bounds(self, front: _Frontier) -> tuple[Array, Array, Array, Array]:
        """Bound the change in each box, upward and downward; give the forms' slopes and losses."""
        asked, known = self.asked, self.known
        slope = np.empty(front.low.shape)
        up, down, lost = np.zeros((3, len(slope)))
        step = asked.step[front.question]
        for one in np.unique(step):
            at = np.flatnonzero(step == one)
            q = front.question[at]
            window, ends = asked.window[q], (front.low[at], front.high[at])
            output = bounds(known, Boxes(window, int(one), asked.feature[q], *ends))
            rise = np.nextafter(output.high - known.low[window], np.inf)
            fall = np.nextafter(known.high[window] - output.low, np.inf)
            # what the free inputs do not reach does not move at all
            up[at], down[at] = np.where(output.reached, (rise, fall), 0.0)
            # where sums overflow, infinity less infinity is no number: nothing is known there
            for ends in (up, down):
                ends[at] = np.where(np.isnan(ends[at]), np.inf, ends[at])
            slope[at], lost[at] = output.slope, output.lost
            self.reached[q[output.reached]] = True
        return up, down, slope, lost

    def _try_extremes(
        self, front: _Frontier, chosen: NDArray[np.bool_], slope: Array, rising: NDArray[np.bool_]
    ) -> None:
        """Try the corner that the affine form points to, and the middle."""
        low, high = front.low[chosen], front.high[chosen]
        towards = (slope[chosen] > 0) == rising[chosen, None]
        corner = np.where(towards, high, low)
        question = front.question[chosen]
        middle = low + 0.5 * (high - low)
        self.try_out(np.concatenate([question, question]), np.concatenate([corner, middle]))

    def check(self) -> None:
        """Refuse to answer where a plain run escaped: every point tried is an attack."""
        size = 1 + np.abs(self.forecast[self.asked.window])
        escaped = self.seen > self.bound + ROUNDING * size
        if escaped.any():
            q = int(np.flatnonzero(escaped)[0])
            raise RnnlensError(
                f"a bound of {self.bound[q]:g} was escaped by a plain run that moved the output by "
                f"{self.seen[q]:g}: no certificate is given; please report this network"
            )


def _outputs(known: Start, inputs: dict[str, Array]) -> Array:
    """Give the output that is asked about, in the network's own units."""
    outputs = predict(known.network, inputs)
    whole = outputs if isinstance(outputs, tuple) else (outputs,)
    return whole[known.target.output][slice(None), *known.target.index]


def _first_points(asked: RangeQuestions, rng: np.random.Generator) -> tuple[Whole, Array]:
    count, free = asked.low.shape
    if free == 1:
        share = np.linspace(0, 1, GRID)[:, None]
    else:
        share = rng.random((RANDOM, free))
        if free <= 3:
            share = np.concatenate([np.array(list(product((0.0, 1.0), repeat=free))), share])
    low, high = asked.low[:, None], asked.high[:, None]
    values = np.clip(low + (high - low) * share, low, high)
    return np.repeat(np.arange(count), len(share)), values.reshape(-1, free)


def _first_boxes(asked: RangeQuestions) -> _Frontier:
    count, free = asked.low.shape
    pieces = BEGIN.get(free, 1)
    edges = _edges(asked.low, asked.high, pieces)
    every = np.array(list(product(range(pieces), repeat=free)))
    places = np.arange(free)
    low = edges[:, every, places].reshape(-1, free)
    high = edges[:, every + 1, places].reshape(-1, free)
    question = np.repeat(np.arange(count), len(every))
    return _Frontier(question, low, high, np.full(len(question), np.inf))


def _edges(low: Array, high: Array, pieces: int) -> Array:
    """Give the ends of equal pieces, (box, piece + 1, free); the outer ones exactly as they are."""
    share = np.arange(pieces + 1) / pieces
    edges = low[:, None] + (high - low)[:, None] * share[:, None]
    edges[:, 0], edges[:, -1] = low, high
    return np.clip(edges, low[:, None], high[:, None])


def _pieces(
    front: _Frontier, chosen: Whole, slope: Array, wanted: Array, whole: Array
) -> tuple[Whole, Whole]:
    """Say into how many pieces boxes are split, and along which number."""
    free = front.low.shape[1]
    most = PIECES if free == 1 else 2
    pieces = np.clip(np.ceil(np.nan_to_num(wanted[chosen], nan=most)), 2, most).astype(np.int64)
    # wide in its own range, or steep: the shares are added, so that no number is starved
    share = (front.high[chosen] - front.low[chosen]) / whole
    steep = np.abs(slope[chosen])
    along = np.argmax(share + steep / np.maximum(steep.max(axis=1, keepdims=True), TINY), axis=1)
    return pieces, along


def _split(front: _Frontier, chosen: Whole, known: Array, pieces: Whole, along: Whole) -> _Frontier:
    """Split boxes into equal pieces along one number each."""
    parts = [_Frontier(front.question[:0], front.low[:0], front.high[:0], known[:0])]
    for count in np.unique(pieces):
        for axis in np.unique(along):
            some = chosen[(pieces == count) & (along == axis)]
            edges = _edges(front.low[some], front.high[some], int(count))[:, :, axis]
            low = np.repeat(front.low[some], count, axis=0)
            high = np.repeat(front.high[some], count, axis=0)
            low[:, axis], high[:, axis] = edges[:, :-1].ravel(), edges[:, 1:].ravel()
            again = np.repeat(some, count)
            parts.append(_Frontier(front.question[again], low, high, known[again]))
    return _Frontier(*(np.concatenate(same) for same in zip(*parts, strict=True)))
