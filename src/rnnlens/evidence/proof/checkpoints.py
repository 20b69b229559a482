"""A first look that ends early: what a state that comes near to its own course can still do.

Every `STRIDE` steps of a window stands a checkpoint. A question follows its free numbers to the
first of them behind its step, on affine forms; the questions of all steps between two checkpoints
are followed in one call, and a box is put around all states that they reach. Of such a box it is
found out once in which rest about a straight line in the states the output lies
(`rnnlens.evidence.proof.stretches.Relaxation`): from the last checkpoint by affine forms to the
end, from the others by affine forms to the next one, where the states lie in a smaller box::

    s in box(k)  =>  s' in box(k + 1)  =>  |f - line(k + 1)(s')| <= rest

The line with each question's own forms bounds it. What is not bounded closely enough is followed to
the next checkpoint, and not to the end of the window. Older boxes lie, a stretch later, in those of
newer questions, so that one stretch of forms is all that most checkpoints take. A line holds only
where the network has no other way to the forecast than its states: others are not served.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.kinds import keeps_steps_apart
from rnnlens.evidence.proof.boxes import BATCH, Frontier, RangeQuestions
from rnnlens.evidence.proof.stretches import (
    OutputForm,
    Reached,
    Relaxation,
    States,
    Stretches,
    own_input,
)
from rnnlens.evidence.proof.zonotope.bounds import Boxes, Start, cost, free_input
from rnnlens.evidence.proof.zonotope.functions import TINY, UNIT
from rnnlens.evidence.proof.zonotope.recurrent import Context
from rnnlens.network.axes import Index, Unmask
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Dense,
    Identity,
    Input,
    Recurrent,
    Rescaling,
    Standardization,
    Subtract,
    TimeDistributed,
)

__all__ = ["Checkpoints", "checkpoints"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Steps between checkpoints; windows of fewer than so many of these are followed to the end.
STRIDE, LEAST = 8, 4
#: Questions of a window that share its checkpoints, at the least: they take as long as a few.
SHARED = 4
#: How many checkpoints a question may pass before it is followed to the end after all.
PASSED = 4
#: Half a width beyond which no box of states is looked at; how many of nested boxes are tried where
#: questions come to one checkpoint, each half as wide as the one before; how much wider a box is
#: made than it need be, so that others fit in.
WIDEST, TRIED, WIDER = 1.0, 3, 1.1
#: The share of the tolerance that a rest may be for a wider box to serve instead of a narrower one.
CLOSE = 0.25
#: Rows for each unit between steps: of boxes of states, and of questions.
ROWS_OF_BOXES, ROWS_OF_QUESTIONS = 16, 6
#: Boxes that are followed at once, at the most, and bytes of their rows, at the most.
TOGETHER, BYTES = 8, 64 << 20
#: Layers that may do the same at every step.
STEPWISE = (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Dense,
    Identity,
    Rescaling,
    Standardization,
    Subtract,
    TimeDistributed,
    Unmask,
)


def checkpoints(known: Start, asked: RangeQuestions, tolerance: float) -> Checkpoints | None:
    """Give the checkpoints of windows; None where a question is to be followed to the end."""
    steps = known.inputs[known.of].shape[1]
    of_windows = len(asked.window) / max(1, len(np.unique(asked.window)))
    worth = steps >= LEAST * STRIDE and of_windows >= SHARED
    return Checkpoints(known, asked, tolerance) if worth and _served(known, steps) else None


def _served(known: Start, steps: int) -> bool:
    """Say whether states alone carry what was read on to the forecast."""
    network, forms = known.network, known.forms
    for node in network.nodes:
        layer, out = node.layer, forms[node.name, 0]
        of_steps = [one for one in node.inputs if forms[one].sequence]
        if isinstance(layer, Input):
            served = not out.sequence or node.name == known.of
        elif isinstance(layer, Recurrent):
            forwards = not layer.go_backwards and not layer.return_state
            served = forwards and len(node.inputs) == 1
            served = served and known.records[node.name].h.shape[1] == steps
        elif isinstance(layer, Index) and of_steps:
            served = layer.axis in {1, -2} and layer.index % steps == steps - 1
        else:
            served = not out.sequence
            if of_steps:
                shape = (steps, forms[of_steps[0]].centre.shape[-1])
                apart = isinstance(layer, Unmask) or keeps_steps_apart(layer, shape)
                served = apart and isinstance(layer, STEPWISE)
        if not served:
            return False
    return not forms[known.target.ref(network)].sequence


class _Line(NamedTuple):
    """Half the widths of a box of states (number,), and what holds in it; None where nothing is."""

    half: Array
    line: Relaxation | None


class Checkpoints:
    """What is known at the checkpoints of every window, found out when it is first needed."""

    def __init__(self, known: Start, asked: RangeQuestions, tolerance: float) -> None:
        self.known, self.asked = known, asked
        self.close = CLOSE * tolerance
        self.stretches = Stretches(known)
        self.steps = self.stretches.steps
        #: of each question the first checkpoint after its step, the window's end where none is
        self.next = self.steps - STRIDE * ((self.steps - asked.step - 1) // STRIDE)
        #: by window half the width of the widest box that is tried first
        self._widths: dict[int, float] = {}
        #: by window and checkpoint (the first step after it)
        self._lines: dict[tuple[int, int], list[_Line]] = {}

    @property
    def begin(self) -> Whole:
        """The first step of the stretch that each question's step lies in (question,)."""
        return np.maximum(self.next - STRIDE, 0)

    @property
    def part(self) -> Whole:
        """Number questions that are looked at together (question,), by stretch, the newest highest.

        Neighbours stay together, and windows as far as a part does not take long.
        """
        asked = self.asked
        names = np.column_stack([asked.feature, asked.window])
        own = np.unique(names, axis=0, return_inverse=True)[1].ravel()
        own //= max(1, int(BATCH / (STRIDE * cost(self.known, self.steps - STRIDE))))
        return self.begin * (own.max(initial=0) + 1) + own.max(initial=0) - own

    def look(self, front: Frontier, allowed: Array) -> Array:
        """Bound how far boxes of one stretch move the output (box,); infinite where not known.

        One is given up where its bound is not within what is allowed after some checkpoints.
        """
        most = np.full(len(front.question), np.inf)
        if not len(most) or self.next[front.question[0]] == self.steps:
            return most
        windows = self.asked.window[front.question]
        size = max(1, BYTES // (8 * STRIDE * ROWS_OF_QUESTIONS * 2 * self.stretches.widest**2))

        def work(window: int) -> None:
            # in turn, so that what is found does not depend on the number of threads
            at = np.flatnonzero(windows == window)
            for begin in range(0, len(at), min(TOGETHER, size)):
                some = at[begin : begin + min(TOGETHER, size)]
                most[some] = self._follow(front.part(some), allowed[some])

        each(work, [(int(window),) for window in np.unique(windows)])
        return most

    def _follow(self, front: Frontier, allowed: Array) -> Array:
        """Follow boxes from checkpoint to checkpoint, until their bounds suffice."""
        asked, stretches, q = self.asked, self.stretches, front.question
        begin, end = int(self.begin[q[0]]), int(self.next[q[0]])
        most, left = np.full(len(q), np.inf), np.arange(len(q))
        windows, free = asked.window[q], front.low.shape[1]
        x = free_input(
            self.known, Boxes(windows, asked.step[q], asked.feature[q], front.low, front.high)
        )
        numbers = np.full(len(q), free)
        states = stretches.own_states(windows, begin)
        for _ in range(PASSED):
            context = Context(windows[left], numbers, free, {}, rows=ROWS_OF_QUESTIONS)
            states = stretches.run(x.part(left), states, context, begin, end)[1]
            reached = Reached(states, windows[left], end, int(numbers.max()) + 1)
            most[left] = np.minimum(most[left], self._bounds(reached, allowed[left]))
            begin, end = end, end + STRIDE
            open_ = np.flatnonzero(most[left] > allowed[left])
            if end >= self.steps or not len(open_):
                break
            states, left, numbers = reached.part(open_).states, left[open_], numbers[open_]
        return most

    def _bounds(self, reached: Reached, allowed: Array) -> Array:
        """Bound what questions of a window move whose states at a checkpoint are known (box,).

        A box is put around the states of those that are not too far from the window's own.
        """
        window, end = int(reached.windows[0]), reached.end
        away = self.stretches.away(reached.states, reached.windows, end)
        furthest, most = away.max(axis=1), np.full(len(away), np.inf)
        width, hopeful = self._widths.get(window, WIDEST), np.ones(len(away), bool)
        for _ in range(TRIED):
            within = np.flatnonzero(hopeful & (furthest <= width))
            if not len(within):
                width /= 2
                continue
            line = self._line(window, end, away[within].max(axis=0))
            if line is None:
                self._widths[window] = width = min(width, furthest[within].max()) / 2
                continue
            form = self.stretches.read(reached.part(within), line)
            found = self._moved(reached.windows[within], form)
            most[within] = np.minimum(most[within], found)
            # a narrower box makes the rest less, and nothing else
            alone = self._moved(reached.windows[within], form, float(line.rest[0]))
            hopeful[within] = (found > allowed[within]) & (alone <= allowed[within])
            width = furthest[within].max() / 2
        return most

    def _moved(self, windows: Whole, form: OutputForm, less: float = 0.0) -> Array:
        """Give how far the forecasts of boxes can be from those of their windows.

        With `less` it is only an estimate of what it would be were rests less by so much.
        """
        known = self.known
        with np.errstate(invalid="ignore"):
            radius = (form.sizes(0) + (form.rest - less)) * (1 + 8 * UNIT)
            centre = form.centre
            top = np.nextafter(centre + radius, np.inf)
            bottom = np.nextafter(centre - radius, -np.inf)
            rise = np.nextafter(top - known.low[windows], np.inf)
            fall = np.nextafter(known.high[windows] - bottom, np.inf)
        both = np.maximum(rise, fall)
        return np.where(np.isnan(both), np.inf, both)

    def _line(self, window: int, end: int, half: Array) -> Relaxation | None:
        """Give what holds of the output while states at a checkpoint are no further (number,)."""
        windows, passed = np.array([window]), []
        found = self._covering(window, end, half)
        while found is None:
            if not half.max() <= WIDEST:  # NaN is in no box
                found = _Line(half, None)
                break
            half = half * WIDER
            states, context = self._box(windows, end, half)
            x = own_input(self.known.forms[self.known.of, 0], windows)
            forms, after = self.stretches.run(x, states, context, end, end + STRIDE)
            symbols = int(context.numbers.max()) + 1
            if end + STRIDE == self.steps:
                found = self._kept(window, end, half, self.stretches.output(forms, symbols))
                break
            passed.append((end, half, Reached(after, windows, end + STRIDE, symbols)))
            end += STRIDE
            half = self.stretches.away(after, windows, end)[0]
            found = self._covering(window, end, half)
        for begin, wide, reached in reversed(passed):
            line = found.line
            form = None if line is None else self.stretches.read(reached, line)
            found = self._kept(window, begin, wide, form)
        return found.line

    def _covering(self, window: int, end: int, half: Array) -> _Line | None:
        """Give a line that is known and good enough for a box, or that there is none."""
        best: tuple[float, _Line] | None = None
        for one in self._lines.get((window, end), ()):
            if one.line is None:
                if (half >= one.half).all():
                    return one
            elif (half <= one.half).all():
                rest = float(one.line.rest[0])
                best = (rest, one) if best is None or rest < best[0] else best
        if best is None:
            return None
        rest, one = best
        # within twice its width nothing much closer is to be had
        return one if rest <= self.close or (2 * half >= one.half).all() else None

    def _box(self, windows: Whole, step: int, half: Array) -> tuple[States, Context]:
        """Give the states of a box around a window's own, and what its walk knows."""
        units = self.stretches.units
        states = self.stretches.own_states(windows, step, half)
        return states, Context(windows, np.array([units]), units, {}, rows=ROWS_OF_BOXES)

    def _kept(self, window: int, end: int, half: Array, form: OutputForm | None) -> _Line:
        """Keep the output's form in a box as a line in the numbers of the states."""
        line, units = None, self.stretches.units
        if form is not None:
            # of a state that does not vary at all the coefficient is zero
            weights = form.by_symbol[:, :units] / np.maximum(half, TINY)
            lost = form.sizes(units) + 8 * UNIT * form.sizes(0, units)
            line = Relaxation(weights, form.centre, (form.rest + lost) * (1 + 8 * UNIT) + TINY)
            line = line if all(np.isfinite(part).all() for part in line) else None
        made = _Line(half, line)
        self._lines.setdefault((window, end), []).append(made)
        return made
