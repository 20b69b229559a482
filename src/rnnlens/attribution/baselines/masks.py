"""Which steps of an input the network sees as real, and which it passes over as padding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import Run, forward, inputs_of
from rnnlens.engine.schedule.plan import gathered
from rnnlens.network.axes import Lengths
from rnnlens.network.layers import (
    Activate,
    Concatenate,
    Embedding,
    Identity,
    Masking,
    Rescaling,
    Standardization,
)
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Network, Node, leading_to

__all__ = ["masking_value", "newest_real", "real_steps", "steps_of"]

Array = NDArray[np.float64]

#: Layers that hand each step on in its place, so that a mask made behind them is their input's too.
_STEPWISE = (Activate, Identity, Rescaling, Standardization)


def real_steps(run: Run, of: str) -> NDArray[np.bool_] | None:
    """Say which steps of an input are real and which are padding: (sample, step) of bool.

    Of an input that holds several, by row; static vectors are real.
    """
    within = _within(run.network, of)
    if not within:
        node = _masking_node(run.network, of)
        return None if node is None else _mask(run, node)
    masks = {name: real_steps(run, name) for name, layer in within.items() if layer.steps}
    return _by_row(run.value((of, 0)), within, masks)


def steps_of(network: Network, inputs: Mapping[str, Array], of: str) -> NDArray[np.bool_] | None:
    """Say which steps are real, by running no more of the network than makes the mask.

    Shapes: inputs mapping of str to (sample, ...) -> (sample, step) of bool.
    """
    within = _within(network, of)
    if within:
        each = {name: steps_of(network, inputs, name) for name, one in within.items() if one.steps}
        return _by_row(inputs[of], within, each)
    node = _masking_node(network, of)
    if node is None:
        return None
    needed = leading_to(network.nodes, [node.name])
    nodes = tuple(one for one in network.nodes if one.name in needed)
    part = replace(network, nodes=nodes, outputs=((node.name, 0),))
    if not set(part.inputs) <= set(inputs):
        return None
    given = {name: inputs[name] for name in part.inputs}

    def masks(chunk: slice) -> tuple[NDArray[np.bool_], ...]:
        mask = _mask(forward(part, inputs_of(given, chunk)), node)
        return () if mask is None else (mask,)

    return next(iter(gathered(masks, part, given)), None)


def newest_real(network: Network) -> Network | None:
    """Give the network whose lengths count the last steps of a window; None without lengths."""
    if not any(isinstance(node.layer, Lengths) for node in network.nodes):
        return None
    turned = Lengths(newest=True)
    nodes = (
        replace(node, layer=turned) if isinstance(node.layer, Lengths) else node
        for node in network.nodes
    )
    return replace(network, nodes=tuple(nodes))


def masking_value(network: Network, of: str) -> float | None:
    """Give the value that marks padding in an input; none where no value of its own does."""
    node = _masking_node(network, of)
    if node is None or isinstance(node.layer, Lengths):
        return None
    if isinstance(node.layer, Embedding):
        return 0.0
    between = leading_to(network.nodes, [node.name]) - {of, node.name}
    plain = all(isinstance(network[name].layer, Identity) for name in between)
    return float(node.layer.value) if plain and isinstance(node.layer, Masking) else None


def _within(network: Network, of: str) -> dict[str, Unjoin]:
    """Name the inputs that an input holds; none where it is one by itself."""
    return {
        node.name: node.layer
        for node in network.nodes
        if isinstance(node.layer, Unjoin) and node.inputs[0][0] == of
    }


def _by_row(
    laid: Array, within: Mapping[str, Unjoin], masks: Mapping[str, NDArray[np.bool_] | None]
) -> NDArray[np.bool_] | None:
    """Put the masks of several inputs together: laid (sample, row, number) -> (sample, row)."""
    real = np.ones(laid.shape[:2], bool)
    for name, mask in masks.items():
        if mask is not None:
            real[:, list(within[name].rows)] = mask
    return None if real.all() else real


def _mask(run: Run, node: Node) -> NDArray[np.bool_] | None:
    mask = run.tapes[node.name].masks[0]
    return mask if mask is not None and mask.ndim == 2 else None


def _masking_node(network: Network, of: str) -> Node | None:
    """Find the layer that says which steps of an input are real."""
    same = {of}
    for node in network.nodes:
        if not any(name in same for name, _ in node.inputs):
            continue
        if isinstance(node.layer, _STEPWISE) or (
            isinstance(node.layer, Concatenate) and node.layer.axis in {-1, 2}
        ):
            same.add(node.name)
        elif (
            isinstance(node.layer, Masking)
            or (isinstance(node.layer, Embedding) and node.layer.mask_zero)
            or (isinstance(node.layer, Lengths) and node.inputs[0][0] in same)
        ):
            return node
    return None
