"""The exact Owen value of every feature at every lag: lags are unions, features play inside them.

Where players come in unions, a union's partners take part as wholes while its own members come one
by one. For feature f of lag u, over the coalitions Q of the other P - 1 unions and S of the other
F - 1 features of u,

    phi_uf = sum over Q, S of  w(|Q|, P) w(|S|, F)  (v(Q + S + f) - v(Q + S)),
    w(s, n) = s! (n - s - 1)! / n!

(Owen 1977, "Values of games with a priori unions"). Exact given the game. Summed over features the
values are the exact Shapley values of the lags: one game, one answer, at two levels of detail.
Players are the newest K lags and all older ones as one more union, each split by feature, so that
the table has a row for every union and sums to ``f(x) - f(baseline)``; named groups of lags are
unions, named groups of features members. Held features are no players.

Cost in cell evaluations, for each window, baseline and recurrent layer, with shared beginnings:
``2^(K+1) - 2 + (2^F - 2) ((K - 1) 2^K + 1)`` where K covers the window, else
``2 (T - K) + 2^(K+2) - 4 + (2^F - 2) (T - K + K 2^(K+1))``. Known limits: the cost
doubles with each lag and with each feature; and members of one lag are compared with each other in
the presence of whole lags only, so that two features that act together across lags share what
they do by lag first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.costs import MOST_COALITIONS, exact_work, partial_ways
from rnnlens.attribution.games.fitting import fitting
from rnnlens.attribution.games.players import Columns, Members
from rnnlens.attribution.games.shapley_sums import shapley_values
from rnnlens.attribution.games.window_games import Playable, WindowGames, of_games, split
from rnnlens.attribution.methods.shapley_tree import tree_players
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import LagFeatureContribution, additive
from rnnlens.engine.stepwise.coalitions import CellCounter
from rnnlens.engine.stepwise.players import Players
from rnnlens.errors import DataError

__all__ = ["NEWEST", "moved_columns", "owen"]

#: Lags that are players of their own where the question does not say.
NEWEST = 10


def owen(question: Question, *, progress: Progress | None = None) -> LagFeatureContribution:
    """Split each forecast among lags and features by their exact Owen values."""
    newest = fitting(question, NEWEST, by_feature=True)
    players, columns = tree_players(question, newest), question.columns
    members = question.members(players)
    values = players.coalitions(partial_ways(members))
    if values > MOST_COALITIONS:
        most = max(len(one.masks) for one in members)
        raise DataError(
            f"exact values of {most} features at {newest} lags need {values:,} "
            f"coalitions a window, beyond {MOST_COALITIONS:,}: ask for fewer newest lags, put "
            "features in groups, or use method 'permutation' or 'secant'"
        )
    counter = CellCounter()
    with exact_work(question, newest, by_feature=True):
        contribution, carried, value, forecast = of_games(
            question,
            lambda games: (*_values(games, players, columns, members), games.forecast),
            counter=counter,
            values=values,
            progress=progress,
        )
    total = contribution.sum(axis=(1, 2)) + carried
    lag_from, lag_to = np.array(players.lags).T
    return LagFeatureContribution(
        contribution=contribution,
        lag_from=lag_from,
        lag_to=lag_to,
        columns=columns.members,
        forecast=forecast,
        baseline_forecast=value,
        residual=additive(total, forecast, value, "owen"),
        cells=counter.cells,
        players=players.titles if players.names else (),
        column_names=columns.names if any(columns.names) else (),
        carried=carried if players.carried else None,
        places=players.places,
    )


def moved_columns(games: WindowGames, players: Players, columns: Columns) -> NDArray[np.bool_]:
    """Say which members of which unions differ from their baseline at all.

    Shapes: gives (sample, lag, feature) of bool.
    """
    by_feature = games.moved(players)
    moved = [by_feature[..., list(members)].any(axis=2) for members in columns.members]
    return np.stack(moved, axis=2)


def _values(
    games: WindowGames, players: Players, columns: Columns, members: Sequence[Members]
) -> tuple[Array, Array, Array]:
    """Give the values of lags and features, of the carried state, and of the baseline."""
    windows, unions = len(games.differs), len(players.blocks)
    contribution = np.zeros((windows, unions, len(columns.members)))
    carried, value = np.zeros(windows), np.zeros(windows)
    choices = [one.choices for one in members]

    def add(game: Playable) -> None:
        nonlocal carried, value
        plain, partial = split(game, players, choices)
        value = value + plain[0]
        if players.carried:
            carried = carried + shapley_values(plain)[0]
        for union in range(unions):
            own = list(members[union].columns)
            if own:
                inner = _inner_game(plain, partial, union, players)
                contribution[:, unions - 1 - union, own] += shapley_values(inner).T

    for game in games.games:
        add(game)
    count = len(games.games)
    contribution /= count
    contribution[~moved_columns(games, players, columns)] = 0.0
    return contribution, carried / count, value / count


def _inner_game(plain: Array, partial: list[Array], union: int, players: Players) -> Array:
    # Averages over the coalitions of the other unions, (2 ** features, window). The Owen value is
    # the Shapley value of this game of a union's members, for both are linear in the game.
    older, windows = union + players.carried, plain.shape[-1]
    newer = players.count - older - 1
    here = plain.reshape(1 << newer, 2, 1 << older, windows)
    sizes = np.add.outer(
        np.bitwise_count(np.arange(1 << newer)), np.bitwise_count(np.arange(1 << older))
    ).astype(int)
    count = players.count
    w = np.array([1 / (count * comb(count - 1, s)) for s in range(count)])[sizes]
    shown = [partial[union]] if partial and partial[union].size else []
    parts = [here[:, :1], *shown, here[:, 1:]]
    return np.concatenate([np.einsum("no,ncow->cw", w, one) for one in parts])
