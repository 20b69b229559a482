"""What replacing a part of the windows does to the loss of a network's forecasts.

For window i, m draws and a loss L,

    d_i = mean over draws of L(y_i, f(window with the part drawn anew)) - L(y_i, f(window))

With actuals y the mean of d says how much worse *this* network forecasts without what only the
part can tell it. Without actuals the forecast itself stands for y: then d_i is the size of the
forecast's change, which is never negative, and nothing is said about whether forecasts got worse.

Forecasts of which parts are replaced are made in single precision where that resolves a change of
the mean loss that is said to matter (`Losses.resolving`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.attribution.dependence import dependence_length
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.replaced import OwnRun, Replaced
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.statistics.loss import LOSS_TEXTS, LOSSES, check_loss
from rnnlens.evidence.statistics.one_step import (
    changes_of_steps,
    own_run_of,
    worth_sharing,
)
from rnnlens.evidence.statistics.parts import Part
from rnnlens.evidence.statistics.replacement import Replacement, blocks
from rnnlens.evidence.statistics.resting import (
    heavy_tails,
    stretched,
    windows_carrying,
    windows_needed,
)
from rnnlens.evidence.statistics.samplers import Sampler, hidden_draws, side_by_side
from rnnlens.names import told

__all__ = ["LossChange", "Losses", "Margin", "make_margin"]

Array = NDArray[np.float64]

#: Margin where none is given: this share of the mean loss.
SHARE = 0.01
#: Numbers drawn for parts of one step that are kept at once: 256 MB.
DRAWN = 32_000_000
#: Windows whose draws are held against them at once.
SUMMED = 256


@dataclass(frozen=True, eq=False)
class LossChange:
    """What replacing one part did.

    Parameters
    ----------
    change : array (sample,)
        Of the loss, the mean over draws; exactly zero where the weights show that nothing of the
        part reaches the forecast, which is not run then.
    moved : array (sample,)
        How far the forecast itself moved, in the same loss.
    variance_left : float
        How much of their variance the part's numbers have left once the rest of the window is
        known; of the number that has most. Near 0, replacing the part changes nothing in it; NaN
        where it was not drawn.
    """

    change: Array
    moved: Array
    variance_left: float

    @cached_property
    def length(self) -> float:
        """How long neighbouring windows depend on each other, in windows.

        Of how far forecasts moved: errors that are large for long change signs of their own, and
        make no mean uncertain.
        """
        return dependence_length(self.moved)

    @cached_property
    def resting_on(self) -> float:
        """On how many windows the mean change rests; NaN where nothing changed at all."""
        sizes = windows_carrying(np.abs(self.change)), windows_carrying(self.moved)
        return min(sizes) / self.length

    @cached_property
    def heaviness(self) -> float:
        """How much more uneven the moves are than those of normal inputs, 1 where they are not."""
        return heavy_tails(self.moved)

    @property
    def stretch(self) -> float:
        """What the error of the mean change is multiplied by for the tails of the moves."""
        return stretched(self.heaviness, self.resting_on)

    @property
    def needed(self) -> int:
        """On how many windows the change must rest for it to be called small."""
        return windows_needed(self.heaviness)

    def rests_on_few(self, margin: float) -> bool:
        """Say whether too few windows carry the change for it to be called within a margin."""
        # where no window changed by the margin, a few that changed by a rounding are no reason to
        # doubt; where nothing changed at all the count is NaN
        largest = max(float(np.abs(self.change).max()), float(self.moved.max()))
        return self.resting_on < self.needed and largest > margin


@dataclass(frozen=True, eq=False)
class Losses:
    """The loss of a network's forecasts, with and without parts of their windows.

    Parameters
    ----------
    replacement : Replacement
        The network and its windows.
    sampler : Sampler
        Draws what stands in for a part.
    y : array (sample,), optional
        Actuals, in the target's own unit; the forecast itself where not given.
    loss : {"squared", "absolute"}
        Of the error.
    draws : int
        Draws that a window's loss is averaged over.
    seed : int
        Of the draws.
    runs : Replacement, optional
        What forecasts from windows with replaced parts; the replacement itself where not given.

    Raises
    ------
    InputError
        If the loss is not known or there is to be no draw.
    DataError
        If the actuals do not fit the windows or hold NaN.
    """

    replacement: Replacement
    sampler: Sampler
    y: ArrayLike | None = None
    loss: str = "squared"
    draws: int = 5
    seed: int = 0
    runs: Replacement | None = None

    def __post_init__(self) -> None:
        check_loss(self.loss)
        if self.draws < 1:
            raise InputError(f"the number of draws must be 1 or more, but is {self.draws}")
        asked = self.replacement.question
        if asked.inputs[asked.of].ndim < 3:
            raise DataError(
                f"drawing parts of windows needs numbers, but input {asked.of!r} holds tokens: "
                "bound what observed tokens do instead (a scenario)"
            )
        if self.y is None:
            return
        y = np.asarray(self.y, dtype=np.float64)
        count = len(self.replacement.x)
        if y.shape != (count,):
            raise DataError(
                f"actuals must have shape ({count},), one a window, but came with {y.shape}"
            )
        if not np.isfinite(y).all():
            raise DataError(
                f"the actual of window {int(np.flatnonzero(~np.isfinite(y))[0])} is missing: "
                "leave windows without an actual out"
            )

    @property
    def blind(self) -> bool:
        """Whether no actuals are known, so that only how far forecasts move is seen."""
        return self.y is None

    @property
    def question(self) -> str:
        """Which question the change of the loss answers, in words."""
        if self.blind:
            return told(
                "how far forecasts move: the {loss} change of the forecast itself",
                loss=LOSS_TEXTS[self.loss],
            )
        return told(
            "how much worse this network forecasts: the change of its {loss} error",
            loss=LOSS_TEXTS[self.loss],
        )

    @cached_property
    def actual(self) -> Array:
        """What forecasts are held against (sample,)."""
        return self.replacement.own if self.y is None else np.asarray(self.y, dtype=np.float64)

    @cached_property
    def own(self) -> Array:
        """The loss of the forecasts themselves (sample,)."""
        return LOSSES[self.loss](self.replacement.own - self.actual)

    @property
    def replaced(self) -> Replacement:
        """What forecasts from windows with replaced parts."""
        return self.replacement if self.runs is None else self.runs

    @cached_property
    def _own_run(self) -> OwnRun | None:
        """What windows themselves come to, where runs begin from it."""
        return own_run_of(self.replaced)

    def resolving(self, margin: float) -> Losses:
        """Give the same in single precision, where that resolves a margin of the mean loss."""

        def judged(which: NDArray[np.int64], forecast: Array) -> Array:
            return LOSSES[self.loss](forecast - self.actual[which])

        return replace(self, runs=self.replacement.resolving(margin, judged))

    def changes(
        self, parts: Sequence[Part], progress: Callable[[int, int], None] | None = None
    ) -> list[LossChange]:
        """Replace each part by itself in every window; those of some steps of long ones at once."""
        runs, made = self.replaced, []
        if len(parts) > 1 and worth_sharing(runs, parts):
            numbers = max(len(part.places) for part in parts)
            each = max(1, DRAWN // (len(runs.x) * self.draws * numbers))
            for first in range(0, len(parts), each):
                some = parts[first : first + each]
                told = None if progress is None else _within(progress, first, len(some), len(parts))
                made += self._of_steps(some, told)
            return made
        for part in parts:
            made.append(self.change(part))
            if progress:
                progress(len(made), len(parts))
        return made

    def change(self, part: Part) -> LossChange:
        """Replace a part of every window and see what that does to the loss."""
        if worth_sharing(self.replaced, [part]):
            return self._of_steps([part])[0]
        x, draws, rng = self.replacement.x, self.draws, self._rng(part)
        if not self._reaches(part):
            return self._nothing()
        forecast, drawn = np.empty(len(x) * draws), np.zeros(len(part.places))
        for block in blocks(len(x), x[0].size * draws):
            windows = self.sampler.draw(x[block], part.hidden, draws, rng)
            away = windows[:, :, part.hidden] - x[block][:, None, part.hidden]
            drawn += (away**2).sum(axis=(0, 1))
            which = np.arange(block.start, block.stop).repeat(draws)
            rows = slice(block.start * draws, block.stop * draws)
            whole = windows.reshape(-1, *x.shape[1:])
            forecast[rows] = self.replaced.forecast(which, whole)
        return self._judged(part, forecast, drawn)

    def _of_steps(
        self, parts: Sequence[Part], progress: Progress | None = None
    ) -> list[LossChange]:
        """Replace parts of some steps each, so that windows are followed once for all of them."""
        x, draws = self.replacement.x, self.draws
        flat, which = x.reshape(len(x), -1), np.arange(len(x)).repeat(draws)
        reaching = [part for part in parts if self._reaches(part)]
        drawn = [np.zeros(len(part.places)) for part in reaching]
        values = [np.empty((len(x) * draws, len(squares))) for squares in drawn]

        def draw(k: int) -> None:
            part, rng = reaching[k], self._rng(reaching[k])
            for block in blocks(len(x), x[0].size * draws):
                new = hidden_draws(self.sampler, x[block], part.hidden, draws, rng)
                drawn[k] += _squares(flat[block], part.places, new)
                rows = slice(block.start * draws, block.stop * draws)
                values[k][rows] = new.reshape(-1, new.shape[2])

        side_by_side(self.sampler, draw, len(reaching))
        pairs = zip(reaching, values, strict=True)
        asked = [_replaced(x, part, which, of_part) for part, of_part in pairs]
        changes = iter(changes_of_steps(self.replaced, asked, progress, self._own_run))
        own, squares = self.replaced.own[which], iter(drawn)
        return [
            self._judged(part, own + next(changes), next(squares))
            if self._reaches(part)
            else self._nothing()
            for part in parts
        ]

    def _rng(self, part: Part) -> np.random.Generator:
        """Give a part's own generator: its draws follow from the seed and from what it hides."""
        return np.random.default_rng([self.seed, *part.places.tolist()])

    def _reaches(self, part: Part) -> bool:
        return part.meets(self.replacement.reached)

    def _nothing(self) -> LossChange:
        count = len(self.replacement.x)
        return LossChange(np.zeros(count), np.zeros(count), float("nan"))

    def _judged(self, part: Part, forecast: Array, drawn: Array) -> LossChange:
        """Say what forecasts (sample * draw,) do to the loss, from squares of what was drawn."""
        x, draws, loss = self.replacement.x, self.draws, LOSSES[self.loss]
        which, own = np.arange(len(x)).repeat(draws), self.replaced.own
        actual = own if self.blind else self.actual
        more = loss(forecast - actual[which]) - loss(own - actual)[which]
        far = loss(forecast - own[which])
        # a number and its draw lie twice the variance that is left apart, in the mean square
        variance = x.reshape(len(x), -1)[:, part.places].var(axis=0)
        share = drawn / (2 * len(x) * draws) / np.where(variance > 0, variance, np.inf)
        change, moved = (one.reshape(-1, draws).mean(axis=1) for one in (more, far))
        return LossChange(change, moved, float(share.max()))


def _squares(x: Array, places: NDArray[np.int64], drawn: Array) -> Array:
    """Sum how far draws lie from windows, squared.

    Shapes: x (sample, number), places (hidden,) of int, drawn (sample, draw, hidden) -> (hidden,).
    """
    firsts = range(0, len(x), SUMMED)
    sums = np.empty((len(firsts), len(places)))

    def add(k: int) -> None:
        some = slice(firsts[k], firsts[k] + SUMMED)
        away = drawn[some] - x[some, None, places]
        np.einsum("sdn,sdn->n", away, away, out=sums[k])

    each(add, [(k,) for k in range(len(firsts))])
    return sums.sum(axis=0)


def _replaced(x: Array, part: Part, which: NDArray[np.int64], values: Array) -> Replaced:
    """Put values (row, hidden number) in the place of what a part hides."""
    (first, count), touched = part.span, part.touched
    hidden = part.hidden[touched]

    def held(rows: NDArray[np.int64]) -> Array:
        if hidden.all():
            return values[rows].reshape(len(rows), *hidden.shape)
        steps = x[which[rows], touched]
        steps[:, hidden] = values[rows]
        return steps

    return Replaced(first, count, which, held)


def _within(progress: Progress, first: int, some: int, every: int) -> Progress:
    """Tell of some parts as of a share of all of them."""
    return lambda done, total: progress(first + some * done // total, every)


@dataclass(frozen=True)
class Margin:
    """The change of the loss that counts as none.

    Parameters
    ----------
    value : float
        In units of the loss.
    text : str
        Where it comes from.
    """

    value: float
    text: str


def make_margin(losses: Losses, margin: float | None, share: float = SHARE) -> Margin:
    """Give the margin that was asked for, or a share of the loss."""
    if margin is None:
        if losses.blind:
            raise InputError(
                "without actuals there is no loss to take a share of: give the actuals, or a "
                f"margin for the {losses.loss} change of the forecast"
            )
        value = share * float(losses.own.mean())
        text = told(
            "{share:g} % of the mean {loss} error", share=100 * share, loss=LOSS_TEXTS[losses.loss]
        )
    else:
        value, text = float(margin), told("as given")
    if not value > 0:
        raise InputError(
            f"the margin must be above zero, but is {value:g}: no number of windows shows a change "
            "to be exactly nothing; state one that does not matter to you"
        )
    return Margin(value, text)
