"""Forecasts: rnnlens against PyTorch, ONNX Runtime and a JAX scan, and against the peak.

The peak is the fastest float32 matrix product that NumPy or PyTorch makes on this machine as they
are installed, of square matrices of 512 to 2048, in the same interleaved run. Where the processor
has AVX-512 and NumPy's OpenBLAS leaves it unused, shares can pass 100 %: a second peak is that of
OpenBLAS told to use it, measured right after. The share counts matrix products alone: for each
window ``2 T (F + H) G H`` operations with G gates; activations come on top and count for nothing.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from harness import ours, peers
from harness.measure import Timing, agree, interleave
from harness.networks import SIZES, Floats, Forecaster, Size, forecaster, windows
from harness.peak import widest
from harness.record import OURS, Record

from rnnlens.network.network import Network

COUNTS = (1, 512, 8192)
#: Windows of the largest network are fewer: 8192 of them would take gigabytes in every peer.
MOST_OF_LARGEST = 512
#: Two ways to sum a product differ by this much, relative to the largest forecast.
TOLERANCE = 2e-5
#: Size of what a forecast is the sum of.
SUMMED = 0.1
GATES = {"LSTM": 4, "GRU": 3}
SQUARES = (512, 1024, 2048)


def main() -> None:
    """Measure every network and every number of windows."""
    record = Record("forward", __doc__ or "")
    sizes, counts = (SIZES[:1], (1, 64)) if record.quick else (SIZES, COUNTS)
    shares: dict[str, tuple[float, float]] = {}
    for kind in GATES:
        for size in sizes:
            found = one_layer(record, kind, size, counts)
            shares[f"{kind} {size.text(most(size, counts))}"] = found
        deeper(record, kind, sizes[min(1, len(sizes) - 1)], counts)
    peaks = ("the machine's own float32 matrix-multiply peak", "OpenBLAS's peak with AVX-512")
    for k, peak in enumerate(peaks):
        known = {name: both[k] for name, both in shares.items() if name.startswith("LSTM")}
        worst = min(known, key=lambda name: known[name])
        record.claim(
            f"forward: share of {peak}, the least of the sizes",
            100 * known[worst],
            "%",
            least=80,
            sizes=worst,
        )
    record.save()


def most(size: Size, counts: tuple[int, ...]) -> int:
    """Give the largest number of windows that a size is measured with."""
    return min(counts[-1], MOST_OF_LARGEST) if size == SIZES[-1] else counts[-1]


def one_layer(
    record: Record, kind: str, size: Size, counts: tuple[int, ...]
) -> tuple[float, float]:
    """Measure a network of one layer; give its shares of the peaks at the most windows."""
    module, network = forecaster(kind, size)
    shares = 0.0, 0.0
    for count in sorted({min(count, most(size, counts)) for count in counts}):
        x = windows(count, size)
        last = count == most(size, counts)
        times = compared(record, f"forward, {kind}", size, module, network, x, peak=last)
        if last:
            shares = of_peaks(record, kind, size, times, count)
        if (kind, size, count) == ("LSTM", SIZES[0], counts[-1]):
            record.claim(
                "forward, against torch without gradients",
                times["torch"].over(times[OURS])[0],
                "x",
                least=2.5,
                sizes=f"{kind} {size.text(count)}",
            )
    return shares


def deeper(record: Record, kind: str, size: Size, counts: tuple[int, ...]) -> None:
    """Measure two layers, and one that reads both ways."""
    for name, layers, bidirectional in (("two layers", 2, False), ("bidirectional", 1, True)):
        module, network = forecaster(kind, size, layers=layers, bidirectional=bidirectional)
        for count in counts:
            x = windows(count, size)
            compared(record, f"forward, {kind}, {name}", size, module, network, x)


def compared(
    record: Record,
    work: str,
    size: Size,
    module: Forecaster,
    network: Network,
    x: Floats,
    *,
    peak: bool = False,
) -> dict[str, Timing]:
    """Require all contenders to forecast the same, then time them."""
    contenders: dict[str, Callable[[], Any]] = {
        OURS: lambda: ours.predict(network, x),
        "torch": peers.torch_runner(module, x),
        "onnxruntime": peers.onnxruntime_runner(network, x),
        "jax": peers.jax_runner(module, x),
    }
    forecast = contenders[OURS]()
    others = [name for name in contenders if name != OURS]
    difference = max(
        agree(name, forecast, contenders[name](), TOLERANCE, least=SUMMED) for name in others
    )
    if peak:
        contenders |= products()
    times = interleave(contenders, rounds=record.rounds)
    shown = {name: times[name] for name in (OURS, *others)}
    record.times(
        work, size.text(len(x)), shown, difference=difference, note=f"rnnlens in {ours.PRECISION}"
    )
    return times


def products() -> dict[str, Callable[[], object]]:
    """Give the matrix products that the peak is taken from."""
    rng = np.random.default_rng(0)
    found: dict[str, Callable[[], object]] = {}
    for n in SQUARES:
        a, out = rng.standard_normal((n, n), np.float32), np.empty((n, n), np.float32)
        b, into = torch.from_numpy(a), torch.empty(n, n)
        found[f"numpy {n}"] = lambda a=a, out=out: np.matmul(a, a, out=out)
        found[f"torch {n}"] = lambda b=b, into=into: torch.matmul(b, b, out=into)
    return found


def of_peaks(
    record: Record, kind: str, size: Size, times: dict[str, Timing], count: int
) -> tuple[float, float]:
    """Give the forecasts' matrix products a second, as shares of both peaks."""
    rates = {
        f"{library} {n}": 2 * n**3 / times[f"{library} {n}"].median
        for n in SQUARES
        for library in ("numpy", "torch")
    }
    best = max(rates, key=lambda name: rates[name])
    wide = max(widest(SQUARES) or 0.0, rates[best])
    H, F, T = size.units, size.features, size.steps
    work = 2 * count * T * (F + H) * GATES[kind] * H
    paces = {name: work / times[name].median for name in (OURS, "torch")}
    record.values(
        f"share of the peak, {kind}",
        size.text(count),
        {
            f"peak ({best})": (rates[best] / 1e9, "Gflop/s"),
            **{name: (100 * pace / rates[best], "%") for name, pace in paces.items()},
            "peak with AVX-512": (wide / 1e9, "Gflop/s"),
            **{f"{name}, of that": (100 * pace / wide, "%") for name, pace in paces.items()},
        },
    )
    return paces[OURS] / rates[best], paces[OURS] / wide


if __name__ == "__main__":
    main()
