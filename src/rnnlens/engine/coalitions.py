"""The forecast for every coalition of lags: some steps from the window, the rest from a baseline.

A recurrent state after step t depends on the choices up to t alone, so all coalitions share their
prefixes: a binary tree with one batched cell step a level. For K lags that costs ``2^(K+1) - 2``
cell evaluations a recurrent layer instead of ``K 2^K``; with the T - K older steps as one player
more, ``2 (T - K) + 2^(K+2) - 4``. Networks that need a whole sequence at once (a layer that reads
backwards, a convolution, pooling over time) are run window by window instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rnnlens.engine.cells import Ready, ready
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import Array, Mask, run
from rnnlens.engine.plan import chunks
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Dense,
    Embedding,
    Identity,
    Input,
    LayerNormalization,
    Masking,
    Multiply,
    Recurrent,
    Rescaling,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node

__all__ = ["CellCounter", "Players", "coalition_values", "players"]

#: States that one level of the tree holds at once; beyond it the tree is walked depth first.
ROWS = 1 << 13

#: From the steps that a coalition's window is made of to the value of interest, (coalition,).
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


@dataclass(frozen=True)
class Players:
    """Runs of neighbouring steps that are hidden or shown together, oldest first.

    Parameters
    ----------
    blocks : tuple of range
        The steps of each player.
    """

    blocks: tuple[range, ...]

    @property
    def lags(self) -> tuple[tuple[int, int], ...]:
        """First and last lag of each player, newest player first."""
        steps = self.blocks[-1].stop
        return tuple((steps - b.stop + 1, steps - b.start) for b in reversed(self.blocks))


def players(steps: int, newest: int) -> Players:
    """Make the newest lags players of their own and all older ones one more.

    Parameters
    ----------
    steps : int
        Steps in a window.
    newest : int
        Lags that are players of their own; all of them where it is not below ``steps``.

    Returns
    -------
    Players
        Oldest first.

    Examples
    --------
    >>> players(24, 3).blocks
    (range(0, 21), range(21, 22), range(22, 23), range(23, 24))
    >>> players(24, 3).lags
    ((1, 1), (2, 2), (3, 3), (4, 24))
    """
    first = max(0, steps - newest)
    singles = tuple(range(t, t + 1) for t in range(first, steps))
    return Players(((range(first),) if first else ()) + singles)


def coalition_values(
    run_of_window: Run,
    baseline: Mapping[str, Array],
    of: str,
    parts: Players,
    value: Value,
    counter: CellCounter | None = None,
) -> Array:
    """Evaluate the network for every coalition of players of one window.

    Parameters
    ----------
    run_of_window : Run
        The run of the window alone, one sample; its masks hold for every coalition.
    baseline : mapping of str to array (1, ...)
        What stands in for hidden steps, by input; inputs other than ``of`` keep their values.
    of : str
        The input whose steps are players.
    parts : Players
        The players.
    value : callable
        From the network's outputs to one number a coalition.
    counter : CellCounter, optional
        Counts cell evaluations.

    Returns
    -------
    array (2 ** players,)
        Bit p of the index says whether player p (oldest is bit 0) comes from the window.
    """
    network = run_of_window.network
    counter = counter if counter is not None else CellCounter()
    stream = _stream(network, of)
    if stream is None:
        return _window_by_window(run_of_window, baseline, of, parts, value, counter)
    tree = _Tree(stream, run_of_window, baseline[of], of, parts, value, counter)
    return tree.descend(tree.start(), 0)[:, 0]


# --- networks that can be walked step by step ------------------------------------------------


@dataclass(frozen=True)
class _Stream:
    """A network cut in two: what happens at each step, and the head after the last one."""

    stepwise: tuple[Node, ...]
    head: tuple[Node, ...]
    cells: Mapping[str, Ready] = field(default_factory=dict)


_STEPWISE = (
    Activate,
    Add,
    Average,
    Concatenate,
    Dense,
    Embedding,
    Identity,
    Masking,
    Multiply,
    Rescaling,
    Subtract,
    TimeDistributed,
)


def _keeps_steps_apart(node: Node) -> bool:
    layer = node.layer
    if isinstance(layer, BatchNormalization | Concatenate):
        return layer.axis in {-1, 2}
    if isinstance(layer, LayerNormalization):
        return all(axis in {-1, 2} for axis in layer.axes)
    if isinstance(layer, Standardization):
        return layer.mean.ndim < 2 or layer.mean.shape[-2] == 1
    if isinstance(layer, Activate) and layer.activation.axis_wise:
        return layer.activation["axis"] in {-1.0, 2.0}
    return isinstance(layer, _STEPWISE)


def _stream(network: Network, of: str) -> _Stream | None:
    """Cut a network into steps and head, or give None where it cannot be cut."""
    kind = {of: "sequence"}
    stepwise, head = [], []
    cells: dict[str, Ready] = {}
    for node in network.nodes:
        if isinstance(node.layer, Input):
            kind.setdefault(node.name, "constant")
            continue
        takes = {kind[name] for name, _ in node.inputs}
        if takes <= {"constant", "vector"}:
            kind[node.name] = "vector"
            head.append(node)
        elif isinstance(node.layer, Recurrent):
            plain = not node.layer.go_backwards and len(node.inputs) == 1
            if not plain or (node.layer.return_sequences and node.layer.return_state):
                return None
            kind[node.name] = "sequence" if node.layer.return_sequences else "vector"
            stepwise.append(node)
            cells[node.name] = ready(node.layer.cell)
        elif takes == {"sequence"} and _keeps_steps_apart(node):
            kind[node.name] = "sequence"
            stepwise.append(node)
        else:
            return None
    if any(kind[name] == "sequence" for name, _ in network.outputs):
        return None
    return _Stream(tuple(stepwise), tuple(head), cells)


#: Per recurrent node: its states, then its last output.
_State = dict[str, tuple[Array, ...]]


@dataclass(frozen=True)
class _Tree:
    stream: _Stream
    window: Run
    baseline: Array
    of: str
    parts: Players
    value: Value
    counter: CellCounter

    def start(self) -> _State:
        return {
            name: (*cell.start(1), np.zeros((1, cell.cell.units)))
            for name, cell in self.stream.cells.items()
        }

    def descend(self, state: _State, player: int) -> Array:
        """Give the values of all choices from a player on, (2 ** players left, states)."""
        rows = len(next(iter(state.values()))[0]) if state else 1
        if player == len(self.parts.blocks):
            return self.value(self._outputs(state, rows))[None]
        if rows > ROWS:
            halves = [slice(0, rows // 2), slice(rows // 2, None)]
            cut = [{n: tuple(a[half] for a in s) for n, s in state.items()} for half in halves]
            return np.concatenate([self.descend(part, player) for part in cut], axis=1)
        x = self.window.value((self.of, 0))
        both = [self._walk(state, source, player) for source in (self.baseline, x)]
        joined = {
            name: tuple(
                np.concatenate(pair) for pair in zip(both[0][name], both[1][name], strict=True)
            )
            for name in state
        }
        below = self.descend(joined, player + 1)
        return below.reshape(-1, rows)  # (choices below, this choice, states) in C order

    def _walk(self, state: _State, source: Array, player: int) -> _State:
        for t in self.parts.blocks[player]:
            state = self._step(state, source[:, t : t + 1], t)
        return state

    def _step(self, state: _State, x: Array, t: int) -> _State:
        values: dict[str, Array] = {self.of: x}
        masks: dict[str, Mask] = {self.of: None}
        after = dict(state)
        for node in self.stream.stepwise:
            taken = tuple(values[name] for name, _ in node.inputs)
            mask = tuple(masks[name] for name, _ in node.inputs)
            if isinstance(node.layer, Recurrent):
                values[node.name] = self._advance(node, after, taken[0], mask[0])
                masks[node.name] = mask[0]
            else:
                rows = max(len(array) for array in taken)
                even = tuple(np.broadcast_to(a, (rows, *a.shape[1:])) for a in taken)
                tape = run(node.layer, even, mask, self._forced(node, t))
                values[node.name], masks[node.name] = tape.outputs[0], tape.masks[0]
        return after

    def _forced(self, node: Node, t: int) -> Mask:
        mask = self.window.tapes[node.name].masks[0]
        return None if mask is None else mask[:, t : t + 1]

    def _advance(self, node: Node, state: _State, x: Array, mask: Mask) -> Array:
        assert isinstance(node.layer, Recurrent)
        cell = self.stream.cells[node.name]
        *before, output = state[node.name]
        self.counter.cells += len(output)
        new, _ = cell.advance(cell.project(x[:, 0]), tuple(before))
        if mask is None:
            state[node.name] = (*new, new[0])
        else:
            keep = np.broadcast_to(mask, (1, 1))
            kept = tuple(np.where(keep, n, b) for n, b in zip(new, before, strict=True))
            idle = 0.0 if node.layer.zero_output_for_mask else output
            state[node.name] = (*kept, np.where(keep, new[0], idle))
        return state[node.name][-1][:, None]

    def _outputs(self, state: _State, rows: int) -> tuple[Array, ...]:
        values: dict[tuple[str, int], Array] = {}
        for name in self.window.network.inputs:
            array = self.window.value((name, 0))
            values[name, 0] = np.broadcast_to(array, (rows, *array.shape[1:]))
        for name, (*states, output) in state.items():
            values.update({(name, k): array for k, array in enumerate((output, *states))})
        for node in self.stream.head:
            taken = tuple(values[ref] for ref in node.inputs)
            tape = run(node.layer, taken, (None,) * len(taken), None)
            values.update({(node.name, k): array for k, array in enumerate(tape.outputs)})
        return tuple(values[ref] for ref in self.window.network.outputs)


# --- all other networks ----------------------------------------------------------------------


def _choices(parts: Players, chosen: np.ndarray, steps: int) -> np.ndarray:
    shown = np.zeros((len(chosen), steps), bool)
    for player, block in enumerate(parts.blocks):
        shown[:, block.start : block.stop] = (chosen >> player & 1).astype(bool)[:, None]
    return shown


def _window_by_window(
    window: Run,
    baseline: Mapping[str, Array],
    of: str,
    parts: Players,
    value: Value,
    counter: CellCounter,
) -> Array:
    network = window.network
    x = window.value((of, 0))
    count = 1 << len(parts.blocks)
    steps = x.shape[1]
    blank = {of: np.broadcast_to(x, (count, *x.shape[1:]))}
    recurrent = sum(1 for _ in network.recurrent())
    values = []
    for chunk in chunks(network, blank):
        chosen = np.arange(count)[chunk]
        shown = _choices(parts, chosen, steps)
        shown = shown.reshape(*shown.shape, *(1,) * (x.ndim - 2))
        inputs = {
            name: np.broadcast_to(window.value((name, 0)), (len(chosen), *shape))
            for name, shape in _shapes(window).items()
        }
        inputs[of] = np.where(shown, x, baseline[of])
        counter.cells += len(chosen) * steps * recurrent
        values.append(value(forward(network, inputs, masks_of=window).outputs))
    return np.concatenate(values)


def _shapes(window: Run) -> dict[str, tuple[int, ...]]:
    return {name: window.value((name, 0)).shape[1:] for name in window.network.inputs}
