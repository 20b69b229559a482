"""What values of coalitions cost in cell evaluations, known before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.question import AnyBaseline
from rnnlens.engine.stepwise.coalitions import cells_a_step
from rnnlens.engine.stepwise.players import Players
from rnnlens.network.network import Network

__all__ = ["StepCost", "cells_of_tree", "games_per_window", "step_cost"]


@dataclass(frozen=True)
class StepCost:
    """What one step of one window costs in one game.

    Parameters
    ----------
    layers : int
        Cells: one a recurrent layer that reads the step.
    shared : bool
        Whether coalitions that begin alike share their beginnings.
    """

    layers: int
    shared: bool


def games_per_window(baseline: AnyBaseline) -> int:
    """Count the games that a window makes with a baseline."""
    if isinstance(baseline, GaussianConditional):
        return max(1, baseline.draws)
    return len(baseline.windows)


def step_cost(network: Network, baseline: AnyBaseline, *, of: str) -> StepCost:
    """Say what one step of one window costs in one game."""
    if isinstance(baseline, GaussianConditional):
        return StepCost(sum(1 for _ in network.recurrent()), shared=False)
    return StepCost(*cells_a_step(network, of))


def cells_of_tree(players: Players, partial: int | Sequence[int], step: StepCost) -> int:
    """Count the cells that a tree evaluates for one window in one game."""
    if step.shared:
        return step.layers * players.cells(partial)
    return step.layers * players.steps * players.coalitions(partial)
