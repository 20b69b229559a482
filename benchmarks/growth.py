"""How time grows with windows, steps and features, each over three decades.

All sizes of one axis are measured in the same interleaved run. The exponent is the slope of log
time over log size, by least squares: over all sizes, and over the upper half of them, where what a
call costs once no longer counts. Linear growth is an exponent of 1.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable

import numpy as np
from harness import ours
from harness.measure import interleave
from harness.networks import Size, forecaster, windows
from harness.record import Record

UNITS = 32
#: By axis: sizes over three decades, and the sizes and the number of windows for each.
AXES: dict[str, tuple[tuple[int, ...], Callable[[int], tuple[Size, int]]]] = {
    "windows": ((16, 64, 256, 1024, 4096, 16384), lambda n: (Size(UNITS, 8, 24), n)),
    "steps": ((8, 32, 128, 512, 2048, 8192), lambda n: (Size(UNITS, 8, n), 64)),
    "features": ((2, 8, 32, 128, 512, 2048), lambda n: (Size(UNITS, n, 24), 256)),
}
WORK = {"forecast": ours.predict, "gradient": ours.gradient}
#: The largest exponent over the upper half: a tenth is for caches, which large sizes leave.
MOST = 1.1


def main() -> None:
    """Measure every axis."""
    record = Record("growth", __doc__ or "")
    for axis, (every, case) in AXES.items():
        sizes = every[:3] if record.quick else every
        exponent = measure(record, axis, sizes, case)
        record.claim(
            f"growth of time with {axis}: the larger exponent over the upper half",
            exponent,
            "",
            most=MOST,
            sizes=f"LSTM H={UNITS}, {sizes[0]:,} to {sizes[-1]:,} {axis}",
        )
    record.save()


def measure(
    record: Record, axis: str, sizes: tuple[int, ...], case: Callable[[int], tuple[Size, int]]
) -> float:
    """Measure one axis, forecasts and gradients; give the larger exponent over the upper half."""
    runs: dict[str, Callable[[], object]] = {}
    for n in sizes:
        size, count = case(n)
        _, network = forecaster("LSTM", size)
        x = windows(count, size)
        for work, call in WORK.items():
            runs[f"{work} {n}"] = lambda call=call, network=network, x=x: call(network, x)
    times = interleave(runs, rounds=record.rounds, budget=60)
    span = f"LSTM H={UNITS}, {sizes[0]:,} to {sizes[-1]:,} {axis}"
    uppers = []
    for work in WORK:
        seconds = [times[f"{work} {n}"].median for n in sizes]
        exponent, upper = slope(sizes, seconds), slope(sizes[-3:], seconds[-3:])
        shown = {str(n): (each * 1e3, "ms") for n, each in zip(sizes, seconds, strict=True)}
        note = f"exponent {exponent:.2f}, upper half {upper:.2f}; rnnlens in {ours.PRECISION}"
        record.values(f"growth with {axis}, {work}", span, shown, note=note)
        uppers.append(upper)
    return max(uppers)


def slope(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """Give the exponent of the power law that fits best."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


if __name__ == "__main__":
    main()
