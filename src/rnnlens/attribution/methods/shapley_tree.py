"""The exact Shapley value of every lag, by a tree of shared prefixes.

Players are the newest K lags and, together, all older ones; or named groups of lags; and the state
carried into the window, where there is one. The value of a coalition is the forecast for the
window whose other steps come from the baseline, and a lag's contribution is

    phi_k = sum over S without k of |S|! (P - |S| - 1)! / P!  (v(S + k) - v(S))

(Shapley 1953, "A value for n-person games"). Exact given the game. Cost in cell evaluations, for
each window, baseline and recurrent layer: ``2^(K+1) - 2`` where K covers the window, else
``2 (T - K) + 2^(K+2) - 4``; a network that must see whole sequences costs ``T 2^P``. Known
limit: the cost doubles with each lag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.costs import MOST_PLAYERS, exact_work
from rnnlens.attribution.games.fitting import fitting
from rnnlens.attribution.games.shapley_sums import shapley_values
from rnnlens.attribution.games.window_games import ByWindow, Playable, WindowGames, of_games
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import LagContribution, additive
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.engine.stepwise.coalitions import CellCounter
from rnnlens.engine.stepwise.players import Players
from rnnlens.errors import DataError

__all__ = [
    "MOST_LAGS",
    "NEWEST",
    "LagTable",
    "lag_contribution",
    "of_lag_tables",
    "shapley_of",
    "shapley_tree",
    "shapley_values",
    "tree_players",
    "values_of",
]

#: Lags that may be players, beside all older ones.
MOST_LAGS = MOST_PLAYERS - 1
#: Lags that are players of their own where the question does not say.
NEWEST = 12


@dataclass(frozen=True, eq=False)
class LagTable:
    """The values of all coalitions of some windows.

    Parameters
    ----------
    v : array (2 ** players, sample)
        The mean over backgrounds; bit p of the index for player p, oldest first.
    forecast : array (sample,)
        For the windows as they are.
    moved : array (sample, lag) of bool
        Whether a player differs from its baseline, newest first; never the carried state.
    players : Players
        Who plays.
    """

    v: Array
    forecast: Array
    moved: NDArray[np.bool_]
    players: Players


def tree_players(question: Question, newest: int) -> Players:
    """Make the players of a tree, or refuse what is too many."""
    parts = None
    if newest >= 1 or (newest == 0 and question.layout is not None):
        parts = question.players(newest)
    if question.layout is not None and parts is not None:
        if parts.count > MOST_PLAYERS:
            _refuse_inputs(question, parts, newest)
        return parts
    alone = question.groups is None and min(newest, question.steps) > MOST_LAGS
    if parts is None or parts.count > MOST_PLAYERS or alone:
        raise DataError(
            f"the tree takes 1 to {MOST_LAGS} lags as players, but {newest} were asked for: the "
            "older lags count together; use method 'secant' for every lag by itself"
        )
    return parts


def _refuse_inputs(question: Question, parts: Players, newest: int) -> NoReturn:
    """Refuse more players of several inputs than a tree takes, with a number that fits."""
    fits = next(
        (k for k in range(newest - 1, 0, -1) if question.players(k).count <= MOST_PLAYERS), None
    )
    fewer = f"give newest={fits} or less, name fewer inputs with of=, or"
    raise DataError(
        f"the tree takes up to {MOST_PLAYERS} players, but newest={newest} makes "
        f"{parts.count} of all inputs together: "
        f"{'name fewer inputs with of=, or' if fits is None else fewer} use method 'secant' for "
        "every lag by itself"
    )


def of_lag_tables(
    question: Question,
    players: Players,
    read: Callable[[LagTable], ByWindow],
    counter: CellCounter,
    progress: Progress | None,
) -> ByWindow:
    """Evaluate all coalitions of lags, and put together what is read off their tables.

    Shapes: gives tuple of (sample, ...).
    """

    def every(game: Playable) -> Array:
        return game.evaluate_all(players)

    def table(games: WindowGames) -> ByWindow:
        moved = np.any(games.moved(players), axis=2)
        return read(LagTable(games.mean(every), games.forecast, moved, players))

    values = 1 << players.count
    return of_games(question, table, counter=counter, values=values, progress=progress)


def shapley_of(table: LagTable) -> tuple[Array, Array]:
    """Read the Shapley values off a table."""
    phi = shapley_values(table.v)
    carried = phi[0] if table.players.carried else np.zeros(phi.shape[1])
    by_lag = phi[table.players.carried :][::-1].T
    # a player that equals its baseline adds nothing, whatever rounding says
    return np.where(table.moved, by_lag, 0.0), carried


def values_of(table: LagTable) -> ByWindow:
    """Read the Shapley values off a table, and the forecasts of all and of nothing."""
    # a view of the last would keep the whole table
    return *shapley_of(table), table.forecast, table.v[0].copy()


@one_blas_thread()
def shapley_tree(question: Question, *, progress: Progress | None = None) -> LagContribution:
    """Split each forecast among lags by their exact Shapley values."""
    newest = fitting(question, NEWEST, by_feature=False)
    players = tree_players(question, newest)
    counter = CellCounter()
    with exact_work(question, newest, by_feature=False):
        contribution, carried, forecast, value = of_lag_tables(
            question, players, values_of, counter, progress
        )
    return lag_contribution(
        contribution, carried, forecast, value, players=players, cells=counter.cells
    )


def lag_contribution(
    contribution: Array,
    carried: Array,
    forecast: Array,
    baseline_forecast: Array,
    *,
    players: Players,
    cells: int,
) -> LagContribution:
    """Put the result of a tree together, or refuse it where it does not sum.

    Shapes: contribution (sample, lag), carried, forecast, baseline_forecast (sample,).
    """
    total = contribution.sum(axis=1) + carried
    residual = additive(total, forecast, baseline_forecast, "tree")
    lag_from, lag_to = np.array(players.lags).T
    return LagContribution(
        contribution=contribution,
        lag_from=lag_from,
        lag_to=lag_to,
        forecast=forecast,
        baseline_forecast=baseline_forecast,
        residual=residual,
        cells=cells,
        players=players.titles if players.names else (),
        carried=carried if players.carried else None,
        places=players.places,
    )
