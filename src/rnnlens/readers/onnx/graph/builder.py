"""The canonical network in the making, with what exporters do and undo left out as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnnlens.network.axes import Constant, ExpandDims, Index, Squeeze
from rnnlens.network.layers import Concatenate, Input, Layer, Permute, Reshape
from rnnlens.network.network import Source
from rnnlens.readers.onnx.graph.values import Dim, FixedArray, Length, OnnxTensor, OnnxValue
from rnnlens.readers.onnx.proto import OnnxOperator

__all__ = ["Given", "OnnxGraphBuilder", "PendingNode", "Rule"]


@dataclass(frozen=True, eq=False)
class PendingNode:
    """A node of the canonical network in the making."""

    #: What it would like to be called.
    label: str
    layer: Layer
    inputs: tuple[tuple[int, int], ...]
    #: Where its arrays came from.
    sources: dict[str, Source]


@dataclass(eq=False)
class OnnxGraphBuilder:
    """The canonical network in the making; what two layers undo is left out as it comes."""

    nodes: list[PendingNode] = field(default_factory=list)
    samples: dict[tuple[int, int], tuple[Length, ...]] = field(default_factory=dict)
    #: What the network as read leaves out, in sentences.
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Say once what is left out."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def add(
        self,
        label: str,
        layer: Layer,
        inputs: tuple[tuple[int, int], ...],
        shapes: tuple[tuple[Length, ...], ...],
        sources: dict[str, Source] | None = None,
    ) -> tuple[int, int]:
        """Add a node."""
        number = len(self.nodes)
        self.nodes.append(PendingNode(label, layer, inputs, sources or {}))
        self.samples |= {(number, k): shape for k, shape in enumerate(shapes)}
        return number, 0

    def relaid(
        self, ref: tuple[int, int], layer: Layer, shape: tuple[Length, ...]
    ) -> tuple[int, int]:
        """Lay a value out anew; nothing is added where that leads back to a shape it had before."""
        base = ref
        while isinstance(self.nodes[base[0]].layer, Reshape | ExpandDims | Squeeze):
            base = self.nodes[base[0]].inputs[0]
            if self.samples[base] == shape:
                return base
        if self.samples[ref] == shape:
            return ref
        return self.add(type(layer).__name__.lower(), layer, (ref,), (shape,))

    def permuted(self, ref: tuple[int, int], axes: tuple[int, ...]) -> tuple[int, int]:
        """Put the axes of a sample in another order, two turns made one."""
        node = self.nodes[ref[0]]
        if isinstance(node.layer, Permute):
            before = node.layer.axes
            ref, axes = node.inputs[0], tuple(before[axis - 1] for axis in axes)
        if axes == tuple(range(1, len(axes) + 1)):
            return ref
        shape = tuple(self.samples[ref][axis - 1] for axis in axes)
        return self.add("permute", Permute(axes), (ref,), (shape,))

    def picked(self, ref: tuple[int, int], index: int, axis: int) -> tuple[int, int]:
        """Take one place of an axis, past a stacking of the very values."""
        node, shape = self.nodes[ref[0]], self.samples[ref]
        rest = shape[: axis - 1] + shape[axis:]
        length = shape[axis - 1]
        if length == 1:
            return self.relaid(ref, Squeeze(axis), rest)
        index = index + length if index < 0 and isinstance(length, int) else index
        if isinstance(node.layer, Concatenate) and node.layer.axis == axis:
            place = index
            for part in node.inputs:
                own = self.samples[part][axis - 1]
                if not isinstance(own, int) or place < 0:
                    break
                if place < own:
                    return self.picked(part, place, axis)
                place -= own
        return self.add("index", Index(index, axis), (ref,), (rest,))

    def joined(
        self, parts: tuple[tuple[int, int], ...], axis: int, shape: tuple[Length, ...]
    ) -> tuple[int, int]:
        """Put values side by side; rows that were picked apart before are laid out as they were."""
        if len(parts) == 1:
            return parts[0]
        whole = self._rows_of(parts)
        width = shape[0] if len(shape) == 1 else None
        if whole is not None and isinstance(width, int):
            return self.relaid(whole, Reshape((width,)), shape)
        return self.add("concatenate", Concatenate(axis), parts, (shape,))

    def _rows_of(self, parts: tuple[tuple[int, int], ...]) -> tuple[int, int] | None:
        """Give the value whose every row, in order, the parts are."""
        nodes = [self.nodes[part[0]] for part in parts]
        picked = [node.layer for node in nodes if isinstance(node.layer, Index)]
        if [(one.index, one.axis) for one in picked] != [(k, 1) for k in range(len(parts))]:
            return None
        (whole,) = nodes[0].inputs
        same = all(node.inputs == (whole,) for node in nodes)
        return whole if same and self.samples[whole][:1] == (len(parts),) else None

    def input(self, name: str, shape: tuple[Length, ...]) -> tuple[int, int]:
        """Add an entry."""
        known = tuple(None if isinstance(length, Dim) else length for length in shape)
        return self.add(name, Input(known), (), (shape,))

    def constant(self, values: np.ndarray, beside: tuple[int, int]) -> tuple[int, int]:
        """Add numbers that are the same for every sample."""
        return self.add("constant", Constant(values), (beside,), (values.shape,))

    def per_sample(self, known: FixedArray) -> OnnxTensor:
        """Make a value of numbers that every sample has, such as a first state of zeros."""
        assert known.batch is not None
        ref = self.constant(_row(known), (0, 0))
        return OnnxTensor(ref, known.shape, known.batch)


def _row(known: FixedArray) -> np.ndarray:
    """Give the numbers of one sample."""
    return np.array(known.values.take(0, axis=known.batch), order="C")


#: The inputs of a node as read so far, None for one that is left out.
Given = Sequence[OnnxValue | None]

#: Reads a node that works on values of the network.
Rule = Callable[[OnnxOperator, Given, OnnxGraphBuilder], Sequence[OnnxValue]]
