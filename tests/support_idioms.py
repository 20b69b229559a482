"""What stands around recurrent layers, as data: idioms of PyTorch and graphs of Keras by kind.

The idioms are those of ``makers/torch_idioms``, the graphs those of ``makers/keras_zoo``, the cells
those of ``makers/handwritten_cells``; here stands only under which heading each is found. `told`
reads one and says what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from rnnlens.network.network import Network
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions

__all__ = ["KERAS", "KINDS", "TORCH", "every_idiom", "told"]

TORCH, KERAS = "PyTorch", "Keras 3"

#: By heading: idioms of PyTorch, and graphs of Keras.
KINDS: dict[str, dict[str, list[str]]] = {
    "Residuals, shortcuts, several layers": {
        TORCH: [
            "residual stack with norms",
            "residual head",
            "dense connections",
            "skip over one step",
            "linear model beside it",
            "gate of state and input",
            "layers mixed by learned weights",
            "mean of an ensemble",
        ],
        KERAS: [
            "residual by plus",
            "residual on the last value",
            "scaled residual",
            "two residual blocks",
            "linear shortcut",
            "highway gate",
            "cells in a stack",
        ],
    },
    "Both directions": {
        TORCH: [
            "ends of both directions",
            "mean of both directions",
            "product of both directions",
            "three poolings of both directions",
            "two cells in two directions",
        ],
        KERAS: ["stacks both ways", "cell both ways", "newest steps first"],
    },
    "Attention: dot-product": {
        TORCH: [
            "several learned queries",
            "query of the state on the inputs",
            "window of three steps attended",
            "linear attention",
            "cosine attention",
            "statics as a query",
            "every future step attends to the past",
        ],
        KERAS: [
            "attention layer",
            "attention by the last state",
            "attention by einsum",
            "attention by matmul",
            "causal attention",
            "decoder looks back",
        ],
    },
    "Attention: additive, and softmax pooling": {
        TORCH: [
            "structured self attention",
            "attention by sigmoid",
            "attention over older steps alone",
            "attention with a temperature and a bias for age",
            "attention to the best three",
            "copies of the inputs by attention",
            "decoder that attends at every step",
        ],
        KERAS: [
            "additive attention",
            "attention of bahdanau",
            "attention of concatenation",
            "attention by repeat and permute",
            "attention over features",
            "softmax pooling",
        ],
    },
    "Attention: multi-head": {
        TORCH: ["heads across states and inputs", "block normed before"],
        KERAS: [
            "multi head self attention",
            "multi head attention that is causal",
            "multi head attention of a decoder",
            "masked steps in several heads",
        ],
    },
    "Statics and categories before the recurrence": {
        TORCH: [
            "category at every step",
            "features weighted by statics",
            "statics in all three places",
        ],
        KERAS: ["statics at every step", "statics by repeated axis"],
    },
    "Statics and categories at the recurrence, as first states": {
        TORCH: [
            "statics as both first states",
            "category as first state",
            "statics added to the states handed over",
        ],
        KERAS: ["statics as first states", "states from outside"],
    },
    "Statics and categories behind the recurrence": {
        TORCH: [
            "category at the head",
            "statics joined by a gate",
            "statics joined to every state",
            "states scaled and shifted by statics",
        ],
        KERAS: [
            "statics behind the state",
            "statics scale and shift",
            "category behind the state",
        ],
    },
    "Several sequences, tokens, features apart": {
        TORCH: [
            "two sequences of two lengths",
            "one number a window beside two sequences",
            "hours and weekdays as tokens",
            "weekdays one hot",
            "variables selected at every step",
            "one layer for each feature",
            "features as samples",
            "steps of a season apart",
            "seasons as samples",
        ],
        KERAS: [
            "two series of different length",
            "one layer for two series",
            "two resolutions",
            "tokens beside the series",
            "largest of two branches",
            "differences beside levels",
            "model on every step",
            "model with a recurrent layer on every day",
        ],
    },
    "Encoder and decoder (seq2seq), known futures": {
        TORCH: [
            "future decoded from the states",
            "future beside the repeated state",
        ],
        KERAS: [
            "known future beside the state",
            "encoder and repeat vector",
            "encoder hands its states over",
            "two way encoder hands over",
            "stack hands its states over",
        ],
    },
    "Forecasts fed back (autoregressive loops)": {
        TORCH: [
            "layer called one step at a time",
            "same layer encodes and goes on",
            "window moves on by its forecast",
            "future fed beside the forecast",
            "horizon one hot for a cell",
        ],
        KERAS: [
            "three steps ahead by themselves",
            "steps ahead as changes",
            "steps ahead with known future",
        ],
    },
    "Masks and gaps": {
        TORCH: [
            "gaps marked by a mask",
            "inputs that fade where missing",
            "memory that fades with the gap",
        ],
        KERAS: [
            "masked steps",
            "masked steps whose mask an operation drops",
            "mean of the real steps",
            "attention over the real steps",
            "cells over the real steps",
            "tokens with padding",
        ],
    },
    "Unrolled networks, cells called step by step": {
        TORCH: [
            "all states of a cell pooled",
            "cells with a residual between",
            "state of two steps before",
            "slow cell every other step",
            "old state mixed in as zoneout predicts",
            "state clipped at every step",
            "features weighted by the state",
            "pooling of gated sums",
            "small steps of an equation",
            "linear states",
            "exponential gates with a normaliser",
        ],
        KERAS: [],
    },
    "Quantile heads and distributions": {
        TORCH: [
            "quantiles by running sum",
            "horizons by quantiles",
            "gaussian",
            "normal by a distribution",
            "mixture of gaussians",
            "mean of a mixture",
            "hurdle of wet and amount",
        ],
        KERAS: [
            "a head a quantile",
            "horizons by quantiles",
            "quantiles that never cross",
            "mean and spread",
        ],
    },
    "Other heads": {
        TORCH: [
            "a head for each horizon",
            "head at every step",
            "tasks in a dictionary",
            "mixture of experts",
            "gated linear head",
            "largest of two linear heads",
            "bounded between two limits",
            "coefficients of a basis",
            "bilinear head of state and newest",
            "shares that sum to the newest",
            "monotone path from the newest",
            "class with the most",
        ],
        KERAS: [
            "direct horizons",
            "never below zero",
            "moments of the states",
            "median of the steps",
            "place by what is computed",
        ],
    },
    "Windows changed before, forecasts changed back": {
        TORCH: [
            "newest taken away and added back",
            "scaled between extremes",
            "line taken away",
            "trend and season apart",
            "trend padded by repeated ends",
            "growth of logarithms",
            "second differences",
            "power transform and back",
            "inverse hyperbolic sine",
            "outliers cut off",
            "sliding windows",
            "learned place of each step",
            "median taken away",
            "largest states",
            "spectrum",
        ],
        KERAS: [
            "window scaled by itself",
            "window between its extremes",
            "logarithm and back",
            "clipped inputs",
            "hundredfold by lambda",
            "one feature by lambda",
            "code that branches",
            "mean over samples",
            "spectrum of the window",
        ],
    },
    "Convolutions and norms": {
        TORCH: [
            "convolution norm and pool",
            "convolutions of several widths",
            "dilated convolutions",
            "gated causal convolution",
            "gated linear convolution",
            "separable convolution",
            "image of steps and features",
            "steps made more",
            "batch norm of the features",
            "layer norms before and after",
            "instance norm",
            "group norm of the state",
        ],
        KERAS: [
            "convolution before the cells",
            "zeros before a convolution",
            "steps repeated and cut",
        ],
    },
    "How the code is written": {
        TORCH: [
            "layers in a row with a step of its own",
            "hooks before and after",
            "call with other weights",
            "parametrised head",
            "parametrised recurrence",
            "head by size and direction",
            "output tied to the embedding",
            "parameters in a dictionary",
            "frozen copy beside it",
            "segment kept to be computed again",
            "without gradients in part",
            "context of precision",
            "layers that do nothing when they predict",
            "assertions and a look at shapes",
            "function with its own gradient",
            "mapped over the samples",
            "scripted part",
        ],
        KERAS: [],
    },
}


def every_idiom() -> Iterator[tuple[str, str, str]]:
    """Give heading, library and name of each, in the order of the page."""
    for heading, sides in KINDS.items():
        for library, names in sides.items():
            for name in names:
                yield heading, library, name


def told(library: str, name: str, *, check: bool = True) -> str:
    """Give the sentence that refuses an idiom, or nothing where it is read and equals its source.

    Without a check the tables are believed that it is read: tests of the readers run each.
    """
    from keras_zoo import REFUSED
    from torch_idioms import IDIOMS

    is_refused = bool(IDIOMS[name].refused) if library == TORCH else name in REFUSED
    if not check and not is_refused:
        return ""
    try:
        network, inputs, outputs = (_torch if library == TORCH else _keras)(name)
    except UnsupportedModel as refused:
        if not is_refused:
            raise
        return str(refused)
    assert not is_refused, f"{library}: {name} is read"
    ours = predict(network, dict(zip(network.inputs, inputs, strict=True)))
    for mine, theirs in zip(ours if isinstance(ours, tuple) else (ours,), outputs, strict=True):
        size = max(1.0, float(np.abs(theirs).max()))
        # float32 in Keras keeps 6e-8 of a number, and a few layers add up some
        np.testing.assert_allclose(
            mine.reshape(theirs.shape), theirs, rtol=0, atol=1e-6 * size, err_msg=name
        )
    return ""


def _torch(name: str) -> tuple[Network, list[np.ndarray], list[np.ndarray]]:
    """Read an idiom of PyTorch, and give its windows and what the module gives for them."""
    import torch

    from torch_idioms import IDIOMS

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        idiom = IDIOMS[name]
        module = idiom.module()
        inputs = list(idiom.arrays(np.random.default_rng(7), 3).values())
        network = read(module, ReadOptions(example=tuple(inputs)))
        with torch.no_grad():
            made = module(*map(torch.as_tensor, inputs))
    finally:
        torch.set_default_dtype(before)
    return network, inputs, [one.numpy() for one in _leaves(made)]


def _leaves(made: Any) -> list[Any]:
    """Give the tensors that a module gives, in order."""
    if hasattr(made, "numpy"):
        return [made]
    parts = made.values() if isinstance(made, dict) else made
    return [leaf for part in parts for leaf in _leaves(part)]


def _keras(name: str) -> tuple[Network, list[np.ndarray], list[np.ndarray]]:
    """Read a graph of Keras, and give its windows and what Keras gives for them."""
    from keras_models import outputs_of
    from keras_zoo import REFUSED, drawn

    made = drawn(name, {name: REFUSED[name][0]}) if name in REFUSED else drawn(name)
    inputs = list(made.inputs.values())
    return read(made.model), inputs, outputs_of(made.model, inputs)
