"""What a network forecasts where parts of its windows are replaced.

The windows' other inputs, and the states carried into them, stay as they are. Cost: T cell
evaluations a recurrent layer and replaced window; half of that or less for parts of some steps of
windows that are not very short (`rnnlens.evidence.statistics.one_step`).

Forecasts are made in single precision where its error is a thousandth of the change that is asked
about: that of a difference of two forecasts, or of its mean, measured on some of the windows, of
which the older and the newer half are replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnlens.attribution.baselines.masks import steps_of
from rnnlens.attribution.games.mixing import flat_steps
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import inputs_of, outputs, states_of
from rnnlens.engine.schedule.plan import evenly, gathered
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.evidence.proof.search import ROUNDING
from rnnlens.evidence.proof.zonotope.bounds import Start, start
from rnnlens.evidence.proof.zonotope.functions import UNIT
from rnnlens.evidence.reach.follow import reached
from rnnlens.network.formula import parameters_of

__all__ = ["ENOUGH", "NUMBERS", "Replacement", "blocks"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Numbers that the replaced windows of one block may hold: 64 MB.
NUMBERS = 8_000_000
#: The part of what is resolved that single precision may be off.
ENOUGH = 1e-3
SINGLE: DTypeLike = np.float32
#: The share of what it is off that double precision is off at the most, with a factor of 512.
CARRIED = 2.0**-20
#: Windows on which its error is measured.
MEASURED = 32


def blocks(rows: int, numbers: int) -> Iterator[slice]:
    """Split rows into blocks that fit into memory.

    Examples
    --------
    >>> list(blocks(5, 4_000_000))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    size = max(1, NUMBERS // max(1, numbers))
    for first in range(0, rows, size):
        yield slice(first, min(first + size, rows))


@dataclass(frozen=True, eq=False)
class Replacement:
    """Windows of which parts are replaced.

    Parameters
    ----------
    question : Question
        The network, its windows and what is forecast; parts of the input ``of`` are replaced.
    single : bool
        Whether forecasts are made in single precision.

    Raises
    ------
    DataError
        If the network masks a step of a window: padding has no values to be replaced.
    """

    question: Question
    single: bool = False

    def __post_init__(self) -> None:
        real = self._real
        if real is not None and not real.all():
            raise DataError(
                "replacing parts of windows needs windows without padding, but the network masks "
                f"{int((~real).sum())} steps: leave those windows out"
            )

    @cached_property
    def _real(self) -> NDArray[np.bool_] | None:
        """Which steps the network takes as real; None where it masks none."""
        return steps_of(self.question.network, self.question.inputs, self.question.of)

    @property
    def masks(self) -> bool:
        """Whether the network looks for padding, of which these windows have none."""
        return self._real is not None

    @property
    def x(self) -> Array:
        """The windows (sample, step, feature)."""
        return flat_steps(self.question.inputs[self.question.of])

    @cached_property
    def own(self) -> Array:
        """The forecasts for the windows themselves, in the target's own unit (sample,)."""
        return self.forecast(np.arange(len(self.x)), self.x)

    @property
    def double(self) -> Replacement:
        """The same in double precision."""
        return replace(self, single=False) if self.single else self

    def resolving(
        self, change: float, judged: Callable[[Rows, Array], Array] | None = None
    ) -> Replacement:
        """Give the same in single precision where that resolves a change; else itself.

        The change is one of forecasts, or of what is judged by them, whose mean counts. Shapes:
        judged (row,) of int, (row,) -> (row,).
        """
        if not (0 < change < np.inf) or self.single:
            return self
        some = evenly(len(self.x), MEASURED)
        single, half = replace(self, single=True), self.x.shape[1] // 2
        found = []
        for mixed in (slice(0), slice(half), slice(half, None)):
            windows = self.x[some]
            windows[:, mixed] = self.x[some[::-1], mixed]
            found.append([one.forecast(some, windows) for one in (self, single)])
        both = list(np.concatenate(found, axis=1))
        if judged is not None:
            both = [judged(np.tile(some, 3), one) for one in both]
        # what is asked about is the difference of two forecasts
        error = both[1] - both[0]
        error = error[len(some) :] - np.tile(error[: len(some)], 2)
        if judged is None:
            off = 2 * float(np.abs(error).max())
        else:  # of the mean: what is off at random falls out of it
            off = abs(float(error.mean())) + 2 * float(error.std()) / len(error) ** 0.5
        return single if off <= ENOUGH * change else self

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Which numbers of a window can reach the forecast (step, feature)."""
        asked = self.question
        return reached(asked).reshape(self.x.shape[1:])

    def forecast(self, which: Rows, windows: Array) -> Array:
        """Forecast from windows put in the place of given ones.

        Shapes: which (row,) of int, windows (row, step, feature) -> (row,).
        """
        asked = self.question
        inputs = self.inputs(which, windows)
        states = {
            name: [np.asarray(state)[which] for state in given]
            for name, given in (asked.initial_state or {}).items()
        }

        def part(chunk: slice) -> tuple[Array, ...]:
            some = inputs_of(inputs, chunk)
            carried = states_of(states, chunk)
            return (self.picked(outputs(asked.network, some, initial_state=carried)),)

        return gathered(part, asked.network, inputs)[0]

    def picked(self, outputs: tuple[Array, ...]) -> Array:
        """Take the target from the network's outputs, in double precision from there on."""
        return self.question.target.pick(tuple(one.astype(np.float64) for one in outputs))

    def inputs(self, which: Rows, windows: Array) -> dict[str, Array]:
        """Put windows in the place of given ones: windows (row, step, feature)."""
        asked = self.question
        inputs = {name: array[which] for name, array in asked.inputs.items() if name != asked.of}
        inputs[asked.of] = windows.reshape(len(which), *asked.inputs[asked.of].shape[1:])
        if not self.single:
            return inputs
        # whole numbers may be tokens, which have no precision
        for name, array in inputs.items():
            if array.dtype.kind == "f":
                inputs[name] = array.astype(SINGLE)
        return inputs

    @property
    def enclosing(self) -> int:
        """Numbers of the weights that enclosing both forecasts of `least_move` goes through."""
        apiece = sum(parameters_of(layer) for _, layer in self.question.network.recurrent())
        return 2 * apiece * self.x.shape[1]

    def least_move(self, which: int, window: Array, *, enclosed: bool = True) -> float:
        """Give what a window in the place of another moves the forecast by, at the least.

        Both forecasts are enclosed with their rounding where certificates serve the network; where
        they do not, or would take too long, a share of their size is taken off, and a share of what
        they differ by in single precision. Shapes: window (step, feature).
        """
        both, rows = np.stack([self.x[which], window]), np.array([which, which])
        known = self._enclosed(rows, both) if enclosed else None
        if known is not None:
            apart = max(known.low[1] - known.high[0], known.low[0] - known.high[1])
            return float(apart) * abs(self.question.target.scale) * (1 - 8 * UNIT)
        runs = self.double, replace(self, single=True)
        found, rounded = (run.forecast(rows, both) for run in runs)
        # what single precision rounds shows how far this network carries roundings on
        off = CARRIED * float(np.abs(found - rounded).sum())
        own, other = found.tolist()
        return abs(other - own) - ROUNDING * (abs(own) + abs(other)) - off

    def _enclosed(self, rows: Rows, windows: Array) -> Start | None:
        """Enclose forecasts with their rounding; None where certificates do not serve them."""
        asked = self.question
        if asked.initial_state:
            return None
        inputs = self.double.inputs(rows, windows)
        try:
            return start(asked.network, inputs, asked.target, of=asked.of)
        except UnsupportedModel:
            return None
