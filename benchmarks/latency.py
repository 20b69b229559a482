"""One window: how long a forecast and its derivatives take once everything is compiled."""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable

import numpy as np
from harness import ours, peers
from harness.measure import agree, interleave
from harness.networks import SIZES, Size, forecaster, windows
from harness.record import OURS, Record

#: Rounding of float32 over all steps, relative to the largest value.
TOLERANCE = 1e-4


def main() -> None:
    """Measure every size."""
    record = Record("latency", __doc__ or "")
    for size in SIZES[:1] if record.quick else SIZES:
        milliseconds = measure(record, size)
        if size == SIZES[0]:
            work, sizes = "one window, gradient: latency once compiled", f"LSTM {size.text(1)}"
            record.claim(work, milliseconds, "ms", most=1, sizes=sizes)
    record.save()


def measure(record: Record, size: Size) -> float:
    """Measure a forecast and a gradient; give the milliseconds of the gradient."""
    module, network = forecaster("LSTM", size)
    x = windows(1, size)
    runs: dict[str, Callable[[], object]] = {
        "forecast": lambda: ours.predict(network, x),
        "torch forecast": peers.torch_runner(module, x),
        "gradient": lambda: ours.gradient(network, x),
        "torch gradient": peers.torch_gradient(module, x),
    }
    found = {name: np.asarray(run()) for name, run in runs.items()}
    times = interleave(runs, rounds=3 * record.rounds)
    # a forecast alone may be near zero; what it is the sum of is not
    for work, least in (("forecast", 0.1), ("gradient", 0.0)):
        difference = agree(work, found[work], found[f"torch {work}"], TOLERANCE, least=least)
        pair = {OURS: times[work], "torch": times[f"torch {work}"]}
        note = f"rnnlens in {ours.PRECISION}"
        sizes = f"LSTM {size.text(1)}"
        record.times(f"latency, {work}", sizes, pair, difference=difference, note=note)
    return times["gradient"].median * 1e3


if __name__ == "__main__":
    main()
