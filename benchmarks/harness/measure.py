"""Times of contenders from one interleaved run, and the check that they compute the same."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Timing", "agree", "interleave"]

#: Seconds that one measurement lasts at least: shorter work is repeated within it.
SHORTEST = 0.05
#: Seconds of work before it, as clocks and caches are slow after a rest.
WARM = 0.1
#: Seconds of rest before each measurement, in which the threads of the one before fall asleep.
REST = 0.25
#: Rounds that are made whatever they take.
FEWEST = 3


@dataclass(frozen=True)
class Timing:
    """Seconds that one contender took.

    Parameters
    ----------
    seconds : tuple of float
        One a round, for one piece of work.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over rounds."""
        return median(self.seconds)

    def scaled(self, factor: float) -> Timing:
        """Give the times of more or less of the same work.

        Parameters
        ----------
        factor : float
            How much of what was measured.

        Returns
        -------
        Timing
            Every round's time, multiplied.
        """
        return Timing(tuple(each * factor for each in self.seconds))

    def over(self, other: Timing) -> tuple[float, float, float]:
        """Compare with another contender of the same run.

        Parameters
        ----------
        other : Timing
            The one that it is measured in.

        Returns
        -------
        tuple of float
            Ratio of medians; smallest and largest ratio of a round.
        """
        rounds = [a / b for a, b in zip(self.seconds, other.seconds, strict=True)]
        return self.median / other.median, min(rounds), max(rounds)


def interleave(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int = 9, budget: float = 30.0
) -> dict[str, Timing]:
    """Time contenders in turn, round after round, so that whatever drifts hits all of them.

    Parameters
    ----------
    contenders : mapping of str to callable
        Each does its piece of work once.
    rounds : int
        How many at most.
    budget : float
        Seconds after which no more rounds begin; `FEWEST` are made in any case.

    Returns
    -------
    dict of str to Timing
        By contender.
    """
    for run in contenders.values():
        run()  # compiles, allocates, wakes threads
    once = {name: _timed(run, 1) for name, run in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    end = time.perf_counter() + budget
    gc.collect()
    gc.disable()
    try:
        for done in range(rounds):
            if done >= FEWEST and time.perf_counter() > end:
                break
            for name, run in contenders.items():
                time.sleep(REST)
                _timed(run, max(1, round(WARM / once[name])))
                seconds[name].append(_timed(run, max(1, round(SHORTEST / once[name]))))
    finally:
        gc.enable()
    return {name: Timing(tuple(each)) for name, each in seconds.items()}


def _timed(run: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def agree(
    what: str, ours: ArrayLike, theirs: ArrayLike, tolerance: float, *, least: float = 0.0
) -> float:
    """Require two contenders to have computed the same.

    Parameters
    ----------
    what : str
        Named in the error.
    ours, theirs : array
        What they gave.
    tolerance : float
        Largest difference, relative to the largest value of the peer.
    least : float
        The size that values are taken to have at least: one forecast alone may be near zero, and
        what it is the sum of is not.

    Returns
    -------
    float
        The largest difference, relative to the largest value of the peer.

    Raises
    ------
    AssertionError
        If they differ by more, or hold NaN.
    """
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert a.shape == b.shape, f"{what}: shapes {a.shape} and {b.shape}"
    difference = float(np.abs(a - b).max() / max(least, np.abs(b).max()))
    assert difference <= tolerance, f"{what}: differs by {difference:.2g} of the largest value"
    return difference
