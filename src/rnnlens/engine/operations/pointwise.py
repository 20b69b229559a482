"""Layers that act on each number alone: activations, masking, scaling, dropout at rest."""

from __future__ import annotations

import numpy as np

from rnnlens.engine.activations import no_larger, value
from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
    always_finite,
    pull,
    run,
)
from rnnlens.network.activations import Activation
from rnnlens.network.layers import (
    Activate,
    Identity,
    Masking,
    PReLU,
    Rescaling,
    Standardization,
)

__all__: list[str] = []

_RELU = Activation("relu")


@always_finite.register(Identity)
@always_finite.register(Masking)
def _(layer: Identity | Masking) -> bool:
    return True


@always_finite.register
def _(layer: Activate) -> bool:
    return no_larger(layer.activation)


@run.register
def _(layer: Identity, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, inputs, masks)


@pull.register
def _(layer: Identity, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    return m


@run.register
def _(layer: Masking, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    mask = (
        (x != layer.value).any(axis=-1) if forced is None else np.broadcast_to(forced, x.shape[:-1])
    )
    return Tape(inputs, (np.where(mask[..., None], x, 0.0),), (mask,), mask)


@pull.register
def _(layer: Masking, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (np.where(tape.saved[..., None], m[0], 0.0),)


@run.register
def _(layer: Activate, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    # softmax too: Activation("softmax") of Keras sees no mask, as its layer Softmax does
    return Tape(inputs, (value(layer.activation, inputs[0]),), masks[:1])


@pull.register
def _(layer: Activate, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (pull_activation(layer.activation, tape.inputs[0], tape0.inputs[0], m[0]),)


@run.register
def _(layer: PReLU, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    output = np.maximum(x, 0.0) + np.asarray(layer.alpha, x.dtype) * np.minimum(x, 0.0)
    return Tape(inputs, (output,), masks[:1])


@pull.register
def _(layer: PReLU, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    # max(0, x) = relu(x) and min(0, x) = x - relu(x)
    assert m[0] is not None
    alpha = np.asarray(layer.alpha, m[0].dtype)
    x, x0 = tape.inputs[0], tape0.inputs[0]
    return (m[0] * alpha + pull_activation(_RELU, x, x0, m[0] * (1 - alpha)),)


@run.register
def _(layer: Rescaling, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    return Tape(inputs, (inputs[0] * layer.scale + layer.offset,), masks[:1])


@pull.register
def _(layer: Rescaling, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    return (m[0] * layer.scale,)


def _deviation(layer: Standardization, like: Array) -> Array:
    return np.maximum(np.sqrt(np.asarray(layer.variance, like.dtype)), layer.epsilon)


@run.register
def _(
    layer: Standardization, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    x = inputs[0]
    deviation, mean = _deviation(layer, x), np.asarray(layer.mean, x.dtype)
    output = x * deviation + mean if layer.invert else (x - mean) / deviation
    return Tape(inputs, (output,), masks[:1])


@pull.register
def _(layer: Standardization, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    deviation = _deviation(layer, m[0])
    return (m[0] * deviation if layer.invert else m[0] / deviation,)
