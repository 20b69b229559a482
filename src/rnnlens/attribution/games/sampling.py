"""Running random orders of players until enough is known or the budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.games import Part, Playable, games_of, parts_of, price
from rnnlens.attribution.games.orders import Atoms, Running
from rnnlens.attribution.games.sampled_orders import COALITIONS, Round, Stop, replayed, rounds_of
from rnnlens.attribution.result import additive
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import States, forward
from rnnlens.engine.stepwise.coalitions import CellCounter, Game
from rnnlens.errors import DataError
from rnnlens.network.network import Network

__all__ = ["Sampled", "half_width", "sample"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Windows that see a round together.
TOGETHER = 64


@dataclass(frozen=True, eq=False)
class Sampled:
    """What sampling found, by atom.

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


def sample(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    atoms: Atoms,
    moved: Callable[[Part], Bools],
    *,
    of: str,
    initial_state: States | None,
    stop: Stop,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Sampled:
    """Estimate the value of every atom in every window."""
    counter, count = CellCounter(), len(inputs[of])
    allowed = None
    if stop.budget is not None:
        allowed = stop.budget // (max(1, count) * games_of(baseline))
    rounds = []
    drawing = rounds_of(atoms, stop, allowed, price(network, baseline, of=of), seed)
    found = []
    for part in parts_of(
        network,
        inputs,
        target,
        baseline,
        of=of,
        counter=counter,
        values=max(COALITIONS, (1 << 22) // TOGETHER),
        initial_state=initial_state,
        progress=progress,
    ):
        found.append(_part(part, atoms, replayed(rounds, drawing), stop, moved(part), target))
    mean, error, own, forecast, low, pairs = (
        np.concatenate(those) for those in zip(*found, strict=True)
    )
    return Sampled(mean, error, own[:, 0], own[:, 1], forecast, low, pairs, counter.cells)


def _part(
    part: Part,
    atoms: Atoms,
    rounds: Iterator[Round],
    stop: Stop,
    moved: Bools,
    target: ResolvedTarget,
) -> tuple[NDArray[Any], ...]:
    windows, carried = len(part.differs), atoms.unions.carried
    shape = (windows, atoms.count)
    running = Running(np.zeros(shape), np.zeros(shape), np.zeros(windows, np.int64))
    low = high = np.zeros(windows)
    left = np.arange(windows)
    for k, drawn in enumerate(rounds):
        games = part.games if len(left) == windows else _of(part, left)
        values = _mean(games, drawn)
        if k == 0:
            low, high = values[:, 0], values[:, 1]
            values = values[:, 2:]
        running.add(left, drawn.added(values, low[left], high[left]))
        if stop.tolerance is not None:
            enough = (running.standard_error[left] <= stop.tolerance).all(axis=1)
            left = left[~enough]
            if not len(left):
                break
    # newest union first, the carried state apart
    turned = [
        one[:, carried:].reshape(windows, -1, atoms.each)[:, ::-1].reshape(windows, -1)
        for one in (running.mean, running.standard_error)
    ]
    turned = [np.where(moved, one, 0.0) for one in turned]
    own = np.zeros((windows, 2))
    if carried:
        own = np.stack([running.mean[:, 0], running.standard_error[:, 0]], axis=1)
    return (*turned, own, target.pick(part.run.outputs), low, running.pairs)


def _mean(games: tuple[Playable, ...], drawn: Round) -> Array:
    def values(game: Playable) -> Array:
        if isinstance(game, Game):
            return game.evaluate(drawn.masks, drawn.carried)
        return game.evaluate(drawn.masks)

    total = values(games[0])
    for game in games[1:]:
        total = total + values(game)
    return total / len(games)


def _of(part: Part, which: Ints) -> tuple[Playable, ...]:
    """Give the games of some of the windows."""
    inputs = {name: part.run.value((name, 0))[which] for name in part.run.network.inputs}
    first = part.games[0]
    given = first.initial_state if isinstance(first, Game) else None
    states = {name: [np.asarray(state)[which] for state in s] for name, s in (given or {}).items()}
    run = forward(part.run.network, inputs, initial_state=states)
    found: list[Playable] = []
    for game in part.games:
        if isinstance(game, Game):
            x0 = game.baseline if len(game.baseline) == 1 else game.baseline[which]
            carried = None if given is None else states
            found.append(replace(game, windows=run, baseline=x0, initial_state=carried))
        else:
            found.append(replace(game, windows=run))
    return tuple(found)
