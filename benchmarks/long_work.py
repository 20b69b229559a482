"""Long work: how true the time is that is announced before it, and how soon Ctrl-C ends it."""

from __future__ import annotations

import harness.threads  # first: libraries make their threads when loaded

# isort: split

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from harness import ours
from harness.measure import interleave
from harness.networks import Size, forecaster, windows
from harness.record import Record

from rnnlens.demo.weather import demo_files
from rnnlens.engine.forward import entries
from rnnlens.engine.schedule.plan import estimate
from rnnlens.series.sidecar import read_sidecar

#: Windows whose derivatives are announced and taken.
SIZE, COUNT = Size(32, 8, 24), 65_536
#: Hours of the series that is explained, and the work, which takes half a minute or more.
HOURS = 40_000
WORK = ("explain", "--baseline", "background", "--last", "39000", "--target", "temp")
#: Seconds that Ctrl-C may take at the most.
AT_ONCE = 1.0


def announced(record: Record) -> None:
    """Measure the announced time of a gradient in the time it takes."""
    size, count = SIZE, COUNT // 16 if record.quick else COUNT
    _, network = forecaster("LSTM", size)
    x = windows(count, size)
    taken = interleave({"gradient": lambda: ours.gradient(network, x)}, rounds=record.rounds)
    said = [
        estimate(network, entries(network, x), forwards=1, backwards=1, runs=2).seconds
        for _ in range(record.rounds)
    ]
    ratio = median(said) / taken["gradient"].median
    figures = {"announced over taken": (ratio, "x")}
    record.values("gradient, announced time", f"LSTM {size.text(count)}", figures)
    apart = max(ratio, 1 / ratio)
    record.claim(
        "announced and taken time, the longer over the shorter",
        apart,
        "x",
        most=4,
        sizes=f"LSTM {size.text(count)}",
    )


def hours(path: Path) -> None:
    """Write a series of random hours."""
    rng = np.random.default_rng(0)
    sidecar = read_sidecar(demo_files().sidecar)
    times = pd.date_range("2013-11-01", periods=HOURS, freq="h").strftime("%Y-%m-%d %H:%M")
    columns = {v.name: v.mean + v.scale * rng.normal(size=HOURS) for v in sidecar.features}
    pd.DataFrame({sidecar.time: times, **columns}).to_csv(path, index=False)


def seconds_to_end(data: Path) -> float:
    """Give the seconds from Ctrl-C in the middle of long work to the end of the process."""
    verb, *options = WORK
    command = [sys.executable, "-m", "rnnlens", verb, str(demo_files().network), str(data)]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RNNLENS_THREADS": str(harness.threads.THREADS)},
    ) as process:
        assert process.stderr is not None
        try:
            while not process.stderr.readline().startswith("note: about"):
                assert process.poll() is None, "the work ended before it was announced"
            time.sleep(1.0)
            start = time.perf_counter()
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
            return time.perf_counter() - start
        finally:
            process.kill()


def main() -> None:
    """Measure both."""
    record = Record("long_work", __doc__ or "")
    announced(record)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "hours.csv"
        hours(data)
        seconds = [seconds_to_end(data) for _ in range(record.rounds)]
    sizes = f"{HOURS:,} hours, 32 backgrounds"
    record.values(
        "Ctrl-C in long work",
        sizes,
        {"median": (median(seconds), "s"), "largest": (max(seconds), "s")},
    )
    record.claim("Ctrl-C to the end of the process", max(seconds), "s", most=AT_ONCE, sizes=sizes)
    record.save()


if __name__ == "__main__":
    main()
