"""Layers that are computed at once, a convolution and what bends its result, and in what order.

PyTorch and ONNX state a convolution and its activation apart, often with a turn of the axes in
between. The kernels of a convolution go through both while the numbers are in the nearest cache;
apart, every one of them would go to memory and come back once more. So are multipliers carried
back, and so is a network run whose outputs alone are wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from rnnlens.engine.operations.registry import Array, Multipliers, Tape, infer, pull
from rnnlens.network.layers import Activate, Conv1D, Input, Permute
from rnnlens.network.network import Network, Node

__all__ = ["FusedLayers", "Stage", "fused_layers", "schedule"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class FusedLayers:
    """A convolution, turns of the axes if any, and an activation, in a row.

    Parameters
    ----------
    nodes : tuple of Node
        In that order; nothing else takes from any but the last.
    layer : Conv1D
        The convolution with the activation.
    """

    nodes: tuple[Node, ...]
    layer: Conv1D

    @property
    def first(self) -> Node:
        """The convolution's node, whose inputs are taken."""
        return self.nodes[0]

    def infer(self, x: Array) -> Tape:
        """Run the layers for what they give alone: x (sample, step, feature)."""
        tape = infer(self.layer, (x,), (None,), None)
        for node in self.nodes[1:-1]:
            tape = infer(node.layer, tape.outputs, tape.masks, None)
        return tape

    def pull(
        self, tapes: Mapping[str, Tape], tapes0: Mapping[str, Tape], m: Multipliers
    ) -> Multipliers:
        """Carry multipliers of the activation's output back to what the convolution takes."""
        tape = self._tape(tapes)
        tape0 = tape if tapes is tapes0 else self._tape(tapes0)
        return pull(self.layer, tape, tape0, self._turned(tapes, m))

    def _turned(self, tapes: Mapping[str, Tape], values: Multipliers) -> Multipliers:
        """Turn axes as the activation has them back to the convolution's."""
        for node in reversed(self.nodes[1:-1]):
            values = pull(node.layer, tapes[node.name], tapes[node.name], values)
        return values

    def _tape(self, tapes: Mapping[str, Tape]) -> Tape:
        """Give what one layer that does both would have kept."""
        first, last = tapes[self.first.name], tapes[self.nodes[-1].name]
        (value,) = self._turned(tapes, last.outputs)
        assert value is not None
        return Tape(first.inputs, (value,), first.masks, first.saved)


@dataclass(frozen=True)
class Stage:
    """One stage of a run for outputs alone.

    Parameters
    ----------
    node : Node
        Whose value is made.
    fused : FusedLayers or None
        What makes it; the node's own layer where None.
    released : tuple of str
        Nodes whose values nothing takes any more.
    """

    node: Node
    fused: FusedLayers | None
    released: tuple[str, ...]

    @property
    def first(self) -> Node:
        """The node whose inputs are taken."""
        return self.node if self.fused is None else self.fused.first


def _once_a_network(make: Callable[[Network], T]) -> Callable[[Network], T]:
    """Keep what is made of a network as long as there is the network."""
    known: WeakKeyDictionary[Network, T] = WeakKeyDictionary()

    @wraps(make)
    def kept(network: Network) -> T:
        if network not in known:
            known[network] = make(network)
        return known[network]

    return kept


@_once_a_network
def fused_layers(network: Network) -> dict[str, FusedLayers]:
    """Find the layers of a network that are computed at once, by the last of them."""
    used = Counter([*network.outputs, *(ref for node in network.nodes for ref in node.inputs)])
    before = {
        node.name: network[node.inputs[0][0]]
        for node in network.nodes
        if isinstance(node.layer, Activate | Permute) and used[node.inputs[0]] == 1
    }
    fused_at = {}
    for node in network.nodes:
        if not isinstance(node.layer, Activate) or node.layer.activation.axis_wise:
            continue
        row = [node]
        while row[0].name in before and (len(row) == 1 or isinstance(row[0].layer, Permute)):
            row.insert(0, before[row[0].name])
        first = row[0].layer
        if isinstance(first, Conv1D) and first.activation.name == "linear":
            layer = replace(first, activation=node.layer.activation)
            fused_at[node.name] = FusedLayers(tuple(row), layer)
    return fused_at


@_once_a_network
def schedule(network: Network) -> tuple[Stage, ...]:
    """Say in what order a network is run for its outputs alone, and what is let go when."""
    fused_at = fused_layers(network)
    within = {node.name for fused in fused_at.values() for node in fused.nodes[:-1]}
    stages = [
        Stage(node, fused_at.get(node.name), ())
        for node in network.nodes
        if not isinstance(node.layer, Input) and node.name not in within
    ]
    last_use = {name: k for k, stage in enumerate(stages) for name, _ in stage.first.inputs}
    outputs = {name for name, _ in network.outputs}
    released = [
        {name for name, _ in stage.first.inputs if last_use[name] == k} - outputs
        for k, stage in enumerate(stages)
    ]
    return tuple(
        replace(stage, released=tuple(sorted(names)))
        for stage, names in zip(stages, released, strict=True)
    )
