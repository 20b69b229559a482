"""What reaches what, against trying every number, on random graphs with zeros as weights."""

from dataclasses import replace

import numpy as np
import pytest

from networks import cell
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.evidence.reach.follow import follow
from rnnlens.evidence.reach.rules import Counting
from rnnlens.network.activations import Activation
from rnnlens.network.axes import (
    Constant,
    ExpandDims,
    Flip,
    Index,
    Mean,
    Repeat,
    Slice,
    Squeeze,
    Take,
)
from rnnlens.network.layers import (
    Activate,
    Add,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Flatten,
    GlobalPooling1D,
    Input,
    LayerNormalization,
    Multiply,
    Permute,
    Pooling1D,
    Recurrent,
    Rescaling,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.layers.arithmetic import Binary, Where
from rnnlens.network.layers.products import Einsum
from rnnlens.network.layers.reductions import CumulativeSum, Reduction
from rnnlens.network.network import Network, Node, Origin

STEPS, FEATURES, STATIC = 5, 3, 2
TRIED = 24
KINDS = ("lstm", "lstm_peephole", "lstm_projected", "gru_after", "gru_before", "simple_rnn")


def sparse(array, rng, share=0.5):
    """Zeros in whole rows and at single places."""
    rows = rng.random(array.shape[:-1]) < share / 2
    array[rows] = 0.0
    array[rng.random(array.shape) < share / 2] = 0.0
    return array


def recurrent(rng, features, **options):
    core = cell(KINDS[rng.integers(len(KINDS))], rng, features, 4)
    for gate in core.gates.values():
        sparse(gate.W, rng, 0.9)
        sparse(gate.U, rng, 1.2)
    return Recurrent(core, **options)


class Graph:
    """A network that grows by one node at a time; every value is (sample, step, feature)."""

    def __init__(self, rng):
        self.rng = rng
        self.nodes = [Node("x", Input((STEPS, FEATURES))), Node("z", Input((STATIC,)))]
        self.add(Repeat(1), self.add(ExpandDims(1), "z"), "x")
        self.width = {"x": FEATURES, self.nodes[-1].name: STATIC}
        self.steps = {"x": STEPS, self.nodes[-1].name: STEPS}

    def add(self, layer, *taken):
        name = f"n{len(self.nodes)}"
        self.nodes.append(Node(name, layer, tuple((one, 0) for one in taken)))
        return name

    def value(self):
        return list(self.width)[self.rng.integers(len(self.width))]

    def keep(self, name, width, steps):
        self.width[name], self.steps[name] = width, steps

    def pair(self):
        """Two values of one shape."""
        one, other = self.value(), self.value()
        steps = min(self.steps[one], self.steps[other])
        made = []
        for name in (one, other):
            W = sparse(self.rng.normal(size=(self.width[name], 3)), self.rng)
            made.append(self.add(Dense(W), self.add(Slice(-steps, None), name)))
        return (*made, 3, steps)

    def grow(self):
        rng, name = self.rng, self.value()
        width, steps = self.width[name], self.steps[name]
        match rng.integers(18):
            case 0 | 1:
                back = bool(rng.integers(2))
                layer = recurrent(rng, width, go_backwards=back, return_sequences=True)
                self.keep(self.add(layer, name), layer.cell.state_sizes[0], steps)
            case 2:
                one = recurrent(rng, width, return_sequences=True)
                other = replace(one, go_backwards=True)
                merge = ("concat", "sum", "mul")[rng.integers(3)]
                size = one.cell.state_sizes[0] * (2 if merge == "concat" else 1)
                self.keep(self.add(Bidirectional(one, other, merge), name), size, steps)
            case 3:
                W = sparse(rng.normal(size=(2, width, 3)), rng)
                self.keep(self.add(Conv1D(W, padding="causal"), name), 3, steps)
            case 4:
                W = sparse(rng.normal(size=(width, 3)), rng)
                phi = Activation(("tanh", "softmax")[rng.integers(2)])
                self.keep(self.add(TimeDistributed(Dense(W, None, phi)), name), 3, steps)
            case 5:
                self.keep(self.add(Slice(1, None), name), width, steps - 1) if steps > 2 else None
            case 6:
                self.keep(self.add(Flip(1), name), width, steps)
            case 7:
                places = tuple(rng.integers(width, size=2).tolist())
                self.keep(self.add(Take(places, 2), name), 2, steps)
            case 8:
                one, other, width, steps = self.pair()
                layer = (Add(), Subtract(), Multiply(), Binary("maximum"))[rng.integers(4)]
                self.keep(self.add(layer, one, other), width, steps)
            case 9:
                one, other, width, steps = self.pair()
                self.keep(self.add(Concatenate(), one, other), 2 * width, steps)
            case 10:
                one, other, width, steps = self.pair()
                scores = self.add(Einsum("aqd,akd->aqk"), one, other)
                weights = self.add(Activate(Activation("softmax")), scores)
                self.keep(self.add(Einsum("aqk,akd->aqd"), weights, other), width, steps)
            case 11:
                fixed = self.add(Constant(sparse(rng.normal(size=(steps, width)), rng)), name)
                self.keep(self.add(Multiply(), name, fixed), width, steps)
            case 12:
                choice = (rng.random((steps, 3)) < 0.5).astype(float)
                one, other, width, steps = self.pair()
                fixed = self.add(
                    Constant(choice[:steps] if len(choice) >= steps else choice[:1]), one
                )
                self.keep(self.add(Where(), fixed, one, other), width, steps)
            case 13:
                gamma = sparse(rng.normal(size=(1, width)), rng)[0]
                moments = rng.normal(size=width), rng.random(width) + 0.5
                self.keep(self.add(BatchNormalization(*moments, gamma), name), width, steps)
            case 14:
                if width > 2:  # two centred numbers say only which is the larger
                    gamma = sparse(rng.normal(size=(1, width)), rng)[0]
                    self.keep(self.add(LayerNormalization(gamma), name), width, steps)
            case 15:
                axes = (int(rng.integers(1, 3)),)
                layer = (
                    Reduction("sum", axes, keepdims=True),
                    Mean(axes, keepdims=True),
                    Reduction("logsumexp", axes, keepdims=True),
                )[rng.integers(3)]
                short = self.add(layer, name)
                self.keep(self.add(Add(), name, short), width, steps)
            case 16:
                layer = (CumulativeSum(1), CumulativeSum(1, reverse=True), Permute((1, 2)))[
                    rng.integers(3)
                ]
                self.keep(self.add(layer, name), width, steps)
            case 17:
                scale = sparse(rng.normal(size=(1, width)), rng)[0]
                self.keep(self.add(Rescaling(scale, np.ones(width)), name), width, steps)

    def end(self):
        """Make vectors of two values, and a head."""
        rng, made, sizes = self.rng, [], 0
        for name in (list(self.width)[-1], self.value()):
            width, steps = self.width[name], self.steps[name]
            match rng.integers(5):
                case 0:
                    layer, size = Flatten(), width * steps
                case 1:
                    layer, size = Index(-1, 1), width
                case 2:
                    layer, size = GlobalPooling1D("average"), width
                case 3:
                    layer = recurrent(rng, width, go_backwards=bool(rng.integers(2)))
                    size = layer.cell.state_sizes[0]
                case _:
                    pool = self.add(Pooling1D("average", steps, steps), name)
                    name, layer, size = pool, Squeeze(1), width
            made.append(self.add(layer, name))
            sizes += size
        both = self.add(Concatenate(), *made)
        out = self.add(Dense(sparse(rng.normal(size=(sizes, 3)), rng, 1.0)), both)
        return Network(tuple(self.nodes), ((out, 0),), Origin("made in a test"))


def moved(network, rng, target):
    """The numbers whose change moves an output in any of some windows, tried one by one."""
    given = {
        "x": rng.normal(size=(TRIED, STEPS, FEATURES)),
        "z": rng.normal(size=(TRIED, STATIC)),
    }
    own = predict(network, given)[:, target]
    found = {}
    for name, array in given.items():
        found[name] = np.zeros(array.shape[1:], bool)
        for place in np.ndindex(array.shape[1:]):
            other = {**given, name: array.copy()}
            other[name][slice(None), *place] += rng.normal(size=TRIED) * 2
            # a sum in another order may round otherwise
            apart = abs(predict(network, other)[:, target] - own)
            found[name][place] = (apart > 1e-13 * (1 + abs(own))).any()
    return found


@pytest.mark.parametrize("seed", range(80))
def test_reach_is_what_trying_every_number_finds(seed):
    rng = np.random.default_rng(seed)
    graph = Graph(rng)
    for _ in range(3 + seed % 4):
        graph.grow()
    network = graph.end()
    shapes = {"x": (STEPS, FEATURES)}
    target = int(rng.integers(3))
    found = follow(network, shapes, ResolvedTarget((target,)))
    tried = moved(network, rng, target)
    wired = follow(network, shapes, ResolvedTarget((target,)), Counting(zeros=True))
    every = follow(network, shapes)
    for name in ("x", "z"):
        assert not (tried[name] & ~found[name]).any(), "a number that moves it is out of reach"
        np.testing.assert_array_equal(found[name], tried[name])
        assert not (found[name] & ~wired[name]).any()
        assert not (found[name] & ~every[name]).any()
