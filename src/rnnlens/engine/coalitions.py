"""The forecast for every coalition of lags: some steps from the window, the rest from a baseline.

A recurrent state after step t depends on the choices up to t alone, so all coalitions share their
prefixes: a binary tree with one batched cell step a level. For K lags that costs ``2^(K+1) - 2``
cell evaluations a recurrent layer instead of ``K 2^K``; with the T - K older steps as one player
more, ``2 (T - K) + 2^(K+2) - 4``. Networks that need a whole sequence at once (a layer that reads
backwards, a convolution, pooling over time) are run window by window instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.plan import chunks
from rnnlens.engine.stream import State, Walk, cut, rows

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

    def add(self, cells: int) -> None:
        """Count cell evaluations.

        Parameters
        ----------
        cells : int
            How many were made.
        """
        self.cells += cells


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
    stream = cut(network, of)
    if stream is None:
        return _window_by_window(run_of_window, baseline, of, parts, value, counter)
    walk = Walk(stream, run_of_window, of, counter.add)
    tree = _Tree(walk, run_of_window.value((of, 0)), baseline[of], parts, value)
    return tree.descend(walk.start(), 0)[:, 0]


@dataclass(frozen=True)
class _Tree:
    """All choices of one window: a level for each player, hidden before shown."""

    walk: Walk
    x: Array
    baseline: Array
    parts: Players
    value: Value

    def descend(self, state: State, player: int) -> Array:
        """Give the values of all choices from a player on, (2 ** players left, histories)."""
        histories = rows(state)
        if player == len(self.parts.blocks):
            return self.value(self.walk.outputs(state))[None]
        if histories > ROWS:
            halves = [slice(0, histories // 2), slice(histories // 2, None)]
            parts = [{n: tuple(a[half] for a in s) for n, s in state.items()} for half in halves]
            return np.concatenate([self.descend(part, player) for part in parts], axis=1)
        hidden, shown = (self._along(state, source, player) for source in (self.baseline, self.x))
        joined = {
            name: tuple(np.concatenate(pair) for pair in zip(before, shown[name], strict=True))
            for name, before in hidden.items()
        }
        below = self.descend(joined, player + 1)
        return below.reshape(-1, histories)  # (choices below, this choice, histories) in C order

    def _along(self, state: State, source: Array, player: int) -> State:
        for t in self.parts.blocks[player]:
            state = self.walk.step(state, source[:, t : t + 1], t)
        return state


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
        counter.add(len(chosen) * steps * recurrent)
        values.append(value(forward(network, inputs, masks_of=window).outputs))
    return np.concatenate(values)


def _shapes(window: Run) -> dict[str, tuple[int, ...]]:
    return {name: window.value((name, 0)).shape[1:] for name in window.network.inputs}
