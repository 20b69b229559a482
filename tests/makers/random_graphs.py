"""Random forecasters of the layers that people put around recurrent ones, from a seed."""

import numpy as np

from networks import cell, head
from rnnlens.network import axes as A
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation
from rnnlens.network.network import Network, Node, Origin

STEPS, WIDTH = 6, 4


class _Graph:
    """A graph as it grows, of sequences (step, 4) and vectors (4,)."""

    def __init__(self, rng):
        self.rng, self.nodes = rng, []

    def add(self, layer, *taken):
        name = f"{type(layer).__name__.lower()}_{len(self.nodes)}"
        self.nodes.append(Node(name, layer, tuple((one, 0) for one in taken)))
        return name

    def array(self, *shape):
        return self.rng.normal(size=shape) / np.sqrt(shape[0])

    def dense(self, width=WIDTH, function="linear", units=WIDTH):
        return L.Dense(self.array(width, units), self.array(units), Activation(function))

    def recurrent(self, sequences):
        kind = self.rng.choice(["lstm", "gru_after", "gru_before", "simple_rnn"])
        if self.rng.random() < 0.3:
            kind = "lstm" if kind == "gru_before" else kind
            both = [
                L.Recurrent(
                    cell(kind, self.rng, WIDTH, WIDTH),
                    return_sequences=sequences,
                    go_backwards=back,
                )
                for back in (False, True)
            ]
            merge = str(self.rng.choice(["sum", "mul", "ave"]))
            return L.Bidirectional(*both, merge)
        return L.Recurrent(cell(kind, self.rng, WIDTH, WIDTH), return_sequences=sequences)


def _sequence(graph, x):
    """Put one layer behind a sequence; the sequence stays (6, 4)."""
    rng = graph.rng
    match rng.integers(12):
        case 0:
            conv = graph.array(3, WIDTH, WIDTH)
            padding = str(rng.choice(["same", "causal"]))
            return graph.add(
                L.Conv1D(conv, graph.array(WIDTH), Activation("relu"), 1, 1, 1, padding), x
            )
        case 1:
            return graph.add(L.Pooling1D(str(rng.choice(["max", "average"])), 2, 1, "same"), x)
        case 2:
            moments = graph.array(WIDTH), 0.5 + rng.random(WIDTH)
            return graph.add(L.BatchNormalization(*moments, beta=graph.array(WIDTH)), x)
        case 3:
            return graph.add(L.LayerNormalization(graph.array(WIDTH), graph.array(WIDTH)), x)
        case 4:
            return graph.add(L.TimeDistributed(graph.dense(function="tanh")), x)
        case 5:
            return _attention(graph, x)
        case 6:
            return graph.add(L.Add(), x, graph.add(graph.recurrent(True), x))
        case 7:
            both = graph.add(L.Concatenate(), x, graph.add(graph.recurrent(True), x))
            return graph.add(graph.dense(2 * WIDTH), both)
        case 8:
            vector = graph.add(A.Mean((1,)), x)
            back = graph.add(L.RepeatVector(STEPS), vector)
            return graph.add(L.Multiply(), x, back)
        case 9:
            older = graph.add(A.Slice(0, 2), x)
            newer = graph.add(A.Slice(2, None), x)
            return graph.add(L.Concatenate(1), newer, older)
        case 10:
            return graph.add(A.Flip(1), x)
        case _:
            return graph.add(L.Activate(Activation(str(rng.choice(["tanh", "softplus"])))), x)


def _attention(graph, x):
    """Dot-product attention of a sequence to itself."""
    query, key = graph.add(graph.dense(), x), graph.add(graph.dense(), x)
    scores = graph.add(L.Einsum("aqd,akd->aqk"), query, key)
    weights = graph.add(L.Activate(Activation("softmax")), scores)
    return graph.add(L.Einsum("aqk,akd->aqd"), weights, x)


def _vector(graph, x):
    """Make a vector of a sequence, as forecasters do."""
    match graph.rng.integers(6):
        case 0:
            return graph.add(graph.recurrent(False), x)
        case 1:
            return graph.add(A.Index(-1), graph.add(graph.recurrent(True), x))
        case 2:  # softmax pooling
            scores = graph.add(graph.dense(units=1), x)
            weights = graph.add(L.Activate(Activation("softmax", {"axis": 1})), scores)
            return graph.add(L.Reduction("sum", (1,)), graph.add(L.Multiply(), x, weights))
        case 3:
            return graph.add(L.GlobalPooling1D("max"), x)
        case 4:  # additive attention, the newest state asking
            last = graph.add(graph.dense(), graph.add(A.Index(-1), x))
            wide = graph.add(A.ExpandDims(1), last)
            both = graph.add(L.Add(), graph.add(graph.dense(), x), wide)
            tanh = graph.add(L.Activate(Activation("tanh")), both)
            scores = graph.add(A.Squeeze(2), graph.add(graph.dense(units=1), tanh))
            weights = graph.add(L.Activate(Activation("softmax")), scores)
            return graph.add(L.Einsum("at,atd->ad"), weights, x)
        case _:
            return graph.add(graph.dense(STEPS * WIDTH), graph.add(L.Flatten(), x))


def random_graph(seed):
    """A forecaster of a series and of static features, with quantiles for some seeds."""
    rng = np.random.default_rng(seed)
    graph = _Graph(rng)
    graph.nodes += [Node("series", L.Input((STEPS, WIDTH))), Node("static", L.Input((3,)))]
    x = graph.add(graph.recurrent(True), "series")
    for _ in range(rng.integers(1, 4)):
        x = _sequence(graph, x)
    both = graph.add(L.Concatenate(), _vector(graph, x), "static")
    out = graph.add(head(rng, WIDTH + 3, 6), both)
    if rng.random() < 0.3:
        out = graph.add(L.Reshape((2, 3)), out)
    return Network(tuple(graph.nodes), ((out, 0),), Origin("made in a test"), f"random_{seed}")
