"""Moving a state along one direction, at each step, before anything reads it.

What is read off a state is ``r = (state - centre) . reading``. `Move` brings r to what it is told
at each step by a change along a direction, and writes down how far it moved each state; `Push`
moves states as far along another direction, whatever is read off them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnnlens.engine.interventions.intervention import LayerIntervention
from rnnlens.engine.operations.registry import Array

__all__ = ["Move", "Push"]


@dataclass(frozen=True, eq=False)
class Move(LayerIntervention):
    """A state that is moved until what is read off it is as it is told.

    Parameters
    ----------
    state : int
        Which of the cell's states.
    centre, reading : array (unit,)
        What is read is the state less the centre, times the reading.
    along : array (unit,)
        The direction that it is moved along; one times it changes the reading by one.
    to : array (1 or sample, step)
        What is to be read after each step.
    moved : array (sample, step)
        Takes down how far each state was moved.
    """

    state: int
    centre: Array
    reading: Array
    along: Array
    to: Array
    moved: Array

    def of_samples(self, samples: slice) -> Move:  # noqa: D102
        to = self.to if len(self.to) == 1 else self.to[samples]
        # a view, so that what is taken down of a part stands in the whole
        return replace(self, to=to, moved=self.moved[samples])

    def kept(self, number: int, natural: Array, before: Array, t: int) -> Array:  # noqa: D102
        if number != self.state:
            return natural
        self.moved[:, t] = self.to[:, t] - (natural - self.centre) @ self.reading
        return natural + np.outer(self.moved[:, t], self.along)


@dataclass(frozen=True, eq=False)
class Push(LayerIntervention):
    """A state that is moved by so much along a direction.

    Parameters
    ----------
    state : int
        Which of the cell's states.
    along : array (unit,)
        The direction.
    amount : array (sample, step)
        How many times it, after each step.
    """

    state: int
    along: Array
    amount: Array

    def of_samples(self, samples: slice) -> Push:  # noqa: D102
        return replace(self, amount=self.amount[samples])

    def kept(self, number: int, natural: Array, before: Array, t: int) -> Array:  # noqa: D102
        if number != self.state:
            return natural
        return natural + np.outer(self.amount[:, t], self.along)
