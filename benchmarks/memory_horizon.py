"""How long `rnnlens.memory` takes: its horizon alone, and the whole page of several networks.

    python benchmarks/memory_horizon.py [file of a PyTorch LSTM, such as a river's]

Printed are seconds of wall clock and of CPU, once everything is compiled.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import rnnlens
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.dynamics.memory.histories import history_changes
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.forward import predict
from rnnlens.engine.schedule.threads import threads
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

Array = NDArray[np.float64]


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


def timed(what: str, work: Callable[[], object], *, compile_first: bool = False) -> object:
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
    timed(
        f"64 histories, {len(x)} windows, k to 24",
        lambda: history_changes(question, full),
        compile_first=True,
    )


def main() -> None:
    """Print every time."""
    rng = np.random.default_rng(0)
    horizon(rng)
    demo, windows = rnnlens.read(demo_files().network), weather_windows()
    timed(
        f"page of the demo's network, {len(windows)} windows",
        lambda: rnnlens.memory(demo, windows, target="temp"),
        compile_first=True,
    )
    if len(sys.argv) > 1:
        river = rnnlens.read(sys.argv[1])
        features = next(iter(river.inputs.values())).shape[-1] or 1
        forcing = np.abs(rng.normal(size=(1024, features))).cumsum(axis=0) % 3 - 1.5
        x = windows_of(forcing, 365)
        page = timed(
            f"page of {len(x)} windows of 365 days", lambda: rnnlens.memory(river, x, target=0)
        )
        print(getattr(page, "attrs", {}).get("summary"))
    large = forecaster(rng, 365, 8, 256)
    x = windows_of(rng.normal(size=(620, 8)), 365)
    timed(
        f"page of {len(x)} windows of 365 steps, 256 units",
        lambda: rnnlens.memory(large, x, target=0),
    )


if __name__ == "__main__":
    main()
