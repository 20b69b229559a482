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

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.games import Playable, parts_of
from rnnlens.attribution.games.players import PlayerGroups
from rnnlens.attribution.games.shapley_sums import shapley_values
from rnnlens.attribution.result import LagContribution, additive
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import States
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.engine.stepwise.coalitions import CellCounter
from rnnlens.engine.stepwise.players import Players, lag_players
from rnnlens.errors import DataError
from rnnlens.network.network import Network

__all__ = [
    "MOST_LAGS",
    "LagTable",
    "lag_contribution",
    "lag_tables",
    "shapley_of",
    "shapley_tree",
    "shapley_values",
    "tree_players",
]

#: Lags that may be players: 2^21 values are 16 MB and take seconds a window.
MOST_LAGS = 20


@dataclass(frozen=True, eq=False)
class LagTable:
    """The values of all coalitions of some windows.

    Parameters
    ----------
    samples : slice
        Which windows.
    v : array (2 ** players, sample)
        The mean over backgrounds; bit p of the index for player p, oldest first.
    forecast : array (sample,)
        For the windows as they are.
    moved : array (sample, lag) of bool
        Whether a player differs from its baseline, newest first; never the carried state.
    players : Players
        Who plays.
    """

    samples: slice
    v: Array
    forecast: Array
    moved: NDArray[np.bool_]
    players: Players


def tree_players(
    steps: int, newest: int, groups: PlayerGroups | None = None, *, carried: bool = False
) -> Players:
    """Make the players of a tree, or refuse what is too many."""
    parts = None
    if newest >= 1:
        parts = lag_players(steps, newest, groups.lags if groups else None, carried=carried)
    if parts is None or parts.count > MOST_LAGS + 1 or (not groups and min(newest, steps) > 20):
        raise DataError(
            f"the tree takes 1 to {MOST_LAGS} lags as players, but {newest} were asked for: the "
            "older lags count together; use method 'secant' for every lag by itself"
        )
    return parts


def lag_tables(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    players: Players,
    counter: CellCounter,
    initial_state: States | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[LagTable]:
    """Evaluate all coalitions of lags, some windows at a time."""

    def every(game: Playable) -> Array:
        return game.evaluate_all(players)

    for part in parts_of(
        network,
        inputs,
        target,
        baseline,
        of=of,
        counter=counter,
        values=1 << players.count,
        initial_state=initial_state,
        progress=progress,
    ):
        moved = np.any(part.moved(players), axis=2)
        forecast = target.pick(part.run.outputs)
        yield LagTable(part.samples, part.mean(every), forecast, moved, players)


def shapley_of(table: LagTable) -> tuple[Array, Array]:
    """Read the Shapley values off a table."""
    phi = shapley_values(table.v)
    carried = phi[0] if table.players.carried else np.zeros(phi.shape[1])
    by_lag = phi[table.players.carried :][::-1].T
    # a player that equals its baseline adds nothing, whatever rounding says
    return np.where(table.moved, by_lag, 0.0), carried


@one_blas_thread()
def shapley_tree(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    newest: int = 12,
    groups: PlayerGroups | None = None,
    initial_state: States | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LagContribution:
    """Split each forecast among lags by their exact Shapley values.

    Shapes: inputs mapping of str to (sample, ...), initial_state mapping of str to sequence of
    (sample, unit).
    """
    players = tree_players(inputs[of].shape[1], newest, groups, carried=initial_state is not None)
    counter = CellCounter()
    rows = []
    for table in lag_tables(
        network,
        inputs,
        target,
        baseline,
        of=of,
        players=players,
        counter=counter,
        initial_state=initial_state,
        progress=progress,
    ):
        value = table.v[0].copy()  # a view would keep the whole table
        rows.append((*shapley_of(table), table.forecast, value))
    contribution, carried, forecast, value = (
        np.concatenate(pieces) for pieces in zip(*rows, strict=True)
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
    )
