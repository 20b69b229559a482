"""Wall time, processor time and peak memory of whole questions, from one interleaved run."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.measure import REST, Timing

__all__ = ["MEGABYTE", "Usage", "forget_peak", "held", "most_of", "once", "used"]

#: Rounds that are made whatever they take.
FEWEST = 3
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Usage:
    """What one contender took, a number a round.

    Parameters
    ----------
    wall : Timing
        Seconds by the clock.
    cpu : Timing
        Seconds of all threads together.
    most : int
        Bytes at the most above what the process held before, in a run of its own.
    """

    wall: Timing
    cpu: Timing
    most: int

    @property
    def peak(self) -> float:
        """The most, in megabytes."""
        return self.most / MEGABYTE

    def scaled(self, factor: float) -> Usage:
        """Give the times of more of the same work; memory is that of the part.

        Parameters
        ----------
        factor : float
            How much of what was measured.

        Returns
        -------
        Usage
            Every round's times, multiplied.
        """
        return Usage(self.wall.scaled(factor), self.cpu.scaled(factor), self.most)


def held(peak: bool) -> int:
    """Give the bytes of memory that the process holds now, or has held at the most.

    Parameters
    ----------
    peak : bool
        Whether the most.

    Returns
    -------
    int
        Bytes.
    """
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held before the process began
        key = "VmHWM:" if peak else "VmRSS:"
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) << 10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def forget_peak() -> None:
    """Let the peak begin anew, so that what loading and compiling took is not part of it."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5", encoding="ascii")


def _give_back() -> None:
    """Have the C library give freed memory back, or questions before would hide what this takes."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:  # the GNU library's
        trim(0)


def once(run: Callable[[], object]) -> tuple[float, float, int]:
    """Run a question once.

    Parameters
    ----------
    run : callable
        Asks it.

    Returns
    -------
    tuple of float, float and int
        Seconds by the clock, seconds of all threads, bytes at the most.
    """
    gc.collect()
    forget_peak()
    before, wall, cpu = held(peak=False), time.perf_counter(), time.process_time()
    run()
    taken = time.perf_counter() - wall, time.process_time() - cpu
    return *taken, max(0, held(peak=True) - before)


def most_of(run: Callable[[], object]) -> int:
    """Run a question for the memory it takes, of which nothing lies ready from those before.

    Parameters
    ----------
    run : callable
        Asks it.

    Returns
    -------
    int
        Bytes at the most above what the process held.
    """
    gc.collect()
    _give_back()
    return once(run)[2]


def used(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int = 5, budget: float = 60.0
) -> dict[str, Usage]:
    """Ask each contender in turn, round after round, so that whatever drifts hits all of them.

    Parameters
    ----------
    contenders : mapping of str to callable
        Each asks its question once.
    rounds : int
        How many at most.
    budget : float
        Seconds after which no more rounds begin; `FEWEST` are made in any case, but for work that
        took more than the budget alone, which is done once more.

    Returns
    -------
    dict of str to Usage
        By contender.
    """
    first = {name: once(run)[0] for name, run in contenders.items()}  # compiles, allocates
    fewest = 1 if sum(first.values()) > budget else FEWEST
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    end = time.perf_counter() + budget
    for done in range(max(rounds, fewest)):
        if done >= fewest and time.perf_counter() > end:
            break
        for name, run in contenders.items():
            time.sleep(REST)
            rows[name].append(once(run)[:2])
    return {
        name: Usage(Timing(wall), Timing(cpu), most_of(contenders[name]))
        for name, each in rows.items()
        for wall, cpu in [tuple(zip(*each, strict=True))]
    }
