"""What values of coalitions cost in cell evaluations, known before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import inf, prod

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.players import Members
from rnnlens.attribution.question import AnyBaseline, Question
from rnnlens.engine.kernels.ready import FORWARD, STEP
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.schedule.little import little_work, undecided
from rnnlens.engine.stepwise.coalitions import MOST_HISTORIES, cells_a_step, cells_by_row
from rnnlens.engine.stepwise.players import Players
from rnnlens.engine.stepwise.trees import count_prefixes
from rnnlens.network.formula import parameters_of
from rnnlens.network.layers import Bidirectional, DescribedRecurrent, Embedding, Input, Recurrent
from rnnlens.network.network import Network
from rnnlens.network.shapes import output_shapes

__all__ = [
    "BUDGET",
    "MOST_COALITIONS",
    "MOST_PLAYERS",
    "NODES_OF_A_CELL",
    "PASS",
    "StepCost",
    "cells_of_tree",
    "exact_cells",
    "exact_work",
    "games_per_window",
    "partial_ways",
    "step_cost",
    "usual_budget",
    "usual_cells",
]

#: Cell evaluations of one call where nothing else is said: a few seconds for a network of 32 units
#: on two processors.
BUDGET = 4_000_000
#: Numbers of a layer up to which a cell counts as one: an LSTM of 40 units with 20 inputs has less.
USUAL_CELL = 10_000
#: Layers within a cell that has no name, run one by one, which take as long as such a cell.
NODES_OF_A_CELL = 8
#: Numbers of a cell that take as long as one that a layer beside the cells gives: it is read,
#: written and often put through a function, in passes of their own.
PASS = 100
#: Players of a tree: 2^21 values are 16 MB and take seconds a window.
MOST_PLAYERS = 21
#: Coalitions whose values one window keeps: 128 MB.
MOST_COALITIONS = 1 << 24


def usual_budget(question: Question) -> int:
    """Give the cell evaluations of one call where nothing else is said.

    A cell of a large layer takes longer in proportion to its numbers, and one that has no name in
    proportion to the layers within it, so that fewer are allowed. So does a cell where whole
    windows are run, with all that stands around it: convolutions, attention, gates of their own.
    """
    network = question.network
    sizes = [float(parameters_of(layer)) for _, layer in network.recurrent()]
    described = [n.layer for n in network.nodes if isinstance(n.layer, DescribedRecurrent)]
    sizes += [USUAL_CELL * len(layer.nodes) / NODES_OF_A_CELL for layer in described]
    mean = sum(sizes) / len(sizes) if sizes else 0.0
    if not step_cost(network, question.stand_in, of=question.of).shared:
        mean += _beside(question) / (cells_of(network) * question.steps)
    return int(BUDGET * USUAL_CELL / max(USUAL_CELL, mean))


def _beside(question: Question) -> float:
    """Give what layers beside the cells take of one window, in numbers of a cell, about."""
    given = {name: array.shape[1:] for name, array in question.inputs.items()}
    shapes, taken = output_shapes(question.network, given=given), 0.0
    for node in question.network.nodes:
        layer = node.layer
        if isinstance(layer, Input | Recurrent | Bidirectional | DescribedRecurrent):
            continue
        for shape in shapes[node.name]:
            made = prod(size or question.steps for size in shape)
            # every place of a dense layer, or of a convolution, reads all of its numbers
            places = made / (shape[-1] or 1) if shape else 1
            numbers = 0 if isinstance(layer, Embedding) else parameters_of(layer)  # a row is read
            taken += PASS * made + places * numbers
    return taken


def usual_cells(network: Network, *, reads: bool = True) -> float:
    """Give what a step takes in all layers, in cells of usual ones.

    The first layer may read nothing: what its input puts in was worked out before.
    """
    cells = 0.0
    for number, (_, layer) in enumerate(network.recurrent()):
        numbers = parameters_of(layer)
        if not reads and number == 0:
            numbers -= sum(gate.W.size for gate in layer.cell.gates.values())
        cells += max(1.0, numbers / USUAL_CELL)
    return max(cells, 1.0)


@dataclass(frozen=True)
class StepCost:
    """What one step of one window costs in one game.

    Parameters
    ----------
    layers : int
        Cells: one a recurrent layer that reads the step.
    shared : bool
        Whether coalitions that begin alike share their beginnings.
    rows : tuple of int
        The cells of each row of an array that holds several inputs; empty where it holds one.
    """

    layers: int
    shared: bool
    rows: tuple[int, ...] = ()

    def of_window(self, steps: int) -> int:
        """Count the cells of a whole window of so many steps."""
        return sum(self.rows) if self.rows else self.layers * steps

    def of_beginnings(self, masks: NDArray[np.bool_], carried: NDArray[np.bool_] | None) -> int:
        """Count the cells of coalitions: masks (coalition, step) or (..., feature) of bool."""
        if not self.shared:
            return len(masks) * self.of_window(masks.shape[1])
        if self.rows:
            return count_prefixes(masks, carried, self.rows)
        return self.layers * count_prefixes(masks, carried)


def games_per_window(baseline: AnyBaseline) -> int:
    """Count the games that a window makes with a baseline."""
    if isinstance(baseline, GaussianConditional):
        return max(1, baseline.draws)
    return len(baseline.windows)


def step_cost(network: Network, baseline: AnyBaseline, *, of: str) -> StepCost:
    """Say what one step of one window costs in one game."""
    if isinstance(baseline, GaussianConditional):
        return StepCost(cells_of(network), shared=False)
    return StepCost(*cells_a_step(network, of), cells_by_row(network, of))


def cells_of_tree(players: Players, partial: int | Sequence[int], step: StepCost) -> int:
    """Count the cells that a tree evaluates for one window in one game."""
    if not step.shared:
        return step.of_window(players.steps) * players.coalitions(partial)
    if step.rows:
        return players.cells(partial, step.rows)
    return step.layers * players.cells(partial)


def partial_ways(members: Sequence[Members]) -> list[int]:
    """Count the ways to show each union in part."""
    return [max(0, (1 << len(one.masks)) - 2) for one in members]


def exact_cells(question: Question, newest: int, *, by_feature: bool) -> int | None:
    """Count the cells that exact values take for all windows and baselines; None for too many."""
    unions = question.players(newest)
    members = question.members(unions) if by_feature else ()
    # coalitions that show a union in part, for each of the others
    partial = partial_ways(members) if members else 0
    if unions.count > MOST_PLAYERS or unions.coalitions(partial) > MOST_COALITIONS:
        return None
    games = max(1, question.windows) * games_per_window(question.stand_in)
    step = step_cost(question.network, question.stand_in, of=question.of)
    return games * cells_of_tree(unions, partial, step)


def exact_work(
    question: Question, newest: int, *, by_feature: bool
) -> AbstractContextManager[None]:
    """Have whatever has exact values sooner compute them: kernels, or equations where few do."""
    network, baseline = question.network, question.stand_in
    if not undecided(network, question.x.dtype, FORWARD, STEP):
        return nullcontext()  # counting takes longer than a step
    cells = exact_cells(question, newest, by_feature=by_feature)
    step = step_cost(network, baseline, of=question.of)
    wide = inf if cells is None else cells
    steps = step.of_window(question.steps) * games_per_window(baseline) + 2 * wide / MOST_HISTORIES
    kernel = STEP if step.shared else FORWARD
    return little_work(network, question.x.dtype, kernel, cells=wide, steps=steps)
