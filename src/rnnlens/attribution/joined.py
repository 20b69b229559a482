"""Several inputs of a network as one, so that every method asks of all of them at once.

Each input takes rows of one array (sample, row, number): a static vector one row, a sequence one a
step. Static vectors come first, for they are there before the first step; sequences that the
network reads together, step by step, take turns, so that coalitions of players of different inputs
share their beginnings as those of one input do (`rnnlens.engine.stepwise.split`). A player is a lag
of one input, all older lags of one input together, or a static vector; its members are features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.games.players import Members
from rnnlens.engine.stepwise.players import Players
from rnnlens.engine.stepwise.split import read_together
from rnnlens.network.layers import Input
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Network, Node

__all__ = ["Layout", "PlayerInput", "joined_inputs"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PlayerInput:
    """One of several inputs that are asked about at once.

    Parameters
    ----------
    name : str
        The network's name for it.
    shape : tuple of int
        Of one sample, as the network takes it.
    lags : bool
        Whether its first axis is one of steps, which lags count back from the newest.
    rows : tuple of int
        Where it stands in the array that holds all of them: a row a step, or one.
    future : bool
        Whether its steps lie after the forecast's issue, so that they count forward from it.
    past : int
        Of such an input, how many steps, the first ones, do not: the last of these is t+0.
    """

    name: str
    shape: tuple[int, ...]
    lags: bool
    rows: tuple[int, ...] = ()
    future: bool = False
    past: int = 0

    @property
    def steps(self) -> int:
        """Its steps: 1 where it has no axis of them."""
        return self.shape[0] if self.lags else 1

    @property
    def features(self) -> int:
        """Numbers of each step."""
        return prod(self.shape) // self.steps

    def title(self, first: int, last: int) -> str:
        """Name some of its steps, counted from the oldest, 0."""
        if not self.lags:
            return self.name
        if self.future:
            ends = [f"t{step - self.past + 1:+d}" for step in (first, last)]
        else:
            ends = [f"lag {self.steps - last}", f"{self.steps - first}"]
        if first == last:
            return f"{self.name}, {ends[0]}"
        return f"{self.name}, {ends[0].replace('lag ', 'lags ')} to {ends[1]}"


@dataclass(frozen=True)
class Layout:
    """How several inputs stand in one array.

    Parameters
    ----------
    inputs : tuple of PlayerInput
        In the network's order.
    """

    inputs: tuple[PlayerInput, ...]

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return max(one.features for one in self.inputs)

    @property
    def rows(self) -> int:
        """Rows of the array."""
        return sum(one.steps for one in self.inputs)

    @property
    def owner(self) -> NDArray[np.int64]:
        """The input of each row: (row,)."""
        owner = np.zeros(self.rows, np.int64)
        for k, one in enumerate(self.inputs):
            owner[list(one.rows)] = k
        return owner

    def lay(self, arrays: Mapping[str, Array]) -> Array:
        """Lay inputs into one array: mapping of str to (sample, ...) -> (sample, row, number)."""
        first = arrays[self.inputs[0].name]
        laid = np.zeros((len(first), self.rows, self.width), first.dtype)
        for one in self.inputs:
            given = arrays[one.name].reshape(len(first), one.steps, -1)
            laid[:, list(one.rows), : one.features] = given
        return laid

    def taken(self, laid: Array, name: str) -> Array:
        """Take one input out again: (sample, row, number) -> (sample, step, feature)."""
        one = next(one for one in self.inputs if one.name == name)
        return laid[:, list(one.rows), : one.features]

    def taken_steps(self, laid: NDArray[np.bool_], name: str) -> NDArray[np.bool_]:
        """Take the steps of one input out again: (sample, row) -> (sample, step)."""
        one = next(one for one in self.inputs if one.name == name)
        return laid[:, list(one.rows)]

    def players(self, newest: int, *, carried: bool = False) -> Players:
        """Make players: the newest lags of every sequence, its older ones, each static vector."""
        parts: list[tuple[list[int], str]] = []
        for one in self.inputs:
            older = max(0, one.steps - newest) if one.lags else 0
            if older:
                parts.append((list(one.rows[:older]), one.title(0, older - 1)))
            parts += [([one.rows[t]], one.title(t, t)) for t in range(older, one.steps)]
        blocks, names = zip(*sorted(parts, key=lambda part: part[0][0]), strict=True)
        return Players(tuple(blocks), tuple(names), carried)

    def members(self, unions: Players, kept: NDArray[np.bool_] | None) -> tuple[Members, ...]:
        """Give the features of each player: kept (row, number) of bool are none."""
        made = []
        for block in unions.blocks:
            count = self.inputs[self.owner[block[0]]].features
            free = np.ones(count, bool)
            if kept is not None:
                free = ~kept[list(block), :count].all(axis=0)
            columns = np.flatnonzero(free)
            masks = np.zeros((len(columns), self.width), bool)
            masks[np.arange(len(columns)), columns] = True
            made.append(Members(masks, tuple(columns.tolist())))
        return tuple(made)


def joined_inputs(
    network: Network, inputs: Mapping[str, Array], players: Sequence[PlayerInput]
) -> tuple[Network, dict[str, Array], str, Layout]:
    """Give a network some of whose inputs are in one array, its inputs, that one's name, and how.

    Shapes: inputs mapping of str to (sample, ...).
    """
    name = "inputs"
    while any(node.name == name for node in network.nodes):
        name = f"all {name}"
    first, free = [], 0
    for one in players:
        first.append(replace(one, rows=tuple(range(free, free + one.steps))))
        free += one.steps
    made = _network(network, name, Layout(tuple(first)))
    layout = Layout(_in_turns(made, players))
    laid = {other: array for other, array in inputs.items() if other not in _names(players)}
    laid[name] = layout.lay(inputs)
    return _network(network, name, layout), laid, name, layout


def _names(players: Sequence[PlayerInput]) -> set[str]:
    return {one.name for one in players}


def _in_turns(network: Network, players: Sequence[PlayerInput]) -> tuple[PlayerInput, ...]:
    """Give each input its rows: static vectors first, then sequences, each step in turns."""
    by_name = {one.name: one for one in players}
    rows: dict[str, list[int]] = {one.name: [] for one in players}
    free = 0
    for one in players:
        if not one.lags:
            rows[one.name].append(free)
            free += 1
    for together in read_together(network, [one.name for one in players if one.lags]):
        for _ in range(max(by_name[other].steps for other in together)):
            for other in together:
                rows[other].append(free)
                free += 1
    return tuple(replace(one, rows=tuple(rows[one.name])) for one in players)


def _network(network: Network, name: str, layout: Layout) -> Network:
    entry = Node(name, Input((layout.rows, layout.width)))
    by_name = {one.name: one for one in layout.inputs}
    nodes = [
        replace(node, layer=Unjoin(one.rows, one.shape, one.lags), inputs=((name, 0),))
        if (one := by_name.get(node.name)) is not None
        else node
        for node in network.nodes
    ]
    return replace(network, nodes=(entry, *nodes))
