"""What a busy neighbour costs: questions on a free machine, and while something else has one core.

The neighbour is a process that counts without end on one of the cores that the questions may use.
Rounds with and without it take turns. A perfectly shared machine of two cores gives 1.33 times for
work on both of them and 2 times for work that the system happens to put beside the neighbour; much
more than that says that threads wait for each other. Run it on a machine that does nothing else::

    python benchmarks/neighbour.py            # some five minutes
    python benchmarks/neighbour.py --quick
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import numpy as np
from harness.measure import Timing
from harness.networks import Size, forecaster, windows
from harness.record import Record

import rnnlens

#: With one core taken no question takes more than this many times as long.
MOST = 2.2
ROUNDS = 5
SIZE = Size(32, 10, 24)
#: Seconds until the neighbour is at work, and that a question is asked for at least.
BEGINS, SHORTEST = 0.5, 1.0


@contextmanager
def neighbour() -> Generator[None]:
    """Keep one core busy while the block runs."""
    pin = "import os; os.sched_setaffinity(0, {%d})\n"
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    code = (pin % cores[0] if cores else "") + "while True: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        time.sleep(BEGINS)
        yield
    finally:
        process.kill()
        process.wait()


def questions(quick: bool) -> dict[str, Callable[[], object]]:
    """Give the questions by name."""
    _, net = forecaster("LSTM", SIZE)
    x = windows(100 if quick else 2_000, SIZE)
    forecast = np.asarray(rnnlens.predict(net, x))[:, 0]
    y = forecast + 0.1 * np.random.default_rng(3).standard_normal(len(x))
    few = rnnlens.Certificates(windows=2, budget=20)
    return {
        "predict": lambda: rnnlens.predict(net, x),
        "explain, secant, 32 backgrounds": lambda: rnnlens.explain(
            net, x, method="secant", baseline="background"
        ),
        "explain": lambda: rnnlens.explain(net, x),
        "compare_baselines": lambda: rnnlens.compare_baselines(net, x[:200], method="secant"),
        "trust": lambda: rnnlens.trust(net, x),
        "certify": lambda: rnnlens.certify(
            net, x[:5], lag=1, certificates=rnnlens.Certificates(budget=20)
        ),
        "lags": lambda: rnnlens.lags(net, x, y, certificates=few),
    }


def main() -> None:
    """Ask each question with and without a neighbour, in turn."""
    record = Record("neighbour", __doc__ or "")
    for name, ask in questions(record.quick).items():
        ask()  # compiles
        free: list[float] = []
        busy: list[float] = []
        for _ in range(2 if record.quick else ROUNDS):
            free.append(_seconds(ask))
            with neighbour():
                busy.append(_seconds(ask))
        timings = {"free": Timing(tuple(free)), "one core taken": Timing(tuple(busy))}
        sizes = f"LSTM {SIZE.text(100 if record.quick else 2_000)}"
        record.times(name, sizes, timings)
        ratio = timings["one core taken"].median / timings["free"].median
        record.claim(f"{name}, one core taken", ratio, "x", most=MOST, sizes=sizes)
    record.save()


def _seconds(ask: Callable[[], object]) -> float:
    """Time a question; what is quick is asked again, so that the system's turns even out."""
    begun, times = time.perf_counter(), 0
    while times == 0 or time.perf_counter() - begun < SHORTEST:
        ask()
        times += 1
    return (time.perf_counter() - begun) / times


if __name__ == "__main__":
    main()
