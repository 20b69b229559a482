"""The method that is taken where none is asked for: exact if it fits, else secant with an audit.

Exact Owen values of lags and features (`rnnlens.attribution.methods.owen`) answer the question as
it is put, but their cost doubles with each lag and feature. They are taken where

    windows * baselines * cells of one tree  <=  the budget,

for the most newest lags between 10 and the number asked for that fit. Otherwise the secant method
(`rnnlens.attribution.methods.secant`) is taken, against many background windows where such are
given, and the exact values of the lags on a sample of windows say how far it is off
(`rnnlens.attribution.audit`). The result says which it was, and why.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.attribution.audit import Audit, audit
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.games.budget import BUDGET, Choice, Cost
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import Contribution, LagFeatureContribution

__all__ = ["FEWEST_LAGS", "NEWEST", "PER_WINDOW", "Default", "choose", "default"]

#: Cell evaluations that exact values of one window may take.
PER_WINDOW = 2_000_000
#: Newest lags below which exact values are not taken: too much would stand together.
FEWEST_LAGS = 10
#: Lags that are taken one by one where the question does not say, if they fit.
NEWEST = 12


@dataclass(frozen=True)
class Default:
    """Contributions by lag and feature, and how they came about.

    Parameters
    ----------
    choice : Choice
        ``"owen"`` or ``"secant"``.
    contributions : LagFeatureContribution or Contribution
        By lag and feature.
    baseline : Baseline
        What they were measured against.
    audit : Audit, optional
        How far secant is from exact values; none where the values are exact.
    """

    choice: Choice
    contributions: LagFeatureContribution | Contribution
    baseline: Baseline
    audit: Audit | None


def choose(
    question: Question, *, background: Baseline | None = None, budget: int = BUDGET
) -> Choice:
    """Choose between exact Owen values and secant, before anything is run."""
    windows, steps = question.windows, question.steps
    cost = Cost(question, by_feature=True)
    most = min(question.newest_or(NEWEST), steps)
    allowed = min(budget, PER_WINDOW * max(1, windows))
    for lags in range(most, min(most, FEWEST_LAGS) - 1, -1):
        cells = cost.exact(lags)
        if cells is not None and cells <= allowed:
            why = (
                f"exact Owen values: {cells:,} cell evaluations for {windows:,} windows are within "
                f"the budget of {allowed:,}"
            )
            return Choice("owen", why, lags, cells)
    cells = cost.exact(min(most, FEWEST_LAGS))
    takes = "too many coalitions" if cells is None else f"{cells:,} cell evaluations"
    why = (
        f"secant: exact Owen values for {windows:,} windows would take {takes}, beyond the budget "
        f"of {allowed:,}"
    )
    layers = sum(1 for _ in question.network.recurrent())
    passes = 1 + 3 * len((background or question.one_window("auto")).windows)
    return Choice("secant", why, most, windows * passes * steps * layers)


def default(
    question: Question,
    *,
    background: Baseline | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    progress: Progress | None = None,
) -> Default:
    """Split each forecast among lags and features by the best method that the budget allows."""
    baseline = question.one_window("auto")
    choice = choose(question, background=background, budget=budget)
    if choice.method == "owen":
        exact = owen(question.with_newest(choice.newest), progress=progress)
        return Default(choice, exact, baseline, None)
    against = baseline if background is None else background
    question = question.against(against).with_newest(question.newest_or(NEWEST))
    contributions = secant(question, progress=progress)
    checked = audit(question, contributions.contribution, budget=budget, seed=seed)
    return Default(choice, contributions, against, checked)
