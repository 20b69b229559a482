"""What is written, as data: a small network of each kind, and what each target makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import rnnlens
from networks import cell, chain, head
from refused.writers import (
    chain_of_lengths,
    described,
    giving_states,
    masked_pair,
    masked_with_states,
    repeated_as_often,
)
from rnnlens.errors import InputError
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Constant, ExpandDims, Flip, Index, Mean, Slice, Squeeze, Take
from rnnlens.network.layers import (
    Activate,
    Add,
    Binary,
    Concatenate,
    CumulativeSum,
    Dense,
    Einsum,
    Embedding,
    GlobalPooling1D,
    Input,
    Layer,
    Masking,
    Multiply,
    Recurrent,
    Reduction,
    TimeDistributed,
    Where,
)
from rnnlens.network.network import Network, Node, Origin
from writers_zoo import as_float32, zoo

__all__ = ["ROWS_WRITTEN", "TARGETS", "write"]

#: Endings of the files that are written, and what runs them.
TARGETS = {
    ".keras": "Keras",
    ".safetensors": "PyTorch",
    ".onnx": "onnxruntime",
    ".npz": "",
}

rng = np.random.default_rng(5)
ZOO = zoo(np.random.default_rng(5))


def lstm(features: int = 3, **options: bool) -> Recurrent:
    return Recurrent(cell("lstm", rng, features, 4), return_sequences=True, **options)


def behind(*layers: Layer) -> Network:
    """Layers behind an LSTM that gives every step."""
    return chain(lstm(), *layers, shape=(6, 3))


def two(*layers: tuple[Layer, tuple[str, ...]]) -> Network:
    """An LSTM and a positive sequence of its own, and layers that take both."""
    nodes = [
        Node("x", Input((6, 3))),
        Node("lstm", lstm(), (("x", 0),)),
        Node("other", Dense(rng.normal(size=(3, 4)), None, Activation("softplus")), (("x", 0),)),
        Node("last", Index(-1), (("lstm", 0),)),
    ]
    for layer, taken in layers:
        nodes.append(Node(f"made_{len(nodes)}", layer, tuple((name, 0) for name in taken)))
    outputs = ((nodes[-1].name, 0),)
    return Network(tuple(nodes), outputs, Origin("made in a test"), "two")


def attention() -> Network:
    return two(
        (Einsum("aqd,akd->aqk"), ("lstm", "other")),
        (Activate(Activation("softmax")), ("made_4",)),
        (Einsum("aqk,akd->aqd"), ("made_5", "other")),
    )


def starts() -> Network:
    """An LSTM that starts from fixed states."""
    nodes = (
        Node("x", Input((6, 3))),
        Node("one", Constant(rng.normal(size=4)), (("x", 0),)),
        Node("lstm", lstm(), (("x", 0), ("one", 0), ("one", 0))),
    )
    return Network(nodes, (("lstm", 0),), Origin("made in a test"), "starts")


def within_steps() -> Network:
    return chain(TimeDistributed(Recurrent(cell("lstm", rng))), shape=(2, 4, 3))


#: Networks by what the row says.
ROWS_WRITTEN: dict[str, Callable[[], Network]] = {
    "LSTM": lambda: ZOO["lstm"],
    "GRU, reset after the product": lambda: ZOO["gru_after"],
    "GRU, reset before the product": lambda: ZOO["gru_before"],
    "SimpleRNN": lambda: ZOO["simple_rnn"],
    "gates of hard sigmoid": lambda: ZOO["lstm_hard"],
    "peepholes": lambda: ZOO["lstm_peephole"],
    "projected hidden state": lambda: ZOO["lstm_projected"],
    "described cell": described,
    "both directions": lambda: ZOO["merged_concat"],
    "stacked": lambda: ZOO["stacked"],
    "reading backwards": lambda: ZOO["backwards"],
    "several inputs and outputs, states handed on": lambda: ZOO["graph"],
    "fixed states to start from": starts,
    "masked steps": lambda: ZOO["masked"],
    "tokens, zero masked": lambda: chain(
        Embedding(rng.normal(size=(7, 3)), mask_zero=True), lstm(), shape=(6,)
    ),
    "numbers of real steps": lambda: chain_of_lengths(newest=False),
    "masked steps, states given": masked_with_states,
    "masked steps, states taken": giving_states,
    "mean of masked steps": lambda: chain(
        Masking(0.0), lstm(), GlobalPooling1D("average"), shape=(6, 3)
    ),
    "masks of two sequences, joined": lambda: masked_pair(Concatenate()),
    "Conv1D": lambda: ZOO["causal"],
    "pooling": lambda: ZOO["pools"],
    "batch and layer normalisation": lambda: ZOO["norms"],
    "a head at every step": lambda: ZOO["dense_steps"],
    "a recurrent layer within each step": within_steps,
    "vector repeated over the steps": lambda: ZOO["largest"],
    "vector repeated over any number of steps": repeated_as_often,
    "attention": attention,
    "slices and places": lambda: behind(Slice(1, None), Take((0, 2), 2), Flip(1), Index(1)),
    "axes of one": lambda: behind(ExpandDims(1), Squeeze(1)),
    "sums, means, spreads": lambda: behind(
        CumulativeSum(1, reverse=True), Mean((2,), keepdims=True), Reduction("variance", (1,))
    ),
    "arithmetic of two sequences": lambda: two(
        (Add(), ("lstm", "other")), (Binary("divide"), ("made_4", "other"))
    ),
    "choices": lambda: two(
        (Activate(Activation("step")), ("lstm",)), (Where(), ("made_4", "lstm", "other"))
    ),
    "a vector beside a sequence": lambda: two((Multiply(), ("lstm", "last"))),
    "functions of each number": lambda: ZOO["functions"],
    "a head": lambda: chain(Recurrent(cell("lstm", rng)), head(rng, 5), shape=(6, 3)),
}


def write(row: str, ending: str, folder: Path, *, check: bool) -> str:
    """Write a network and prove it; give the sentence where it is refused, or nothing."""
    network = as_float32(ROWS_WRITTEN[row]())
    try:
        done = rnnlens.convert(network, folder / f"model{ending}", check=check)
    except InputError as error:
        return str(error)
    if check:
        assert done.library.startswith(TARGETS[ending]), done.notes
        assert done.library_difference is None or done.library_difference < done.tolerance
    return ""
