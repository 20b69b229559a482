"""Layers that are gone through at once: a convolution, and what bends its result.

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

from rnnlens.engine.operations.registry import Array, Multipliers, Tape, pull, show
from rnnlens.network.layers import Activate, Conv1D, Input, Permute
from rnnlens.network.network import Network, Node

__all__ = ["Joint", "Turn", "joints", "turns"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Joint:
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

    def show(self, x: Array) -> Tape:
        """Run the layers for what they give alone: x (sample, step, feature)."""
        tape = show(self.layer, (x,), (None,), None)
        for node in self.nodes[1:-1]:
            tape = show(node.layer, tape.outputs, tape.masks, None)
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
class Turn:
    """What a run for outputs alone does next.

    Parameters
    ----------
    node : Node
        Whose value is made.
    joint : Joint or None
        What makes it; the node's own layer where None.
    done : tuple of str
        Nodes whose values nothing takes any more.
    """

    node: Node
    joint: Joint | None
    done: tuple[str, ...]

    @property
    def first(self) -> Node:
        """The node whose inputs are taken."""
        return self.node if self.joint is None else self.joint.first


def _once_a_network(find: Callable[[Network], T]) -> Callable[[Network], T]:
    """Keep what is found for a network as long as there is the network."""
    known: WeakKeyDictionary[Network, T] = WeakKeyDictionary()

    @wraps(find)
    def kept(network: Network) -> T:
        if network not in known:
            known[network] = find(network)
        return known[network]

    return kept


@_once_a_network
def joints(network: Network) -> dict[str, Joint]:
    """Find the layers of a network that are gone through at once."""
    used = Counter([*network.outputs, *(ref for node in network.nodes for ref in node.inputs)])
    before = {
        node.name: network[node.inputs[0][0]]
        for node in network.nodes
        if isinstance(node.layer, Activate | Permute) and used[node.inputs[0]] == 1
    }
    found = {}
    for node in network.nodes:
        if not isinstance(node.layer, Activate) or node.layer.activation.axis_wise:
            continue
        row = [node]
        while row[0].name in before and (len(row) == 1 or isinstance(row[0].layer, Permute)):
            row.insert(0, before[row[0].name])
        first = row[0].layer
        if isinstance(first, Conv1D) and first.activation.name == "linear":
            layer = replace(first, activation=node.layer.activation)
            found[node.name] = Joint(tuple(row), layer)
    return found


@_once_a_network
def turns(network: Network) -> tuple[Turn, ...]:
    """Say in which turns a network is run for its outputs alone."""
    ends = joints(network)
    within = {node.name for joint in ends.values() for node in joint.nodes[:-1]}
    made = [
        Turn(node, ends.get(node.name), ())
        for node in network.nodes
        if not isinstance(node.layer, Input) and node.name not in within
    ]
    last = {name: k for k, turn in enumerate(made) for name, _ in turn.first.inputs}
    kept = {name for name, _ in network.outputs}
    done = [
        {name for name, _ in turn.first.inputs if last[name] == k} - kept
        for k, turn in enumerate(made)
    ]
    return tuple(
        replace(turn, done=tuple(sorted(names))) for turn, names in zip(made, done, strict=True)
    )
