"""The method that is taken where none is asked for: exact if it fits, else secant with an audit.

Exact Owen values of lags and features (`rnnlens.attribution.methods.owen`) answer the question as
it is put, but their cost doubles with each lag and feature. They are taken where

    windows * baselines * cells of one tree  <=  the budget,

for the most newest lags between 10 and the number asked for that fit. Otherwise the secant method
(`rnnlens.attribution.methods.secant`) is taken, against many background windows where such are
given; half of the budget brings as many of the newest lags as fit to their exact values in all
windows (`rnnlens.attribution.refined`), and exact values of all lags that the forecast sees say on
a sample of windows how far what was found is off (`rnnlens.attribution.audit`). The audit takes
about a seventh of what the contributions take, and of several targets each has its part of it.
The result says which it was, and why. Where so many lags are asked for one by one as there are,
exact values are taken for all of them or not as the whole answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnlens.attribution.audit import (
    AUDITED,
    SECANT_CELL,
    Audit,
    audit,
    audit_cells,
    can_be_audited,
)
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.games.budget import Choice, Cost
from rnnlens.attribution.games.costs import usual_budget
from rnnlens.attribution.mean_sizes import answer_for_sizes
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.secant import secant, secant_cells
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.refined import Refined, fitting_lags, refined
from rnnlens.attribution.result import Contribution, LagFeatureContribution
from rnnlens.engine.schedule.progress import Parts
from rnnlens.names import clauses, counted, told

__all__ = [
    "FEWEST_LAGS",
    "NEWEST",
    "PER_WINDOW",
    "Default",
    "choose",
    "default",
    "parts_of",
]

#: Cell evaluations that exact values of one window may take where no budget is stated.
PER_WINDOW = 2_000_000
#: Newest lags below which exact values are not taken: too much would stand together.
FEWEST_LAGS = 10
#: Lags that are taken one by one where the question does not say, if they fit.
NEWEST = 12
#: The audit takes this share of what the contributions take, at the most.
AUDIT = 0.15
#: What is said where no exact values can be had of anything.
UNAUDITED = told("not audited: of so many inputs no exact values can be had, name some with of=")


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
        How far secant is from exact values; none where the values are exact, or where none can be
        had.
    exact_lags : int
        Lags whose sums are exact values, from the newest on.
    rounding : float, optional
        Where contributions were made in single precision: what mean sizes are off by, as a part of
        their standard errors.
    """

    choice: Choice
    contributions: LagFeatureContribution | Contribution
    baseline: Baseline
    audit: Audit | None
    exact_lags: int
    rounding: float | None = None


def choose(
    question: Question, *, background: Baseline | None = None, budget: int | None = None
) -> Choice:
    """Choose between exact Owen values and secant, before anything is run."""
    windows, steps = question.windows, question.steps
    cost = Cost(question, by_feature=True)
    most = min(question.newest_or(NEWEST), steps)
    if budget is None:
        allowed = min(usual_budget(question), PER_WINDOW * max(1, windows))
    else:
        allowed = budget
    alone = question.newest is not None and question.newest >= steps
    fewest = most if alone else min(most, FEWEST_LAGS)
    for lags in range(most, fewest - 1, -1):
        cells = cost.exact(lags)
        if cells is not None and cells <= allowed:
            why = told(
                "exact Owen values: {cells:,} cell evaluations for {windows:,} windows are within "
                "the budget of {budget:,}",
                cells=cells,
                windows=windows,
                budget=allowed,
            )
            return Choice("owen", why, lags, cells)
    cells = cost.exact(fewest)
    takes = told("too many coalitions")
    if cells is not None:
        takes = told("{cells:,} cell evaluations", cells=cells)
    why = told(
        "secant: exact Owen values for {windows:,} windows would take {takes}, beyond the budget "
        "of {budget:,}",
        windows=windows,
        takes=takes,
        budget=allowed,
    )
    against = question if background is None else question.against(background)
    return Choice("secant", why, most, secant_cells(against))


def default(
    question: Question,
    *,
    background: Baseline | None = None,
    budget: int | None = None,
    seed: int = 0,
    asked: int = 1,
    mean_sizes: bool = False,
    progress: Progress | None = None,
) -> Default:
    """Split each forecast among lags and features by the best method that the budget allows.

    Where so many targets are asked for, each audits its part of the windows. Where mean sizes are
    all that is asked, it is answered in single precision if that resolves them.
    """
    baseline = question.one_window("auto")
    choice = choose(question, background=background, budget=budget)
    budget = usual_budget(question) if budget is None else budget
    if choice.method == "owen":
        exact = owen(question.with_newest(choice.newest), progress=progress)
        return Default(choice, exact, baseline, None, question.steps)
    against = baseline if background is None else background
    question = question.against(against).with_newest(question.newest_or(NEWEST))
    newest, cells = fitting_lags(question, budget // 2)

    def answer(question: Question, rounding: float | None = None) -> Default:
        with Parts(progress, **_beside_secant(question, choice, budget, asked)) as parts:
            found = secant(question, progress=parts.of("secant"))
            made = refined(question, found, newest, progress=parts.of("refined"))
            checked = None
            if can_be_audited(question):
                checked = audit(
                    question,
                    made.contributions.contribution,
                    budget=_for_audit(budget, choice.cells, made.cells) // asked,
                    most=max(1, AUDITED // asked),
                    beyond=made.newest,
                    known=made.audit,
                    seed=seed,
                    progress=parts.of("audit"),
                )
        said = _said(choice, made)
        if checked is None:
            said = replace(said, why=clauses([said.why, UNAUDITED]))
        return Default(said, made.contributions, against, checked, made.newest, rounding)

    def contributions(question: Question) -> Contribution:
        return refined(question, secant(question), newest).contributions

    if mean_sizes:
        return answer_for_sizes(question, contributions, choice.cells + cells, answer)
    return answer(question)


def parts_of(
    question: Question,
    *,
    background: Baseline | None = None,
    budget: int | None = None,
    asked: int = 1,
) -> dict[str, int]:
    """Say how many cells each part of the answer will take, about, before anything is run.

    That is for one target, where so many are asked for.
    """
    choice = choose(question, background=background, budget=budget)
    budget = usual_budget(question) if budget is None else budget
    if choice.method == "owen":
        return {"owen": choice.cells}
    against = question.one_window("auto") if background is None else background
    question = question.against(against).with_newest(question.newest_or(NEWEST))
    return _beside_secant(question, choice, budget, asked)


def _beside_secant(question: Question, choice: Choice, budget: int, asked: int) -> dict[str, int]:
    """Say what secant takes, what exact lags take, and what the audit: in cells."""
    newest, cells = fitting_lags(question, budget // 2)
    checked = 0
    if can_be_audited(question):
        allowed = _for_audit(budget, choice.cells, cells) // asked
        most = max(1, AUDITED // asked)
        checked = audit_cells(question, budget=allowed, most=most, beyond=newest)
    return {"secant": choice.cells, "refined": cells, "audit": checked}


def _for_audit(budget: int, secant_cells: int, refined_cells: int) -> int:
    """Give the cells that an audit may take beside contributions that take so many."""
    return min(budget // 2, int(AUDIT * (SECANT_CELL * secant_cells + refined_cells)))


def _said(choice: Choice, made: Refined) -> Choice:
    """Add what was made exact to what is said of the choice."""
    if not made.newest:
        return choice
    exact = counted(
        made.newest,
        "the newest lag, and all older ones together, brought to exact Shapley values by {cells:,} "
        "more",
        "the newest {count} lags, and all older ones together, brought to exact Shapley values by "
        "{cells:,} more",
        cells=made.cells,
    )
    return replace(choice, why=clauses([choice.why, exact]), cells=choice.cells + made.cells)
