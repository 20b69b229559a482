"""What each layer does to affine forms, and the walk through the network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import NoReturn

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.evidence.proof.zonotope.forms import (
    Forms,
    activated,
    affine,
    constant,
    scaled,
)
from rnnlens.evidence.proof.zonotope.recurrent import Context, bidirectional, recurrent
from rnnlens.network.axes import Unmask
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Dense,
    Identity,
    Input,
    Layer,
    Recurrent,
    Rescaling,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node, Ref, a_layer_kind, layer_kind

__all__ = ["at", "refuse", "spread", "walk"]

Taken = tuple[Forms, ...]


def walk(
    network: Network, entries: Mapping[str, Forms], context: Context, base: Mapping[Ref, Forms]
) -> dict[Ref, Forms]:
    """Give the forms of every layer's output."""
    forms: dict[Ref, Forms] = {}
    for node in network.nodes:
        if isinstance(node.layer, Input):
            forms[node.name, 0] = entries[node.name]
            continue
        missing = [name for name, number in node.inputs if (name, number) not in forms]
        if missing:
            refuse(network[missing[0]], "several outputs, which certificates do not follow")
        taken = tuple(forms[one] for one in node.inputs)
        if base and not any(one.count.any() for one in taken):
            own = [ref for ref in base if ref[0] == node.name]
            forms |= {ref: at(base[ref], context) for ref in own}
        else:
            given = spread(node.layer, taken, context, node)
            several = given if isinstance(given, tuple) else (given,)
            forms |= {(node.name, number): one for number, one in enumerate(several)}
    return forms


def at(base: Forms, context: Context) -> Forms:
    """Give each box the forms of its window."""
    chosen = context.windows
    return constant(base.centre[chosen], base.rest[chosen], sequence=base.sequence)


def refuse(node: Node, what: str) -> NoReturn:
    """Refuse a layer for something that it has."""
    raise UnsupportedModel(
        f"layer {node.name!r} ({layer_kind(node.layer)}) has {what}: ask the other lag evidence "
        "instead"
    )


@singledispatch
def spread(layer: Layer, x: Taken, context: Context, node: Node) -> Forms | Taken:
    """Give a layer's output, or all of several."""
    return _unknown(layer, node)


def _unknown(layer: Layer, node: Node) -> NoReturn:
    raise UnsupportedModel(
        f"layer {node.name!r} is {a_layer_kind(layer)}, and certificates serve recurrent layers "
        "without masks and linear layers with activations: ask the other lag evidence instead"
    )


@spread.register
def _(layer: Recurrent, x: Taken, context: Context, node: Node) -> Taken:
    return recurrent(layer, x[0], x[1:], context, node.name)


@spread.register
def _(layer: Bidirectional, x: Taken, context: Context, node: Node) -> Taken:
    return bidirectional(layer, x[0], x[1:], context, node.name)


@spread.register(Identity)
@spread.register(Unmask)
def _(layer: Layer, x: Taken, context: Context, node: Node) -> Forms:
    return x[0]


@spread.register
def _(layer: TimeDistributed, x: Taken, context: Context, node: Node) -> Forms | Taken:
    if not isinstance(layer.layer, Dense | Activate | Identity | BatchNormalization):
        refuse(node, f"{a_layer_kind(layer.layer)} at every step, which certificates do not serve")
    return spread(layer.layer, x, context, node)


@spread.register
def _(layer: Dense, x: Taken, context: Context, node: Node) -> Forms:
    b = None if layer.b is None else np.asarray(layer.b, float)
    return activated(affine(x[0], np.asarray(layer.W, float), b), layer.activation, node.name)


@spread.register
def _(layer: Activate, x: Taken, context: Context, node: Node) -> Forms:
    return activated(x[0], layer.activation, node.name)


@spread.register
def _(layer: BatchNormalization, x: Taken, context: Context, node: Node) -> Forms:
    if layer.axis not in {-1, 2 if x[0].sequence else 1}:
        refuse(node, "an axis other than the last, which certificates do not serve")
    mean, variance = np.asarray(layer.mean, float), np.asarray(layer.variance, float)
    gamma = 1.0 if layer.gamma is None else np.asarray(layer.gamma, float)
    beta = 0.0 if layer.beta is None else np.asarray(layer.beta, float)
    factor = gamma / np.sqrt(variance + layer.epsilon)
    moved = mean * factor
    return scaled(x[0], factor, beta - moved, np.abs(beta) + np.abs(moved))


@spread.register
def _(layer: Rescaling, x: Taken, context: Context, node: Node) -> Forms:
    offset = np.asarray(layer.offset, float)
    return scaled(x[0], np.asarray(layer.scale, float), offset, np.abs(offset))


@spread.register
def _(layer: Standardization, x: Taken, context: Context, node: Node) -> Forms:
    mean = np.asarray(layer.mean, float)
    scale = np.maximum(np.sqrt(np.asarray(layer.variance, float)), layer.epsilon)
    if layer.invert:
        return scaled(x[0], scale, mean, np.abs(mean))
    return scaled(x[0], 1 / scale, -mean / scale, np.abs(mean / scale))
