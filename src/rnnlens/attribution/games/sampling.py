"""Running random orders of players until enough is known or the budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.costs import games_per_window, step_cost
from rnnlens.attribution.games.order_batches import (
    COALITIONS,
    OrderBatch,
    Stop,
    order_batches,
    replayed,
)
from rnnlens.attribution.games.orders import Atoms, Running
from rnnlens.attribution.games.window_games import Playable, WindowGames, window_games
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import additive
from rnnlens.engine.forward import forward
from rnnlens.engine.stepwise.coalitions import CellCounter, Game
from rnnlens.errors import DataError

__all__ = ["FEW_PAIRS", "Sampled", "half_width", "sample", "widening"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Pairs of orders below which a standard error is widened: it is itself known too little.
FEW_PAIRS = 10
#: Windows that see a batch of orders together.
TOGETHER = 64


@dataclass(frozen=True, eq=False)
class Sampled:
    """Sampled values, by atom.

    Parameters
    ----------
    contribution, standard_error : array (sample, union * member) or (sample, lag)
        Newest union first.
    carried, carried_error, forecast, baseline_forecast : array (sample,)
        Of the carried state, its standard error, the windows and the baseline.
    pairs : array (sample,) of int
        Pairs that each window saw.
    cells : int
        Cell evaluations that it took.
    """

    contribution: Array
    standard_error: Array
    carried: Array
    carried_error: Array
    forecast: Array
    baseline_forecast: Array
    pairs: Ints
    cells: int

    def residual(self, method: str) -> Array:
        """Give what contributions leave of the change of the forecast: (sample,)."""
        total = self.contribution.sum(axis=1) + self.carried
        return additive(total, self.forecast, self.baseline_forecast, method)


def half_width(standard_error: Array, permutations: Ints, confidence: float) -> Array:
    """Give half the width of Student's interval.

    Shapes: standard_error (sample, ...), permutations (sample,) of int -> (sample, ...).
    """
    from scipy.special import stdtrit

    if not 0 < confidence < 1:
        raise DataError(f"the confidence must be between 0 and 1, but is {confidence}")
    freedom = np.maximum(permutations // 2 - 1, 1)
    quantile = stdtrit(freedom, (1 + confidence) / 2)
    return standard_error * quantile.reshape(-1, *(1,) * (standard_error.ndim - 1))


def widening(pairs: Ints) -> Array:
    """Give what a standard error of few pairs is widened by, so that 1.96 of it hold 95 %.

    Shapes: pairs (sample,) of int -> (sample,).

    Examples
    --------
    >>> widening(np.array([2, 9, 10])).round(2).tolist()
    [6.48, 1.18, 1.0]
    """
    from scipy.special import ndtri, stdtrit

    by_t = stdtrit(np.maximum(pairs - 1, 1), 0.975) / ndtri(0.975)
    return np.where(pairs < FEW_PAIRS, by_t, 1.0)


def sample(
    question: Question,
    atoms: Atoms,
    moved: Callable[[WindowGames], Bools],
    *,
    stop: Stop,
    seed: int,
    progress: Progress | None = None,
) -> Sampled:
    """Estimate the value of every atom in every window."""
    counter, baseline = CellCounter(), question.stand_in
    allowed = None
    if stop.budget is not None:
        allowed = stop.budget // (max(1, question.windows) * games_per_window(baseline))
    step = step_cost(question.network, baseline, of=question.of)
    # all windows see the same orders, drawn for the first that get so far
    drawn: list[OrderBatch] = []
    drawing = order_batches(atoms, stop, allowed, step, seed)
    values = max(COALITIONS, (1 << 22) // TOGETHER)
    rows = [
        _estimates(games, atoms, replayed(drawn, drawing), stop, moved(games))
        for games in window_games(question, counter=counter, values=values, progress=progress)
    ]
    columns = (np.concatenate(pieces) for pieces in zip(*rows, strict=True))
    return Sampled(*columns, cells=counter.cells)


def _estimates(
    games: WindowGames, atoms: Atoms, batches: Iterator[OrderBatch], stop: Stop, moved: Bools
) -> tuple[Array, Array, Array, Array, Array, Array, Ints]:
    """Give the fields of `Sampled` but its cells, for some of the windows."""
    windows, carried = len(games.differs), atoms.unions.carried
    shape = (windows, atoms.count)
    running = Running(np.zeros(shape), np.zeros(shape), np.zeros(windows, np.int64))
    low = high = np.zeros(windows)
    left = np.arange(windows)
    for k, batch in enumerate(batches):
        of_left = games.games if len(left) == windows else _games_of(games, left)
        values = _mean(of_left, batch)
        if k == 0:
            low, high = values[:, 0], values[:, 1]
            values = values[:, 2:]
        running.add(left, batch.added(values, low[left], high[left]))
        if stop.tolerance is not None:
            error = running.standard_error[left] * widening(running.pairs[left])[:, None]
            enough = (error <= stop.tolerance).all(axis=1)
            left = left[~enough]
            if not len(left):
                break

    def newest_first(by_atom: Array) -> Array:
        return np.where(moved, by_atom[:, atoms.newest_first], 0.0)

    own = np.zeros((windows, 2))
    if carried:
        own = np.stack([running.mean[:, 0], running.standard_error[:, 0]], axis=1)
    mean, error = newest_first(running.mean), newest_first(running.standard_error)
    return mean, error, own[:, 0], own[:, 1], games.forecast, low, running.pairs


def _mean(games: tuple[Playable, ...], batch: OrderBatch) -> Array:
    def values(game: Playable) -> Array:
        if isinstance(game, Game):
            return game.evaluate(batch.masks, batch.carried)
        return game.evaluate(batch.masks)

    total = values(games[0])
    for game in games[1:]:
        total = total + values(game)
    return total / len(games)


def _games_of(games: WindowGames, which: Ints) -> tuple[Playable, ...]:
    """Give the games of some of the windows."""
    inputs = {name: games.run.value((name, 0))[which] for name in games.run.network.inputs}
    first = games.games[0]
    given = first.initial_state if isinstance(first, Game) else None
    states = {name: [np.asarray(state)[which] for state in s] for name, s in (given or {}).items()}
    run = forward(games.run.network, inputs, initial_state=states)
    fewer: list[Playable] = []
    for game in games.games:
        if isinstance(game, Game):
            x0 = game.baseline if len(game.baseline) == 1 else game.baseline[which]
            carried = None if given is None else states
            fewer.append(replace(game, windows=run, baseline=x0, initial_state=carried))
        else:
            fewer.append(replace(game, windows=run))
    return tuple(fewer)
