"""How many lags are taken one by one where the question does not say, and several inputs play.

One input has a number that each method states. Several inputs bring as many players a lag as there
are sequences, and the cost doubles with each; so the most lags are taken whose exact values fit the
usual budget, at least one, and the result says how many these are.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.attribution.games.costs import MOST_PLAYERS, exact_cells, usual_budget
from rnnlens.attribution.question import Question
from rnnlens.names import clauses, counted, told

__all__ = ["Fitted", "fitted", "fitting"]


@dataclass(frozen=True)
class Fitted:
    """How many lags of every sequence are players of their own.

    Parameters
    ----------
    newest : int
        So many.
    why : str
        In words, with the numbers; empty where it was asked for or is the method's own number.
    """

    newest: int
    why: str = ""


def fitted(question: Question, usual: int, *, by_feature: bool) -> Fitted:
    """Give the lags that are asked for; else the usual number, or what several inputs leave."""
    if question.newest is not None:
        return Fitted(question.newest)
    if question.layout is None:
        fit = (k for k in range(usual, 0, -1) if question.players(k).count <= MOST_PLAYERS)
        return Fitted(next(fit, usual))
    budget = usual_budget(question)
    longest = max((one.steps for one in question.layout.inputs if one.lags), default=1)
    most = min(usual, longest)
    cells = {k: exact_cells(question, k, by_feature=by_feature) for k in range(most, 0, -1)}
    fit = (k for k, taken in cells.items() if taken is not None and taken <= budget)
    newest = next(fit, 1)
    lags = counted(newest, "the newest lag", "the {count} newest lags")
    why = told(
        "exact: {lags} of each input one by one, {cells:,} cells",
        lags=told("all lags") if newest == longest else lags,
        cells=cells[newest] or 0,
    )
    if newest < most:
        more = cells[newest + 1]
        beyond = told(
            "{lags} would take {takes}, beyond the budget of {budget:,}",
            lags=newest + 1,
            takes=told("more coalitions than memory holds") if more is None else f"{more:,}",
            budget=budget,
        )
        why = clauses([why, beyond])
    return Fitted(newest, why)


def fitting(question: Question, usual: int, *, by_feature: bool) -> int:
    """Give the lags that `fitted` finds."""
    return fitted(question, usual, by_feature=by_feature).newest
