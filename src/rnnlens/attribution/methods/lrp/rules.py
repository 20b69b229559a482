"""Layer-wise relevance propagation, layer by layer: what each hands back to its inputs.

The epsilon rule for sums ``z_j = sum over i of x_i w_ij + b_j`` with N inputs each (Bach et al.
2015, "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
propagation", in the form of Arras, Montavon, Müller and Samek 2017, "Explaining recurrent neural
network predictions in sentiment analysis"):

    R_i = sum over j of (x_i w_ij + delta (b_j + eps s_j) / N) / (z_j + eps s_j) R_j

with ``s_j`` the sign of ``z_j`` (1 at 0) and ``delta`` the bias factor. Activations of one number
hand relevance through; layers that pick, turn or repeat axes hand it to where the number came
from; the largest of several takes all. Softmax, normalisation by a sample's own moments and
products of inputs have no rule here and are refused by name.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import NamedTuple, NoReturn

import numpy as np

from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull
from rnnlens.engine.operations.registry import run as run_layer
from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.axes import (
    Constant,
    ExpandDims,
    Flip,
    Index,
    Lengths,
    Mean,
    Repeat,
    Slice,
    Squeeze,
    Take,
    Unmask,
)
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Conv1D,
    CumulativeSum,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Identity,
    Layer,
    Masking,
    Permute,
    Pooling1D,
    PReLU,
    Reduction,
    RepeatVector,
    Rescaling,
    Reshape,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.network import layer_kind

__all__ = ["Rule", "Taken", "hand_back", "no_rule", "share_dense", "share_sum", "stabilised"]

_LINEAR = Activation("linear")


class Rule(NamedTuple):
    """The two numbers of the epsilon rule."""

    eps: float
    bias_factor: float


class Taken(NamedTuple):
    """What a layer did in the run: its tape, and the masks of its inputs."""

    tape: Tape
    masks: tuple[Mask, ...]


def stabilised(z: Array, rule: Rule) -> Array:
    """Keep a divisor away from zero: ``z + eps s``."""
    return z + np.where(z >= 0, rule.eps, -rule.eps)


def share_sum(parts: tuple[Array, ...], z: Array, R: Array, rule: Rule) -> tuple[Array, ...]:
    """Share relevance out among the terms of a sum, each unit by itself.

    Shapes: parts tuple of (sample, unit), z (sample, unit), R (sample, unit) -> tuple of (sample,
    unit).
    """
    s = R / stabilised(z, rule)
    given = [part * s for part in parts]
    left = (R - sum(given)) * (rule.bias_factor / len(parts))
    return tuple(one + left for one in given)


def share_dense(
    terms: tuple[tuple[Array, Array], ...],
    scales: tuple[Array | float, ...],
    z: Array,
    R: Array,
    rule: Rule,
) -> tuple[Array, ...]:
    """Share relevance out among the inputs of ``z = b + sum over terms of scale * (x W)``.

    Shapes: terms tuple of ((sample, size), (size, unit)), scales tuple of (sample, unit) or float,
    z (sample, unit), R (sample, unit) -> tuple of (sample, size).
    """
    s = R / stabilised(z, rule)
    given = [x * ((s * scale) @ W.T) for (x, W), scale in zip(terms, scales, strict=True)]
    # what the bias and eps took, shared evenly: every input is connected to every unit
    left = R.sum(axis=1) - sum(one.sum(axis=1) for one in given)
    left = left * rule.bias_factor / sum(x.shape[1] for x, _ in terms)
    return tuple(one + left[:, None] for one in given)


@singledispatch
def hand_back(layer: Layer, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    """Hand relevance from a layer's outputs back to its inputs."""
    return no_rule(layer_kind(layer))


def no_rule(kind: str) -> NoReturn:
    """Refuse what relevance cannot pass."""
    raise UnsupportedModel(
        f"layer-wise relevance propagation has no rule for {kind}: use method 'secant', or explain "
        "an output before it"
    )


@hand_back.register(Concatenate)
@hand_back.register(Constant)
@hand_back.register(ExpandDims)
@hand_back.register(Flatten)
@hand_back.register(Flip)
@hand_back.register(Identity)
@hand_back.register(Index)
@hand_back.register(Lengths)
@hand_back.register(Masking)
@hand_back.register(Permute)
@hand_back.register(Repeat)
@hand_back.register(RepeatVector)
@hand_back.register(Reshape)
@hand_back.register(Slice)
@hand_back.register(Squeeze)
@hand_back.register(Take)
@hand_back.register(Unmask)
def _(layer: Layer, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    # each number goes somewhere or nowhere, unchanged: relevance goes back where it came from
    return pull(layer, taken.tape, taken.tape, R)


@hand_back.register(Activate)
@hand_back.register(PReLU)
def _(layer: Activate | PReLU, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    if isinstance(layer, Activate) and layer.activation.axis_wise:
        no_rule(f"the activation {layer.activation.name}")
    return R


@hand_back.register
def _(layer: Embedding, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    assert R[0] is not None
    return (R[0].sum(axis=-1),)


@hand_back.register
def _(layer: TimeDistributed, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    assert R[0] is not None
    x = taken.tape.inputs[0]
    tape = run_layer(layer.layer, (x.reshape(-1, *x.shape[2:]),), (None,), None)
    (handed,) = hand_back(
        layer.layer, Taken(tape, (None,)), (R[0].reshape(-1, *R[0].shape[2:]),), rule
    )
    assert handed is not None
    return (handed.reshape(x.shape),)


@hand_back.register(Dense)
@hand_back.register(Conv1D)
def _(layer: Dense | Conv1D, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    if layer.activation.axis_wise:
        no_rule(f"the activation {layer.activation.name}")
    line = replace(layer, activation=_LINEAR)
    return _affine(line, replace(line, W=np.ones_like(layer.W), b=None), taken, R, rule)


@hand_back.register(Add)
@hand_back.register(Average)
@hand_back.register(Subtract)
def _(layer: Layer, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    return _affine(layer, Add(), taken, R, rule)


@hand_back.register(BatchNormalization)
@hand_back.register(Rescaling)
@hand_back.register(Standardization)
def _(layer: Layer, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    return _affine(layer, Identity("scale"), taken, R, rule)


@hand_back.register(GlobalPooling1D)
@hand_back.register(Mean)
@hand_back.register(Pooling1D)
def _(
    layer: GlobalPooling1D | Mean | Pooling1D, taken: Taken, R: Multipliers, rule: Rule
) -> Multipliers:
    if not isinstance(layer, Mean) and layer.kind == "max":
        return pull(layer, taken.tape, taken.tape, R)  # the largest takes all
    return _affine(layer, layer, taken, R, rule)


@hand_back.register
def _(layer: Reduction, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    if layer.kind in {"max", "min"}:
        return pull(layer, taken.tape, taken.tape, R)  # the largest takes all
    if layer.kind != "sum":
        no_rule(f"a {layer.kind} over axes")
    return _affine(layer, layer, taken, R, rule)


@hand_back.register
def _(layer: CumulativeSum, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    return _affine(layer, layer, taken, R, rule)


def _affine(line: Layer, even: Layer, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    """Apply the epsilon rule to a layer of sums; ``even`` reads the same with equal weights."""
    assert R[0] is not None
    inputs = taken.tape.inputs
    tape = run_layer(line, inputs, taken.masks, None)
    z = tape.outputs[0]
    s = R[0] / stabilised(z, rule)
    pulled = pull(line, tape, tape, (s,))
    given = [x * m for x, m in zip(inputs, pulled, strict=True) if m is not None]
    if rule.bias_factor:
        zeros = tuple(np.zeros_like(x) for x in inputs)
        at_zero = run_layer(line, zeros, taken.masks, None).outputs[0]
        left = (stabilised(z, rule) - (z - at_zero)) * s * rule.bias_factor
        ones = run_layer(even, tuple(np.ones_like(x) for x in inputs), taken.masks, None)
        shares = pull(even, ones, ones, (left / ones.outputs[0],))
        pairs = zip(given, shares, strict=True)
        given = [one + share for one, share in pairs if share is not None]
    return tuple(given)
