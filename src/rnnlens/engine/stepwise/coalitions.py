"""The forecast for every coalition of lags: some steps from the window, the rest from a baseline.

A recurrent state after step t depends on the choices up to t alone, so all coalitions share their
prefixes: a binary tree with one batched cell step a level, over many windows at once. For K lags
that costs ``2^(K+1) - 2`` cell evaluations a recurrent layer instead of ``K 2^K``; with the T - K
older steps as one player more, ``2 (T - K) + 2^(K+2) - 4``. Networks that need a whole sequence at
once (a layer that reads backwards, a convolution, pooling over time) are run window by window
instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import Run, States, forward, inputs_of, outputs
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.schedule.context import one_round, round_of_work
from rnnlens.engine.schedule.plan import chunks
from rnnlens.engine.stepwise import trees
from rnnlens.engine.stepwise.players import Players
from rnnlens.engine.stepwise.split import SplitNetwork, split_by_step
from rnnlens.engine.stepwise.states import State, histories_in, joined, select
from rnnlens.engine.stepwise.walk import Walk
from rnnlens.network.layers import Bidirectional, DescribedRecurrent, Recurrent
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Network
from rnnlens.network.shapes import output_shapes

__all__ = ["CellCounter", "Game", "alone", "cells_a_step", "cells_by_row"]

#: States that one level of the tree holds at once; beyond it the tree is walked depth first.
MOST_HISTORIES = 1 << 13

#: From the outputs of coalitions to the value of interest, (coalition,).
Value = Callable[[tuple[Array, ...]], Array]


@dataclass
class CellCounter:
    """Counts cell evaluations: one cell, one step, one state.

    Parameters
    ----------
    cells : int
        So far.
    """

    cells: int = 0

    def add(self, cells: int) -> None:
        """Count cell evaluations."""
        self.cells += cells


@dataclass(frozen=True, eq=False)
class Game:
    """What a network forecasts where some inputs come from the window, the rest from a baseline.

    Parameters
    ----------
    windows : Run
        The run of the windows; its masks hold for every coalition.
    baseline : array (1 or sample, step, ...)
        What stands in for hidden inputs.
    of : str
        The input that is hidden; the others keep their values.
    value : callable
        From the network's outputs to one number a coalition.
    counter : CellCounter
        Counts cell evaluations.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States carried into the windows, by recurrent layer; zero stands in where they are hidden.
    """

    windows: Run
    baseline: Array
    of: str
    value: Value
    counter: CellCounter = field(default_factory=CellCounter)
    initial_state: States | None = None

    @property
    def x(self) -> Array:
        """The windows (sample, step, ...)."""
        return self.windows.value((self.of, 0))

    @cached_property
    def walk(self) -> Walk | None:
        """How the network is walked step by step; None where a layer needs whole sequences."""
        split, given = split_by_step(self.windows.network, self.of), set(self.initial_state or {})
        if split is None or given - set(split.cells):
            return None
        # steps that are padding in one window may be real in another
        for name in split.picked:
            source, number = self.windows.network[name].inputs[0]
            if self.windows.tapes[source].masks[number] is not None:
                return None
        # a state that is carried in takes the place of one that static vectors make
        if split.joined and any(len(self.windows.network[name].inputs) > 1 for name in given):
            return None
        return Walk(split, self.windows, self.of, self.counter.add)

    @cached_property
    def _unseen(self) -> bool:
        """Whether nothing that is hidden can reach what the network gives."""
        network, reached = self.windows.network, {self.of, *(self.initial_state or {})}
        for node in network.nodes:
            if any(name in reached for name, _ in node.inputs):
                reached.add(node.name)
        return not any(name in reached for name, _ in network.outputs)

    def _the_same(self, coalitions: int) -> Array:
        """Give the windows' own values for every coalition: (coalition, sample)."""
        own = self.value(self.windows.outputs)
        return np.broadcast_to(own, (coalitions, len(own))).copy()

    def evaluate_all(self, players: Players) -> Array:
        """Evaluate all coalitions of players.

        Costs ``2^(P+1) - 2`` cell evaluations a recurrent layer for P players of one step each.

        Shapes: gives (2 ** players, sample).
        """
        return self.evaluate_partial(players, ())[0]

    def evaluate_partial(
        self, players: Players, choices: Sequence[NDArray[np.bool_]]
    ) -> tuple[Array, list[Array]]:
        """Evaluate all coalitions of players, and those that show one player in part.

        Shapes: choices of each player (choice, feature) of bool.
        """
        if self._unseen:
            coalitions = trees.coalition_masks(players, choices)
            return coalitions.as_tree(self._the_same(len(coalitions.masks)))
        if self.walk is not None:
            tree = trees.Tree(self.walk, players, choices, self.mixed, self.value, MOST_HISTORIES)
            # one round of thousands of steps, each of which would look at the weights
            with one_round(round_of_work()):
                return tree.evaluate(self._start(fork=players.carried), 2 if players.carried else 1)
        coalitions = trees.coalition_masks(players, choices)
        return coalitions.as_tree(self.evaluate(coalitions.masks, coalitions.carried).T)

    def evaluate(self, masks: NDArray[np.bool_], carried: NDArray[np.bool_] | None = None) -> Array:
        """Evaluate given coalitions for every window.

        Coalitions that begin alike share the beginning: the cost is one cell evaluation a window
        and recurrent layer for every distinct beginning of every length.

        Shapes: masks (coalition, step) or (coalition, step, feature) of bool, carried (coalition,)
        of bool -> (sample, coalition).
        """
        if carried is None:
            carried = np.ones(len(masks), bool)
        if self._unseen:
            return self._the_same(len(masks)).T
        if self.walk is None:
            return self._whole_windows(masks, carried)
        codes = trees.step_codes(masks)
        order = trees.in_order(codes, carried)
        fork = self.initial_state is not None
        nodes = carried[order].astype(np.int64) if fork else np.zeros(len(masks), np.int64)
        values = np.empty((len(self.x), len(masks)))
        start = self._start(fork=fork)
        with one_round(round_of_work()):
            values[:, order] = self._along(start, masks[order], codes[order], nodes, 0)
        return values

    def _start(self, *, fork: bool) -> State:
        """Give the state before the first step; where it forks, zero before carried."""
        assert self.walk is not None
        given = self.walk.start(self.initial_state)
        if not fork:
            return given
        zero = {
            name: [np.zeros_like(s) for s in z] for name, z in (self.initial_state or {}).items()
        }
        return joined(self.walk.start(zero), given)

    def _along(
        self,
        state: State,
        masks: NDArray[np.bool_],
        codes: NDArray[np.integer],
        nodes: NDArray[np.int64],
        t: int,
    ) -> Array:
        """Go on with sorted masks from the nodes that they have reached; (sample, coalition).

        `t` counts what is taken together.
        """
        assert self.walk is not None
        windows = len(self.x)
        for now, rows in enumerate(self._taken_together[t:], t):
            new = np.ones(len(masks), bool)
            new[1:] = (np.diff(nodes) != 0) | (np.diff(codes[:, rows], axis=0) != 0).any(axis=1)
            first = np.flatnonzero(new)
            if len(first) > 1 and len(first) * windows > MOST_HISTORIES:
                half = first[len(first) // 2]
                parts = []
                for some in (slice(0, half), slice(half, None)):
                    kept, back = np.unique(nodes[some], return_inverse=True)
                    inner = select(state, kept, windows)
                    parts.append(self._along(inner, masks[some], codes[some], back, now))
                return np.concatenate(parts, axis=1)
            parents = nodes[first]
            if len(parents) != histories_in(state) // windows or (np.diff(parents) != 1).any():
                state = select(state, parents, windows)
            for row in range(rows.start, rows.stop):
                state = self.walk.step(state, self.mixed(masks[first, row], row), row)
            nodes = np.cumsum(new) - 1
        values = self.value(self.walk.outputs(state)).reshape(-1, windows)
        return values[nodes].T

    @cached_property
    def _taken_together(self) -> list[slice]:
        """The steps of the array: each by itself, or of sequences that are read together all."""
        assert self.walk is not None
        rows = self.walk.split.rows
        ends = [t + 1 for t in range(self.x.shape[1]) if not rows or rows[t].ends]
        return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]

    def mixed(self, shown: NDArray[np.bool_], t: int) -> Array:
        """Give the input of a step from what each node shows of it.

        Shapes: shown (node,) or (node, feature) of bool -> (node * sample, 1, ...).
        """
        x = self.x[None, :, t]
        x0 = np.broadcast_to(self.baseline, self.x.shape)[None, :, t]
        shown = shown.reshape(len(shown), 1, *shown.shape[1:])
        shown = shown.reshape(*shown.shape, *(1,) * (x.ndim - shown.ndim))
        return np.where(shown, x, x0).reshape(-1, 1, *x.shape[2:])

    def _whole_windows(self, masks: NDArray[np.bool_], carried: NDArray[np.bool_]) -> Array:
        """Run every coalition of every window from beginning to end."""
        x, network = self.x, self.windows.network
        x0 = np.broadcast_to(self.baseline, x.shape)
        a_window = sum(cells_by_row(network, self.of)) or x.shape[1] * cells_of(network)
        values = np.empty((len(x), len(masks)))
        for w in range(len(x)):
            own_run = alone(self.windows, w)
            own = {
                name: np.broadcast_to(one, (len(masks), *one.shape[1:]))
                for name, one in ((n, own_run.value((n, 0))) for n in network.inputs)
            }
            for chunk in chunks(network, own):
                shown = masks[chunk]
                # a token is one number, whether its feature is named or not
                shown = shown[..., 0] if shown.ndim > x.ndim else shown
                shown = shown.reshape(*shown.shape, *(1,) * (x.ndim - shown.ndim))
                inputs = inputs_of(own, chunk)
                inputs[self.of] = np.where(shown, x[w], x0[w])
                states = {
                    name: [np.where(carried[chunk][:, None], s[w], 0.0) for s in map(np.asarray, z)]
                    for name, z in (self.initial_state or {}).items()
                }
                self.counter.add(len(shown) * a_window)
                given = outputs(network, inputs, initial_state=states, masks_of=own_run)
                values[w, chunk] = self.value(given)
        return values


#: What is counted of a network, by its input: asked for many times a question, and the same however
#: its weights change.
_COUNTED: WeakKeyDictionary[Network, dict[str, tuple[int, bool, tuple[int, ...]]]] = (
    WeakKeyDictionary()
)


def _counted(network: Network, of: str) -> tuple[int, bool, tuple[int, ...]]:
    by_input = _COUNTED.setdefault(network, {})
    if of not in by_input:
        split = split_by_step(network, of)
        cells = cells_of(network) if split is None else len(split.cells)
        by_input[of] = cells, split is not None, _by_row(network, split)
    return by_input[of]


def cells_a_step(network: Network, of: str) -> tuple[int, bool]:
    """Say what one step of one window costs."""
    return _counted(network, of)[:2]


def cells_by_row(network: Network, of: str) -> tuple[int, ...]:
    """Say what each row of an array that holds several inputs costs; none where it holds one.

    A step is taken once all sequences that are read together have theirs. Where a layer needs whole
    sequences, the last row costs what all of a window does.
    """
    return _counted(network, of)[2]


def _by_row(network: Network, split: SplitNetwork | None) -> tuple[int, ...]:
    if split is not None:
        group = split.together
        counts = Counter(group[name] for name in split.cells)
        return tuple(counts[group[row.of]] if row.whole else 0 for row in split.rows)
    joined = [node.layer for node in network.nodes if isinstance(node.layer, Unjoin)]
    if not joined:
        return ()
    rows = sum(len(layer.rows) for layer in joined)
    shapes = output_shapes(network)
    steps = [
        (shapes[name][number][0] or rows) * (2 if isinstance(node.layer, Bidirectional) else 1)
        for node in network.nodes
        if isinstance(node.layer, Recurrent | Bidirectional | DescribedRecurrent)
        for name, number in node.inputs[:1]
    ]
    return (*(0,) * (rows - 1), sum(steps) or rows)


def alone(windows: Run, w: int) -> Run:
    """Run one of the windows by itself."""
    if len(windows.tapes[next(iter(windows.network.inputs))].outputs[0]) == 1:
        return windows
    inputs = {name: windows.value((name, 0))[w : w + 1] for name in windows.network.inputs}
    return forward(windows.network, inputs)
