"""How long `rnnlens.memory` takes: its horizon alone, and the whole page of several networks.

    python benchmarks/memory_horizon.py [--river file] [--only horizon demo river large]

``--river`` takes the file of a PyTorch LSTM, such as a river's. Printed are seconds of wall clock
and of CPU, once everything is compiled; what the large page chose to ask is printed with it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

import rnnlens
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.dynamics.memory.histories import history_changes
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.single import ENOUGH, in_single, rounding
from rnnlens.engine.forward import predict
from rnnlens.engine.schedule.threads import threads
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

Array = NDArray[np.float64]
T = TypeVar("T")


def forecaster(rng: np.random.Generator, steps: int, features: int, units: int) -> Network:
    """Make an LSTM of distinct weights with a linear head."""
    gates = (
        Gate(
            W=rng.normal(size=(features, units)) / np.sqrt(features),
            U=rng.normal(size=(units, units)) / np.sqrt(units),
            b=rng.normal(size=units) * 0.3,
        )
        for _ in range(4)
    )
    nodes = (
        Node("x", Input((steps, features))),
        Node("lstm", Recurrent(LSTM(*gates)), (("x", 0),)),
        Node("dense", Dense(rng.normal(size=(units, 1)) / np.sqrt(units)), (("lstm", 0),)),
    )
    return Network(nodes, (("dense", 0),), Origin("made for a benchmark"))


def windows_of(series: Array, steps: int) -> Array:
    """Give every window of a series."""
    return np.stack([series[t : t + steps] for t in range(len(series) - steps + 1)])


def timed(what: str, work: Callable[[], T], *, compile_first: bool = False) -> T:
    """Print what work takes, the second time where it is the first of its kind."""
    if compile_first:
        work()
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall:.2f} s, {cpu:.2f} s of CPU, on {threads()} threads", flush=True)
    return result


def horizon(rng: np.random.Generator) -> None:
    """Time 64 histories, 500 windows, and 1 to 24 kept steps."""
    net = forecaster(rng, 48, 10, 32)
    x = windows_of(rng.normal(size=(547, 10)), 48)
    question = MemoryQuestion(
        network=net,
        inputs={"x": x},
        of="x",
        value=lambda outputs: outputs[0][:, 0],
        weight=lambda run: {},
        histories=np.linspace(0, len(x) - 1, 64).round().astype(np.int64),
        kept=np.arange(1, 25),
    )
    full = np.asarray(predict(net, x))[:, 0]
    allowed = ENOUGH * 0.05 * full.std()

    def in_need() -> tuple[float, np.ndarray]:
        off = rounding(question, full)
        single = off <= allowed
        return off, history_changes(in_single(question) if single else question, full).largest

    what = f"64 histories, {len(x)} windows, k to 24"
    off, single = timed(what, in_need, compile_first=True)
    double = timed(
        f"{what}, in double precision",
        lambda: history_changes(question, full).largest,
        compile_first=True,
    )
    gap = np.nanmax(np.abs(single - double))
    print(
        f"  single precision is off by {off:.1e} on the sample and {gap:.1e} at the most, and "
        f"serves up to {allowed:.1e}"
    )


def demo(rng: np.random.Generator) -> None:
    """Time the page of the demo's network."""
    net, windows = rnnlens.read(demo_files().network), weather_windows()
    timed(
        f"page of the demo's network, {len(windows)} windows",
        lambda: rnnlens.memory(net, windows, target="temp"),
        compile_first=True,
    )


def river(rng: np.random.Generator, path: str) -> None:
    """Time the page of a river's network with forcing that is made up."""
    net = rnnlens.read(path)
    features = next(iter(net.inputs.values())).shape[-1] or 1
    forcing = np.abs(rng.normal(size=(1024, features))).cumsum(axis=0) % 3 - 1.5
    x = windows_of(forcing, 365)
    page = timed(f"page of {len(x)} windows of 365 days", lambda: rnnlens.memory(net, x, target=0))
    print(page.attrs["summary"])


def large(rng: np.random.Generator) -> None:
    """Time the page of a large network, after a small one of its kind that compiles the kernels."""
    small = forecaster(rng, 24, 8, 16)
    rnnlens.memory(small, windows_of(rng.normal(size=(2023, 8)), 24), target=0)
    net = forecaster(rng, 365, 8, 256)
    x = windows_of(rng.normal(size=(620, 8)), 365)
    page = timed(
        f"page of {len(x)} windows of 365 steps, 256 units",
        lambda: rnnlens.memory(net, x, target=0),
    )
    chosen = ("windows_asked", "histories", "windows_of_cells", "way", "precision", "rounding")
    print({name: page.attrs.get(name) for name in chosen})


def main() -> None:
    """Print every time."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--river")
    asked.add_argument("--only", nargs="+", default=["horizon", "demo", "river", "large"])
    given = asked.parse_args()
    for name, work in (("horizon", horizon), ("demo", demo), ("large", large)):
        if name in given.only:
            work(np.random.default_rng(0))
    if given.river and "river" in given.only:
        river(np.random.default_rng(0), given.river)


if __name__ == "__main__":
    main()
