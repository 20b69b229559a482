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
from rnnlens.evidence.statistics.dependent_mean import dependent_means
from rnnlens.evidence.statistics.equivalence import check_alpha, note_of
from rnnlens.evidence.statistics.losses import Losses, make_margin
from rnnlens.evidence.statistics.parts import Part, older_part
from rnnlens.names import declared

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
    left : array (lag,)
        Share of their variance that newer lags leave; of the number that has most. NaN where
        nothing was drawn.
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
    left: Array = declared("lag")
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
        level = f"at {100 * self.alpha:g} % family-wise"
        if self.looks_back == self.steps:
            return (
                f"no lag of the window of {self.steps} could be shown to change nothing beyond the "
                f"margin of {self.margin:.3g}, {level}"
            )
        if self.looks_back == 0:
            return f"no lag changes anything beyond the margin of {self.margin:.3g}, {level}"
        return (
            f"everything older than t-{self.looks_back} together changes nothing beyond the margin "
            f"of {self.margin:.3g}, {level}"
        )


def horizon(
    losses: Losses,
    *,
    lags: Sequence[int] | None = None,
    held: Sequence[int] = (),
    margin: float | None = None,
    margin_share: float = 0.01,
    alpha: float = 0.05,
    errors: str = "cosine",
    block_length: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Horizon:
    """Find how many of the newest lags a network needs, by tests from the oldest lag on."""
    check_alpha(alpha)
    limit = make_margin(losses, margin, margin_share)
    shape = losses.of.x.shape[1], losses.of.x.shape[2]
    asked = range(1, shape[0] + 1) if lags is None else set(lags)
    parts = [older_part(shape, lag, held=held) for lag in sorted(asked, reverse=True)]
    if not parts:
        raise InputError("there is no lag to test: give at least one")
    rows, how, looks_back = [], "", shape[0]
    for done, part in enumerate(parts):
        row, how = _test(losses, part, limit.value, alpha, errors, block_length)
        rows.append(row)
        if progress:
            progress(done + 1, len(parts))
        if not (row[4] <= alpha and (row[4] == 0 or not note_of(row[5]))):
            break
        looks_back = part.lags[0] - 1
    lag_from, change, low, high, p, left = np.array(rows).T
    return Horizon(
        lag_from=lag_from.astype(np.int64),
        change=change,
        change_low=low,
        change_high=high,
        p_equivalent=p,
        left=left,
        looks_back=looks_back,
        steps=shape[0],
        loss=float(losses.own.mean()),
        margin=limit.value,
        margin_text=limit.text,
        question=losses.question,
        errors=how,
        sampler=losses.sampler.text,
        alpha=alpha,
        draws=losses.draws,
        samples=len(losses.of.x),
    )


def _test(
    losses: Losses, part: Part, margin: float, alpha: float, errors: str, block_length: int | None
) -> tuple[tuple[float, ...], str]:
    """Test one claim; the newest lag, change, interval, p-value and variance left, and how."""
    found = losses.change(part)
    series = found.change[:, None]
    means, how = dependent_means(series, how=errors, block_length=block_length, seed=losses.seed)
    reached = (losses.of.reached & part.hidden).any()
    p = means[0].within(margin) if reached else 0.0
    low, high = means[0].interval(1 - 2 * alpha)
    return (part.lags[0], means[0].mean, low, high, p, found.left), how
