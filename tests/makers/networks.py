"""Networks with random weights, every array distinct, for the tests."""

from dataclasses import replace

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Gate, SimpleRNN
from rnnlens.network.layers import Activate, Bidirectional, Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

TANH = Activation("tanh")
SIGMOID = Activation("sigmoid")
CELLS = ("lstm", "lstm_peephole", "lstm_projected", "gru_after", "gru_before", "simple_rnn")


def gate(rng, features, units, scale=1.0, *, recurrent_bias=False, peephole=False, outputs=None):
    outputs = outputs or units
    return Gate(
        W=rng.normal(size=(features, units)) * scale / np.sqrt(features),
        U=rng.normal(size=(outputs, units)) * scale / np.sqrt(outputs),
        b=rng.normal(size=units) * 0.3,
        b_r=rng.normal(size=units) * 0.3 if recurrent_bias else None,
        V=rng.normal(size=units) * 0.5 if peephole else None,
    )


def cell(kind, rng, features=3, units=5, scale=1.0, phi=TANH, sigma=SIGMOID):
    if kind.startswith("lstm"):
        peep = kind == "lstm_peephole"
        outputs = 2 if kind == "lstm_projected" else None
        i, f, c, o = (
            gate(rng, features, units, scale, peephole=peep and k != 2, outputs=outputs)
            for k in range(4)
        )
        projection = None if outputs is None else rng.normal(size=(units, outputs))
        return LSTM(i, f, c, o, phi, sigma, projection)
    if kind.startswith("gru"):
        gates = [gate(rng, features, units, scale, recurrent_bias=True) for _ in range(3)]
        return GRU(*gates, kind == "gru_after", phi, sigma)
    return SimpleRNN(gate(rng, features, units, scale), phi)


def equations(layer_cell):
    """Give a cell's arrays as a dict of nested lists, named as in the equations."""
    from rnnlens.network.inventory import arrays_of

    return {a.local_name: a.values.tolist() for a in arrays_of(Recurrent(layer_cell))}


def chain(*layers, shape, name="net"):
    """A network whose layers follow one another; recurrent and dense layers get plain names."""
    nodes = [Node("x", Input(shape))]
    counts = {}
    for layer in layers:
        kind = type(layer).__name__.lower()
        counts[kind] = counts.get(kind, 0) + 1
        label = kind if counts[kind] == 1 else f"{kind}_{counts[kind] - 1}"
        nodes.append(Node(label, layer, ((nodes[-1].name, 0),)))
    return Network(tuple(nodes), ((nodes[-1].name, 0),), Origin("made in a test"), name)


def head(rng, units, targets=2, activation="linear"):
    return Dense(
        rng.normal(size=(units, targets)) / np.sqrt(units),
        rng.normal(size=targets),
        Activation(activation),
    )


def forecaster(kind, rng, *, steps=7, features=3, units=5, scale=1.0, targets=2):
    core = cell(kind, rng, features, units, scale)
    return chain(
        Recurrent(core),
        head(rng, core.state_sizes[0], targets),
        Activate(Activation("linear")),
        shape=(steps, features),
    )


def stacked_bidirectional(rng, *, steps=6, features=3, units=4, merge="concat"):
    wide = 2 * units if merge == "concat" else units
    return chain(
        Bidirectional(
            Recurrent(cell("lstm", rng, features, units), return_sequences=True),
            Recurrent(cell("lstm", rng, features, units), return_sequences=True, go_backwards=True),
            merge,
        ),
        Recurrent(cell("gru_after", rng, wide, units), return_sequences=True),
        Recurrent(cell("simple_rnn", rng, units, units)),
        head(rng, units),
        shape=(steps, features),
    )


def with_gates(network: Network, one: str, other: str) -> Network:
    """The same network with two gates' arrays in each other's place."""
    nodes = []
    for node in network.nodes:
        if isinstance(node.layer, Recurrent):
            gates = node.layer.cell.gates
            swapped = replace(node.layer.cell, **{one: gates[other], other: gates[one]})
            node = replace(node, layer=replace(node.layer, cell=swapped))
        nodes.append(node)
    return replace(network, nodes=tuple(nodes))
