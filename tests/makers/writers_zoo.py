"""Networks with every kind of layer that is written, each by a name."""

from dataclasses import replace

import numpy as np

from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Constant, ExpandDims, Flip, Index, Mean, Slice, Squeeze
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Identity,
    Input,
    LayerNormalization,
    Masking,
    Multiply,
    Permute,
    Pooling1D,
    PReLU,
    Recurrent,
    RepeatVector,
    Rescaling,
    Reshape,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node, Origin

HARD = Activation("hard_sigmoid", {"slope": 0.2})


def as_float32(network):
    """The same network with float32 arrays: npz keeps names, so it is written and read back."""
    from rnnlens.network.cells import Gate

    def turn(value):
        if isinstance(value, np.ndarray):
            return value.astype(np.float32)
        if isinstance(value, Gate) or hasattr(value, "arrays") or hasattr(value, "gates"):
            return replace(value, **{k: turn(v) for k, v in vars(value).items()})
        return value

    made = {}
    nodes = []
    for node in network.nodes:
        made.setdefault(id(node.layer), turn(node.layer))
        nodes.append(replace(node, layer=made[id(node.layer)]))
    return replace(network, nodes=tuple(nodes))


def middle(rng, *layers, steps=6, features=3, units=4):
    """An LSTM that gives every step, some layers, and a head on the flattened rest."""
    return chain(
        Recurrent(cell("lstm", rng, features, units), return_sequences=True),
        *layers,
        shape=(steps, features),
    )


def graph(rng):
    """Two inputs, states handed on, a shared layer, every merge, two outputs."""
    encoder = Recurrent(cell("lstm", rng, 3, 4), return_state=True, return_sequences=True)
    decoder = Recurrent(cell("lstm", rng, 2, 4))
    shared = Dense(rng.normal(size=(4, 4)), rng.normal(size=4), Activation("tanh"))
    both = Bidirectional(
        Recurrent(cell("gru_after", rng, 4, 3), return_state=True),
        Recurrent(cell("gru_after", rng, 4, 3), return_state=True, go_backwards=True),
        None,
    )
    nodes = [
        Node("series", Input((6, 3))),
        Node("known", Input((5, 2))),
        Node("encoder", encoder, (("series", 0),)),
        Node("decoder", decoder, (("known", 0), ("encoder", 1), ("encoder", 2))),
        Node("shared", shared, (("decoder", 0),)),
        Node("again", shared, (("encoder", 0),)),
        Node("both", both, (("again", 0),)),
        Node("mean", GlobalPooling1D("average"), (("again", 0),)),
        Node("sum", Add(), (("shared", 0), ("mean", 0))),
        Node("less", Subtract(), (("sum", 0), ("decoder", 0))),
        Node("times", Multiply(), (("less", 0), ("mean", 0))),
        Node("middle", Average(), (("times", 0), ("sum", 0), ("less", 0))),
        Node("joined", Concatenate(), (("middle", 0), *(("both", k) for k in range(4)))),
        Node("head", head(rng, 16), (("joined", 0),)),
    ]
    return Network(tuple(nodes), (("head", 0), ("both", 2)), Origin("made in a test"), "graph")


def zero_states(rng):
    """What exported graphs have: states of zero, every step, and the last one picked."""
    nodes = [
        Node("x", Input((6, 3))),
        Node("zero", Constant(np.zeros(4)), (("x", 0),)),
        Node(
            "lstm",
            Recurrent(cell("lstm", rng, 3, 4), return_sequences=True),
            (("x", 0), ("zero", 0), ("zero", 0)),
        ),
        Node("last", Index(-1), (("lstm", 0),)),
        Node("head", head(rng, 4), (("last", 0),)),
    ]
    return Network(tuple(nodes), (("head", 0),), Origin("made in a test"), "exported")


def normal(rng, size):
    moments = rng.normal(size=size), 0.3 + rng.random(size)
    return BatchNormalization(*moments, gamma=rng.normal(size=size), beta=rng.normal(size=size))


def zoo(rng):
    """Every network by its name."""
    dense = Dense(rng.normal(size=(4, 3)), rng.normal(size=3), Activation("tanh"))
    conv = {"W": rng.normal(size=(3, 4, 2)), "b": rng.normal(size=2)}
    made = {kind: forecaster(kind, rng) for kind in CELLS}
    made |= {
        f"{kind}_hard": chain(Recurrent(cell(kind, rng, sigma=HARD)), head(rng, 5), shape=(6, 3))
        for kind in ("lstm", "gru_after", "gru_before")
    }
    made |= {f"merged_{m}": stacked_bidirectional(rng, merge=m) for m in ("concat", "sum", "ave")}
    made |= {
        "backwards": middle(
            rng, Recurrent(cell("gru_after", rng, 4, 3), go_backwards=True, return_sequences=True)
        ),
        "bidirectional_last": chain(
            Bidirectional(
                Recurrent(cell("lstm", rng)), Recurrent(cell("lstm", rng), go_backwards=True)
            ),
            head(rng, 10),
            shape=(6, 3),
        ),
        "turned_round": chain(
            Bidirectional(
                Recurrent(cell("lstm", rng), return_sequences=True, go_backwards=True),
                Recurrent(cell("gru_after", rng), return_sequences=True),
            ),
            head(rng, 10),
            shape=(6, 3),
        ),
        "two_kinds": chain(
            Bidirectional(
                Recurrent(cell("lstm", rng)), Recurrent(cell("gru_after", rng), go_backwards=True)
            ),
            shape=(6, 3),
        ),
        "stacked": chain(
            Recurrent(cell("gru_after", rng, 3, 4), return_sequences=True),
            Identity("Dropout"),
            Recurrent(cell("gru_after", rng, 4, 4), return_sequences=True),
            Recurrent(cell("gru_after", rng, 4, 4)),
            head(rng, 4),
            shape=(None, 3),
        ),
        "end": chain(
            Bidirectional(
                Recurrent(cell("lstm", rng), return_sequences=True),
                Recurrent(cell("lstm", rng), return_sequences=True, go_backwards=True),
            ),
            Index(-1),
            head(rng, 10, 3, "relu"),
            shape=(None, 3),
        ),
        "start": chain(
            Recurrent(cell("gru_after", rng), return_sequences=True), Index(0), shape=(None, 3)
        ),
        "dense_steps": middle(rng, TimeDistributed(dense), dense_like(rng, 3), Flatten()),
        "functions": middle(
            rng,
            Activate(Activation("relu", {"negative_slope": 0.1})),
            Activate(Activation("elu", {"alpha": 0.7})),
            Dense(rng.normal(size=(4, 4)), None, Activation("gelu")),
            Activate(Activation("silu")),
            Activate(Activation("softplus")),
            Dense(rng.normal(size=(4, 4)), rng.normal(size=4), HARD),
            Activate(Activation("softmax")),
        ),
        "norms": middle(
            rng,
            normal(rng, 4),
            LayerNormalization(rng.normal(size=4), rng.normal(size=4), epsilon=1e-4),
            Rescaling(np.array(0.5), np.array(-0.2)),
        ),
        "standard": chain(
            Standardization(5 + rng.normal(size=3), 0.5 + rng.random(3)),
            Recurrent(cell("lstm", rng)),
            head(rng, 5, 3),
            Standardization(rng.normal(size=3), 0.5 + rng.random(3), invert=True),
            shape=(6, 3),
        ),
        "causal": middle(rng, Conv1D(**conv, padding="causal", dilation=2), PReLU(np.array([0.2]))),
        "same": middle(rng, Conv1D(**conv, padding="same", stride=2), Flatten()),
        "pools": middle(
            rng, Pooling1D("max", 2, 2), Pooling1D("average", 2, 1, "same"), Permute((2, 1))
        ),
        "largest": middle(rng, GlobalPooling1D("max"), RepeatVector(3), Reshape((6, 2))),
        "embedded": chain(
            Embedding(rng.normal(size=(7, 3))), Recurrent(cell("lstm", rng)), shape=(6,)
        ),
        "graph": graph(rng),
        "exported": zero_states(rng),
        "axes": middle(rng, Flip(1), Slice(1, 5, 2), Index(0), ExpandDims(1), Squeeze(1)),
        "features": middle(rng, Slice(0, 3, 1, 2), Mean((2,)), Activate(Activation("tanh"))),
        "means": middle(rng, Mean((1,))),
        "masked": chain(
            Masking(0.0),
            Recurrent(cell("lstm", rng), return_sequences=True),
            Bidirectional(
                Recurrent(
                    cell("gru_before", rng, 5), return_sequences=True, zero_output_for_mask=True
                ),
                Recurrent(
                    cell("gru_before", rng, 5),
                    return_sequences=True,
                    zero_output_for_mask=True,
                    go_backwards=True,
                ),
            ),
            GlobalPooling1D("average"),
            shape=(6, 3),
        ),
    }
    return made


def dense_like(rng, width):
    """A Dense that keeps the width, without bias."""
    return Dense(rng.normal(size=(width, width)))


NAMES = tuple(zoo(np.random.default_rng(0)))
