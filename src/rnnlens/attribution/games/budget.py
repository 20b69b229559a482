"""Exact values where they fit a budget of cell evaluations, sampled ones otherwise.

A cell evaluation is one recurrent layer, one step, one window. What exact values take is known
beforehand (`rnnlens.attribution.methods.shapley_tree`, `rnnlens.attribution.methods.owen`), so the
choice is made before anything runs, and the result says which it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.games import cells_of_tree, games_of
from rnnlens.attribution.games.orders import Atoms
from rnnlens.attribution.games.players import Columns, PlayerGroups, columns_of
from rnnlens.attribution.games.sampled_orders import MOST_PAIRS, Stop, cells_of_pairs
from rnnlens.attribution.methods.owen import MOST_COALITIONS, owen
from rnnlens.attribution.methods.permutation import (
    permutation_of_lags,
    permutation_of_lags_and_features,
)
from rnnlens.attribution.methods.shapley_tree import MOST_LAGS, shapley_tree
from rnnlens.attribution.result import LagContribution, LagFeatureContribution
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import States
from rnnlens.engine.stepwise.players import lag_players
from rnnlens.errors import DataError
from rnnlens.network.network import Network

__all__ = [
    "BUDGET",
    "Choice",
    "Question",
    "Within",
    "lags_and_features_within",
    "lags_within",
    "sizes_of",
]

#: Cell evaluations of one call where nothing else is said: a few seconds for a network of 32 units
#: on two processors.
BUDGET = 4_000_000


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
    found : LagContribution or LagFeatureContribution
        The values; with standard errors where they are sampled.
    """

    choice: Choice
    found: LagContribution | LagFeatureContribution


@dataclass(frozen=True)
class Question:
    """What is asked, as far as its cost goes.

    Parameters
    ----------
    network : Network
        The network.
    of : str
        The input that is explained.
    windows, steps, features : int
        Sizes of that input.
    baseline : Baseline or GaussianConditional
        What stands in.
    by_feature : bool
        Whether features play inside lags.
    groups : PlayerGroups, optional
        What stands together.
    carried : bool
        Whether the carried state is a player.
    """

    network: Network
    of: str
    windows: int
    steps: int
    features: int
    baseline: Baseline | GaussianConditional
    by_feature: bool
    groups: PlayerGroups | None = None
    carried: bool = False

    @property
    def _partial(self) -> int:
        if not self.by_feature:
            return 0
        return max(0, (1 << len(self._columns.free)) - 2)

    @cached_property
    def _columns(self) -> Columns:
        return columns_of(self.groups, self.features, self.baseline.held)

    @property
    def games(self) -> int:
        """Windows times baselines."""
        return max(1, self.windows) * games_of(self.baseline)

    def atoms(self, newest: int) -> Atoms:
        """Give the players that come one by one in an order."""
        lags = self.groups.lags if self.groups else None
        unions = lag_players(self.steps, newest, lags, carried=self.carried)
        return Atoms(unions, self._columns.masks(self.features) if self.by_feature else None)

    def exact(self, newest: int) -> int | None:
        """Count the cells that exact values take for all windows and baselines."""
        unions, partial = self.atoms(newest).unions, self._partial
        if unions.count > MOST_LAGS + 1 or unions.coalitions(partial) > MOST_COALITIONS:
            return None
        return self.games * cells_of_tree(self.network, unions, partial, self.baseline, of=self.of)

    def fits(self, newest: int, budget: int) -> int:
        """Find how many lags fit a budget exactly."""
        for fewer in range(min(newest, self.steps, MOST_LAGS), 0, -1):
            cells = self.exact(fewer)
            if cells is not None and cells <= budget:
                return fewer
        return 0

    def decide(self, newest: int, budget: int, *, exact: bool = False) -> Choice:
        """Decide between exact and sampled values."""
        if newest < 1:
            raise DataError(f"at least 1 lag must be a player, but {newest} were asked for")
        cells = self.exact(newest)
        takes = "more coalitions than memory holds" if cells is None else f"{cells:,} cells"
        many = f"{self.windows:,} windows" if self.windows != 1 else "1 window"
        if cells is not None and cells <= budget:
            why = f"exact: {cells:,} cells for {many} are within the budget of {budget:,}"
            return Choice("owen" if self.by_feature else "tree", why, newest, cells)
        beyond = f"exact values of {min(newest, self.steps)} lags for {many} take {takes}"
        least = self.games * cells_of_pairs(
            self.network, self.atoms(newest), 2, self.baseline, of=self.of
        )
        if exact or least > budget:
            fewer = self.fits(newest, budget)
            advice = f"newest={fewer} fits" if fewer else "give fewer windows or a larger budget"
            sampled = "" if exact else f" and two pairs of random orders {least:,}"
            raise DataError(
                f"{beyond}{sampled}, beyond the budget of {budget:,} cell evaluations: {advice}"
            )
        why = f"sampled: {beyond}, beyond the budget of {budget:,}"
        return Choice("permutation", why, newest, budget)


def sizes_of(x: Array) -> tuple[int, int, int]:
    """Give the sizes of an input: x (sample, step) or (sample, step, feature)."""
    return (*x.shape[:2], 1 if x.ndim == 2 else x.shape[2])


def lags_within(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    newest: int = 12,
    groups: PlayerGroups | None = None,
    initial_state: States | None = None,
    budget: int = BUDGET,
    tolerance: float | None = None,
    pairs: int = MOST_PAIRS,
    exact: bool = False,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Within:
    """Give the Shapley values of lags: exact within the budget, sampled otherwise."""
    common = {
        "of": of,
        "newest": newest,
        "groups": groups,
        "initial_state": initial_state,
        "progress": progress,
    }
    case, stop = (network, inputs, target, baseline), Stop(pairs, budget, tolerance)
    return _within(case, common, stop, budget, by_feature=False, exact=exact, seed=seed)


def lags_and_features_within(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    newest: int = 10,
    groups: PlayerGroups | None = None,
    initial_state: States | None = None,
    budget: int = BUDGET,
    tolerance: float | None = None,
    pairs: int = MOST_PAIRS,
    exact: bool = False,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Within:
    """Give the Owen values of lags and features: exact within the budget, sampled otherwise."""
    common = {
        "of": of,
        "newest": newest,
        "groups": groups,
        "initial_state": initial_state,
        "progress": progress,
    }
    case, stop = (network, inputs, target, baseline), Stop(pairs, budget, tolerance)
    return _within(case, common, stop, budget, by_feature=True, exact=exact, seed=seed)


def _within(
    case: tuple[Network, Mapping[str, Array], ResolvedTarget, Baseline | GaussianConditional],
    common: dict[str, Any],
    stop: Stop,
    budget: int,
    *,
    by_feature: bool,
    exact: bool,
    seed: int,
) -> Within:
    network, inputs, _, baseline = case
    of, carried = common["of"], common["initial_state"] is not None
    sizes = sizes_of(inputs[of])
    ask = Question(network, of, *sizes, baseline, by_feature, common["groups"], carried)
    choice = ask.decide(common["newest"], budget, exact=exact)
    if choice.method == "permutation":
        sampled = permutation_of_lags_and_features if by_feature else permutation_of_lags
        return Within(choice, sampled(*case, stop=stop, seed=seed, **common))
    return Within(choice, (owen if by_feature else shapley_tree)(*case, **common))
