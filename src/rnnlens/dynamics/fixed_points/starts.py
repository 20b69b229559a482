"""Where a search begins: at states that the data visit, around them, and between what was found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans

from rnnlens.dynamics.fixed_points.step_map import StepMap

__all__ = ["between", "longest_move", "orbits", "spread", "visited_starts"]

Array = NDArray[np.float64]

#: Starts of one round; of cells with more numbers than LARGE in a state, centres of clusters.
STARTS, LARGE, CENTRES = 192, 200, 24
#: Steps before a trajectory is taken for where it settles, at the most.
BURN = 2000


def spread(visited: Array) -> float:
    """Give the root mean square distance of states from their mean: (state_visited, state)."""
    return max(float(np.sqrt(((visited - visited.mean(axis=0)) ** 2).sum(axis=1).mean())), 1.0)


def longest_move(step: StepMap, visited: Array) -> float:
    """Say how far a step of a search may go: as far as states spread, where a map confines them."""
    return spread(visited) if step.confined else np.inf


def visited_starts(visited: Array, rng: np.random.Generator) -> Array:
    """Draw states that the data visit, half of them shaken: (start, state)."""
    count = STARTS if visited.shape[1] <= LARGE else CENTRES
    if visited.shape[1] > LARGE and len(visited) > count:
        guess = rng.choice(len(visited), count, replace=False)
        some = visited[rng.choice(len(visited), min(len(visited), 50 * count), replace=False)]
        return kmeans(some, visited[guess])[0]
    drawn = visited[rng.integers(len(visited), size=count)]
    shaken = rng.normal(size=drawn.shape) * np.maximum(visited.std(axis=0), 0.1)
    shaken[::2] = 0.0
    return drawn + shaken


def between(points: Array, rng: np.random.Generator) -> Array:
    """Give the middles of pairs of points, where saddles are likely: (point, ...)."""
    first, second = np.triu_indices(len(points), k=1)
    middles = (points[first] + points[second]) / 2
    if len(middles) > STARTS:
        middles = middles[rng.choice(len(middles), STARTS, replace=False)]
    return middles


def orbits(step: StepMap, states: Array) -> Array:
    """Follow states for one way round, at once and after settling: (start, state).

    Gives (start, phase, state). Where settling takes longer than `BURN` steps, what it has come to
    is taken.
    """
    settled = states.copy()
    rounds = max(1, min(BURN, 40 * step.length) // step.length)
    for _ in range(rounds):
        for x in step.inputs:
            settled = np.asarray(step.state_after(settled, x))
    begun = np.concatenate([states, settled])
    begun = begun[np.isfinite(begun).all(axis=1) & (np.abs(begun).max(axis=1) < 1e8)]
    kept = [begun]
    for x in step.inputs[:-1]:
        kept.append(np.asarray(step.state_after(kept[-1], x)))
    return np.stack(kept, axis=1)
