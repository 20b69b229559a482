"""Exact values where they fit a budget of cell evaluations, sampled ones otherwise.

A cell evaluation is one recurrent layer, one step, one window. What exact values take is known
beforehand (`rnnlens.attribution.methods.shapley_tree`, `rnnlens.attribution.methods.owen`), so the
choice is made before anything runs, and the result says which it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rnnlens.attribution.games.costs import (
    BUDGET,
    StepCost,
    exact_cells,
    games_per_window,
    step_cost,
)
from rnnlens.attribution.games.order_batches import MOST_PAIRS, Stop, cells_of_pairs
from rnnlens.attribution.games.orders import Atoms
from rnnlens.attribution.methods import owen as owen_values
from rnnlens.attribution.methods import shapley_tree as tree
from rnnlens.attribution.methods.permutation import (
    permutation_of_lags,
    permutation_of_lags_and_features,
)
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import LagContribution, LagFeatureContribution
from rnnlens.errors import DataError
from rnnlens.names import counted, told

__all__ = ["BUDGET", "Choice", "Cost", "Limits", "Within", "within"]


@dataclass(frozen=True)
class Choice:
    """Which method was taken, and why.

    Parameters
    ----------
    method : str
        ``"tree"``, ``"owen"``, ``"permutation"`` or ``"secant"``.
    why : str
        In words, with the numbers.
    newest : int
        Lags that are players of their own.
    cells : int
        Cell evaluations that the method takes, or for ``"permutation"`` may take.
    """

    method: str
    why: str
    newest: int
    cells: int


@dataclass(frozen=True)
class Within:
    """Values, and how they came about.

    Parameters
    ----------
    choice : Choice
        Exact or sampled.
    values : LagContribution or LagFeatureContribution
        With standard errors where they are sampled.
    """

    choice: Choice
    values: LagContribution | LagFeatureContribution


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What bounds values that are exact or sampled.

    Parameters
    ----------
    budget : int
        Cell evaluations for all windows: within it values are exact, beyond it sampled.
    tolerance : float, optional
        Standard error at which sampling stops, in the target's own unit.
    pairs : int
        Most pairs of orders that are sampled.
    exact : bool
        Whether values that do not fit are refused instead of sampled.
    seed : int
        Of the orders.
    """

    budget: int = BUDGET
    tolerance: float | None = None
    pairs: int = MOST_PAIRS
    exact: bool = False
    seed: int = 0

    @property
    def stop(self) -> Stop:
        """When sampling stops."""
        return Stop(self.pairs, self.budget, self.tolerance)


@dataclass(frozen=True)
class Cost:
    """What a question costs.

    Parameters
    ----------
    question : Question
        What is asked, with its baseline.
    by_feature : bool
        Whether features play inside lags.
    """

    question: Question
    by_feature: bool

    @property
    def games(self) -> int:
        """Windows times baselines."""
        return max(1, self.question.windows) * games_per_window(self.question.stand_in)

    @cached_property
    def _step(self) -> StepCost:
        return step_cost(self.question.network, self.question.stand_in, of=self.question.of)

    def atoms(self, newest: int) -> Atoms:
        """Give the players that come one by one in an order."""
        ask = self.question
        unions = ask.players(newest)
        members = [one.masks for one in ask.members(unions)] if self.by_feature else None
        return Atoms(unions, members)

    def exact(self, newest: int) -> int | None:
        """Count the cells that exact values take for all windows and baselines."""
        return exact_cells(self.question, newest, by_feature=self.by_feature)

    def fits(self, newest: int, budget: int) -> int:
        """Find how many lags fit a budget exactly."""
        for fewer in range(min(newest, self.question.steps, tree.MOST_LAGS), 0, -1):
            cells = self.exact(fewer)
            if cells is not None and cells <= budget:
                return fewer
        return 0

    @property
    def fewest(self) -> int:
        """Give the fewest lags that can play: none of several inputs too many for one of each."""
        alone = self.question.layout is None or self.exact(1) is not None
        return 1 if alone else 0

    def decide(self, newest: int, budget: int, *, exact: bool = False) -> Choice:
        """Decide between exact and sampled values."""
        if newest < 1:
            raise DataError(f"at least 1 lag must be a player, but {newest} were asked for")
        cells, windows = self.exact(newest), self.question.windows
        takes = told("more coalitions than memory holds")
        if cells is not None:
            takes = told("{cells:,} cells", cells=cells)
        many = counted(windows, "{count} window", "{count:,} windows")
        if cells is not None and cells <= budget:
            why = told(
                "exact: {cells:,} cells for {windows} are within the budget of {budget:,}",
                cells=cells,
                windows=many,
                budget=budget,
            )
            return Choice("owen" if self.by_feature else "tree", why, newest, cells)
        lags = min(newest, self.question.steps)
        beyond = told(
            "exact values of {lags} lags for {windows} take {takes}",
            lags=lags,
            windows=many,
            takes=takes,
        )
        least = self.games * cells_of_pairs(self.atoms(newest), 2, self._step)
        if exact or least > budget:
            fewer = self.fits(newest, budget)
            advice = f"newest={fewer} fits" if fewer else "give fewer windows or a larger budget"
            sampled = "" if exact else f" and two pairs of random orders {least:,}"
            raise DataError(
                f"{beyond}{sampled}, beyond the budget of {budget:,} cell evaluations: {advice}"
            )
        why = told("sampled: {why}, beyond the budget of {budget:,}", why=beyond, budget=budget)
        return Choice("permutation", why, newest, budget)


def within(
    question: Question,
    limits: Limits | None = None,
    *,
    by_feature: bool,
    progress: Progress | None = None,
) -> Within:
    """Give Shapley values of lags, or Owen values of lags and features.

    They are exact where the budget allows, and sampled otherwise.
    """
    limits = limits or Limits()
    usual = owen_values.NEWEST if by_feature else tree.NEWEST
    newest = question.newest_or(usual)
    question = question.with_newest(newest)  # sampled or exact, the players are the same
    choice = Cost(question, by_feature).decide(newest, limits.budget, exact=limits.exact)
    if choice.method == "permutation":
        sampled = permutation_of_lags_and_features if by_feature else permutation_of_lags
        values = sampled(question, stop=limits.stop, seed=limits.seed, progress=progress)
        return Within(choice, values)
    exact = owen_values.owen if by_feature else tree.shapley_tree
    return Within(choice, exact(question, progress=progress))
