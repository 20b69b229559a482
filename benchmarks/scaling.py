"""From one thread to two: the same work in two processes that take turns.

Work of a few milliseconds begins with what one thread does alone: the check of the input, cutting
it up, waking the others. The target is asked of work that takes a tenth of a second or more.
"""

from __future__ import annotations

import harness.threads  # first: libraries make their threads when loaded

# isort: split

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import numpy as np
from harness import ours
from harness.measure import Timing, interleave
from harness.networks import SIZES, Size, forecaster, windows
from harness.record import Record

BACKGROUNDS = 8
#: Work, sizes, windows, and whether it has a target.
CASES = (
    ("forward", SIZES[0], 8192, False),
    ("forward", SIZES[0], 65536, True),
    ("forward", SIZES[3], 128, False),
    # fewer than a block
    ("forward", SIZES[3], 24, False),
    ("gradient", SIZES[0], 8192, False),
    ("gradient", SIZES[0], 65536, True),
    ("gradient", SIZES[3], 64, False),
    ("gradient", SIZES[3], 24, False),
    ("secant", SIZES[0], 2048, False),
    ("tree", Size(32, 8, 18), 1, False),
)
QUICK = (("forward", SIZES[0], 64, True), ("tree", Size(32, 8, 10), 1, False))
LEAST = 1.8


class Worker:
    """A process that does one case each time it is asked to.

    Parameters
    ----------
    case : tuple of str, Size and int
        Work, sizes and windows.
    threads : int
        How many it may use.
    """

    def __init__(self, work: str, size: Size, count: int, threads: int) -> None:
        given = [work, size.units, size.features, size.steps, count]
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__), "worker", *map(str, given)],
            env={**os.environ, "RNNLENS_THREADS": str(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self) -> None:
        """Do the work once and wait for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n", "the worker ended early"

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.process.communicate()


def work(name: str, *sizes: str) -> None:
    """Do a case for every line that comes in."""
    units, features, steps, count = map(int, sizes)
    size = Size(units, features, steps)
    _, network = forecaster("LSTM", size)
    x = windows(count, size)
    zeros = np.zeros((steps, features), np.float32)
    backgrounds = windows(BACKGROUNDS, size, seed=1)
    runs = {
        "forward": lambda: ours.predict(network, x),
        "gradient": lambda: ours.gradient(network, x),
        "secant": lambda: ours.secant(network, x, backgrounds),
        "tree": lambda: ours.tree(network, x, zeros, steps),
    }
    for _ in sys.stdin:
        runs[name]()
        print("done", flush=True)


def main() -> None:
    """Measure every case with one thread and with two."""
    record = Record("scaling", __doc__ or "")
    if harness.threads.THREADS < 2:
        print("scaling needs two threads: set RNNLENS_THREADS=2 on a machine with two cores")
        return
    for name, size, count, claimed in QUICK if record.quick else CASES:
        with Worker(name, size, count, 2) as two, Worker(name, size, count, 1) as one:
            times: dict[str, Timing] = interleave(
                {"2 threads": two, "1 thread": one}, rounds=3 * record.rounds
            )
        sizes = f"LSTM {size.text(count)}"
        record.times(f"scaling, {name}", sizes, times, note=f"rnnlens in {ours.PRECISION}")
        if claimed:
            ratio = times["1 thread"].over(times["2 threads"])[0]
            record.claim(f"{name}: from 1 to 2 threads", ratio, "x", least=LEAST, sizes=sizes)
    record.save()


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(*sys.argv[2:])
    else:
        main()
