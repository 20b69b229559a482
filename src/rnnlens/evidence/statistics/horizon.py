"""How far back a network looks, with a guarantee: everything older changes nothing that matters.

The claim "lags k and older, replaced together, change the loss by less than the margin" is tested
for the oldest lag first, then for one lag more at a time, each at the full alpha, up to the first
that fails. Because the order is fixed beforehand and nothing is tested after a failure, the chance
that any of the claims made is wrong is at most alpha (fixed-sequence testing; Maurer, Hothorn and
Lehmacher 1995): it is wrong only if the first wrong claim in the order is made, and that is one
test. The lags are drawn together from their distribution given all newer ones
(`rnnlens.evidence.statistics.samplers`). Cost: ``T * draws`` cell evaluations a recurrent layer,
window and lag tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError
from rnnlens.evidence.statistics.criterion import USUAL, Criterion
from rnnlens.evidence.statistics.equivalence import note_of
from rnnlens.evidence.statistics.losses import Losses, make_margin
from rnnlens.evidence.statistics.parts import Part, older_part
from rnnlens.evidence.statistics.resting import few_note
from rnnlens.names import clauses, declared, told

__all__ = ["Horizon", "horizon"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Horizon:
    """The lags that were tested, oldest first, up to the first that could not be left out.

    Parameters
    ----------
    lag_from : array (lag,) of int
        All lags from this one to the oldest were replaced together.
    change : array (lag,)
        Mean change of the loss.
    change_low, change_high : array (lag,)
        Interval at ``1 - 2 alpha``.
    p_equivalent : array (lag,)
        Of the test of equivalence; 0 where the weights show that nothing reaches the forecast.
    variance_left : array (lag,)
        Share of their variance that newer lags leave; of the number that has most. NaN where
        nothing was drawn.
    resting_on : array (lag,)
        On how many windows the change rests; NaN where nothing changed. Too few are never called
        within the margin (`rnnlens.evidence.statistics.resting`).
    stopped_by : str
        Why the last claim could not be made whatever its mean, or empty.
    looks_back : int
        Lags that could not be left out; all older ones together change nothing beyond the margin.
    steps : int
        Lags of a window.
    loss : float
        Mean loss of the forecasts themselves.
    margin : float
        In units of the loss.
    margin_text, question, errors, sampler : str
        Where the margin comes from, which question is answered, and how.
    alpha : float
        Chance that any of the claims is wrong.
    draws, samples : int
        Draws a window, and windows.
    """

    lag_from: NDArray[np.int64] = declared("lag")
    change: Array = declared("lag")
    change_low: Array = declared("lag")
    change_high: Array = declared("lag")
    p_equivalent: Array = declared("lag")
    variance_left: Array = declared("lag")
    resting_on: Array = declared("lag")
    stopped_by: str
    looks_back: int
    steps: int
    loss: float
    margin: float
    margin_text: str
    question: str
    errors: str
    sampler: str
    alpha: float
    draws: int
    samples: int

    @property
    def sentence(self) -> str:
        """What was shown, in words."""
        values = {
            "steps": self.steps,
            "lag": self.looks_back,
            "margin": self.margin,
            "level": 100 * self.alpha,
        }
        if self.looks_back == self.steps:
            said = told(
                "no lag of the window of {steps} could be shown to change nothing beyond the "
                "margin of {margin:.3g}, at {level:g} % family-wise",
                **values,
            )
        elif self.looks_back == 0:
            said = told(
                "no lag changes anything beyond the margin of {margin:.3g}, at {level:g} % "
                "family-wise",
                **values,
            )
        else:
            said = told(
                "everything older than t-{lag} together changes nothing beyond the margin of "
                "{margin:.3g}, at {level:g} % family-wise",
                **values,
            )
        stopped = told("no further: {why}", why=self.stopped_by)
        return clauses([said, stopped]) if self.stopped_by else said


@dataclass(frozen=True)
class _Claim:
    """The test of one claim: that a lag and all older ones change nothing that matters."""

    part: Part
    change: float
    change_low: float
    change_high: float
    p_equivalent: float
    variance_left: float
    resting_on: float
    needed: int
    few: bool

    @property
    def note(self) -> str:
        """Why it cannot be made whatever the mean is, if it cannot."""
        return note_of(self.variance_left) or (
            few_note(self.resting_on, self.needed) if self.few else ""
        )

    def holds(self, alpha: float) -> bool:
        """Say whether it may be made."""
        if not self.p_equivalent <= alpha:
            return False
        # with a p-value of exactly 0 nothing moved at all, however little was drawn anew
        return self.p_equivalent == 0 or not note_of(self.variance_left)


def horizon(
    losses: Losses,
    criterion: Criterion = USUAL,
    *,
    lags: Sequence[int] | None = None,
    held: Sequence[int] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Horizon:
    """Find how many of the newest lags a network needs, by tests from the oldest lag on."""
    limit = make_margin(losses, criterion.margin, criterion.margin_share)
    x = losses.replacement.x
    shape = x.shape[1], x.shape[2]
    asked = range(1, shape[0] + 1) if lags is None else set(lags)
    parts = [older_part(shape, lag, held=held) for lag in sorted(asked, reverse=True)]
    if not parts:
        raise InputError("there is no lag to test: give at least one")
    claims, how, looks_back = [], "", shape[0]
    for done, part in enumerate(parts):
        claim, how = _test(losses, part, limit.value, criterion)
        claims.append(claim)
        if progress:
            progress(done + 1, len(parts))
        if not claim.holds(criterion.alpha):
            break
        looks_back = part.lags[0] - 1
    return Horizon(
        lag_from=np.array([claim.part.lags[0] for claim in claims], dtype=np.int64),
        change=np.array([claim.change for claim in claims]),
        change_low=np.array([claim.change_low for claim in claims]),
        change_high=np.array([claim.change_high for claim in claims]),
        p_equivalent=np.array([claim.p_equivalent for claim in claims]),
        variance_left=np.array([claim.variance_left for claim in claims]),
        resting_on=np.array([claim.resting_on for claim in claims]),
        stopped_by="" if claims[-1].holds(criterion.alpha) else claims[-1].note,
        looks_back=looks_back,
        steps=shape[0],
        loss=float(losses.own.mean()),
        margin=limit.value,
        margin_text=limit.text,
        question=losses.question,
        errors=how,
        sampler=losses.sampler.text,
        alpha=criterion.alpha,
        draws=losses.draws,
        samples=len(x),
    )


def _test(losses: Losses, part: Part, margin: float, criterion: Criterion) -> tuple[_Claim, str]:
    """Test one claim, and say how errors were estimated."""
    replaced = losses.change(part)
    spread = [replaced.length], [replaced.stretch]
    means, how = criterion.means(replaced.change[:, None], losses.seed, *spread)
    reached = part.meets(losses.replacement.reached)
    few = replaced.rests_on_few(margin)
    p = (1.0 if few else means[0].within(margin)) if reached else 0.0
    low, high = means[0].interval(1 - 2 * criterion.alpha)
    claim = _Claim(
        part,
        means[0].mean,
        low,
        high,
        p,
        variance_left=replaced.variance_left,
        resting_on=replaced.resting_on,
        needed=replaced.needed,
        few=few,
    )
    return claim, how
