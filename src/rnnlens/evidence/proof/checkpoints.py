"""A first look that ends early: what a state that comes near to its own course can still do.

Every `STRIDE` steps of a window stands a checkpoint. Around the states that the window itself has
there lie boxes of a few sizes, and of each it is bounded, once a window, how far any state in it
can move the forecast: from the last checkpoint by affine forms to the end, from the others by
affine forms to the next one, where the states lie in a box of which it is known already::

    s in box(k, size)  =>  s' in box(k + 1, smaller size)  =>  |f - f(x)| <= D(k + 1, smaller size)

So a question follows its free numbers for some steps, until the states that they can reach lie in a
box whose bound is low enough, and not to the end of the window. The bound is looser than one of
forms to the end: what a question's numbers have in common is forgotten at the checkpoint. It is no
bound where the network has another way to the forecast than its states: those are not served.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.schedule.threads import each, threads
from rnnlens.engine.stepwise.kinds import keeps_steps_apart
from rnnlens.evidence.proof.boxes import Frontier, RangeQuestions
from rnnlens.evidence.proof.zonotope.bounds import Boxes, Start, free_input, place_of
from rnnlens.evidence.proof.zonotope.chain import Hulls
from rnnlens.evidence.proof.zonotope.forms import Forms, constant
from rnnlens.evidence.proof.zonotope.functions import UNIT
from rnnlens.evidence.proof.zonotope.layers import spread
from rnnlens.evidence.proof.zonotope.recurrent import Context, recurrent
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
from rnnlens.network.network import Ref

__all__ = ["Checkpoints", "checkpoints"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
#: The hidden state after a step, and the cell state where there is one, by recurrent layer.
States = dict[str, tuple[Forms, ...]]

#: Steps between checkpoints; windows of fewer than so many of these are followed to the end.
STRIDE, LEAST = 8, 4
#: Questions of a window that share its checkpoints, at the least: they take as long as a few.
SHARED = 4
#: How many checkpoints a question may pass before it is followed to the end after all.
PASSED = 4
#: Half the widths of the boxes, the largest first.
SIZES: Array = 0.1 * 0.25 ** np.arange(8.0)
#: Rows for each unit between steps.
ROWS = 8
#: Boxes that a thread follows at once, at the most, and bytes of their rows, at the most.
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


def checkpoints(known: Start, asked: RangeQuestions) -> Checkpoints | None:
    """Give the checkpoints of windows; None where a question is to be followed to the end."""
    steps = known.inputs[known.of].shape[1]
    of_windows = len(asked.window) / max(1, len(np.unique(asked.window)))
    worth = steps >= LEAST * STRIDE and of_windows >= SHARED
    return Checkpoints(known) if worth and _served(known, steps) else None


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


class Checkpoints:
    """What is known at the checkpoints of every window, found out when it is first needed."""

    def __init__(self, known: Start) -> None:
        self.known = known
        self.steps = known.inputs[known.of].shape[1]
        records = known.records.values()
        #: numbers of all states
        self.units = sum(part.shape[-1] for one in records for part in (one.h, one.c))
        self.widest = max(record.h.shape[-1] for record in records)
        #: the largest of the boxes that is not known to be of no use
        self._largest = 0
        #: D by window, checkpoint (the first step after it), and size
        self._bounds: dict[tuple[int, int, int], float] = {}

    def look(self, asked: RangeQuestions, front: Frontier, allowed: Array) -> Array:
        """Bound how far boxes of one step move the output (box,); infinite where it is not known.

        One is given up where its bound is not within what is allowed after some checkpoints.
        """
        most = np.full(len(front.question), np.inf)
        step = int(asked.step[front.question[0]])
        first = self._next(step)
        if first is None:
            return most

        def work(some: slice) -> None:
            q, ends = front.question[some], (front.low[some], front.high[some])
            boxes = Boxes(asked.window[q], step, asked.feature[q], *ends)
            most[some] = self._follow(boxes, first, allowed[some])

        size = max(1, min(TOGETHER, BYTES // (8 * STRIDE * ROWS * 2 * self.widest**2)))
        size = max(1, min(size, -(-len(most) // threads())))
        each(work, [(slice(begin, begin + size),) for begin in range(0, len(most), size)])
        return most

    def _next(self, step: int) -> int | None:
        """Give the first checkpoint after a step; None where the end of the window comes first."""
        end = self.steps - STRIDE * ((self.steps - step - 1) // STRIDE)
        return end if end < self.steps else None

    def _follow(self, boxes: Boxes, end: int, allowed: Array) -> Array:
        """Follow boxes of one step from checkpoint to checkpoint, until their bounds suffice."""
        known, free = self.known, boxes.low.shape[1]
        numbers = np.full(len(boxes.window), free)
        context = self._context(boxes.window, numbers, free)
        begin = boxes.step
        x = free_input(known, boxes)
        states, most = self._own_states(boxes.window, begin), np.full(len(numbers), np.inf)
        for _ in range(PASSED):
            states = self._push(x, states, context, begin, end)
            level = self._level(states, boxes.window, end)
            for box in np.flatnonzero((level >= 0) & ~_settled(most, allowed)):
                found = self._of_box(int(boxes.window[box]), end, int(level[box]), allowed[box])
                most[box] = min(most[box], found)
            begin, end = end, end + STRIDE
            if end >= self.steps or _settled(most, allowed).all():
                break
        return most

    def _context(self, windows: Whole, numbers: Whole, free: int) -> Context:
        return Context(windows, numbers, free, {}, rows=ROWS)

    def _own_states(self, windows: Whole, step: int, half: Array | None = None) -> States:
        """Give the states of windows before a step, or boxes of a half width (box,) around them."""
        states: States = {}
        boxes, begun = len(windows), 0
        for name, record in self.known.records.items():
            made = []
            for centre, radius in ((record.h, record.hr), (record.c, record.cr)):
                if not centre.shape[-1]:
                    continue
                zero = np.zeros((boxes, 1, centre.shape[-1]))
                here = centre[windows, step - 1 : step] if step else zero
                rest = radius[windows, step - 1 : step] if step else zero
                if half is None:
                    made.append(constant(here.copy(), rest.copy(), sequence=False))
                    continue
                units = here.shape[-1]
                rows = np.zeros((boxes, 1, units, units))
                rows[:, 0, np.arange(units), np.arange(units)] = half[:, None]
                ids = np.broadcast_to(begun + np.arange(units), (boxes, 1, units)).copy()
                count = np.full((boxes, 1), units)
                made.append(Forms(here.copy(), np.zeros_like(here), rows, ids, count, False))
                begun += units
            states[name] = tuple(made)
        return states

    def _push(self, x: Forms, states: States, context: Context, begin: int, end: int) -> States:
        """Give the states of boxes after the steps from one on to another."""
        return self._run(x, states, context, begin, end)[1]

    def _run(
        self, x: Forms, states: States, context: Context, begin: int, end: int
    ) -> tuple[dict[Ref, Forms], States]:
        """Run boxes over some steps: every layer's output, and the states after them."""
        known, last = self.known, end == self.steps
        context.records = {
            name: Hulls(*(part[:, begin:end] for part in record))
            for name, record in known.records.items()
        }
        part = replace(x, **{name: getattr(x, name)[:, begin:end] for name in _ARRAYS})
        forms: dict[Ref, Forms] = {}
        after: States = {}
        for node in known.network.nodes:
            layer, ref = node.layer, (node.name, 0)
            if isinstance(layer, Input):
                own = known.forms[ref]
                forms[ref] = part if node.name == known.of else _own(own, context.windows)
            elif isinstance(layer, Recurrent):
                given = replace(layer, return_state=True)
                out, *after_it = recurrent(
                    given, forms[node.inputs[0]], states[node.name], context, node.name
                )
                forms[ref], after[node.name] = out, tuple(after_it)
            elif last or known.forms[ref].sequence:
                made = spread(layer, tuple(forms[one] for one in node.inputs), context, node)
                several = made if isinstance(made, tuple) else (made,)
                forms |= {(node.name, number): one for number, one in enumerate(several)}
        return forms, after

    def _level(self, states: States, windows: Whole, end: int) -> Whole:
        """Give the smallest box that holds the states of each box; -1 where none does."""
        reach = np.zeros(len(windows))
        for name, record in self.known.records.items():
            for form, centre in zip(states[name], (record.h, record.c), strict=False):
                away = np.abs(form.centre[:, 0] - centre[windows, end - 1]) * (1 + 4 * UNIT)
                furthest = ((away + form.radius[:, 0]) * (1 + 8 * UNIT)).max(axis=1)
                reach = np.maximum(reach, furthest)
        # NaN is in no box
        return np.where(reach <= SIZES[0], (reach[:, None] <= SIZES).sum(axis=1), 0) - 1

    def _of_box(self, window: int, end: int, level: int, allowed: float) -> float:
        """Bound what states can do that lie in a box: by the largest box that is good enough."""
        # a larger box serves more questions
        most = np.inf
        for larger in range(min(self._largest, level), level + 1):
            found = self._bound(window, end, larger)
            if found == np.inf and larger == self._largest < len(SIZES) - 1:
                self._largest += 1
            most = min(most, found)
            if most <= allowed:
                break
        return most

    def _bound(self, window: int, end: int, level: int) -> float:
        """Give how far the states in a box at a checkpoint can move the forecast."""
        passed, begin = [], end
        while (window, begin, level) not in self._bounds:
            passed.append((window, begin, level))
            windows, half = np.array([window]), SIZES[level : level + 1]
            context = self._context(windows, np.array([self.units]), self.units)
            states = self._own_states(windows, begin, half)
            x = _own(self.known.forms[self.known.of, 0], windows)
            forms, after = self._run(x, states, context, begin, begin + STRIDE)
            begin += STRIDE
            if begin == self.steps:
                self._bounds[passed[-1]] = float(self._moved(forms, windows)[0])
                break
            level = int(self._level(after, windows, begin)[0])
            if level < 0:
                self._bounds[passed[-1]] = np.inf
                break
        else:
            passed.append((window, begin, level))
        found = self._bounds[passed[-1]]
        for place in passed:
            self._bounds[place] = found
        return found

    def _moved(self, forms: dict[Ref, Forms], windows: Whole) -> Array:
        """Give how far the forecasts of boxes can be from those of their windows."""
        known = self.known
        form, (step, unit) = forms[known.target.ref(known.network)], place_of(known.target)
        centre, radius = form.centre[:, step, unit], form.radius[:, step, unit]
        top, bottom = np.nextafter(centre + radius, np.inf), np.nextafter(centre - radius, -np.inf)
        rise = np.nextafter(top - known.low[windows], np.inf)
        fall = np.nextafter(known.high[windows] - bottom, np.inf)
        both = np.maximum(rise, fall)
        return np.where(np.isnan(both), np.inf, both)


_ARRAYS = ("centre", "rest", "rows", "ids", "count")


def _own(base: Forms, windows: Whole) -> Forms:
    return constant(base.centre[windows], base.rest[windows], sequence=base.sequence)


def _settled(most: Array, allowed: Array) -> NDArray[np.bool_]:
    return np.isfinite(most) & (most <= allowed)
