"""How often the bounds of `rnnlens.memory` hold for new windows, by simulation.

For each of three kinds of series, sets of windows are cut from a series, the bounds are found from
them as the verb finds them, and windows of another series of the same kind are asked whether their
change stays within. Printed are the shares that do, over all sets, with their standard errors.

    python benchmarks/memory_coverage.py [sets]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.conformal import new_windows
from rnnlens.dynamics.memory.histories import history_changes
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.forward import predict
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

Array = NDArray[np.float64]
Process = Callable[[int, np.random.Generator], Array]

STEPS, WINDOWS, NEW, HISTORIES, UNITS, ALPHA = 18, 500, 120, 16, 4, 0.05
KEPT = np.arange(1, 13)
TOLERANCE = 0.1


def arx(length: int, rng: np.random.Generator) -> Array:
    """Make an autoregression driven by another."""
    u, y = np.zeros(length + 100), np.zeros(length + 100)
    noise = rng.normal(size=(2, length + 100))
    for t in range(5, length + 100):
        u[t] = 0.5 * u[t - 1] + 0.8 * noise[0, t]
        y[t] = 0.6 * y[t - 1] - 0.3 * y[t - 2] + 0.5 * u[t - 5] + 0.3 * noise[1, t]
    return np.column_stack([y, u])[100:]


def seasonal(length: int, rng: np.random.Generator) -> Array:
    """Make the same on top of a day of 24 steps, from any hour on."""
    clock = 2 * np.pi * (np.arange(length) + rng.integers(24)) / 24
    return arx(length, rng) + 1.5 * np.column_stack([np.sin(clock), np.cos(clock)])


def heavy_tailed(length: int, rng: np.random.Generator) -> Array:
    """Make rare large values, of three degrees of freedom, that fade."""
    x = rng.standard_t(3, size=(length + 100, 2)) * 0.6
    for t in range(1, length + 100):
        x[t] += 0.6 * x[t - 1]
    return x[100:]


def network(rng: np.random.Generator) -> Network:
    """Make a GRU of distinct weights with a linear head."""
    z, r, n = (
        Gate(
            W=rng.normal(size=(2, UNITS)) * 0.6,
            U=rng.normal(size=(UNITS, UNITS)) * 0.6,
            b=rng.normal(size=UNITS) * 0.3,
        )
        for _ in range(3)
    )
    nodes = (
        Node("x", Input((STEPS, 2))),
        Node("gru", Recurrent(GRU(z, r, n, True, Activation("tanh"))), (("x", 0),)),
        Node("dense", Dense(rng.normal(size=(UNITS, 1))), (("gru", 0),)),
    )
    return Network(nodes, (("dense", 0),), Origin("made for a benchmark"))


def windows_of(series: Array) -> Array:
    """Give every window of a series."""
    return np.stack([series[t : t + STEPS] for t in range(len(series) - STEPS + 1)])


def scores(question: MemoryQuestion) -> Array:
    """Give the largest changes of every window: (kept, sample)."""
    full = np.asarray(predict(question.network, question.x))[:, 0]
    return history_changes(question, full).largest


def one_set(net: Network, process: Process, rng: np.random.Generator) -> tuple[Array, float, int]:
    """Find bounds from one series and try them on another.

    Gives the shares of new windows within each bound and within the horizon, and the blocks.
    """
    x = windows_of(process(WINDOWS + STEPS - 1, rng))
    chosen = np.linspace(0, WINDOWS - 1, HISTORIES).round().astype(np.int64)
    question = MemoryQuestion(
        network=net,
        inputs={"x": x},
        of="x",
        value=lambda outputs: outputs[0][:, 0],
        weight=lambda run: {},
        histories=chosen,
        kept=KEPT,
    )
    asked = np.setdiff1d(np.arange(WINDOWS), chosen)
    new = new_windows(scores(question)[:, asked], KEPT, TOLERANCE, ALPHA)
    # the same histories, before windows of another series
    after = np.concatenate([windows_of(process(NEW + STEPS - 1, rng)), x[chosen]])
    other = replace(question, inputs={"x": after}, histories=np.arange(NEW, NEW + HISTORIES))
    moved = scores(other)[:, :NEW]
    stays = new.horizon <= KEPT
    within = float((moved[stays] <= TOLERANCE).all(axis=0).mean()) if stays.any() else 1.0
    return (moved <= new.bounds[:, None]).mean(axis=1), within, new.blocks


def main(sets: int) -> None:
    """Print how often the bounds hold."""
    for process in (arx, seasonal, heavy_tailed):
        rng = np.random.default_rng(12)
        net = network(rng)
        tried = [one_set(net, process, rng) for _ in range(sets)]
        held, within = np.array([one[0] for one in tried]), np.array([one[1] for one in tried])
        share, error = held.mean(axis=0), held.std(axis=0) / np.sqrt(sets)
        blocks = np.median([one[2] for one in tried])
        print(f"{process.__name__}: {sets} sets of {WINDOWS} windows, {blocks:.0f} blocks")
        for row in (0, 3, 7, 11):
            held_text = f"{share[row]:.4f} +- {error[row]:.4f}"
            print(f"  D({KEPT[row]}) holds for {held_text} of new windows")
        error = within.std() / np.sqrt(sets)
        print(f"  horizon holds for {within.mean():.4f} +- {error:.4f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
