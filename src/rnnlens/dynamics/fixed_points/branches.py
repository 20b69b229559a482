"""One input moved across its range: points followed from value to value, and where they change.

At each value points are searched for anew and proven. Two points of neighbouring values are of one
branch where Newton's method leads from each to the other. Where this pairs not all of them, or a
pair is not stable alike, something happens in between: the interval is halved, its middle looked at
by what both ends lead to, or anew, until the change lies between two values near each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.find import Settling, find, follow
from rnnlens.dynamics.fixed_points.search import search
from rnnlens.dynamics.fixed_points.starts import longest_move
from rnnlens.dynamics.fixed_points.step_map import StepMap

__all__ = ["Branches", "Change", "Path", "all_proven", "branches"]

Array = NDArray[np.float64]
Pairs = dict[int, int]

#: How often an interval with a change in it is halved.
HALVINGS = 7
#: Where in an interval its middle may lie: at a change itself nothing is proven.
MIDDLES = (0.5, 0.375, 0.625)
#: Points nearer than this, of the largest number of either, are one.
SAME = 1e-6


@dataclass(frozen=True)
class Change:
    """Between two values, points appear, vanish or change stability.

    Parameters
    ----------
    low, high : float
        The two values: what is said of them is proven there.
    before, after : tuple of int
        Unstable directions of every point at ``low`` and at ``high``.
    """

    low: float
    high: float
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Branches:
    """What was found at every value, which points belong together, and where they change."""

    settlings: tuple[Settling, ...]
    point: NDArray[np.int64]
    changes: tuple[Change, ...]


@dataclass(frozen=True, eq=False)
class Path:
    """The map at every value of the input that is moved; ``visited (state_visited, state)``."""

    at: Callable[[float], StepMap]
    visited: Array
    period: int = 1

    def find(self, value: float, known: Array | None, seed: int) -> Settling:
        """Search at one value, from a neighbour's points too: known (point, phase, state)."""
        return find(self.at(value), self.visited, period=self.period, seed=seed, known=known)

    def follow(self, value: float, known: Array) -> Settling:
        """Take points of neighbours to one value: known (point, phase, state)."""
        return follow(self.at(value), self.visited, known, period=self.period)

    def leads_to(self, point: Array, value: float, others: Array) -> int:
        """Say at which point Newton's method ends, -1 at none: point (phase, state)."""
        step = self.at(value)
        ends = search(step, point[None], longest=longest_move(step, self.visited)).points
        for end in ends:
            near = SAME * max(1.0, float(np.abs(end).max()))
            for k in range(0, len(end), self.period):
                away = np.abs(others - np.roll(end, -k, axis=0)).max(axis=(1, 2), initial=0.0)
                if len(away) and away.min() < near:
                    return int(away.argmin())
        return -1

    def pairs(self, a: tuple[float, Settling], b: tuple[float, Settling]) -> Pairs:
        """Pair the points of two values from each of which Newton's method leads to the other."""
        made: Pairs = {}
        for i, point in enumerate(a[1].points):
            j = self.leads_to(point, b[0], b[1].points)
            if j >= 0 and self.leads_to(b[1].points[j], a[0], a[1].points) == i:
                made[i] = j
        return made

    def between(
        self, a: tuple[float, Settling], b: tuple[float, Settling], halvings: int = HALVINGS
    ) -> tuple[Pairs, list[Change]]:
        """Follow points from one value to a higher one, and say where they change on the way."""
        made = self.pairs(a, b)
        if _same(made, a[1], b[1]):
            return made, []
        middle = self._middle(a, b) if halvings else None
        if middle is None:
            change = Change(a[0], b[0], _unstable(a[1]), _unstable(b[1]))
            # of the same kinds: only their threads are lost
            return made, [change] if sorted(change.before) != sorted(change.after) else []
        first, before = self.between(a, middle, halvings - 1)
        second, after = self.between(middle, b, halvings - 1)
        return {i: second[j] for i, j in first.items() if j in second}, [*before, *after]

    def _middle(
        self, a: tuple[float, Settling], b: tuple[float, Settling]
    ) -> tuple[float, Settling] | None:
        """Look between two values, where everything can be proven."""
        known = np.concatenate([a[1].points, b[1].points])
        for share in MIDDLES:
            value = a[0] + share * (b[0] - a[0])
            settling = self.follow(value, known)
            if not all_proven(settling):  # others may lie here alone
                settling = self.find(value, known, 0)
            if all_proven(settling):
                return value, settling
        return None


def all_proven(settling: Settling) -> bool:
    """Say whether points and their stability are proven, and sum to 1 where they must."""
    summed = settling.index_sum == 1 if settling.confined else settling.index_sum is not None
    return summed and all(proof.unstable >= 0 for proof in settling.proofs)


def _unstable(settling: Settling) -> tuple[int, ...]:
    return tuple(proof.unstable for proof in settling.proofs)


def _same(made: Pairs, a: Settling, b: Settling) -> bool:
    """Say whether every point goes on as it was."""
    whole = len(made) == len(a.points) == len(b.points)
    return whole and all(a.proofs[i].unstable == b.proofs[j].unstable for i, j in made.items())


def branches(
    path: Path,
    values: Array,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Branches:
    """Follow what a map settles to while one input is moved: values (value,), rising."""
    settlings: list[Settling] = []
    whole = 2 * len(values) - 1
    for k, value in enumerate(values):
        known = settlings[-1].points if settlings else None
        settlings.append(path.find(float(value), known, seed))
        if progress is not None:
            progress(k + 1, whole)
    for k in range(len(values) - 2, -1, -1):  # what was found late may have been there before
        both = np.concatenate([settlings[k].points, settlings[k + 1].points])
        again = path.follow(float(values[k]), both)
        if len(again.points) > len(settlings[k].points):
            settlings[k] = path.find(float(values[k]), both, seed)
    own: list[Pairs] = [{i: i for i in range(len(settlings[0].points))}]  # point -> branch
    changes: list[Change] = []
    count, last = len(own[0]), 0
    for k in range(1, len(values)):
        a, b = ((float(values[j]), settlings[j]) for j in (last, k))
        proven = all_proven(a[1]) and all_proven(b[1])
        made, found = path.between(a, b) if proven else (path.pairs(a, b), [])
        changes.extend(found)
        taken = {j: own[last][i] for i, j in made.items()}
        for j in range(len(b[1].points)):
            if j not in taken:
                taken[j], count = count, count + 1
        own.append(taken)
        if all_proven(b[1]) or not all_proven(a[1]):
            last = k
        if progress is not None:
            progress(len(values) + k, whole)
    point = np.full((len(values), count), -1, np.int64)
    for k, taken in enumerate(own):
        for j, branch in taken.items():
            point[k, branch] = j
    return Branches(tuple(settlings), point, tuple(changes))
