"""The smallest networks of each form: one step, one feature, one unit, tokens, blocks, branches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from networks import TANH, cell, chain, head
from rnnlens.network import layers as L
from rnnlens.network.axes import Lengths
from rnnlens.network.network import Network, Node, Origin

__all__ = ["SMALL", "small"]

#: Windows of each: as many as an interval needs.
WINDOWS = 12


def _graph(nodes, *outputs):
    return Network(nodes, tuple((name, 0) for name in outputs), Origin("made in a test"))


def _forecaster(rng, steps=3, features=2, units=2, kind="lstm", targets=1):
    net = chain(
        L.Recurrent(cell(kind, rng, features, units)), head(rng, units, targets),
        shape=(steps, features),
    )  # fmt: skip
    return net, rng.normal(size=(WINDOWS, steps, features))


def _tokens(rng, mask_zero=False):
    net = chain(
        L.Embedding(rng.normal(size=(5, 2)), mask_zero=mask_zero),
        L.Recurrent(cell("gru_after", rng, 2, 2)), head(rng, 2, 1, "sigmoid"), shape=(3,),
    )  # fmt: skip
    return net, rng.integers(0, 5, size=(WINDOWS, 3))


def _masked(rng):
    net = chain(
        L.Masking(0.0), L.Recurrent(cell("simple_rnn", rng, 2, 2)), head(rng, 2, 1),
        shape=(None, 2),
    )  # fmt: skip
    x = rng.normal(size=(WINDOWS, 4, 2))
    x[:, 2:] = 0.0
    x[::2, 1] = 0.0
    return net, x


def _nothing_real(rng):
    net, x = _masked(rng)
    return net, x * 0.0


def _blocks(rng):
    """Windows of rank 4: a convolution within each block, then a recurrent layer over blocks."""
    convolved = L.Conv1D(rng.normal(size=(2, 2, 2)), rng.normal(size=2), TANH)
    net = chain(
        L.TimeDistributed(convolved), L.TimeDistributed(L.Flatten()),
        L.Recurrent(cell("lstm", rng, 4, 2)), head(rng, 2, 1), shape=(2, 3, 2),
    )  # fmt: skip
    return net, rng.normal(size=(WINDOWS, 2, 3, 2))


def _flat(rng):
    """Windows of rank 2, laid out as steps within."""
    net = chain(
        L.Reshape((3, 2)), L.Recurrent(cell("lstm", rng, 2, 2)), head(rng, 2, 1), shape=(6,)
    )
    return net, rng.normal(size=(WINDOWS, 6))


def _two_inputs(rng):
    nodes = (
        Node("x", L.Input((3, 2))),
        Node("site", L.Input((2,))),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 2)), (("x", 0),)),
        Node("both", L.Concatenate(), (("lstm", 0), ("site", 0))),
        Node("dense", head(rng, 4, 1), (("both", 0),)),
    )
    x = {"x": rng.normal(size=(WINDOWS, 3, 2)), "site": rng.normal(size=(WINDOWS, 2))}
    return _graph(nodes, "dense"), x


def _two_sequences(rng):
    nodes = (
        Node("x", L.Input((3, 2))),
        Node("future", L.Input((2, 1))),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 2)), (("x", 0),)),
        Node("gru", L.Recurrent(cell("gru_after", rng, 1, 2)), (("future", 0),)),
        Node("both", L.Concatenate(), (("lstm", 0), ("gru", 0))),
        Node("dense", head(rng, 4, 1), (("both", 0),)),
    )
    x = {"x": rng.normal(size=(WINDOWS, 3, 2)), "future": rng.normal(size=(WINDOWS, 2, 1))}
    return _graph(nodes, "dense"), x


def _lengths(rng):
    nodes = (
        Node("x", L.Input((3, 2))),
        Node("lengths", L.Input(())),
        Node("within", Lengths(), (("x", 0), ("lengths", 0))),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 2)), (("within", 0),)),
        Node("dense", head(rng, 2, 1), (("lstm", 0),)),
    )
    x = {"x": rng.normal(size=(WINDOWS, 3, 2)), "lengths": 1.0 + np.arange(WINDOWS) % 3}
    return _graph(nodes, "dense"), x


def _several_outputs(rng):
    nodes = (
        Node("x", L.Input((3, 2))),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 2)), (("x", 0),)),
        Node("one", head(rng, 2, 2, "softmax"), (("lstm", 0),)),
        Node("other", head(rng, 2, 1), (("lstm", 0),)),
    )
    return _graph(nodes, "one", "other"), rng.normal(size=(WINDOWS, 3, 2))


def _several_steps(rng):
    net = chain(
        L.Recurrent(cell("gru_before", rng, 2, 2), return_sequences=True),
        L.TimeDistributed(head(rng, 2, 1)), shape=(3, 2),
    )  # fmt: skip
    return net, rng.normal(size=(WINDOWS, 3, 2))


def _both_ways(rng):
    net = chain(
        L.Bidirectional(
            L.Recurrent(cell("lstm", rng, 2, 2)),
            L.Recurrent(cell("lstm", rng, 2, 2), go_backwards=True),
            "concat",
        ),
        head(rng, 4, 1), shape=(3, 2),
    )  # fmt: skip
    return net, rng.normal(size=(WINDOWS, 3, 2))


def _tokens_both_ways(rng):
    net = chain(
        L.Embedding(rng.normal(size=(5, 2))),
        L.Bidirectional(
            L.Recurrent(cell("lstm", rng, 2, 2)),
            L.Recurrent(cell("lstm", rng, 2, 2), go_backwards=True),
            "sum",
        ),
        head(rng, 2, 1), shape=(3,),
    )  # fmt: skip
    return net, rng.integers(0, 5, size=(WINDOWS, 3))


def _no_recurrent_layer(rng):
    net = chain(L.Flatten(), head(rng, 6, 1), shape=(3, 2))
    return net, rng.normal(size=(WINDOWS, 3, 2))


def _constant_feature(rng):
    net, x = _forecaster(rng)
    x[..., 1] = 0.5
    return net, x


def _constant_forecast(rng):
    net, x = _forecaster(rng)
    return net, np.broadcast_to(x[:1], x.shape).copy()


def _one_window(rng):
    net, x = _forecaster(rng)
    return net, x[:1]


#: Makers of a network and its windows, by what is special of it.
SMALL: dict[str, Callable] = {
    "one step": lambda rng: _forecaster(rng, steps=1),
    "one feature": lambda rng: _forecaster(rng, features=1),
    "one step, one feature": lambda rng: _forecaster(rng, steps=1, features=1),
    "one unit": lambda rng: _forecaster(rng, units=1, kind="gru_after"),
    "one of all": lambda rng: _forecaster(rng, steps=1, features=1, units=1, kind="simple_rnn"),
    "projected": lambda rng: _forecaster(rng, units=2, kind="lstm_projected"),
    "tokens": _tokens,
    "masked tokens": lambda rng: _tokens(rng, mask_zero=True),
    "masked": _masked,
    "nothing real": _nothing_real,
    "blocks": _blocks,
    "flat": _flat,
    "two inputs": _two_inputs,
    "two sequences": _two_sequences,
    "lengths": _lengths,
    "several outputs": _several_outputs,
    "several steps": _several_steps,
    "both ways": _both_ways,
    "tokens both ways": _tokens_both_ways,
    "no recurrent layer": _no_recurrent_layer,
    "constant feature": _constant_feature,
    "constant forecast": _constant_forecast,
    "one window": _one_window,
}


def small(name):
    """Make a network and its windows, the same at every call."""
    return SMALL[name](np.random.default_rng(3))
