"""The games that windows make with their baselines, some windows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.conditional import ConditionalGame
from rnnlens.attribution.question import Progress, Question
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.engine.schedule.threads import each
from rnnlens.engine.stepwise.coalitions import CellCounter, Game
from rnnlens.engine.stepwise.players import Players
from rnnlens.engine.stepwise.trees import coalition_masks
from rnnlens.errors import DataError

__all__ = ["Playable", "WindowGames", "of_games", "split", "window_games"]

#: What is made of games, each array by window first.
ByWindow = tuple[NDArray[Any], ...]

#: What coalitions are asked of.
Playable = Game | ConditionalGame

#: Windows that play at once, where their values do not need more memory than `VALUES`.
WINDOWS = 128
#: Values of coalitions that a thread keeps at once: 32 MB.
VALUES = 1 << 22


@dataclass(frozen=True, eq=False)
class WindowGames:
    """Some of the windows, and their game with each baseline.

    Parameters
    ----------
    samples : slice
        Which windows.
    run : Run
        Their run as they are.
    forecast : array (sample,)
        What the network gives for them, in the target's own unit.
    games : tuple of Game or ConditionalGame
        One a background.
    differs : array (sample, step, feature) of bool
        Where a window differs from what stands in for it, in any background.
    """

    samples: slice
    run: Run
    forecast: Array
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
        blocks = reversed(players.blocks)
        return np.stack([self.differs[:, list(block)].any(axis=1) for block in blocks], axis=1)


def window_games(
    question: Question,
    *,
    counter: CellCounter,
    values: int = 1,
    progress: Progress | None = None,
) -> Iterator[WindowGames]:
    """Set up the games of all windows, so many that their values fit the memory at a time."""
    for samples in _together(question, values):
        yield _games(question.part(samples), samples, counter)
        if progress is not None:
            progress(samples.stop, question.windows)


def of_games(
    question: Question,
    work: Callable[[WindowGames], ByWindow],
    *,
    counter: CellCounter,
    values: int = 1,
    progress: Progress | None = None,
) -> ByWindow:
    """Do work on the games of all windows, shared among the threads, and join what it gives.

    Shapes: gives tuple of (sample, ...).
    """
    made: dict[int, ByWindow] = {}
    counted: dict[int, CellCounter] = {}
    done = 0

    def part(samples: slice) -> None:
        counted[samples.start] = own = CellCounter()
        made[samples.start] = work(_games(question.part(samples), samples, own))

    def part_done(piece: tuple[slice]) -> None:
        nonlocal done
        done += piece[0].stop - piece[0].start
        if progress is not None:
            progress(done, question.windows)

    each(part, [(samples,) for samples in _together(question, values)], part_done)
    counter.add(sum(own.cells for own in counted.values()))
    return tuple(np.concatenate(one) for one in zip(*(made[k] for k in sorted(made)), strict=True))


def _together(question: Question, values: int) -> list[slice]:
    """Cut the windows into those that play at once."""
    if isinstance(question.stand_in, GaussianConditional) and question.carried:
        raise DataError(
            "the conditional baseline has no distribution of a carried state: choose an "
            "interventional baseline"
        )
    at_once = max(1, min(WINDOWS, VALUES // values))
    chunk = next(chunks(question.network, question.inputs, runs=2))
    at_once = min(at_once, max(1, chunk.stop - chunk.start))
    return [
        slice(low, min(low + at_once, question.windows))
        for low in range(0, question.windows, at_once)
    ]


def _games(question: Question, samples: slice, counter: CellCounter) -> WindowGames:
    x, of, pick, states = question.x, question.of, question.target.pick, question.initial_state
    run = forward(question.network, question.inputs, initial_state=states)
    differs = np.zeros(x.shape, bool)
    if isinstance(question.stand_in, GaussianConditional):
        games = (ConditionalGame(run, question.stand_in, of, pick, counter),)
        differs[...] = True
        differs[..., question.stand_in.held] = False
    else:
        stand_ins = list(question.stand_ins(run))
        shape = question.inputs[of].shape
        games = tuple(Game(run, x0.reshape(shape), of, pick, counter, states) for x0 in stand_ins)
        for x0 in stand_ins:
            differs |= x != x0
    return WindowGames(samples, run, pick(run.outputs), games, differs)


def split(
    game: Playable, players: Players, choices: Sequence[NDArray[np.bool_]]
) -> tuple[Array, list[Array]]:
    """Evaluate all coalitions of players, and those that show one player in part.

    Shapes: choices of each player (choice, feature) of bool.
    """
    if isinstance(game, Game):
        return game.evaluate_partial(players, choices)
    coalitions = coalition_masks(players, choices)
    return coalitions.as_tree(game.evaluate(coalitions.masks).T)
