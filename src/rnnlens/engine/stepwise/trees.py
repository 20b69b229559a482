"""Walking the tree of all coalitions, and the same coalitions as a list of masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array
from rnnlens.engine.stepwise.leaves import FEWEST_HISTORIES, Leaves, kernel_leaves
from rnnlens.engine.stepwise.players import Players
from rnnlens.engine.stepwise.states import State, histories_in, some_histories
from rnnlens.engine.stepwise.walk import Walk

__all__ = [
    "CoalitionMasks",
    "Tree",
    "coalition_masks",
    "count_prefixes",
    "in_order",
    "step_codes",
]

#: Steps of one player that are taken together, at the most and at the least, and numbers that they
#: hold at the most: 16 MB.
TOGETHER, FEWEST_TOGETHER, NUMBERS = 64, 4, 2_000_000

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Codes = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree that forks at each player's oldest step.

    Values and histories stand node by node, and within a node window by window. A node is
    known by the choice that each player has made: 0 hidden, 1 shown, 2 and more shown in part.

    Parameters
    ----------
    walk : Walk
        How the network is walked step by step.
    players : Players
        Who plays.
    choices : sequence of array (choice, feature) of bool
        Ways to show each player in part.
    mixed : callable
        From what nodes show of a step, and the step, to its input.
    value : callable
        From the network's outputs to one number a history.
    most_histories : int
        Histories that one level holds at once.
    """

    walk: Walk
    players: Players
    choices: Sequence[Bools]
    mixed: Callable[[Bools, int], Array]
    value: Callable[[tuple[Array, ...]], Array]
    most_histories: int

    @cached_property
    def _ways(self) -> list[Bools]:
        """What each choice of a player shows: (choice,), or by feature where some show a part."""
        if not any(map(len, self.choices)):
            return [np.array([False, True])] * len(self.players.blocks)
        none = np.zeros((1, self.choices[0].shape[1]), bool)
        return [np.concatenate([none, ~none, own]) for own in self.choices]

    @property
    def _windows(self) -> int:
        return len(self.walk.window.value((self.walk.of, 0)))

    def evaluate(self, start: State, nodes: int) -> tuple[Array, list[Array]]:
        """Evaluate every coalition, and those that show one player in part."""
        chosen = np.zeros((nodes, len(self.players.blocks)), np.int64)
        if not any(map(len, self.choices)):
            plain, partial = self._below(start, chosen, 0), []
        else:
            plain, partial = self._split(start, chosen, 0)
        joined = [p.reshape(*p.shape[:2], p.shape[2] * p.shape[3], p.shape[4]) for p in partial]
        return plain.reshape(-1, plain.shape[-1]), joined

    def _take(self, state: State, chosen: Ints, player: int, ways: Ints) -> tuple[State, Ints]:
        """Fork at a player's oldest step and go on to the next player's."""
        blocks, owner = self.players.blocks, self.players.owner
        nodes = len(chosen)
        after = np.tile(chosen, (len(ways), 1))
        after[:, player] = np.repeat(ways, nodes)
        first = t = blocks[player][0]
        last = blocks[player + 1][0] if player + 1 < len(blocks) else self.players.steps

        def read(t: int) -> Array:
            return self.mixed(self._ways[owner[t]][after[:, owner[t]]], t)

        x = self.walk.window.value((self.walk.of, 0))
        numbers = len(after) * x[:, 0].size
        together = min(TOGETHER, max(1, NUMBERS // max(1, numbers)))
        while t < last:
            end = min(t + together, last)
            if t == first and self._windows == 1 and histories_in(state) == nodes:
                # each of the ways is the input of all nodes
                both = self.mixed(self._ways[player][ways], t)
                state, t = self.walk.step(state, both, t, fork=True), t + 1
            elif end - t >= FEWEST_TOGETHER and self.walk.goes_at_once:
                every = np.concatenate([read(step) for step in range(t, end)], axis=1)
                state, t = self.walk.steps(state, every), end
            else:
                state, t = self.walk.step(state, read(t), t), t + 1
        return state, after

    @cached_property
    def _kernel_leaves(self) -> Leaves | None:
        return kernel_leaves(self.walk, self.mixed, self.value) if self._windows == 1 else None

    def _singles(self, player: int) -> bool:
        """Say whether all players from this one on are one step each."""
        return (
            self.players.steps - self.players.blocks[player][0] == len(self.players.blocks) - player
        )

    def _halves(self, state: State, chosen: Ints) -> list[tuple[State, Ints]] | None:
        """Halve the nodes where they are too many to go on together."""
        nodes, windows = len(chosen), self._windows
        if nodes == 1 or nodes * windows <= self.most_histories:
            return None
        half = nodes // 2
        return [
            (some_histories(state, some), part)
            for some, part in (
                (slice(0, half * windows), chosen[:half]),
                (slice(half * windows, None), chosen[half:]),
            )
        ]

    def _below(self, state: State, chosen: Ints, player: int) -> Array:
        """Give the values of all choices from a player on, (choices left, node, window)."""
        if player == len(self.players.blocks):
            return self.value(self.walk.outputs(state)).reshape(1, len(chosen), -1)
        if (
            len(chosen) >= FEWEST_HISTORIES
            and self._kernel_leaves is not None
            and self._singles(player)
        ):
            return self._kernel_leaves.below(state, self.players.blocks[player][0])[..., None]
        halves = self._halves(state, chosen)
        if halves is not None:
            return np.concatenate([self._below(*half, player) for half in halves], axis=1)
        state, after = self._take(state, chosen, player, np.arange(2))
        # (choices below, this choice, node, window) in C order
        below = self._below(state, after, player + 1)
        return below.reshape(-1, len(chosen), below.shape[-1])

    def _split(self, state: State, chosen: Ints, player: int) -> tuple[Array, list[Array]]:
        # Gives what `_below` gives, and for each player from this one on the partial choices:
        # (choices of newer players, partial choice, choices from this player to the one that is
        # split, node, window).
        if player == len(self.players.blocks):
            return self._below(state, chosen, player), []
        halves = self._halves(state, chosen)
        if halves is not None:
            plains, partials = zip(*(self._split(*half, player) for half in halves), strict=True)
            plain = np.concatenate(plains, axis=1)
            joined = [np.concatenate(p, axis=3) for p in zip(*partials, strict=True)]
            return plain, joined
        nodes = len(chosen)
        own = self._partial(state, chosen, player)
        state, after = self._take(state, chosen, player, np.arange(2))
        below, rest = self._split(state, after, player + 1)
        # -1 says nothing of a player that is never shown in part
        rest = [
            r.reshape(*r.shape[:2], r.shape[2] * r.shape[3] // nodes, nodes, r.shape[4])
            for r in rest
        ]
        return below.reshape(-1, nodes, below.shape[-1]), [own[:, :, None], *rest]

    def _partial(self, state: State, chosen: Ints, player: int) -> Array:
        """Show one player in part, (choices of newer players, partial choice, node, window)."""
        nodes, count = len(chosen), len(self.choices[player])
        if not count:
            newer = 1 << (len(self.players.blocks) - player - 1)
            return np.empty((newer, 0, nodes, self._windows))
        size = max(1, self.most_histories // (nodes * self._windows))
        values = []
        for low in range(0, count, size):
            ways = np.arange(low, min(low + size, count)) + 2
            below = self._below(*self._take(state, chosen, player, ways), player + 1)
            values.append(below.reshape(len(below), len(ways), nodes, -1))
        return np.concatenate(values, axis=1)


@dataclass(frozen=True, eq=False)
class CoalitionMasks:
    """The coalitions of a tree as masks.

    Parameters
    ----------
    masks : array (coalition, step) or (coalition, step, feature) of bool
        What comes from the window.
    carried : array (coalition,) of bool
        Whether the carried state does.
    shapes : list of tuple of int
        How the values of each player's partial choices stand, after the plain ones.
    plain : int
        How many show no player in part.
    """

    masks: Bools
    carried: Bools
    shapes: list[tuple[int, int, int]]
    plain: int

    def as_tree(self, values: Array) -> tuple[Array, list[Array]]:
        """Put values in the form in which a tree gives them: values (coalition, sample)."""
        parts, low = [], self.plain
        for shape in self.shapes:
            high = low + int(np.prod(shape))
            parts.append(values[low:high].reshape(*shape, values.shape[1]))
            low = high
        return values[: self.plain], parts


def coalition_masks(players: Players, choices: Sequence[Bools]) -> CoalitionMasks:
    """List the coalitions of a tree: choices of each player (choice, feature) of bool."""
    bits = (np.arange(1 << players.count)[:, None] >> np.arange(players.count) & 1).astype(bool)
    if not any(map(len, choices)):
        return CoalitionMasks(
            bits[:, players.carried :][:, players.owner], _carried(bits, players), [], len(bits)
        )
    features = choices[0].shape[1]
    lists = [np.repeat(bits[:, players.carried :, None], features, axis=2)]
    carries, shapes = [_carried(bits, players)], []
    for player in range(len(players.blocks)):
        older = player + players.carried
        shape = (1 << (players.count - 1 - older), len(choices[player]), 1 << older)
        newer, way, before = np.unravel_index(np.arange(np.prod(shape)), shape)
        coalition = bits[newer << (older + 1) | before]
        shown = np.repeat(coalition[:, players.carried :, None], features, axis=2)
        shown[:, player] = choices[player][way]
        lists.append(shown)
        carries.append(_carried(coalition, players))
        shapes.append(shape)
    masks = np.concatenate(lists)[:, players.owner]
    return CoalitionMasks(masks, np.concatenate(carries), shapes, len(bits))


def _carried(bits: Bools, players: Players) -> Bools:
    return bits[:, 0] if players.carried else np.ones(len(bits), bool)


def step_codes(masks: Bools) -> Codes:
    """Give a number to what each coalition shows at each step.

    Shapes: masks (coalition, step) or (coalition, step, feature) of bool -> (coalition, step) of
    int.
    """
    if masks.ndim == 2:
        return masks.view(np.uint8)
    features = masks.shape[2]
    if features <= 62:
        # in numbers as small as they can be: many steps make many of them
        codes = np.zeros(masks.shape[:2], np.uint8 if features <= 8 else np.int64)
        for feature in range(features):
            codes |= masks[..., feature] * codes.dtype.type(1 << feature)
        return codes
    return _codes_of_bytes(np.packbits(masks, axis=2))


def _codes_of_bytes(shown: NDArray[np.uint8]) -> Codes:
    """Give a number to each row of bytes (coalition, step, byte), in the order of the rows."""
    known: dict[bytes, Codes] = {}
    codes = np.empty(shown.shape[:2], np.int64)
    for t in range(shown.shape[1]):
        column = np.ascontiguousarray(shown[:, t])
        content = column.tobytes()  # steps of one player say the same
        if content not in known:
            # whole rows at once: numbers compared one by one take hundreds of times as long
            rows = column.view(f"S{shown.shape[2]}").ravel()
            known[content] = np.unique(rows, return_inverse=True)[1]
        codes[:, t] = known[content]
    return codes


def in_order(codes: Codes, carried: Bools) -> Ints:
    """Sort coalitions so that those that begin alike stand together: codes (coalition, step)."""
    # steps of one player say the same of every coalition: the first of them is enough
    first = dict[bytes, int]()
    for t, column in enumerate(np.ascontiguousarray(codes.T)):
        first.setdefault(column.tobytes(), t)
    return np.lexsort((*codes.T[list(first.values())][::-1], carried))


def count_prefixes(masks: Bools, carried: Bools | None = None, each: Sequence[int] = ()) -> int:
    """Count the distinct beginnings, of every length, of coalitions; or what they cost.

    Shapes: masks (coalition, step) or (coalition, step, feature) of bool, carried (coalition,) of
    bool, each (step,) of int: what a beginning that ends there costs.

    Examples
    --------
    >>> import numpy as np
    >>> count_prefixes(np.array([[True, True, False], [True, False, False], [True, True, True]]))
    6
    """
    codes = step_codes(masks)
    begun = np.zeros(len(codes), bool) if carried is None else carried
    order = in_order(codes, begun)
    codes, begun = codes[order], begun[order]
    steps = masks.shape[1]
    differ = codes[1:] != codes[:-1]
    differ[:, 0] |= begun[1:] != begun[:-1]
    # a coalition shares all steps before the first that differs from the one sorted before it
    where = differ.argmax(axis=1)
    left = np.cumsum(np.array(each or (1,) * steps)[::-1])[::-1]
    return int(left[0] + (differ.any(axis=1) * left[where]).sum())
