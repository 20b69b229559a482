"""How many points the flip-flops have, all proven, in how much time; beside the public finder.

    python -m benchmarks.fixed_points.flip_flop folder [--finder] [--searches 10] [--edges]

``folder`` is what ``train_flip_flop`` wrote. ``--finder`` runs the public finder's method on the
same networks in the same run: it is cloned and not installed from an index, so what it does is
written down here, from its description and not its code, in double precision and without its
adaptive learning rate; its own example asks for 20,000 steps. It draws 1,024 visited states, adds
normal noise of standard deviation .5, minimises ``q = |F(s) - s|^2 / 2`` of each by Adam at once,
at most 5,000 steps, until all q are below 1e-12 or stop changing, and keeps states further apart
than 1e-3. Its points are those with q < 1e-12; each is looked for among ours.
``--searches`` looks again with other seeds
and from states anywhere within [-1, 1], and says how many points there are then. ``--edges`` looks
for saddles without a search: between two answers of the network lies a boundary of what leads to
each, found by halving; a state on it is followed to where it rests, which is a point with unstable
directions. Where all of these are among the points that were proven, none is missing between
answers.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from rnnlens.dynamics.fixed_points.find import find
from rnnlens.dynamics.fixed_points.search import search
from rnnlens.dynamics.fixed_points.step_map import StepMap, step_map

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "makers"))
from flip_flop import cell_of

STARTS, STEPS, Q, UNIQUE = 1024, 5000, 1e-12, 1e-3


def visited(step: StepMap, windows: np.ndarray) -> np.ndarray:
    """Follow windows (window, step, 3) and give every state: (state_visited, state)."""
    state, every = np.zeros((len(windows), step.size)), []
    (cell,) = step.ready
    cuts = np.cumsum(cell.cell.state_sizes)[:-1]
    for x in windows.swapaxes(0, 1):
        after, _ = cell.advance(cell.project(x), tuple(np.split(state, cuts, axis=1)))
        state = np.concatenate(after, axis=1)
        every.append(state)
    return np.concatenate(every)


def by_adam(step: StepMap, states: np.ndarray, rate: float) -> np.ndarray:
    """Minimise the speed of every start by Adam, and give what is unique with its q."""
    rng = np.random.default_rng(0)
    s = states[rng.integers(len(states), size=STARTS)] + 0.5 * rng.normal(size=(STARTS, step.size))
    mean, square, q = np.zeros_like(s), np.zeros_like(s), np.inf
    for k in range(1, STEPS + 1):
        after, J = step.move_at(s, step.inputs[0])
        gap = after - s
        before, q = q, 0.5 * (gap**2).sum(axis=1)
        if (q < Q).all() or np.abs(q - before).max() < 1e-16:
            break
        slope = (J.swapaxes(1, 2) @ gap[..., None])[..., 0] - gap
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        s = s - rate * (mean / (1 - 0.9**k)) / (np.sqrt(square / (1 - 0.999**k)) + 1e-8)
    real = s[q < Q]
    kept: list[np.ndarray] = []
    for one in real:
        if not any(np.linalg.norm(one - other) < UNIQUE for other in kept):
            kept.append(one)
    return np.array(kept).reshape(-1, step.size)


def advanced(step: StepMap, states: np.ndarray, times: int) -> np.ndarray:
    """Take steps at the input held: states (state_followed, state)."""
    (cell,) = step.ready
    cuts = np.cumsum(cell.cell.state_sizes)[:-1]
    x = cell.project(np.broadcast_to(step.inputs[0], (len(states), step.inputs.shape[1])))
    for _ in range(times):
        after, _ = cell.advance(x, tuple(np.split(states, cuts, axis=1)))
        states = np.concatenate(after, axis=1)
    return states


def on_boundaries(step: StepMap, answers: np.ndarray) -> np.ndarray:
    """Halve the way between each two answers down to a state between what leads to each."""
    first, second = np.triu_indices(len(answers), 1)
    a, b = answers[first], answers[second]
    for _ in range(48):
        middle = (a + b) / 2
        own = np.abs(advanced(step, middle, 1500) - answers[first]).max(axis=1) < 1e-3
        a, b = np.where(own[:, None], middle, a), np.where(own[:, None], b, middle)
    return (a + b) / 2


def slowest_on_the_way(step: StepMap, states: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Follow states and give where each was slowest, away from the answers."""
    apart = np.abs(answers[:, None] - answers).max(axis=2)
    near = 0.25 * apart[apart > 0].min()
    slowest, least = states, np.full(len(states), np.inf)
    for _ in range(400):
        after = advanced(step, states, 1)
        speed = np.abs(after - states).max(axis=1)
        # in the end rounding sends it to an answer, where it rests too
        away = np.abs(states[:, None] - answers).max(axis=2).min(axis=1)
        slower = (speed < least) & (away > near)
        slowest, least = np.where(slower[:, None], states, slowest), np.where(slower, speed, least)
        states = after
    return slowest


def edges(step: StepMap, answers: np.ndarray, points: np.ndarray) -> tuple[int, set[int]]:
    """Follow a state on the boundary between each two answers to where it rests.

    Shapes: answers (answer, state), points (point, state). Gives how many of the places of rest
    are none of the points, and the points that are such places.
    """
    slowest = slowest_on_the_way(step, on_boundaries(step, answers), answers)
    lost, there = 0, set()
    for one in search(step, slowest[:, None], longest=0.5).points[:, 0]:
        away = np.abs(points - one).max(axis=1)
        lost += int(away.min() > 1e-6)
        there.add(int(away.argmin()))
    return lost, there


def searched_again(step: StepMap, states: np.ndarray, points: np.ndarray, times: int) -> np.ndarray:
    """Look for more points with other seeds, and from anywhere within [-1, 1]."""
    both = np.concatenate([states, np.random.default_rng(0).uniform(-1, 1, states.shape)])
    for seed in range(1, times + 1):
        points = find(step, both, seed=seed, known=points).points
    return points


def look(path: Path, given: argparse.Namespace) -> None:
    """Print what one network has."""
    kind = path.stem.split("_")[0]
    with np.load(path) as held:
        arrays = dict(held)
    step = step_map([cell_of(arrays, kind)], np.zeros((1, 3)))
    states = visited(step, arrays["X"].astype(float))
    begun = time.process_time()
    found = find(step, states)
    seconds = time.process_time() - begun
    kinds = dict(sorted(Counter(p.unstable for p in found.proofs).items()))
    print(
        f"{path.stem}: {len(found.points)} points proven, by unstable directions {kinds}, "
        f"signs sum to {found.index_sum}, {len(found.slow)} slow, largest radius "
        f"{max(p.radius for p in found.proofs):.0e}, {seconds:.2f} s of one core",
        flush=True,
    )
    if given.searches:
        count = len(searched_again(step, states, found.points, given.searches))
        print(f"  after {given.searches} more searches: {count} points", flush=True)
    if given.edges:
        unstable = np.array([p.unstable for p in found.proofs])
        points = found.points[:, 0]
        lost, there = edges(step, points[unstable == 0], points)
        saddles = sum(unstable[k] == 1 for k in there)
        print(
            f"  between the answers lie {len(there)} places of rest, {saddles} of them with "
            f"one unstable direction; {lost} are none of the points",
            flush=True,
        )
    if given.finder:
        beside_finder(step, states, found.points[:, 0], seconds)


def beside_finder(step: StepMap, states: np.ndarray, points: np.ndarray, seconds: float) -> None:
    """Print what the finder's method finds of the same network: points (point, state)."""
    for rate in (0.01, 0.1):
        begun = time.process_time()
        theirs = by_adam(step, states, rate)
        took = time.process_time() - begun
        near = [np.abs(points - one).max(axis=1).min() for one in theirs]
        print(
            f"  finder's method at rate {rate}: {len(theirs)} with q < 1e-12, of which "
            f"{sum(d < 1e-3 for d in near)} are ours, {took:.1f} s, {took / seconds:.0f} "
            "times as long",
            flush=True,
        )


def main() -> None:
    """Print a line a network."""
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--finder", action="store_true")
    asked.add_argument("--searches", type=int, default=0)
    asked.add_argument("--edges", action="store_true")
    given = asked.parse_args()
    for path in sorted(given.folder.glob("*_*.npz")):
        look(path, given)


if __name__ == "__main__":
    main()
