"""Networks of several inputs that meet before, beside and after the recurrence."""

from __future__ import annotations

import numpy as np

from networks import cell, head
from rnnlens.network import layers as L
from rnnlens.network.axes import Constant, ExpandDims, Index, Repeat, Slice
from rnnlens.network.network import Network, Node, Origin

__all__ = ["JOINED", "joined"]

#: Windows of each.
WINDOWS = 4


def _net(nodes):
    return Network(tuple(nodes), ((nodes[-1].name, 0),), Origin("made in a test"))


def _data(rng, **shapes):
    return {name: rng.normal(size=(WINDOWS, *shape)) for name, shape in shapes.items()}


def _inputs(**shapes):
    return [Node(name, L.Input(shape)) for name, shape in shapes.items()]


def _static_repeated(rng):
    shapes = {"x": (5, 2), "site": (2,)}
    net = _net([
        *_inputs(**shapes),
        Node("again", L.RepeatVector(5), (("site", 0),)),
        Node("both", L.Concatenate(), (("x", 0), ("again", 0))),
        Node("lstm", L.Recurrent(cell("lstm", rng, 4, 3)), (("both", 0),)),
        Node("dense", head(rng, 3, 1), (("lstm", 0),)),
    ])
    return net, _data(rng, **shapes)


def _static_state(rng):
    shapes = {"x": (4, 2), "site": (2,)}
    net = _net([
        *_inputs(**shapes),
        Node("h", head(rng, 2, 3, "tanh"), (("site", 0),)),
        Node("c", head(rng, 2, 3), (("site", 0),)),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 3)), (("x", 0), ("h", 0), ("c", 0))),
        Node("dense", head(rng, 3, 1), (("lstm", 0),)),
    ])
    return net, _data(rng, **shapes)


def _static_after(rng):
    shapes = {"x": (4, 2), "site": (3,)}
    net = _net([
        *_inputs(**shapes),
        Node("gru", L.Recurrent(cell("gru_after", rng, 2, 3)), (("x", 0),)),
        Node("fit", head(rng, 3, 2, "tanh"), (("site", 0),)),
        Node("both", L.Concatenate(), (("gru", 0), ("fit", 0))),
        Node("dense", head(rng, 5, 1, "tanh"), (("both", 0),)),
    ])
    return net, _data(rng, **shapes)


def _tokens_merged(rng):
    net = _net([
        *_inputs(x=(4, 2), day=(4,)),
        Node("embedding", L.Embedding(rng.normal(size=(5, 2))), (("day", 0),)),
        Node("both", L.Concatenate(), (("x", 0), ("embedding", 0))),
        Node("dense", head(rng, 4, 3, "tanh"), (("both", 0),)),
        Node("lstm", L.Recurrent(cell("lstm", rng, 3, 3)), (("dense", 0),)),
        Node("out", head(rng, 3, 1), (("lstm", 0),)),
    ])
    return net, _data(rng, x=(4, 2)) | {"day": rng.integers(0, 5, (WINDOWS, 4)).astype(float)}


def _category(rng):
    net = _net([
        *_inputs(x=(4, 2), shop=(1,)),
        Node("embedding", L.Embedding(rng.normal(size=(6, 2))), (("shop", 0),)),
        Node("flat", L.Flatten(), (("embedding", 0),)),
        Node("again", L.RepeatVector(4), (("flat", 0),)),
        Node("both", L.Concatenate(), (("x", 0), ("again", 0))),
        Node("gru", L.Recurrent(cell("gru_before", rng, 4, 3)), (("both", 0),)),
        Node("dense", head(rng, 3, 1), (("gru", 0),)),
    ])
    return net, _data(rng, x=(4, 2)) | {"shop": rng.integers(0, 6, (WINDOWS, 1)).astype(float)}


def _decoder(rng):
    """An encoder over the past, whose last state starts a decoder over the known future."""
    shapes = {"past": (4, 2), "future": (3, 1)}
    encoder = L.Recurrent(cell("lstm", rng, 2, 3), return_state=True)
    decoder = L.Recurrent(cell("lstm", rng, 1, 3))
    net = _net([
        *_inputs(**shapes),
        Node("encoder", encoder, (("past", 0),)),
        Node("decoder", decoder, (("future", 0), ("encoder", 1), ("encoder", 2))),
        Node("dense", head(rng, 3, 1), (("decoder", 0),)),
    ])
    return net, _data(rng, **shapes)


def _two_towers(rng):
    shapes = {"hours": (4, 2), "days": (3, 2)}
    net = _net([
        *_inputs(**shapes),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 3)), (("hours", 0),)),
        Node("gru", L.Recurrent(cell("gru_after", rng, 2, 3), return_sequences=True),
             (("days", 0),)),
        Node("newest", Index(-1), (("gru", 0),)),
        Node("both", L.Multiply(), (("lstm", 0), ("newest", 0))),
        Node("dense", head(rng, 3, 1), (("both", 0),)),
    ])  # fmt: skip
    return net, _data(rng, **shapes)


def _everywhere(rng):
    """Statics before, as a state and after; two sequences that meet; a constant beside them."""
    shapes = {"x": (4, 2), "y": (4, 1), "site": (2,)}
    net = _net([
        *_inputs(**shapes),
        Node("fit", head(rng, 2, 3, "tanh"), (("site", 0),)),
        Node("one", ExpandDims(1), (("fit", 0),)),
        Node("both", L.Concatenate(), (("x", 0), ("y", 0))),
        Node("sum", L.Add(), (("both", 0), ("one", 0))),
        Node("always", Constant(rng.normal(size=(4, 3))), (("x", 0),)),
        Node("more", L.Multiply(), (("sum", 0), ("always", 0))),
        Node("gru", L.Recurrent(cell("gru_after", rng, 3, 3), return_sequences=True),
             (("more", 0), ("fit", 0))),
        Node("top", L.Recurrent(cell("simple_rnn", rng, 3, 3)), (("gru", 0),)),
        Node("last", L.Concatenate(), (("top", 0), ("site", 0))),
        Node("dense", head(rng, 5, 1), (("last", 0),)),
    ])  # fmt: skip
    return net, _data(rng, **shapes)


def _both_ways(rng):
    shapes = {"x": (4, 2), "site": (2,)}
    net = _net([
        *_inputs(**shapes),
        Node("again", L.RepeatVector(4), (("site", 0),)),
        Node("both", L.Concatenate(), (("x", 0), ("again", 0))),
        Node("lstm", L.Bidirectional(
            L.Recurrent(cell("lstm", rng, 4, 2)),
            L.Recurrent(cell("lstm", rng, 4, 2), go_backwards=True), "concat",
        ), (("both", 0),)),
        Node("dense", head(rng, 4, 1), (("lstm", 0),)),
    ])  # fmt: skip
    return net, _data(rng, **shapes)


def _any_length(rng):
    """Vectors beside as many steps as there are; the head reads each, the newest is taken."""
    net = _net([
        *_inputs(rain=(None, 1), heat=(None, 1), site=(2,)),
        Node("cat", L.Concatenate(-1), (("rain", 0), ("heat", 0))),
        Node("again", L.RepeatVector(None), (("site", 0), ("rain", 0))),
        Node("both", L.Concatenate(-1), (("cat", 0), ("again", 0))),
        Node("lstm", L.Recurrent(cell("lstm", rng, 4, 3), return_sequences=True), (("both", 0),)),
        Node("dense", head(rng, 3, 1), (("lstm", 0),)),
        Node("newest", Slice(-1, None), (("dense", 0),)),
        Node("flat", L.Flatten(), (("newest", 0),)),
    ])
    return net, _data(rng, rain=(4, 1), heat=(4, 1), site=(2,))


def _one_step_again(rng):
    """A vector as one step that is made as many; the head reads the newest three states."""
    net = _net([
        *_inputs(x=(None, 2), site=(2,)),
        Node("one", ExpandDims(1), (("site", 0),)),
        Node("again", Repeat(1, None), (("one", 0), ("x", 0))),
        Node("both", L.Concatenate(-1), (("x", 0), ("again", 0))),
        Node("gru", L.Recurrent(cell("gru_after", rng, 4, 3), return_sequences=True),
             (("both", 0),)),
        Node("newest", Slice(-3, None), (("gru", 0),)),
        Node("dense", head(rng, 3, 1, "tanh"), (("newest", 0),)),
        Node("flat", L.Flatten(), (("dense", 0),)),
        Node("out", head(rng, 3, 1), (("flat", 0),)),
    ])  # fmt: skip
    return net, _data(rng, x=(5, 2), site=(2,))


def _some_steps(rng):
    """A head that reads an older state, and every second one of another layer."""
    shapes = {"x": (4, 2), "y": (4, 1), "site": (3,)}
    lower = L.Recurrent(cell("lstm", rng, 3, 3), return_sequences=True)
    upper = L.Recurrent(cell("simple_rnn", rng, 3, 2), return_sequences=True)
    net = _net([
        *_inputs(**shapes),
        Node("one", ExpandDims(1), (("site", 0),)),
        Node("again", Repeat(1, 4), (("one", 0),)),
        Node("cat", L.Concatenate(-1), (("x", 0), ("y", 0))),
        Node("both", L.Add(), (("cat", 0), ("again", 0))),
        Node("lower", lower, (("both", 0),)),
        Node("upper", upper, (("lower", 0),)),
        Node("older", Index(1), (("lower", 0),)),
        Node("every", Slice(0, None, 2), (("upper", 0),)),
        Node("flat", L.Flatten(), (("every", 0),)),
        Node("last", L.Concatenate(), (("older", 0), ("flat", 0))),
        Node("out", head(rng, 7, 1, "tanh"), (("last", 0),)),
    ])
    return net, _data(rng, **shapes)


def _ignored(rng):
    shapes = {"x": (4, 2), "extra": (4, 3)}
    net = _net([
        *_inputs(**shapes),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 3)), (("x", 0),)),
        Node("dense", head(rng, 3, 1), (("lstm", 0),)),
    ])
    return net, _data(rng, **shapes)


#: Makers of a network and its inputs, by where these meet.
JOINED = {
    "static repeated": _static_repeated,
    "static as a state": _static_state,
    "static after": _static_after,
    "tokens merged": _tokens_merged,
    "category": _category,
    "decoder": _decoder,
    "two towers": _two_towers,
    "everywhere": _everywhere,
    "both ways": _both_ways,
    "any length": _any_length,
    "one step again": _one_step_again,
    "some steps": _some_steps,
    "ignored": _ignored,
}


def joined(name):
    """Make a network and its inputs, the same at every call."""
    return JOINED[name](np.random.default_rng(5))
