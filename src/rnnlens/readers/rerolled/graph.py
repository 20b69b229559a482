"""A canonical graph as it is searched for loops: what takes what, and which nodes are alike."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields, is_dataclass, replace
from hashlib import blake2b

import numpy as np

from rnnlens.network.axes import Index, Slice
from rnnlens.network.layers import Input, Layer, Recurrent
from rnnlens.network.network import Network, Node, Origin, Ref, leading_to
from rnnlens.network.shapes import Shape, output_shapes

__all__ = ["Graph", "Place", "layer_key"]


@dataclass(frozen=True)
class Place:
    """One step of a sequence: what ``x[:, t]`` picks."""

    sequence: Ref
    #: The axis of the steps, counted with the samples' as 0.
    axis: int
    step: int
    #: Whether the axis of the steps is left, with length one.
    kept: bool = False

    @property
    def along(self) -> tuple[Ref, int, bool]:
        """What two steps of one sequence share."""
        return self.sequence, self.axis, self.kept


class _Digests:
    """Digests of arrays, each worked out once."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[np.ndarray, bytes]] = {}

    def __call__(self, array: np.ndarray) -> bytes:
        if id(array) not in self.known:
            whole = np.ascontiguousarray(array)
            digest = blake2b(whole.tobytes(), digest_size=16)
            digest.update(f"{array.shape}{array.dtype}".encode())
            # the array is kept, so that no other one gets its number
            self.known[id(array)] = array, digest.digest()
        return self.known[id(array)][1]


def layer_key(layer: object, digest: _Digests) -> Hashable:
    """Say what a layer is, arrays and options, so that equal layers have equal keys."""
    if isinstance(layer, np.ndarray):
        return digest(layer)
    if is_dataclass(layer) and not isinstance(layer, type):
        parts = (layer_key(getattr(layer, spec.name), digest) for spec in fields(layer))
        return (type(layer).__name__, *parts)
    if isinstance(layer, tuple | list):
        return tuple(layer_key(part, digest) for part in layer)
    return str(layer)


class Graph:
    """Nodes in order, of which those that are alike are one."""

    def __init__(self, nodes: list[Node], outputs: list[Ref]) -> None:
        self.digests = _Digests()
        self.keys: dict[str, Hashable] = {}
        self.nodes: dict[str, Node] = {}
        self.outputs = self._merged(nodes, outputs)
        self._prune()
        self.place = {name: number for number, name in enumerate(self.nodes)}
        self.users: dict[Ref, list[str]] = {}
        for node in self.nodes.values():
            for ref in dict.fromkeys(node.inputs):
                self.users.setdefault(ref, []).append(node.name)
        whole = Network(tuple(self.nodes.values()), tuple(self.outputs), Origin(""))
        self.shapes: dict[str, tuple[Shape, ...]] = output_shapes(whole)

    def _merged(self, nodes: list[Node], outputs: list[Ref]) -> list[Ref]:
        """Keep one of the nodes that compute the same from the same."""
        known: dict[Hashable, str] = {}
        by_layer: dict[int, Hashable] = {}
        instead: dict[str, str] = {}

        def now(ref: Ref) -> Ref:
            return instead.get(ref[0], ref[0]), ref[1]

        for node in nodes:
            made = replace(node, inputs=tuple(now(ref) for ref in node.inputs))
            if id(node.layer) not in by_layer:
                by_layer[id(node.layer)] = layer_key(node.layer, self.digests)
            key = by_layer[id(node.layer)]
            same = (key, made.inputs)
            if same in known and not isinstance(node.layer, Input):
                instead[node.name] = known[same]
                continue
            known[same] = node.name
            self.nodes[node.name], self.keys[node.name] = made, key
        return [now(ref) for ref in outputs]

    def _prune(self) -> None:
        needed = leading_to(self.nodes.values(), (name for name, _ in self.outputs))
        self.nodes = {
            name: node
            for name, node in self.nodes.items()
            if name in needed or isinstance(node.layer, Input)
        }

    def node(self, ref: Ref) -> Node:
        """Give the node of an output."""
        return self.nodes[ref[0]]

    def layer(self, ref: Ref) -> Layer:
        """Give the layer of an output's node."""
        return self.nodes[ref[0]].layer

    def shape(self, ref: Ref) -> Shape:
        """Give the shape of one sample of an output."""
        return self.shapes[ref[0]][ref[1]]

    def step_of(self, ref: Ref) -> Place | None:
        """Say which step of which sequence an output is."""
        node = self.nodes[ref[0]]
        layer = node.layer
        if isinstance(layer, Recurrent) and layer.return_sequences and ref[1] == 1:
            length = self.shape((node.name, 0))[0]  # the last hidden state is the last step
            return Place((node.name, 0), 1, length - 1) if length and length > 1 else None
        if not isinstance(layer, Index | Slice):
            return None
        sequence = node.inputs[0]
        shape = self.shape(sequence)
        axis = layer.axis % (len(shape) + 1)
        length = shape[axis - 1]
        if len(shape) < 2 or axis > 2:
            return None
        if isinstance(layer, Slice):
            start = layer.start or 0
            if layer.step != 1 or length is None:
                return None
            start, stop, _ = slice(layer.start, layer.stop).indices(length)
            return Place(sequence, axis, start, kept=True) if stop - start == 1 < length else None
        if layer.index < 0 and length is None:
            return None
        return Place(sequence, axis, layer.index % length if length else layer.index)
