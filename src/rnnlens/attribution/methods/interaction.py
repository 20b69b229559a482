"""What two lags do together: the Shapley interaction index of every pair.

    I_jk = sum over S without j, k of  |S|! (P - |S| - 2)! / (P - 1)!
           (v(S + j + k) - v(S + j) - v(S + k) + v(S))

(Grabisch and Roubens 1999, "An axiomatic approach to the concept of interaction among players in
cooperative games"): positive where two lags do more together than apart, zero where they add up.
It is the Shapley value of k in the game of what j adds, so for each j the indices sum to what j
adds last minus what it adds first. In the matrix here, half of each index stands on either side of
the diagonal and the diagonal holds what is left of the Shapley value:

    M_jk = I_jk / 2,   M_jj = phi_j - sum over k of I_jk / 2

so that rows sum to the Shapley values of the lags, and all entries to ``f(x) - f(baseline)``
(Lundberg et al. 2020, "From local explanations to global understanding with explainable AI for
trees"). Exact given the game, from the table of the tree
(`rnnlens.attribution.methods.shapley_tree`) without further cells. Known limit: what three and more
lags do together is shared among pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.shapley_sums import shapley_values
from rnnlens.attribution.games.window_games import ByWindow
from rnnlens.attribution.methods.best_subsets import BestSubsets, subsets_of
from rnnlens.attribution.methods.shapley_tree import (
    NEWEST,
    LagTable,
    lag_contribution,
    of_lag_tables,
    shapley_of,
    tree_players,
    values_of,
)
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import LagContribution
from rnnlens.engine.stepwise.coalitions import CellCounter
from rnnlens.names import declared

__all__ = ["LagInteraction", "TreeReadings", "interactions_of", "pair_indices", "tree_readings"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LagInteraction:
    """What lags do alone and in pairs, in the target's own unit.

    Parameters
    ----------
    interaction : array (sample, lag, with_lag)
        Symmetric; rows sum to the Shapley values of the lags.
    carried_interaction : array (sample, lag), optional
        The entries that each lag has with the carried state: then a row and this sum to the
        lag's Shapley value.
    """

    interaction: Array = declared("sample", "lag", "with_lag")
    carried_interaction: Array | None = declared("sample", "lag", optional=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class TreeReadings:
    """All that one table of coalitions tells.

    Parameters
    ----------
    values : LagContribution
        The Shapley values of the lags.
    interaction : LagInteraction
        Of every pair of lags.
    subsets : BestSubsets
        Which lags are enough, and which are needed.
    """

    values: LagContribution
    interaction: LagInteraction
    subsets: BestSubsets


def pair_indices(v: Array) -> Array:
    """Give the Shapley interaction index of every pair of players.

    Shapes: v (2 ** players, ...) -> (player, player, ...).

    Examples
    --------
    >>> import numpy as np
    >>> pair_indices(np.array([0.0, 1.0, 2.0, 5.0]))
    array([[0., 2.], [2., 0.]])
    """
    count = len(v).bit_length() - 1
    indices = np.zeros((count, count, *v.shape[1:]))
    for p in range(count):
        without, taking = v.reshape(-1, 2, 1 << p, *v.shape[1:]).swapaxes(0, 1)
        added = (taking - without).reshape(-1, *v.shape[1:])
        indices[p, np.arange(count) != p] = shapley_values(added)
    return (indices + indices.swapaxes(0, 1)) / 2  # equal but for rounding


def interactions_of(table: LagTable) -> tuple[Array, Array]:
    """Read the interactions off a table."""
    carried = int(table.players.carried)
    half = np.moveaxis(pair_indices(table.v), -1, 0) / 2
    by_lag, _ = shapley_of(table)
    pairs = half[:, carried:, carried:][:, ::-1, ::-1]
    # a player that equals its baseline does nothing with any other, whatever rounding says
    pairs = np.where(table.moved[:, None] & table.moved[..., None], pairs, 0.0)
    others = np.where(table.moved, half[:, carried:, 0][:, ::-1], 0.0) if carried else 0.0 * by_lag
    own = by_lag - pairs.sum(axis=2) - others
    diagonal = np.arange(by_lag.shape[1])
    pairs[:, diagonal, diagonal] = own
    return pairs, others


def tree_readings(question: Question, *, progress: Progress | None = None) -> TreeReadings:
    """Read lags, pairs of lags and subsets of lags off one tree."""
    players = tree_players(question, question.newest_or(NEWEST))
    counter = CellCounter()

    def read(table: LagTable) -> ByWindow:
        subsets = subsets_of(table)
        best = subsets.closest, subsets.farthest, subsets.closest_lags, subsets.farthest_lags
        return *values_of(table), *interactions_of(table), *best

    found = of_lag_tables(question, players, read, counter, progress)
    values, pairs, subsets = found[:4], found[4:6], found[6:]
    return TreeReadings(
        values=lag_contribution(*values, players=players, cells=counter.cells),
        interaction=LagInteraction(
            interaction=pairs[0], carried_interaction=pairs[1] if players.carried else None
        ),
        subsets=BestSubsets(*subsets),
    )
