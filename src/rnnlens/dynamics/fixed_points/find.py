"""Fixed points and cycles of a held input: searched for, proven, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.drift import drifting_share
from rnnlens.dynamics.fixed_points.intervals import array_of
from rnnlens.dynamics.fixed_points.proof import Proof, prove
from rnnlens.dynamics.fixed_points.search import apart, search, slow_states
from rnnlens.dynamics.fixed_points.starts import (
    between,
    longest_move,
    orbits,
    spread,
    visited_starts,
)
from rnnlens.dynamics.fixed_points.step_map import StepMap
from rnnlens.engine.schedule.progress import Parts, Progress
from rnnlens.network.cells import SimpleRNN

__all__ = ["Settling", "find", "follow"]

Array = NDArray[np.float64]

#: Rounds of starts at the most, and those without anything new after which a search ends.
ROUNDS, WITHOUT = 8, 2
#: Units of a cell of straight pieces up to which every region is looked at.
REGIONS = 12
#: Slow points are those slower than this share of the states' spread a step; this many are kept.
SLOW, SLOW_KEPT = 0.05, 16


@dataclass(frozen=True, eq=False)
class Settling:
    """What a map settles to, and what it only passes slowly.

    Parameters
    ----------
    points : array (point, phase, state)
        Points with a proof, those with the fewest unstable directions first.
    proofs : tuple of Proof
        One a point.
    slow : array (slow_point, phase, state)
        States at which the speed is least and no fixed point is proven.
    speed : array (slow_point,)
        How far one step leads from there.
    index_sum : int or None
        Sum of the signs of det(I - F') over every fixed point of the map that was proven, of
        shorter cycles too; None where one sign is not proven.
    confined : bool
        Whether the sum must be 1.
    every_region : bool
        Whether every region of a map of straight pieces was looked at: no point is missing.
    drifting : float
        Share of visited states from which a cell state grows without end.
    """

    points: Array
    proofs: tuple[Proof, ...]
    slow: Array
    speed: Array
    index_sum: int | None
    confined: bool
    every_region: bool
    drifting: float = 0.0


def find(
    step: StepMap,
    visited: Array,
    *,
    period: int = 1,
    seed: int = 0,
    known: Array | None = None,
    progress: Progress | None = None,
) -> Settling:
    """Find and prove what a map settles to.

    Shapes: visited (state_visited, state). ``period`` is that of the inputs, of which
    ``step.length`` is a multiple: cycles of that many periods are given, and no shorter ones.
    ``known (point, phase, state)`` are points of a map nearby, to begin at too.
    """
    rng = np.random.default_rng(seed)
    with Parts(progress, search=3, proof=1) as parts:
        points, left = _searched(step, visited, (period, rng), parts.of("search"))
        if known is not None and len(known):
            followed = search(step, known, longest=longest_move(step, visited)).points
            points = _one_of_each(np.concatenate([points, followed]), period)
        return _settled(step, (points, left), visited, (period, rng), parts.of("proof"))


def follow(step: StepMap, visited: Array, known: Array, *, period: int = 1) -> Settling:
    """Find and prove what points of a map nearby become: known (point, phase, state).

    Slow points are not looked for.
    """
    points = search(step, known, longest=longest_move(step, visited)).points
    rng = np.random.default_rng(0)
    return _settled(step, (_one_of_each(points, period), None), visited, (period, rng))


def _settled(
    step: StepMap,
    searched: tuple[Array, Array | None],
    visited: Array,
    how: tuple[int, np.random.Generator],
    progress: Progress | None = None,
) -> Settling:
    """Prove what a search gave (points, and starts that it left or None), and count."""
    (points, left), (period, rng) = searched, how
    every = step.length == 1 and _by_regions(step)
    if every:
        points = _one_of_each(np.concatenate([points, _in_every_region(step)]), period)
    proofs: list[Proof] = []
    for point in points:
        proofs.append(prove(step, point))
        if progress is not None:
            progress(len(proofs), len(points))
    proven = _distinct(points, proofs, period)
    turns = [_turns(point, period) for point in points]
    signs = [proofs[k].index * turns[k] for k in proven]
    own = [k for k in proven if turns[k] == step.length // period]
    own.sort(key=lambda k: (proofs[k].unstable % (step.size + 1), *np.round(points[k][0], 6)))
    slow, speed = points[:0], np.zeros(0)
    if left is not None:
        unproven = points[[k for k in range(len(points)) if not proofs[k].holds]]
        more = visited_starts(visited, rng)[: 2 * SLOW_KEPT]
        begun = more[:, None] if step.length == 1 else orbits(step, more)
        slow, speed = _slow(step, np.concatenate([unproven, left, begun]), points[proven], visited)
    return Settling(
        points[own],
        tuple(proofs[k] for k in own),
        slow,
        speed,
        None if 0 in signs else int(sum(signs)),
        step.confined,
        bool(every and all(one.holds for one in proofs)),
        drifting_share(step, visited),
    )


def _searched(
    step: StepMap,
    visited: Array,
    how: tuple[int, np.random.Generator],
    progress: Progress | None,
) -> tuple[Array, Array]:
    """Search in rounds until nothing new comes and the signs sum to 1, where they must."""
    period, rng = how
    longest = longest_move(step, visited)
    points = np.zeros((0, step.length, step.size))
    left: list[Array] = []
    without = 0
    for number in range(ROUNDS):
        starts = visited_starts(visited, rng)
        begun = starts[:, None] if step.length == 1 else orbits(step, starts)
        if len(points) > 1 and step.length == 1:
            begun = np.concatenate([between(points, rng), begun[: len(begun) // 2]])
        found, rest = search(step, begun, longest=longest)
        left.append(rest[: 2 * SLOW_KEPT])
        every = _one_of_each(np.concatenate([points, found]), period)
        without = 0 if len(every) > len(points) else without + 1
        points = every
        if progress is not None:
            progress(number + 1, ROUNDS)
        summed = not step.confined or _float_sum(step, points, period) == 1
        if number and without >= (1 if summed else WITHOUT):
            break
    return points, np.concatenate(left)


def _starts_of(cycle: Array, period: int) -> list[Array]:
    """Give a cycle (phase, state) from every state that it may begin with."""
    return [np.roll(cycle, -k, axis=0) for k in range(0, len(cycle), period)]


def _turns(cycle: Array, period: int) -> int:
    """Give the fewest periods after which a cycle (phase, state) comes back."""
    length = len(cycle) // period
    for turns in range(1, length):
        if length % turns == 0:
            away = np.abs(cycle - np.roll(cycle, -turns * period, axis=0)).max()
            if away < 1e-6 * max(1.0, np.abs(cycle).max()):
                return turns
    return length


def _one_of_each(points: Array, period: int) -> Array:
    """Keep each cycle once, whichever state it begins with: (point, phase, state)."""
    kept: list[Array] = []
    for point in apart(points):
        near = 1e-6 * max(1.0, float(np.abs(point).max()))
        starts = np.stack(_starts_of(point, period))
        if not any((np.abs(starts - one).max(axis=(1, 2)) < near).any() for one in kept):
            kept.append(point)
    return np.stack(kept) if kept else points[:0]


def _float_sum(step: StepMap, points: Array, period: int) -> int:
    """Sum the signs of det(I - F') in floats: the search's own count, not a proof."""
    whole = np.eye(step.size)
    for J in step.jacobians(points):
        whole = array_of(J) @ whole
    signs = np.linalg.slogdet(np.eye(step.size) - whole)[0]
    return int(sum(sign * _turns(point, period) for sign, point in zip(signs, points, strict=True)))


def _distinct(points: Array, proofs: list[Proof], period: int) -> list[int]:
    """Keep the proven points whose boxes do not meet: two that do may be one."""
    kept: list[int] = []
    for k, proof in enumerate(proofs):
        starts = np.stack(_starts_of(points[k], period))
        if proof.holds and not any(
            (
                np.abs(starts - points[j]).max(axis=(1, 2)) <= 2 * (proof.radius + proofs[j].radius)
            ).any()
            for j in kept
        ):
            kept.append(k)
    return kept


def _by_regions(step: StepMap) -> bool:
    (cell, *more) = step.cells
    return not more and isinstance(cell, SimpleRNN) and _plain_relu(cell) and cell.units <= REGIONS


def _plain_relu(cell: SimpleRNN) -> bool:
    phi = cell.activation
    return phi.name == "relu" and not np.isfinite(phi["max_value"])


def _in_every_region(step: StepMap) -> Array:
    """Solve the affine map of every region, and keep the points that lie in their own.

    In the region where the units of a set S are on, ``h = D (h U + b)`` with D the slopes.
    """
    (cell,) = step.cells
    assert isinstance(cell, SimpleRNN)
    n, x = step.size, step.inputs[0]
    low = cell.activation["negative_slope"]
    zero = np.zeros(n)
    kernel = np.asarray(cell.hidden.U, float)
    biases = [np.asarray(b, float) for b in (cell.hidden.b, cell.hidden.b_r) if b is not None]
    added = x @ np.asarray(cell.hidden.W, float) + sum(biases, zero)
    found = []
    for pattern in product((0.0, 1.0), repeat=n):
        slopes = np.where(np.array(pattern) > 0, 1.0, low)
        matrix = np.eye(n) - slopes[:, None] * kernel.T
        try:
            h = np.linalg.solve(matrix, slopes * added)
        except np.linalg.LinAlgError:
            continue
        on = h @ kernel + added > -1e-9 * (1 + np.abs(added))
        off = h @ kernel + added < 1e-9 * (1 + np.abs(added))
        if bool(np.where(np.array(pattern) > 0, on, off).all()):
            found.append(h[None])
    return np.stack(found) if found else np.zeros((0, 1, n))


def _slow(step: StepMap, starts: Array, points: Array, visited: Array) -> tuple[Array, Array]:
    """Give the least speeds near which no proven point lies, the slowest first."""
    every = np.unique(np.linspace(0, len(starts) - 1, 3 * SLOW_KEPT).astype(int))
    states, speed = slow_states(step, starts[every] if len(starts) else starts)
    low, high = visited.min(axis=0), visited.max(axis=0)
    room = high - low + 0.1  # where gates are shut everything is slow: states far off are no news
    near = ((states >= low - room) & (states <= high + room)).all(axis=(1, 2))
    slow = near & (speed <= SLOW * spread(visited))
    order = [k for k in np.argsort(speed) if slow[k]]
    kept: list[int] = []
    for k in order:
        others = [*points, *(states[j] for j in kept)]
        if all(np.abs(states[k] - other).max() > 1e-4 for other in others):
            kept.append(int(k))
    kept = kept[:SLOW_KEPT]
    return states[kept], speed[kept]
