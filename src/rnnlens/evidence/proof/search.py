"""Branch and bound: many questions at once, each over the range of a few numbers.

A question's range is split into boxes. A box is closed when the forecast cannot move in it by more
than is allowed; others are split further, into as many pieces as their lost part asks for: it falls
with the square of the width. Besides, the plain network is run at the ends that the affine forms
point to. A value that moves it furthest so far is bounded as a box of no width: what its interval
leaves after rounding on either side is attained in exact arithmetic, the bound from below.

Cheap evidence comes first: of every question a few plain runs, then one box over the whole range,
that ends at a checkpoint where it can (`rnnlens.evidence.proof.checkpoints`) or is coarse: it has
few symbols, but in narrow layers, where few take as long as the usual ones. The newest steps come
before the older ones, whose boxes take longer. What is left is split in turn. So the search may end
at any time: what was closed stays closed, and of boxes that were never bounded nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.question import Question
from rnnlens.errors import RnnlensError
from rnnlens.evidence.proof.answers import Aims, RangeAnswers
from rnnlens.evidence.proof.boxes import (
    MOST_CORNERS,
    TINY,
    Frontier,
    RangeQuestions,
    first_boxes,
    first_points,
    in_parts,
    more_points,
    pieces_of,
    split,
    whole_boxes,
)
from rnnlens.evidence.proof.checkpoints import checkpoints
from rnnlens.evidence.proof.stopping import Stop
from rnnlens.evidence.proof.trials import Trials
from rnnlens.evidence.proof.zonotope.bounds import Boxes, Start, bounds, cost
from rnnlens.evidence.proof.zonotope.recurrent import COARSE, POINT, ROWS

__all__ = ["ROUNDING", "answer"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Rows for each unit where the usual ones leave more than a share of the tolerance at a point.
MORE_ROWS, LOST = (24,), 0.25
#: Units of layers up to which a box that keeps few rows takes hardly less than one that keeps the
#: usual ones: their activations take as long as their products do.
NARROW = 32
#: Of what moves the output by less than this share of the tolerance it is not said in long windows
#: how much it attains surely: that takes a run to the end of the window each.
NEGLIGIBLE = 0.01
#: How much of what a plain run shows is to be known surely, for a bound to be left as it is.
CLOSELY = 0.999
#: What a plain run and a bound may differ by in rounding, beside the size of the forecast.
ROUNDING = 1e-9
#: Numbers that the windows of one block of plain runs hold: 64 MB.
TRIED = 8_000_000


def answer(
    known: Start,
    asked: RangeQuestions,
    aims: Aims,
    *,
    seed: int = 0,
    rows: Whole | None = None,
    stop: Stop | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RangeAnswers:
    """Bound how far the output moves, from above and from below.

    Where it is to `stop`, what was found until then is given. Of questions that stand in the same
    of `rows` (question,) one with a counter-example says what there is to say of the row: the
    others are asked last, and where the aims are `by_row` no bound is sought of any of them.
    """
    search = _Search(known, asked, aims, rows)
    rng = np.random.default_rng(seed)
    if stop is None:
        search.run(rng, Stop(), progress)
    else:
        with stop.keeping():
            search.run(rng, stop, progress)
    return search.answers()


class _Search:
    """What is known of every question so far."""

    def __init__(self, known: Start, asked: RangeQuestions, aims: Aims, rows: Whole | None) -> None:
        self.known, self.asked, self.aims = known, asked, aims
        count, free = asked.low.shape
        #: the row of each question, and the largest change attained in each row; whether questions
        #: of rows with a counter-example still wait for the others
        own = np.arange(count) if rows is None else np.unique(rows, return_inverse=True)[1]
        self.row, self.of_row = own, np.zeros(own.max(initial=-1) + 1)
        self.in_turn = rows is not None and not aims.by_row
        self.bound, self.attained = np.zeros(count), np.zeros(count)
        #: the largest change of a plain run, its rounding in it
        self.seen = np.zeros(count)
        own = known.inputs[known.of][asked.window[:, None], asked.step[:, None], asked.feature]
        self.value = own.reshape(count, free).copy()
        self.best = self.value.copy()
        self.boxes, self.reached = np.zeros(count, np.int64), np.zeros(count, bool)
        #: whether a question was left, its row refuted, before a box said what is reached
        self.left = np.zeros(count, bool)
        self.trials = Trials(known)
        self.slopes = _slopes(known, asked) if free > MOST_CORNERS else None
        #: whether a box takes about as long whatever rows it keeps, so that no look is coarse
        widths = [one.h.shape[-1] for one in known.records.values()]
        self.narrow = max(widths, default=0) <= NARROW
        #: rows that boxes take by step; none where no number of them helps
        self.rows: dict[int, int] = {}
        #: boxes that are to be bounded, those of a part at one step; the coarse ones before others
        self.checkpoints = checkpoints(known, asked, aims.tolerance)
        if self.checkpoints is None:
            self.coarse = self._parts(whole_boxes(asked))
        else:
            self.coarse = in_parts(whole_boxes(asked), self.checkpoints.part, lambda _: 1.0)
        self.waiting: list[Frontier] = []
        #: those of rows with a counter-example, before their first look and after it
        self.put_off: list[Frontier] = []
        self.last: list[Frontier] = []

    def run(
        self, rng: np.random.Generator, stop: Stop, progress: Callable[[int, int], None] | None
    ) -> None:
        """Bound boxes until all questions are settled, or it is to stop."""
        total = len(self.asked.window)
        tried = np.zeros(total, bool)
        while self._fronts() and not stop.due():
            # lists change in one statement, so that Ctrl-C finds every box that is open in one
            if self.coarse:
                front = self.coarse[0]
                fresh = front.question[~tried[front.question]]
                points = first_points(self.asked, fresh, self.slopes, rng)
                if not self.try_out(*points, stop):
                    break
                tried[fresh] = True
                now, later = self._in_order(front)
                left = self._begin(now, rng, stop)
                self.coarse, self.waiting, self.put_off = (
                    self.coarse[1:], [*self.waiting, *left], [*self.put_off, *later],
                )  # fmt: skip
            elif self.waiting:
                now, later = self._in_order(self.waiting[0])
                left = self._parts(self.advance(now)) if len(now.question) else []
                self.waiting, self.last = [*self.waiting[1:], *left], [*self.last, *later]
            else:  # no row is left but those that wait for nothing else
                self.in_turn = False
                self.coarse, self.waiting, self.put_off, self.last = self.put_off, self.last, [], []
            if progress is not None:
                progress(total - self._open(), total)
        if not stop.why:
            self._attain_all()

    def _fronts(self) -> list[Frontier]:
        """Give all boxes that are open."""
        return [*self.coarse, *self.waiting, *self.put_off, *self.last]

    def _open(self) -> int:
        """Count the questions that are not settled."""
        open_ = np.zeros(len(self.asked.window), bool)
        for front in self._fronts():
            open_[front.question] = True
        return int(open_.sum())

    def _in_order(self, front: Frontier) -> tuple[Frontier, list[Frontier]]:
        """Part boxes into those whose turn it is, and those whose rows are refuted elsewhere."""
        if not self.in_turn and not self.aims.by_row:
            return front, []
        question, tolerance = front.question, self.aims.tolerance
        refuted = self.of_row[self.row[question]] > tolerance
        if self.aims.by_row:
            self._leave(front.part(refuted))
            return front.part(~refuted), []
        later = refuted & (self.attained[question] <= tolerance)
        return front.part(~later), [front.part(later)] if later.any() else []

    def _leave(self, front: Frontier) -> None:
        """Close boxes as they are: infinite where no bound was sought before."""
        np.maximum.at(self.bound, front.question, front.known)
        self.left[front.question] = True

    def _parts(self, front: Frontier) -> list[Frontier]:
        return in_parts(front, self.asked.step, partial(cost, self.known))

    def _begin(self, front: Frontier, rng: np.random.Generator, stop: Stop) -> list[Frontier]:
        """Bound whole ranges coarsely, and cut into the first boxes those that are not settled."""
        asked, most = front.question, front.known.copy()
        # what moves the output too far for one box is not bounded twice
        hopeful = np.flatnonzero(self.seen[asked] <= self.allowed(asked))
        most[hopeful] = self._by_checkpoints(front.part(hopeful))
        if self.narrow:
            if self.checkpoints is not None:
                self.boxes[asked[hopeful]] += 1
            return self._whole(front._replace(known=most), rng, stop)
        open_ = hopeful[~self._enough(most, asked)[hopeful]]
        if len(open_):
            up, down, *_ = self._bounds(front.part(open_), COARSE)
            most[open_] = np.minimum(most[open_], np.maximum(up, down))
        self.boxes[asked[hopeful]] += 1
        open_ = open_[most[open_] > self.allowed(asked[open_])]
        self.try_out(*more_points(self.asked, asked[open_], rng), stop)
        still = most > self.allowed(asked)
        for part in self._parts_of(np.flatnonzero(still), asked):
            self._choose_rows(int(asked[part[0]]))
        self.bound[asked[~still]] = most[~still]
        return self._parts(first_boxes(self.asked, asked[still], most[still]))

    def _whole(self, front: Frontier, rng: np.random.Generator, stop: Stop) -> list[Frontier]:
        """Bound whole ranges as any box, and split those that are not settled."""
        enough = self._enough(front.known, front.question)
        self.bound[front.question[enough]] = front.known[enough]
        left: list[Frontier] = []
        for part in self._parts(front.part(~enough)):
            self._choose_rows(int(part.question[0]))
            self.boxes[part.question] += 1
            open_ = self._cut(part)
            self.try_out(*more_points(self.asked, np.unique(open_.question), rng), stop)
            left += self._parts(open_)
        return left

    def _enough(self, most: Array, question: Whole) -> NDArray[np.bool_]:
        """Say where a bound of its own is within what is allowed."""
        return np.isfinite(most) & (most <= self.allowed(question))

    def _parts_of(self, chosen: Whole, question: Whole) -> list[Whole]:
        """Part chosen places by the steps of their questions, the newest first."""
        steps = self.asked.step[question[chosen]]
        return [chosen[steps == one] for one in np.unique(steps)[::-1]]

    def _by_checkpoints(self, front: Frontier) -> Array:
        """Bound the change in each box of one step by a look that ends early; else infinite."""
        if self.checkpoints is None or not len(front.question):
            return np.full(len(front.question), np.inf)
        most = self.checkpoints.look(front, self.allowed(front.question))
        # what ends early was followed, and is taken to reach the forecast
        self.reached[front.question[np.isfinite(most)]] = True
        return most

    def _choose_rows(self, question: int) -> None:
        """Find how many rows a step takes so that what rounding and reduction lose is little.

        A range of no width shows it: no split of a range comes below what that leaves.
        """
        step, place = int(self.asked.step[question]), np.array([question])
        if step in self.rows:
            return
        point, feature = self.best[place], self.asked.feature[place]
        boxes = Boxes(self.asked.window[place], step, feature, point, point)
        self.rows[step] = 0
        aims = self.aims
        close = max(aims.tolerance, aims.gap if np.isfinite(aims.gap) else 0.0)
        for rows in (ROWS, *MORE_ROWS):
            output = bounds(self.known, boxes, rows)
            left = float((output.high - output.low)[0])
            if left <= LOST * close:
                self.rows[step] = rows
                break
            if left <= close:
                self.rows[step] = rows

    def _attain_all(self) -> None:
        """Say surely what the best values attain where it was not needed before."""
        # where windows are short, so are the runs that say it
        least = 0.0 if self.checkpoints is None else NEGLIGIBLE * self.aims.tolerance
        left = np.flatnonzero((self.seen > least) & (self.attained == 0) & self.reached)
        for part in self._parts(Frontier(left, self.best[left], self.best[left], self.seen[left])):
            self._attain(part.question)

    def answers(self) -> RangeAnswers:
        """Give what is known of every question, whatever is still open."""
        known = np.zeros(len(self.bound))
        for front in self._fronts():
            np.maximum.at(known, front.question, front.known)
        bound = np.maximum(self.bound, known)
        self._check(bound)
        done = np.isfinite(known)
        reached = self.reached | self.left
        return RangeAnswers(bound, self.attained, self.value, self.boxes, reached, done)

    def try_out(self, question: Whole, values: Array, stop: Stop | None = None) -> bool:
        """Run the plain network with values in their places, and keep the best of each question.

        Say whether all were run: where it is to `stop`, blocks of them that were not yet are left.
        """
        apiece = max(1, sum(array[0].size for array in self.known.inputs.values()))
        size, moved = max(1, TRIED // apiece), np.zeros(len(question))
        run = len(question)
        for first in range(0, len(question), size):
            if first and stop is not None and stop.due():
                run = first
                break
            block = slice(first, first + size)
            q = question[block]
            where = self.asked.window[q], self.asked.step[q], self.asked.feature[q]
            moved[block] = self.trials.moves(*where, values[block])
        order = np.lexsort((moved, question))
        last = np.flatnonzero(np.diff(question[order], append=-1))
        best = order[last]
        better = best[moved[best] > self.seen[question[best]]]
        self.seen[question[better]] = moved[better]
        self.best[question[better]] = values[better]
        # within the tolerance nothing follows from how much it is, which can wait
        self._attain(question[better[moved[better] > self.aims.tolerance]])
        return run == len(question)

    def _attain(self, question: Whole) -> None:
        """Take the best values of questions for what is attained, where they surely move more."""
        if not len(question):
            return
        surely = self._surely(question, self.best[question])
        more = surely > self.attained[question]
        self.attained[question[more]] = surely[more]
        np.maximum.at(self.of_row, self.row[question[more]], surely[more])
        self.value[question[more]] = self.best[question[more]]

    def _surely(self, question: Whole, values: Array) -> Array:
        """Give what values move the output by, whatever a plain run loses to rounding."""
        least = self._least(question, values, POINT)
        left = np.flatnonzero(least < CLOSELY * self.seen[question])
        if len(left):
            again = self._least(question[left], values[left], COARSE)
            least[left] = np.maximum(least[left], again)
        return least

    def _least(self, question: Whole, values: Array, rows: int) -> Array:
        """Bound from below what values move the output by, one for a question."""
        asked, known = self.asked, self.known
        window, step = asked.window[question], asked.step[question]
        # those that are as long to follow stand side by side
        order = np.argsort(step, kind="stable")
        boxes = Boxes(window, step, asked.feature[question], values, values).take(order)
        output, low, high = bounds(known, boxes, rows), known.low[window], known.high[window]
        least = np.zeros(len(question))
        rise = np.nextafter(output.low - high[order], -np.inf)
        fall = np.nextafter(low[order] - output.high, -np.inf)
        least[order] = np.fmax(np.fmax(rise, fall), 0.0)
        return least

    def allowed(self, question: Whole) -> Array:
        """Give the change of each question that needs no closer look."""
        aims = self.aims
        if aims.by_row:
            refuted = self.of_row[self.row[question]] > aims.tolerance
            return np.where(refuted, np.inf, aims.tolerance)
        attained = self.attained[question]
        gap = np.maximum(aims.gap, aims.share * attained)
        return np.where(attained > aims.tolerance, attained + gap, aims.tolerance)

    def advance(self, front: Frontier) -> Frontier:
        """Bound boxes, and give those that come of splitting what is not settled."""
        self.boxes += np.bincount(front.question, minlength=len(self.boxes))
        most = self._by_checkpoints(front)
        # without a bound of its own no box is closed, whatever is allowed
        done = np.isfinite(most) & (most <= self.allowed(front.question))
        most = np.minimum(most, front.known)
        np.maximum.at(self.bound, front.question[done], most[done])
        front = front.part(~done)._replace(known=most[~done])
        return self._cut(front) if len(front.question) else front

    def _cut(self, front: Frontier) -> Frontier:
        """Bound boxes of one step to the end, and split what is not settled."""
        step = int(self.asked.step[front.question[0]])
        up, down, slope, lost = self._bounds(front, self.rows[step] or ROWS)
        most = np.minimum(np.maximum(up, down), front.known)
        still = most > self.allowed(front.question)
        if still.any():
            self._try_extremes(front, still, slope, up >= down)
            still = most > self.allowed(front.question)
        # where a point alone is known less closely than is asked, no split of a range helps
        most_boxes = self.aims.budget if self.rows[step] else 0
        done = ~still | (self.boxes[front.question] >= most_boxes)
        np.maximum.at(self.bound, front.question[done], most[done])
        open_ = np.flatnonzero(~done)
        with np.errstate(invalid="ignore"):  # infinity less infinity, where a bound overflows
            slack = self.allowed(front.question) - (most - lost)
        whole = (self.asked.high - self.asked.low)[front.question[open_]]
        pieces, along = pieces_of(
            front, open_, slope, np.sqrt(lost / np.maximum(slack, TINY)), whole
        )
        return split(front, open_, most, np.where(slack[open_] > 0, pieces, 2), along)

    def _bounds(self, front: Frontier, rows: int) -> tuple[Array, Array, Array, Array]:
        """Bound the change in each box, upward and downward; give the forms' slopes and losses."""
        asked, known = self.asked, self.known
        slope = np.empty(front.low.shape)
        up, down, lost = np.zeros((3, len(slope)))
        step = asked.step[front.question]
        for one in np.unique(step):
            at = np.flatnonzero(step == one)
            q = front.question[at]
            window, ends = asked.window[q], (front.low[at], front.high[at])
            output = bounds(known, Boxes(window, int(one), asked.feature[q], *ends), rows)
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
        self, front: Frontier, chosen: NDArray[np.bool_], slope: Array, rising: NDArray[np.bool_]
    ) -> None:
        """Try the corner that the affine form points to, and the middle."""
        low, high = front.low[chosen], front.high[chosen]
        towards = (slope[chosen] > 0) == rising[chosen, None]
        corner = np.where(towards, high, low)
        question = front.question[chosen]
        middle = low + 0.5 * (high - low)
        self.try_out(np.concatenate([question, question]), np.concatenate([corner, middle]))

    def _check(self, bound: Array) -> None:
        """Refuse to answer where a plain run escaped: every point tried is an attack."""
        size = 1 + np.abs(self.trials.forecast[self.asked.window])
        escaped = self.seen > bound + ROUNDING * size
        if escaped.any():
            q = int(np.flatnonzero(escaped)[0])
            raise RnnlensError(
                f"a bound of {bound[q]:g} was escaped by a plain run that moved the output by "
                f"{self.seen[q]:g}: no certificate is given; please report this network"
            )


def _slopes(known: Start, asked: RangeQuestions) -> Array:
    """Give the output's derivatives with respect to what is free, by question (question, free)."""
    question = Question(
        network=known.network, inputs=known.inputs, of=known.of, target=known.target
    )
    # by lag
    slopes = gradient(question).sensitivity[:, ::-1]
    return slopes[asked.window[:, None], asked.step[:, None], asked.feature]
