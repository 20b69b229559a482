"""The axes of steps that a caller states, where the layers of a network do not tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnlens.errors import InputError
from rnnlens.network.layers import Input
from rnnlens.network.network import Network

__all__ = ["with_step_axes"]


def with_step_axes(network: Network, stated: Mapping[str, int] | None) -> Network:
    """Give the network its inputs' axes of steps as a caller states them."""
    for name, axis in (stated or {}).items():
        shape = network.inputs[name].shape if name in network.inputs else None
        if shape is None:
            raise InputError(
                f"step_axes names {name!r}, but the network's inputs are "
                f"{', '.join(network.inputs)}: name one of them"
            )
        if not isinstance(axis, int) or not 1 <= axis <= len(shape):
            raise InputError(
                f"step_axes says {axis!r} for {name!r}, whose axes are 1 to {len(shape)}, the "
                "samples' apart: give one of these"
            )
    nodes = tuple(
        replace(node, layer=replace(node.layer, steps=(stated or {})[node.name]))
        if isinstance(node.layer, Input) and node.name in (stated or {})
        else node
        for node in network.nodes
    )
    return replace(network, nodes=nodes)
