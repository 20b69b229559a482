"""Where a map may rest: Newton's method from states that the data visit, and what it leaves.

Newton's steps solve ``(J - I) d = -g``, ``g = F(s) - s``, on all starts at once; for a cycle of L
steps the block system is solved by going round once. A step is as long as the data's spread at the
most, and near saturation, where the matrix is nearly singular, Levenberg's damping takes over. A
start that comes to rest where g is not zero has found a slow point: a least speed, and no fixed
point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.intervals import array_of
from rnnlens.dynamics.fixed_points.step_map import StepMap

__all__ = ["Found", "apart", "search", "slow_states"]

Array = NDArray[np.float64]

#: Newton's steps at the most, and the residual at which a start has come home.
STEPS, HOME = 60, 1e-12
#: Points nearer than this, of the largest number of either, are one.
SAME = 1e-7
#: Steps of the search for a least speed.
SLOW_STEPS = 60


class Found(NamedTuple):
    """What a search from many starts gave.

    ``points (point, phase, state)`` are where Newton's method came home, each once; ``left (start,
    phase, state)`` are the starts that did not, as they were.
    """

    points: Array
    left: Array


def search(step: StepMap, starts: Array, *, longest: float) -> Found:
    """Look for fixed points from starts: (start, phase, state)."""
    states = starts.copy()
    home: list[Array] = []
    active = np.arange(len(states))
    for _ in range(STEPS):
        if not len(active):
            break
        now = states[active]
        gap, change = _newton(step, now)
        size = np.abs(gap).max(axis=(1, 2))
        limit = 1.0 + np.abs(now).max(axis=(1, 2))
        length = np.sqrt((change**2).sum(axis=(1, 2)))
        # both: where points are about to merge, speeds are small far and wide
        rest = (size <= HOME * limit) & (length <= SAME * limit / 4)
        factor = np.minimum(1.0, longest / np.maximum(length, 1e-300))
        moved = np.clip(now + change * factor[:, None, None], -step.limits, step.limits)
        lost = ~np.isfinite(moved).all(axis=(1, 2)) | (limit > 1e8)
        home.append((moved if rest.all() else np.where(rest[:, None, None], moved, now))[rest])
        states[active] = moved
        active = active[~rest & ~lost]
    found = np.concatenate(home) if home else starts[:0]
    return Found(apart(found), starts[active])


def _newton(step: StepMap, states: Array) -> tuple[Array, Array]:
    """Give ``G(s)`` of the map on L states, and Newton's change of all of them."""
    moves = [step.move_at(states[:, k], x) for k, x in enumerate(step.inputs)]
    images = np.stack([image for image, _ in moves], axis=1)
    gaps = images - np.roll(states, -1, axis=1)  # of the state after each step
    n, carried, whole = step.size, np.zeros_like(states[:, 0]), np.eye(step.size)
    for k, (_, J) in enumerate(moves):
        carried = (J @ carried[..., None])[..., 0] + gaps[:, k]
        whole = J @ whole
    d = _solve(np.eye(n) - whole, carried)
    change = np.empty_like(states)
    for k, (_, J) in enumerate(moves):
        change[:, k] = d
        d = (J @ d[..., None])[..., 0] + gaps[:, k]
    return gaps, change


def _solve(matrix: Array, right: Array) -> Array:
    """Solve each system, by damped least squares where one is singular."""
    try:
        return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0], float)
    except np.linalg.LinAlgError:
        turned = matrix.swapaxes(-1, -2)
        damped = turned @ matrix + 1e-13 * np.eye(matrix.shape[-1])
        return np.asarray(np.linalg.solve(damped, turned @ right[..., None])[..., 0], float)


def apart(points: Array) -> Array:
    """Keep each point once: (point, phase, state)."""
    kept: list[Array] = []
    for point in points:
        near = SAME * max(1.0, float(np.abs(point).max()))
        if not any(np.abs(point - other).max() < near for other in kept):
            kept.append(point)
    return np.stack(kept) if kept else points[:0]


def slow_states(step: StepMap, starts: Array) -> tuple[Array, Array]:
    """Go down to least speeds (Levenberg and Marquardt): (start, phase, state) and (start,).

    Only starts whose speed has stopped falling are given.
    """
    states = starts.copy()
    n, L = step.size, step.length
    if not len(states) or n * L > 256:
        return states[:0], np.zeros(0)
    damping = np.full(len(states), 1e-2)
    gap, J = _gap_and_slope(step, states)
    speed = (gap**2).sum(axis=1)
    settled = np.zeros(len(states), bool)
    for _ in range(SLOW_STEPS):
        go = np.flatnonzero(~settled)
        if not len(go):
            break
        turned = J[go].swapaxes(-1, -2)
        pull = turned @ gap[go][..., None]
        lhs = turned @ J[go] + damping[go, None, None] * np.eye(n * L)
        tried = states[go] - np.linalg.solve(lhs, pull)[..., 0].reshape(-1, L, n)
        tried = np.clip(tried, -step.limits, step.limits)
        new_gap, new_J = _gap_and_slope(step, tried)
        new = (new_gap**2).sum(axis=1)
        better = np.isfinite(new) & (new < speed[go])
        flat = np.abs(pull[..., 0]).max(axis=1) <= 1e-9 * np.sqrt(speed[go])
        settled[go] = flat | (~better & (damping[go] > 1e8))
        win = go[better]
        states[win], gap[win], J[win] = tried[better], new_gap[better], new_J[better]
        speed[win] = new[better]
        damping[go] *= np.where(better, 0.2, 5.0)
    return states[settled], np.sqrt(speed[settled])


def _gap_and_slope(step: StepMap, states: Array) -> tuple[Array, Array]:
    """Give ``G(s)`` and its Jacobian as (start, L state) and (start, L state, L state)."""
    moves = [step.move_at(states[:, k], x) for k, x in enumerate(step.inputs)]
    images = np.stack([image for image, _ in moves], axis=1)
    gap = np.roll(images, 1, axis=1) - states
    whole = array_of(step.whole([J for _, J in moves]))
    return gap.reshape(len(states), -1), whole - np.eye(whole.shape[-1])
