"""Peak memory of ``explain`` as the number of windows grows, each in a process of its own.

The process reads the network, explains a few windows so that everything is loaded and compiled,
makes its windows and notes what it holds; then it explains them all. What the peak lies above that
is the result and what explaining needs on top; the latter must not grow with the windows.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import json
import subprocess
import sys

from harness.record import Record
from harness.usage import MEGABYTE, forget_peak, held

#: Windows that are explained first, so that what is loaded and compiled once is not counted.
FIRST = 64
METHODS = ("secant", "gradient")
COUNTS = (1_000, 10_000, 100_000)
QUICK = (200, 2_000)
#: Growth of the peak over growth of the result: a tenth is for what the allocator rounds up.
MOST = 1.1


def work(method: str, count: str) -> None:
    """Explain windows and print the bytes that it took and the result's."""
    from harness import ours
    from harness.networks import SIZES, forecaster, windows

    _, network = forecaster("LSTM", SIZES[0])
    options = {} if method == "gradient" else {"baseline": "zero"}
    ours.explain(network, windows(FIRST, SIZES[0]), method=method, **options)
    x = windows(int(count), SIZES[0])
    forget_peak()
    before = held(peak=False)
    found = ours.explain(network, x, method=method, **options)
    taken = held(peak=True) - before
    print(json.dumps({"taken": taken, "result": found.nbytes, "precision": ours.PRECISION}))


def main() -> None:
    """Measure every method and every number of windows."""
    record = Record("memory", __doc__ or "")
    sizes = "LSTM H=32 F=8 T=24"
    counts = QUICK if record.quick else COUNTS
    for method in METHODS:
        figures = []
        for count in counts:
            command = [sys.executable, __file__, "worker", method, str(count)]
            figures.append(json.loads(subprocess.check_output(command, text=True)))
        for count, figure in zip(counts, figures, strict=True):
            taken, result = figure["taken"] / MEGABYTE, figure["result"] / MEGABYTE
            record.values(
                f"peak memory, explain, {method}",
                f"{sizes}, {count:,} windows",
                {
                    "peak above what was held before": (taken, "MB"),
                    "result": (result, "MB"),
                    "on top of the result": (taken - result, "MB"),
                },
                note=f"rnnlens in {figure['precision']}",
            )
        grown, result = (figures[-1][key] - figures[0][key] for key in ("taken", "result"))
        record.claim(
            f"peak memory, explain, {method}: growth, in sizes of the result",
            grown / result,
            "x",
            most=MOST,
            sizes=f"{sizes}, {counts[0]:,} to {counts[-1]:,} windows",
        )
    record.save()


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(*sys.argv[2:])
    else:
        main()
