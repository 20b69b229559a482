"""How much all inputs older than a lag do together: TimeSHAP's pruning value.

For every k, the window is cut into two players, the newest k lags and all older ones, and the
older ones get their Shapley value in the game of these two:

    phi_k = ( v(older) - v(none) + v(all) - v(newest k) ) / 2

(Bento, Saleiro, Cruz, Figueiredo and Bizarro 2021, "TimeSHAP: explaining recurrent models through
sequence perturbations"). Exact given the two players. Cost: ``T (T + 1)`` cell evaluations for each
window, baseline and recurrent layer, all k together. Known failures: the value need not fall with
k, and older inputs that cancel look like inputs that do nothing, so that a small value does not
show that older lags may be left out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.window_games import Playable, WindowGames, of_games
from rnnlens.attribution.question import Progress, Question
from rnnlens.engine.stepwise.coalitions import CellCounter
from rnnlens.names import declared

__all__ = ["Pruning", "pruning"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pruning:
    """What everything older than each lag contributes together.

    Parameters
    ----------
    older : array (sample, lag)
        Entry k is that of all steps older than lag k, in the target's own unit; the last is zero.
    forecast, baseline_forecast : array (sample,)
        For the window, and for the baseline (the mean over backgrounds).
    cells : int
        Cell evaluations that it took.
    """

    older: Array = declared("sample", "lag")
    forecast: Array = declared("sample")
    baseline_forecast: Array = declared("sample")
    cells: int

    def kept(self, tolerance: float) -> NDArray[np.int64]:
        """Say how many newest lags each window keeps: (sample,) of int."""
        return np.argmax(np.abs(self.older) <= tolerance, axis=1) + 1


def pruning(question: Question, *, progress: Progress | None = None) -> Pruning:
    """Give the joint contribution of all inputs older than each lag."""
    steps = question.steps
    oldest, places = np.arange(steps), np.arange(steps)
    old = places < oldest[:, None]  # the oldest 0, 1, ... T - 1 steps
    masks = np.concatenate([old, ~old])
    counter = CellCounter()

    def some(game: Playable) -> Array:
        return game.evaluate(masks)

    def values(games: WindowGames) -> tuple[Array, Array, Array]:
        v = games.mean(some)
        none, whole = v[:, :1], v[:, steps : steps + 1]
        phi = (v[:, :steps] - none + whole - v[:, steps:]) / 2
        return phi[:, ::-1], games.forecast, none[:, 0]

    older, forecast, value = of_games(
        question, values, counter=counter, values=len(masks), progress=progress
    )
    return Pruning(older=older, forecast=forecast, baseline_forecast=value, cells=counter.cells)
