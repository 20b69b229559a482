"""Double precision: how much longer it takes than single, forward and back, and beside PyTorch.

Forecasts by `rnnlens.predict`. The way back is measured in the kernels alone, as derivatives and as
secants between two runs: what stands around it does not depend on the precision.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from harness import ours, peers
from harness.measure import agree, interleave
from harness.networks import SIZES, Size, forecaster, windows
from harness.record import OURS, Record

import rnnlens
from rnnlens.engine.kernels.arguments import Reading
from rnnlens.engine.kernels.cells.packing import packed
from rnnlens.engine.kernels.run import run_backward, run_forward
from rnnlens.network.network import Network

#: Windows of forecasts, and of what goes back.
FORECASTS, BACK = 8192, 512
#: Rounding over all steps, relative to the largest value: of float32, and of two ways to sum.
SINGLE, DOUBLE = 1e-4, 1e-12


def main() -> None:
    """Measure every size but the longest."""
    record = Record("precision", __doc__ or "")
    most: dict[str, tuple[float, str]] = {}
    for kind in ("LSTM", "GRU"):
        for size in SIZES[:1] if record.quick else SIZES[:3]:
            ratios = forecasts(record, kind, size) | ways_back(record, kind, size)
            for work, ratio in ratios.items():
                most[work] = max(most.get(work, (0.0, "")), (ratio, f"{kind} H={size.units}"))
    for work, (ratio, sizes) in most.items():
        record.claim(f"float64 over float32, {work}, the most of the sizes", ratio, "x",
                     most=3, sizes=sizes)  # fmt: skip
    record.save()


def forecasts(record: Record, kind: str, size: Size) -> dict[str, float]:
    """Measure forecasts; give how much longer those in double precision take."""
    count = FORECASTS // 16 if record.quick else FORECASTS
    module, network = forecaster(kind, size)
    x = windows(count, size)
    double, precise = x.astype(np.float64), deepcopy(module).double()
    runs: dict[str, Callable[[], Any]] = {
        OURS: lambda: rnnlens.predict(network, double),
        "rnnlens, float32": lambda: ours.predict(network, x),
        "torch, float64": peers.torch_runner(precise, double),  # type: ignore[arg-type]
        "torch, float32": peers.torch_runner(module, x),
    }
    found = {name: np.asarray(run()) for name, run in runs.items()}
    difference = agree("float64", found[OURS], found["torch, float64"], DOUBLE, least=0.1)
    agree("float32", found[OURS], found["rnnlens, float32"], SINGLE, least=0.1)
    times = interleave(runs, rounds=record.rounds)
    sizes = f"{kind} {size.text(count)}"
    record.times("forward, double precision", sizes, times, difference=difference)
    if (kind, size) == ("LSTM", SIZES[0]):
        for peer, least in (("torch, float64", 6), ("torch, float32", 0.9)):
            ratio = times[peer].over(times[OURS])[0]
            record.claim(f"forward in float64, against {peer}", ratio, "x",
                         least=least, sizes=sizes)  # fmt: skip
    return {"forward": times[OURS].over(times["rnnlens, float32"])[0]}


def ways_back(record: Record, kind: str, size: Size) -> dict[str, float]:
    """Measure derivatives and secants; give how much longer those in double precision take."""
    network = forecaster(kind, size)[1]
    x, x0 = windows(BACK, size), windows(BACK, size, seed=1)
    runs: dict[str, Callable[[], Any]] = {}
    for precision in ("float64", "float32"):
        runs |= _back(network, x.astype(precision), x0.astype(precision))
    found = {name: run()[0] for name, run in runs.items()}
    times = interleave(runs, rounds=record.rounds)
    ratios: dict[str, float] = {}
    for work in ("gradient", "secant"):
        one, other = f"{work}, float64", f"{work}, float32"
        difference = agree(work, found[one], found[other], SINGLE)
        pair = {OURS: times[one], "rnnlens, float32": times[other]}
        record.times(f"{work}, double precision", f"{kind} {size.text(BACK)}", pair,
                     difference=difference)  # fmt: skip
        ratios[work] = times[one].over(times[other])[0]
    return ratios


def _back(network: Network, x: Any, x0: Any) -> dict[str, Callable[[], Any]]:
    """Give the ways back of a network's one recurrent layer, in the precision of its windows."""
    ((_, layer),) = network.recurrent()
    weights = packed(layer.cell, x.dtype)
    assert weights is not None
    reading = Reading(backwards=False, sequences=False, zeroes=False)
    run, run0 = (run_forward(weights, a, None, reading, ()) for a in (x, x0))
    m = np.ones((len(x), 1, weights.outputs), x.dtype)
    return {
        f"gradient, {x.dtype}": lambda: run_backward(run, run, m, ()),
        f"secant, {x.dtype}": lambda: run_backward(run, run0, m, ()),
    }


if __name__ == "__main__":
    main()
