"""Tests of whether a network uses a lag, or whether replacing it changes nothing that matters.

Each part is replaced by draws from its distribution given the rest of the window
(`rnnlens.evidence.statistics.samplers`), and the change of the loss is tested in both directions:

- *equivalent*: two one-sided tests (Schuirmann 1987) reject that the mean change is as large as
  the margin, on either side. This is a positive claim; failing to find a change never makes it.
- *used*: a one-sided test of Diebold and Mariano (1995) rejects that the change is not above zero;
  without actuals, where changes are never negative, that it is not above the margin.
- *undecided*: neither.
- *structural*: the weights show that the part never reaches the forecast: there is no p-value.

A part that is both, changed for certain and by less than the margin, is *equivalent*. Errors allow
for the dependence of overlapping windows and for skewed changes
(`rnnlens.evidence.statistics.dependent_mean`); p-values are corrected for the number of parts, use
and equivalence each as one family. Where few windows carry the change
(`rnnlens.evidence.statistics.resting`) the p-value of equivalence is 1, whatever the mean: what a
rare value does is not known from a handful of them.

What is tested is *this* network's loss. Whether another one, trained without the part, would do as
well is another question; and where the network uses a part for nothing, so that its forecasts move
and get no worse, the part is equivalent (without actuals, that it moves them counts).

The windows should not be those that the network was trained on. The sampler should be made from
others, best several times as many, such as the training windows: its own error is in no interval
(simulated: 5 % tests made from the 200 to 1,000 tested windows themselves are wrong in 6 to 9 % of
sets). One that does not fit gives wrong answers (`rnnlens.evidence.statistics.sampler_fit`). A part
that the rest determines is never shown to be irrelevant: replacing it hardly changes it. Cost: ``T
* draws`` cell evaluations a recurrent layer, window and part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError
from rnnlens.evidence.statistics.criterion import USUAL, Criterion
from rnnlens.evidence.statistics.dependent_mean import DependentMean
from rnnlens.evidence.statistics.losses import Losses, make_margin
from rnnlens.evidence.statistics.multiplicity import CORRECTIONS, adjusted
from rnnlens.evidence.statistics.parts import Part
from rnnlens.evidence.statistics.resting import FROM_FEW, few_note
from rnnlens.names import declared, told

__all__ = [
    "LEAST_LEFT",
    "VERDICTS",
    "Equivalence",
    "equivalence",
    "note_of",
    "verdict",
]

Array = NDArray[np.float64]

#: What is said of a part that does harm.
BETTER_WITHOUT = told("forecasts are better without it, by more than the margin")
#: The verdicts, strongest first.
VERDICTS = ("structural", "equivalent", "used", "undecided")
#: A part of whose variance the rest of the window leaves less than this is as good as determined
#: by it: its draws lie within a hundredth of its standard deviation.
LEAST_LEFT = 1e-4


@dataclass(frozen=True, eq=False, kw_only=True)
class Equivalence:
    """What replacing each part does to the loss, with tests and a verdict.

    Parameters
    ----------
    change : array (part,)
        Mean change of the loss; above zero the network forecasts worse without the part.
    change_low, change_high : array (part,)
        Interval at ``1 - 2 alpha``, not corrected for the number of parts: a part is equivalent
        at alpha, by itself, where it lies within the margin.
    error : array (part,)
        Standard error of the change; zero where nothing ever changed.
    p_equivalent, p_used : array (part,)
        Of the test of equivalence and of use, corrected; NaN where the part is structural.
    variance_left : array (part,)
        Share of the part's variance that the rest of the window leaves; NaN where structural.
    resting_on : array (part,)
        On how many windows the change rests; NaN where nothing changed.
    verdict : array (part,) of str
        One of `VERDICTS`.
    note : array (part,) of str
        What a reader must know of the part, or empty.
    title : array (part,) of str
        What each part is called.
    lag_from, lag_to : array (part,) of int
        Newest and oldest lag of each.
    loss : float
        Mean loss of the forecasts themselves.
    margin : float
        In units of the loss.
    margin_text, question, correction, errors, sampler : str
        Where the margin comes from, which question is answered, and how.
    blind : bool
        Whether no actuals are known: then the question is how far forecasts move.
    alpha : float
        Chance of a wrong verdict, as the correction understands it.
    draws, samples : int
        Draws a window, and windows.
    """

    change: Array = declared("part")
    change_low: Array = declared("part")
    change_high: Array = declared("part")
    error: Array = declared("part")
    p_equivalent: Array = declared("part")
    p_used: Array = declared("part")
    variance_left: Array = declared("part")
    resting_on: Array = declared("part")
    verdict: NDArray[np.str_] = declared("part")
    note: NDArray[np.object_] = declared("part")
    title: NDArray[np.str_] = declared("part")
    lag_from: NDArray[np.int64] = declared("part")
    lag_to: NDArray[np.int64] = declared("part")
    loss: float
    margin: float
    margin_text: str
    question: str
    blind: bool
    correction: str
    errors: str
    sampler: str
    alpha: float
    draws: int
    samples: int


def note_of(variance_left: float) -> str:
    """Say why a part cannot be shown to be irrelevant, if it cannot.

    Examples
    --------
    >>> note_of(0.3), note_of(0.0)
    ('', 'it never changes in these windows, so that replacing it says nothing')
    """
    if not variance_left < LEAST_LEFT:  # NaN where nothing was drawn
        return ""
    if variance_left == 0:
        return told("it never changes in these windows, so that replacing it says nothing")
    return told(
        "the rest of the window leaves {share:.1g} of its variance, so that replacing it alone "
        "says nothing: test it together with what determines it",
        share=float(variance_left),
    )


def verdict(*, unreached: bool, note: str, p_equivalent: float, p_used: float, alpha: float) -> str:
    """Give the verdict that follows from the numbers.

    Examples
    --------
    >>> verdict(unreached=False, note="", p_equivalent=0.003, p_used=0.02, alpha=0.05)
    'equivalent'
    >>> verdict(unreached=False, note="", p_equivalent=0.4, p_used=0.3, alpha=0.05)
    'undecided'
    """
    if unreached:
        return "structural"
    if p_equivalent <= alpha and not note:
        return "equivalent"
    return "used" if p_used <= alpha else "undecided"


def equivalence(
    losses: Losses,
    parts: Sequence[Part],
    criterion: Criterion = USUAL,
    *,
    correction: str = "holm",
    progress: Callable[[int, int], None] | None = None,
) -> Equivalence:
    """Test whether replacing each part changes the loss by less than a margin, or at all."""
    if not parts:
        raise InputError("there is no part to test: give at least one lag, feature or group")
    limit, alpha = make_margin(losses, criterion.margin, criterion.margin_share), criterion.alpha
    reached = losses.replacement.reached
    tested = np.array([part.meets(reached) for part in parts])
    changes = losses.changes(parts, progress)
    series = np.stack([one.change for one in changes], axis=1)
    means, how = criterion.means(
        series,
        losses.seed,
        [one.length for one in changes],
        [one.stretch for one in changes],
    )
    few = np.array([one.rests_on_few(limit.value) for one in changes])
    p_equivalent, p_used = (
        adjusted(np.where(tested, p, np.nan), correction)
        for p in _p_values(means, few, limit.value, blind=losses.blind)
    )
    ends = np.array([mean.interval(1 - 2 * alpha) for mean in means])
    notes = [note_of(one.variance_left) for one in changes]
    words = [
        verdict(unreached=not reaches, note=note, p_equivalent=p, p_used=q, alpha=alpha)
        for reaches, note, p, q in zip(tested, notes, p_equivalent, p_used, strict=True)
    ]
    for k in np.flatnonzero(few):
        notes[k] = notes[k] or few_note(changes[k].resting_on, changes[k].needed)
    for k in np.flatnonzero(ends[:, 1] < -limit.value):
        notes[k] = notes[k] or BETTER_WITHOUT
    return Equivalence(
        change=np.array([mean.mean for mean in means]),
        change_low=ends[:, 0],
        change_high=ends[:, 1],
        error=np.array([mean.error for mean in means]),
        p_equivalent=p_equivalent,
        p_used=p_used,
        variance_left=np.array([one.variance_left for one in changes]),
        resting_on=np.array([one.resting_on for one in changes]),
        verdict=np.array(words),
        note=np.array(notes, dtype=object),
        title=np.array([part.title for part in parts]),
        lag_from=np.array([part.lags[0] for part in parts]),
        lag_to=np.array([part.lags[1] for part in parts]),
        loss=float(losses.own.mean()),
        margin=limit.value,
        margin_text=limit.text,
        question=losses.question,
        blind=losses.blind,
        correction=CORRECTIONS[correction],
        errors=how,
        sampler=losses.sampler.text,
        alpha=alpha,
        draws=losses.draws,
        samples=len(series),
    )


def _p_values(
    means: Sequence[DependentMean], few: NDArray[np.bool_], margin: float, *, blind: bool
) -> tuple[Array, Array]:
    """Give the p-values of equivalence and of use, not corrected; few (part,)."""
    # a forecast's own change is never below zero: to be used is to move it beyond the margin
    least = margin if blind else 0.0
    p_equivalent = np.array([mean.within(margin) for mean in means])
    p_used = np.array([mean.above(least) for mean in means])
    return np.where(few, 1.0, p_equivalent), np.where(few, np.minimum(1, FROM_FEW * p_used), p_used)
