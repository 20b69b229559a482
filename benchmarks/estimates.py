"""Estimates: seconds and memory that are announced before work, over those that it takes."""

from __future__ import annotations

import harness.threads  # noqa: F401  first: libraries make their threads when loaded

# isort: split

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from harness.record import Record

import rnnlens
from rnnlens.api.shared.planning import expected, expected_lags, expected_report
from rnnlens.demo.weather import demo_files, weather_windows

#: The work, each in a process of its own.
WORK = ("explain", "lags", "report")
#: Windows that are explained.
EXPLAINED = 2000
#: How far what is announced may be from what is taken, either way.
FACTOR = 2.0


def one(work: str) -> None:
    """Announce a piece of work, do it, and print both."""
    net = rnnlens.read(demo_files().network)
    windows = weather_windows()
    seen = weather_windows(start="2013-01-01").between(None, windows.issued[0])
    asked = {"target": "temp", "background": seen}
    if work == "explain":
        windows = windows.newest(EXPLAINED)
    estimate = {"explain": expected, "lags": expected_lags, "report": expected_report}[work]
    estimate(net, windows, **asked)  # compiles, where this machine has not yet
    begun = perf_counter()
    said = estimate(net, windows, **asked)
    timing = perf_counter() - begun
    assert said is not None
    begun = perf_counter()
    if work == "report":
        with tempfile.TemporaryDirectory() as folder:
            rnnlens.report(net, windows, Path(folder) / "page.html", **asked)
    else:
        getattr(rnnlens, work)(net, windows, **asked)
    taken = perf_counter() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(len(windows), said.seconds, taken, said.bytes, most, timing)


def main() -> None:
    """Measure each in a process of its own, whose peak is its own too."""
    record = Record("estimates", __doc__ or "")
    for work in WORK:
        child = subprocess.run(
            [sys.executable, __file__, work], stdout=subprocess.PIPE, text=True, check=True
        )
        count, said, taken, held, most, timing = map(float, child.stdout.split()[-6:])
        sizes = f"the demo's network, {int(count):,} windows"
        record.values(
            work,
            sizes,
            {
                "announced": (said, "s"),
                "taken": (taken, "s"),
                "memory announced": (held / 1e6, "MB"),
                "memory at the most": (most / 1e6, "MB"),
                "what announcing took": (timing, "s"),
            },
        )
        for what, ratio in (("time", said / taken), ("memory", held / most)):
            apart = max(ratio, 1 / ratio)
            claim = f"{work}: {what} announced and taken, the larger over the smaller"
            record.claim(claim, apart, "x", most=FACTOR, sizes=sizes)
    record.save()


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] in WORK:
        one(sys.argv[1])
    else:
        main()
