"""The games that a set of windows makes with its baselines, some windows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.conditional import ConditionalGame
from rnnlens.attribution.methods.secant import states_of
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run, States, forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.engine.stepwise.coalitions import CellCounter, Game, cells_a_step
from rnnlens.engine.stepwise.players import Players
from rnnlens.engine.stepwise.trees import coalition_masks
from rnnlens.errors import DataError
from rnnlens.network.network import Network

__all__ = ["Part", "Playable", "cells_of_tree", "games_of", "parts_of", "price", "split"]

#: What coalitions are asked of.
Playable = Game | ConditionalGame

#: Windows that play at once, where their values do not need more memory than `VALUES`.
WINDOWS = 128
#: Values of coalitions that are kept at once: 32 MB.
VALUES = 1 << 22


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the windows, and their game with each baseline.

    Parameters
    ----------
    samples : slice
        Which windows.
    run : Run
        Their run as they are.
    games : tuple of Game or ConditionalGame
        One a background.
    differs : array (sample, step, feature) of bool
        Where a window differs from what stands in for it, in any background.
    """

    samples: slice
    run: Run
    games: tuple[Playable, ...]
    differs: NDArray[np.bool_]

    def mean(self, evaluate: Callable[[Playable], Array]) -> Array:
        """Average over backgrounds."""
        total = evaluate(self.games[0])
        for game in self.games[1:]:
            total = total + evaluate(game)
        return total / len(self.games) if len(self.games) > 1 else total

    def moved(self, players: Players) -> NDArray[np.bool_]:
        """Say where players differ from their baseline at all.

        Shapes: gives (sample, player, feature) of bool.
        """
        found = [self.differs[:, list(block)].any(axis=1) for block in reversed(players.blocks)]
        return np.stack(found, axis=1)


def parts_of(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    counter: CellCounter,
    values: int = 1,
    initial_state: States | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Part]:
    """Set up the games of all windows.

    Shapes: inputs mapping of str to (sample, ...), initial_state mapping of str to sequence of
    (sample, unit).
    """
    if isinstance(baseline, GaussianConditional) and initial_state is not None:
        raise DataError(
            "the conditional baseline has no distribution of a carried state: choose an "
            "interventional baseline"
        )
    count = len(inputs[of])
    at_once = max(1, min(WINDOWS, VALUES // values))
    sizes = (chunk.stop - chunk.start for chunk in chunks(network, inputs, runs=2))
    at_once = min(at_once, max(1, next(sizes)))
    for low in range(0, count, at_once):
        samples = slice(low, min(low + at_once, count))
        some = {name: array[samples] for name, array in inputs.items()}
        states = states_of(initial_state, samples) if initial_state is not None else None
        run = forward(network, some, initial_state=states)
        x = some[of].reshape(*some[of].shape[:2], -1)
        differs = np.zeros(x.shape, bool)
        if isinstance(baseline, GaussianConditional):
            games = (ConditionalGame(run, baseline, of, target.pick, counter),)
            differs[...] = True
            differs[..., baseline.held] = False
        else:
            real, here = real_steps(run, of), baseline.part(samples)
            stand_ins = [here.stand_in(x, real, k) for k in range(len(baseline.windows))]
            games = tuple(
                Game(run, x0.reshape(some[of].shape), of, target.pick, counter, states)
                for x0 in stand_ins
            )
            for x0 in stand_ins:
                differs |= x != x0
        yield Part(samples, run, games, differs)
        if progress is not None:
            progress(samples.stop, count)


def split(
    game: Playable, players: Players, choices: NDArray[np.bool_]
) -> tuple[Array, list[Array]]:
    """Evaluate all coalitions of players, and those that show one player in part.

    Shapes: choices (choice, feature) of bool.
    """
    if isinstance(game, Game):
        return game.evaluate_partial(players, choices)
    coalitions = coalition_masks(players, choices)
    return coalitions.as_tree(game.evaluate(coalitions.masks).T)


def games_of(baseline: Baseline | GaussianConditional) -> int:
    """Count the games that a window makes with a baseline."""
    if isinstance(baseline, GaussianConditional):
        return max(1, baseline.draws)
    return len(baseline.windows)


def price(
    network: Network, baseline: Baseline | GaussianConditional, *, of: str
) -> tuple[int, bool]:
    """Say what one step of one window costs in one game."""
    if isinstance(baseline, GaussianConditional):
        return sum(1 for _ in network.recurrent()), False
    return cells_a_step(network, of)


def cells_of_tree(
    network: Network,
    players: Players,
    partial: int,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
) -> int:
    """Count the cells that a tree evaluates for one window in one game."""
    layers, shared = price(network, baseline, of=of)
    if shared:
        return layers * players.cells(partial)
    return layers * players.steps * players.coalitions(partial)
