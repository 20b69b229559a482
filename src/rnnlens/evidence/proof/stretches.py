"""Some steps of windows on affine forms: from the states before them to the states after them.

And what can be said of the output there: a `Relaxation` is a straight line in the states with a
rest, which holds in a box of states around those that the window itself has::

    |s - s0| <= half  =>  |f(s) - (constant + weights (s - s0))| <= rest

Put behind the forms of a stretch of steps it gives the output in their symbols, with what these
have in common (`Stretches.read`); of a box of states at the stretch's beginning a relaxation there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.evidence.proof.zonotope.bounds import Start, place_of
from rnnlens.evidence.proof.zonotope.chain import Hulls
from rnnlens.evidence.proof.zonotope.forms import Forms, constant
from rnnlens.evidence.proof.zonotope.functions import TINY, UNIT
from rnnlens.evidence.proof.zonotope.layers import spread
from rnnlens.evidence.proof.zonotope.recurrent import Context, recurrent
from rnnlens.network.layers import Input, Recurrent
from rnnlens.network.network import Ref

__all__ = ["OutputForm", "Reached", "Relaxation", "States", "Stretches", "own_input"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
#: The hidden state after a step, and the cell state where there is one, by recurrent layer.
States = dict[str, tuple[Forms, ...]]
_ARRAYS = ("centre", "rest", "rows", "ids", "count")


class Relaxation(NamedTuple):
    """What holds of the output in a box of states around a window's own.

    Parameters
    ----------
    weights : array (1, number)
        For each number of the states.
    constant, rest : array (1,)
        The output where the states are the window's own, about, and what the line differs by.
    """

    weights: Array
    constant: Array
    rest: Array


class OutputForm(NamedTuple):
    """The output as affine forms: centre, rest (box,), and coefficients by symbol (box, symbol)."""

    centre: Array
    rest: Array
    by_symbol: Array

    def sizes(self, first: int, last: int | None = None) -> Array:
        """Sum the sizes of the coefficients of some symbols, rounded up (box,)."""
        some = np.abs(self.by_symbol[:, first:last])
        return some.sum(axis=1) * (1 + 4 * (some.shape[1] + 8) * UNIT)


class Reached(NamedTuple):
    """States of boxes before the step `end`, their windows, and how many symbols there are."""

    states: States
    windows: Whole
    end: int
    symbols: int

    def part(self, chosen: Whole) -> Reached:
        """Give those of some boxes."""
        states = {
            name: tuple(one.part(chosen) for one in forms) for name, forms in self.states.items()
        }
        return self._replace(states=states, windows=self.windows[chosen])


class Stretches:
    """Runs affine forms of windows over some of their steps."""

    def __init__(self, known: Start) -> None:
        self.known = known
        self.steps = known.inputs[known.of].shape[1]
        parts = [part for one in known.records.values() for part in (one.h, one.c)]
        #: how many numbers all states have
        self.units = sum(part.shape[-1] for part in parts)
        self.widest = max(part.shape[-1] for part in parts)

    def own_states(self, windows: Whole, step: int, half: Array | None = None) -> States:
        """Give the states of windows before a step, or boxes around them: half widths (number,).

        A box has a symbol for each number, in their order, from 0 on.
        """
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
                rows[:, 0, np.arange(units), np.arange(units)] = half[begun : begun + units]
                ids = np.broadcast_to(begun + np.arange(units), (boxes, 1, units)).copy()
                count = np.full((boxes, 1), units)
                made.append(Forms(here.copy(), np.zeros_like(here), rows, ids, count, False))
                begun += units
            states[name] = tuple(made)
        return states

    def run(
        self, x: Forms, states: States, context: Context, begin: int, end: int
    ) -> tuple[dict[Ref, Forms], States]:
        """Run boxes over some steps of their windows, x being all of their inputs.

        Gives every layer's output that is known there, and the states after the steps.
        """
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
                forms[ref] = part if node.name == known.of else own_input(own, context.windows)
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

    def away(self, states: States, windows: Whole, end: int) -> Array:
        """Give how far states can be from the windows' own before a step (box, number)."""
        every = []
        for form, own in self._pairs(states):
            off = np.abs(form.centre[:, 0] - own[windows, end - 1]) * (1 + 4 * UNIT)
            every.append((off + form.radius[:, 0]) * (1 + 8 * UNIT))
        away = np.concatenate(every, axis=1)
        return np.where(np.isnan(away), np.inf, away)

    def read(self, reached: Reached, line: Relaxation) -> OutputForm:
        """Give the output of states that lie in the box of a relaxation of their window."""
        states, windows, end, symbols = reached
        by_symbol = np.zeros((len(windows), symbols))
        centre, lost = np.full(len(windows), line.constant[0]), np.zeros(len(windows))
        every, pairs = np.arange(len(windows))[:, None], self._pairs(states)
        ends = np.cumsum([form.centre.shape[-1] for form, _ in pairs])[:-1]
        # all products of a number, whatever state they are of, make one sum
        share = 2 * (self.units + 2 * len(states) + 16) * UNIT
        for (form, own), weights in zip(pairs, np.split(line.weights[0], ends), strict=True):
            off = form.centre[:, 0] - own[windows, end - 1]
            centre += off @ weights
            # four units more for the rounding of the difference itself
            around = (share + 4 * UNIT) * np.abs(off) + share * form.reach[:, 0]
            lost += (form.rest[:, 0] + around) @ np.abs(weights)
            np.add.at(by_symbol, (every, form.ids[:, 0]), form.rows[:, 0] @ weights)
        rest = lost + share * np.abs(line.constant) + line.rest
        return OutputForm(centre, rest * (1 + 2 * share) + TINY, by_symbol)

    def output(self, forms: dict[Ref, Forms], symbols: int) -> OutputForm:
        """Give the output of boxes that were run to the end of their windows."""
        known = self.known
        form, (step, unit) = forms[known.target.ref(known.network)], place_of(known.target)
        by_symbol = np.zeros((len(form.centre), symbols))
        every = np.arange(len(by_symbol))[:, None]
        np.add.at(by_symbol, (every, form.ids[:, step]), form.rows[:, step, :, unit])
        return OutputForm(form.centre[:, step, unit], form.rest[:, step, unit], by_symbol)

    def _pairs(self, states: States) -> list[tuple[Forms, Array]]:
        """Give states beside the windows' own of all steps, (window, step, unit)."""
        return [
            (form, own)
            for name, record in self.known.records.items()
            for form, own in zip(states[name], (record.h, record.c), strict=False)
        ]


def own_input(base: Forms, windows: Whole) -> Forms:
    """Give each box the input of its window."""
    return constant(base.centre[windows], base.rest[windows], sequence=base.sequence)
