"""Derivatives of forecasts with respect to every step and feature: rnnlens against autograd."""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import ours, peers
from harness.measure import agree, interleave
from harness.networks import SIZES, Forecaster, Size, forecaster, windows
from harness.record import OURS, Record

#: Rounding of float32 over all steps, relative to the largest derivative.
TOLERANCE = 1e-4

#: Cell, sizes, windows, and the least ratio to PyTorch that is asked for.
CASES = (
    ("LSTM", SIZES[0], 8192, 6.0),
    ("GRU", SIZES[0], 8192, None),
    ("LSTM", SIZES[1], 8192, None),
    ("LSTM", SIZES[2], 512, None),
    ("LSTM", SIZES[3], 64, 2.5),
    ("LSTM", SIZES[0], 1, None),
)
QUICK = (("LSTM", SIZES[0], 64, 6.0), ("GRU", SIZES[0], 1, None))


def main() -> None:
    """Measure every case."""
    record = Record("gradient", __doc__ or "")
    for kind, size, count, least in QUICK if record.quick else CASES:
        measure(record, kind, size, count, least)
    record.save()


def measure(record: Record, kind: str, size: Size, count: int, least: float | None) -> None:
    """Require all contenders to give the same derivatives, then time them."""
    module, network = forecaster(kind, size)
    x = windows(count, size)
    contenders: dict[str, Callable[[], Any]] = {
        OURS: lambda: ours.gradient(network, x),
        "torch autograd": peers.torch_gradient(module, x),
        "jax.grad": jax_gradient(module, x),
    }
    found = contenders[OURS]()
    others = [name for name in contenders if name != OURS]
    difference = max(agree(name, found, contenders[name](), TOLERANCE) for name in others)
    times = interleave(contenders, rounds=record.rounds)
    work, sizes = f"input gradients, {kind}", size.text(count)
    note = f"rnnlens in {ours.PRECISION}"
    record.times(work, sizes, times, difference=difference, note=note)
    if least is not None:
        ratio = times["torch autograd"].over(times[OURS])[0]
        work = "input gradients, against torch autograd"
        record.claim(work, ratio, "x", least=least, sizes=f"{kind} {sizes}")


def jax_gradient(module: Forecaster, x: np.ndarray) -> peers.Runner:
    """Differentiate a module's scans, compiled."""
    import jax

    forecast = peers.jax_function(module)
    compiled, given = jax.jit(jax.grad(lambda x: forecast(x).sum())), jax.numpy.asarray(x)
    return lambda: np.asarray(compiled(given))


if __name__ == "__main__":
    main()
