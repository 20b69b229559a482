"""What the exact tree costs over several inputs, beside one input with as many numbers.

    python benchmarks/joint_tree.py

One LSTM and a linear head read four numbers a step: as one input, whose newest steps a compiled
kernel walks inside the cache where one window is asked about, or as two inputs of two numbers,
whose coalitions go step by step. Either way there are 18 players. Prints processor time, the less
of two runs; a cell is one step of the layer, which takes what both inputs show of it.
"""

from __future__ import annotations

import os

import numpy as np

import rnnlens
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Concatenate, Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

STEPS, FEATURES, RUNS = 30, 4, 2
#: Lags one by one: 18 players of one input, and 18 of two.
NEWEST = {1: 17, 2: 8}


def network(units: int, inputs: int, rng: np.random.Generator) -> Network:
    """Make a forecaster of one input or of two."""
    gates = [
        Gate(
            rng.normal(size=(FEATURES, units)) / 2,
            rng.normal(size=(units, units)) / units**0.5,
            rng.normal(size=units),
        )
        for _ in range(4)
    ]
    head = Dense(rng.normal(size=(units, 1)), rng.normal(size=1))
    width = FEATURES // inputs
    entries = [Node(f"x{k}", Input((STEPS, width))) for k in range(inputs)]
    first = tuple((node.name, 0) for node in entries)
    if inputs > 1:
        entries.append(Node("both", Concatenate(), first))
    lstm = Node("lstm", Recurrent(LSTM(*gates)), ((entries[-1].name, 0),))
    nodes = (*entries, lstm, Node("dense", head, (("lstm", 0),)))
    return Network(nodes, (("dense", 0),), Origin("made"))


def spent() -> float:
    """Give the processor time of this process so far."""
    now = os.times()
    return now.user + now.system


def main() -> None:
    """Print a table."""
    print("| units | windows | inputs | cells | processor time |\n|---|---|---|---|---|")
    for units in (16, 64):
        for windows in (1, 6):
            for inputs, newest in NEWEST.items():
                rng = np.random.default_rng(1)
                net, x = network(units, inputs, rng), rng.normal(size=(windows, STEPS, FEATURES))
                parts = np.split(x, inputs, axis=2)
                given = {f"x{k}": part for k, part in enumerate(parts)} if inputs > 1 else x
                taken, cells = [], 0
                for _ in range(RUNS + 1):  # the first compiles
                    began = spent()
                    made = rnnlens.explain(
                        net, given, method="tree", newest=newest, baseline="zero"
                    )
                    taken.append(spent() - began)
                    cells = int(made.attrs["cells"])
                least = min(taken[1:])
                print(f"| {units} | {windows} | {inputs} | {cells:,} | {least:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
