"""Peak memory of ``explain`` as the number of windows grows, each in a process of its own.

The process reads the network, explains a few windows so that everything is loaded and compiled,
makes its windows and notes what it holds; then it explains them all. What the peak lies above that
is the result and what explaining needs on top; the latter must not grow with the windows.

One window beside the table that it was cut from is asked about as well, and there everything counts
that comes after the imports: the network, the table, its windows, kernels that are loaded or
compiled, the baseline, the check of the forecast on the newest windows, the answer.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import json
import subprocess
import sys

from harness.networks import Size
from harness.record import Record
from harness.usage import MEGABYTE, forget_peak, held

#: Windows that are explained first, so that what is loaded and compiled once is not counted.
FIRST = 64
METHODS = ("secant", "gradient")
COUNTS = (1_000, 10_000, 100_000)
QUICK = (200, 2_000)
#: The table beside one window: five years of hours; the network that is asked.
ROWS, QUICK_ROWS = 43_800, 4_000
WEEK = Size(64, 8, 168)
#: Megabytes that one window beside its table may take in all.
MOST_OF_ONE = 300
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


def one(method: str, rows: str) -> None:
    """Explain the newest window of a table, and print the bytes that all of it took."""
    import numba  # noqa: F401  (what explaining loads, before anything is counted)
    import numpy as np
    import pandas as pd
    import scipy.signal
    import xarray as xr  # noqa: F401
    from harness.networks import forecaster

    import rnnlens
    from rnnlens.series.sidecar import Sidecar

    forget_peak()
    before = held(peak=False)
    _, network = forecaster("LSTM", WEEK)
    noise = np.random.default_rng(0).standard_normal((int(rows), WEEK.features))
    names = [f"x{k}" for k in range(WEEK.features)]
    table = pd.DataFrame(scipy.signal.lfilter([1.0], [1.0, -0.9], noise, axis=0), columns=names)
    table["time"] = pd.date_range("2020-01-01", periods=len(table), freq="h")
    sidecar = Sidecar.plain(names, WEEK.steps, targets=names[:1], time="time", step="1h")
    windows = rnnlens.windows(table, sidecar)
    rnnlens.explain(network, windows.newest(1), method=method, background=windows)
    print(held(peak=True) - before)


def of_one(record: Record) -> None:
    """Measure one window beside its table."""
    rows = QUICK_ROWS if record.quick else ROWS
    sizes = f"LSTM {WEEK.text(1)}, from a table of {rows:,} rows"
    for method in ("secant", "auto"):
        command = [sys.executable, __file__, "one", method, str(rows)]
        taken = int(subprocess.check_output(command, text=True)) / MEGABYTE
        record.claim(
            f"peak memory, explain, {method}: all of it after the imports",
            taken,
            "MB",
            most=MOST_OF_ONE,
            sizes=sizes,
        )


def main() -> None:
    """Measure every method and every number of windows."""
    record = Record("memory", __doc__ or "")
    of_one(record)
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
    if sys.argv[1:2] == ["one"]:
        one(*sys.argv[2:])
    elif sys.argv[1:2] == ["worker"]:
        work(*sys.argv[2:])
    else:
        main()
