"""States that never rest: a cell state that grows by the same amount at every step, without end.

A gate that can be 1, as a ``hard_sigmoid`` is beyond its knee, lets a cell state keep all it holds
while more is added. The hidden state settles then, and so does the forecast, but the map has no
fixed point there. Found by following states and not proven.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.step_map import StepMap

__all__ = ["drifting_share"]

Array = NDArray[np.float64]

#: States that are followed, and steps after which, and over which, growth is looked at.
FOLLOWED, SETTLED, STEPS = 8, 384, 128
#: What grows at every step by the same amount, to this part of it, does not slow down.
SAME = 1e-6
#: Growth a step that is not rounding, of the numbers of a state.
GROWTH = 1e-9


def drifting_share(step: StepMap, visited: Array) -> float:
    """Give the share of visited states that lead to growth without end: (state_visited, state).

    Nothing of the kind happens where a map confines its states.
    """
    if step.confined:
        return 0.0
    chosen = np.linspace(0, len(visited) - 1, min(FOLLOWED, len(visited))).round().astype(int)
    rounds = [-(-steps // step.length) for steps in (SETTLED, STEPS // 2, STEPS // 2)]
    with np.errstate(over="ignore", invalid="ignore"):
        before, middle, after = _followed(step, visited[chosen], rounds)
        first, second = middle - before, after - middle
        size = np.maximum(np.abs(after), 1.0)
        grows = (np.abs(second) > GROWTH * STEPS * size) & (
            np.abs(second - first) <= SAME * np.abs(second)
        )
    cells = _cell_states(step)
    settled = (np.abs(second) <= SAME)[:, ~cells].all(axis=1)
    return float((settled & grows[:, cells].any(axis=1)).mean())


def _followed(step: StepMap, states: Array, rounds: list[int]) -> list[Array]:
    """Take states on for some rounds of the inputs, and again: (state_followed, state) each."""
    seen = []
    for count in rounds:
        for _ in range(count):
            for x in step.inputs:
                states = step.state_after(states, x)
        seen.append(states)
    return seen


def _cell_states(step: StepMap) -> NDArray[np.bool_]:
    """Say which numbers of a state are cell states: (state,)."""
    parts = [
        np.full(size, number > 0)
        for cell in step.cells
        for number, size in enumerate(cell.state_sizes)
    ]
    return np.concatenate(parts)
