"""Few windows: how long a forecast and its derivatives take once everything is compiled.

Forecasts by `rnnlens.predict`, which checks what it is given, and by what `Network.runner` makes,
beside PyTorch and ONNX Runtime; derivatives of one window beside PyTorch's.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import ours, peers
from harness.measure import agree, interleave
from harness.networks import SIZES, Size, forecaster, windows
from harness.record import OURS, Record

#: Rounding of float32 over all steps, relative to the largest value.
TOLERANCE = 1e-4
#: Size of what a forecast is the sum of.
SUMMED = 0.1
COUNTS = (1, 512)


def main() -> None:
    """Measure every size."""
    record = Record("latency", __doc__ or "")
    for size in SIZES[:1] if record.quick else SIZES:
        for count in COUNTS:
            forecasts(record, size, count)
        milliseconds = gradients(record, size)
        if size == SIZES[0]:
            work, sizes = "one window, gradient: latency once compiled", f"LSTM {size.text(1)}"
            record.claim(work, milliseconds, "ms", most=1, sizes=sizes)
    record.save()


def forecasts(record: Record, size: Size, count: int) -> None:
    """Measure forecasts of a few windows, and state what is claimed of the smallest network."""
    module, network = forecaster("LSTM", size)
    x, run = windows(count, size), network.runner(ours.PRECISION)
    runs: dict[str, Callable[[], Any]] = {
        OURS: lambda: run(x),
        "predict": lambda: ours.predict(network, x),
        "torch": peers.torch_runner(module, x),
        "onnxruntime": peers.onnxruntime_runner(network, x),
    }
    found = {name: one() for name, one in runs.items()}
    difference = max(
        agree(name, found[OURS], found[name], TOLERANCE, least=SUMMED)
        for name in ("predict", "torch", "onnxruntime")
    )
    times = interleave(runs, rounds=3 * record.rounds)
    sizes, note = f"LSTM {size.text(count)}", f"rnnlens: a runner in {ours.PRECISION}"
    record.times("latency, forecast", sizes, times, difference=difference, note=note)
    if size == SIZES[0]:
        peer, least = ("onnxruntime", 0.67) if count == 1 else ("torch", 1.8)
        ratio = times[peer].over(times[OURS])[0]
        record.claim(f"few windows, forecast by a runner, against {peer}", ratio, "x",
                     least=least, sizes=sizes)  # fmt: skip


def gradients(record: Record, size: Size) -> float:
    """Measure the gradient of one window; give its milliseconds."""
    module, network = forecaster("LSTM", size)
    x = windows(1, size)
    runs: dict[str, Callable[[], object]] = {
        OURS: lambda: ours.gradient(network, x),
        "torch": peers.torch_gradient(module, x),
    }
    difference = agree("gradient", *(np.asarray(run()) for run in runs.values()), TOLERANCE)
    times = interleave(runs, rounds=3 * record.rounds)
    note = f"rnnlens in {ours.PRECISION}"
    sizes = f"LSTM {size.text(1)}"
    record.times("latency, gradient", sizes, times, difference=difference, note=note)
    return times[OURS].median * 1e3


if __name__ == "__main__":
    main()
