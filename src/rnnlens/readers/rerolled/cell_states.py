"""The cell states of an LSTM after every step, for code that gives them beside its hidden states.

A layer gives its hidden state at every step and its cell state after the last alone. Where code
stacks the cell states too, the same cell runs a second time, described by its own equations, and
gives them; what depends on the hidden states goes through the layer itself.
"""

from __future__ import annotations

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import (
    Activate,
    Add,
    CellNode,
    Concatenate,
    Dense,
    DescribedGate,
    DescribedRecurrent,
    Layer,
    Multiply,
    Rescaling,
)
from rnnlens.network.network import Ref

__all__ = ["CELL_STATES", "described_lstm"]

#: The output of a described LSTM that holds its cell states: after its sequence and two states.
CELL_STATES = 3


def described_lstm(cell: LSTM, *, go_backwards: bool) -> DescribedRecurrent:
    """Describe an LSTM by its equations."""
    nodes: list[CellNode] = []

    def add(name: str, layer: Layer, *taken: Ref) -> Ref:
        nodes.append(CellNode(name, layer, taken))
        return name, 0

    sigma, phi = cell.recurrent_activation, cell.activation
    h, c = ("state", 0), ("state", 1)
    both = add("both", Concatenate(), ("input", 0), h)

    def gate(name: str, function: Activation, seen: Ref) -> Ref:
        one = cell.gates[name.removesuffix("_gate")]
        kernel = Dense(np.concatenate([one.W, one.U]), _bias(one))
        before = add(f"{name}_sum", kernel, both)
        if one.V is not None:
            weighed = Rescaling(one.V, np.zeros(1, one.V.dtype))
            before = add(f"{name}_all", Add(), before, add(f"{name}_peephole", weighed, seen))
        return add(name, Activate(function), before)

    i, f, g = gate("input_gate", sigma, c), gate("forget", sigma, c), gate("cell", phi, c)
    kept, let_in = add("kept", Multiply(), f, c), add("let_in", Multiply(), i, g)
    after = add("after", Add(), kept, let_in)
    o = gate("output", sigma, after)
    shown = add("hidden", Multiply(), o, add("shown", Activate(phi), after))
    if cell.projection is not None:
        shown = add("projected", Dense(cell.projection), shown)
    gates = {"input": i, "forget": f, "cell": g, "output": o}
    return DescribedRecurrent(
        tuple(nodes),
        (shown, after),
        cell.state_sizes,
        sequences=1,
        shared=0,
        gates=tuple(DescribedGate(name, ref[0], 0, cell.units) for name, ref in gates.items()),
        go_backwards=go_backwards,
    )


def _bias(gate: Gate) -> np.ndarray | None:
    known = [bias for bias in (gate.b, gate.b_r) if bias is not None]
    return sum(known[1:], known[0]) if known else None
