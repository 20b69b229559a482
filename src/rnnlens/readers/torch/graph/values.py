"""What flows through an exported PyTorch graph, and the canonical graph that grows from it.

PyTorch lets the batch axis stand anywhere; the canonical network has it first. The graph of a call
carries the number of samples as a symbol or a `SampleCount`, so every tensor's own shape says
where its batch axis is, and the canonical form of a tensor is the same numbers with that axis
moved to the front.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rnnlens.network.axes import Constant, ExpandDims, Repeat, Squeeze
from rnnlens.network.layers import (
    Concatenate,
    Flatten,
    Layer,
    Permute,
    RepeatVector,
    Reshape,
)
from rnnlens.network.network import Node, Ref, Source
from rnnlens.network.unique import unique_name

if TYPE_CHECKING:
    import torch

__all__ = [
    "Fold",
    "Result",
    "SampleCount",
    "StackedStates",
    "TorchGraphBuilder",
    "TorchValue",
    "TracedShape",
    "count_in",
    "is_counted",
    "numbers_of",
    "relaid",
    "traced_shape_of",
]

#: How a batch axis that was merged with another is made: ``view(N * T, ...)`` has the sample
#: outside, ``view(T * N, ...)`` inside.
Fold = Literal["outside", "inside"]


#: Copies beyond which they are one layer, and not a value set beside itself.
FEW = 4


@dataclass(frozen=True)
class TracedShape:
    """The shape of a tensor of PyTorch."""

    #: Its shape with as many samples as the example has.
    shape: tuple[int, ...]
    #: The axis of the samples; None where nothing depends on them.
    batch: int | None
    #: How many entries are merged with each sample in that axis; 1 where none are.
    inner: int = 1

    @property
    def before(self) -> tuple[int, ...]:
        """The axes before that of the samples."""
        return self.shape[: self.batch]

    @property
    def after(self) -> tuple[int, ...]:
        """The axes after that of the samples."""
        return () if self.batch is None else self.shape[self.batch + 1 :]


@dataclass(frozen=True)
class SampleCount:
    """A whole number that goes with the number of samples: ``times * samples + plus``."""

    times: int
    plus: int
    #: What it is with as many samples as the example has.
    here: int

    def __int__(self) -> int:
        return self.here


def is_counted(value: object) -> bool:
    """Tell whether a number goes with the number of samples, by ours or by PyTorch's symbol."""
    return isinstance(value, SampleCount) or hasattr(value, "node")


def count_in(value: Any) -> int:
    """Give a number as it is with as many samples as the example has."""
    return int(value.node.hint) if hasattr(value, "node") else int(value)


def traced_shape_of(tensor: Any) -> TracedShape | None:
    """Read the shape of a tensor of the graph of a call."""
    shape, batch, inner = [], None, 1
    for axis, size in enumerate(tensor.shape):
        factor = _samples_in(size)
        if factor == 0:
            shape.append(int(size))
            continue
        if batch is not None or factor is None:
            return None
        batch, inner = axis, factor
        shape.append(count_in(size))
    return TracedShape(tuple(shape), batch, inner)


def _samples_in(size: Any) -> int | None:
    """Say how many times the samples a size is: 0 where it is none of it, None where it is not."""
    if isinstance(size, SampleCount):
        return None if size.plus else size.times
    if type(size) is int or not getattr(size.node.expr, "free_symbols", None):
        return 0
    factor = size.node.expr.as_coeff_Mul()[0]
    rest = size.node.expr / factor
    return int(factor) if rest.is_Symbol and factor.is_Integer else None


@dataclass(frozen=True)
class TorchValue:
    """A tensor in canonical form."""

    #: The node that gives it, and which of its outputs.
    ref: Ref
    #: Shape of one sample.
    shape: tuple[int, ...]
    #: Where PyTorch has the axis of the samples.
    batch: int
    #: Set where PyTorch has merged that axis with the canonical axis ``batch + 1``.
    fold: Fold | None = None

    @property
    def rank(self) -> int:
        """Number of axes of PyTorch's tensor."""
        return len(self.shape) + (self.fold is None)


@dataclass(frozen=True, eq=False)
class StackedStates:
    """Tensors ``(..., sample, unit)`` whose leading axes number layers and directions."""

    #: One node's output for each entry of the leading axes.
    parts: np.ndarray
    #: Entries of each.
    width: int


#: What an operation on the input gives.
Result = TorchValue | StackedStates


class TorchGraphBuilder:
    """The canonical graph as it grows.

    Parameters
    ----------
    entry : str
        Name of an input: what a constant takes its number of samples from.
    """

    def __init__(self, entry: str) -> None:
        self.entry = entry
        self.nodes: list[Node] = []
        self.layers: dict[tuple[Hashable, ...], Any] = {}
        #: What was written place by place, as parts with their lengths: by value and axis.
        self.parts: dict[tuple[Ref, int], list[tuple[Ref, int]]] = {}
        #: What the network as read leaves out, in sentences.
        self.notes: list[str] = []
        self._names: set[str] = set()

    def note(self, sentence: str) -> None:
        """Say once what is left out."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def add(
        self,
        wanted: str,
        layer: Layer,
        *inputs: Ref,
        sources: Mapping[str, Source] | None = None,
    ) -> Ref:
        """Add a node."""
        name = unique_name(wanted, self._names)
        self.nodes.append(Node(name, layer, inputs, sources or {}))
        return name, 0

    def written_at(self, ref: Ref, axis: int, place: int) -> Ref | None:
        """Give what was written to one place of an axis, without that axis."""
        for part, size in self.parts.get((ref, axis), []):
            if place < size:
                layer = self.node(part).layer
                own = isinstance(layer, ExpandDims) and layer.axis == axis
                return self.node(part).inputs[0] if own else None
            place -= size
        return None

    def constant(self, wanted: str, array: np.ndarray) -> Ref:
        """Add the same numbers for every sample."""
        source = {"C": Source(wanted)}
        return self.add(wanted, Constant(array.copy()), (self.entry, 0), sources=source)

    def permuted(self, wanted: str, ref: Ref, order: Sequence[int]) -> Ref:
        """Put the axes of a sample in another order; turning them back undoes the first turn."""
        if list(order) == sorted(order):
            return ref
        node = self.node(ref)
        if isinstance(node.layer, Permute):
            joined = [node.layer.axes[axis - 1] for axis in order]
            return self.permuted(wanted, node.inputs[0], joined)
        return self.add(wanted, Permute(tuple(order)), ref)

    def node(self, ref: Ref) -> Node:
        """Give the node of an output."""
        return next(node for node in reversed(self.nodes) if node.name == ref[0])

    def reshaped(
        self, wanted: str, ref: Ref, shape: tuple[int, ...], target: tuple[int, ...]
    ) -> Ref:
        """Lay a sample's numbers out anew, by the plainest layer that does it."""
        if shape == target:
            return ref
        for axis in range(1, len(target) + 1):
            if target == (*shape[: axis - 1], 1, *shape[axis - 1 :]):
                return self.add(wanted, ExpandDims(axis), ref)
        for axis in range(1, len(shape) + 1):
            if shape == (*target[: axis - 1], 1, *target[axis - 1 :]):
                return self.add(wanted, Squeeze(axis), ref)
        if len(target) == 1:
            return self.add(wanted, Flatten(), ref)
        return self.add(wanted, Reshape(target), ref)

    def repeated(self, wanted: str, ref: Ref, shape: tuple[int, ...], axis: int, times: int) -> Ref:
        """Set copies side by side along a canonical axis."""
        node = self.node(ref)
        # a vector that was made a sequence of one step
        one_step = isinstance(node.layer, ExpandDims) and node.layer.axis == axis == 1
        if one_step and len(shape) == 2:
            return self.add(wanted, RepeatVector(times), node.inputs[0])
        if axis == 1 and len(shape) == 2 and shape[0] == 1:
            return self.add(wanted, RepeatVector(times), self.add(wanted, Squeeze(1), ref))
        if times > FEW:
            return self.add(wanted, Repeat(axis, times), ref)
        return self.add(wanted, Concatenate(axis), *([ref] * times))


def numbers_of(tensor: torch.Tensor) -> np.ndarray:
    """Give the numbers of a tensor; NumPy has no bfloat16, whose numbers float32 holds exactly."""
    tensor = tensor.detach().cpu()
    half = tensor.is_floating_point() and tensor.element_size() < 4
    return (tensor.float() if half else tensor).numpy()


def relaid(value: TorchValue, target: TracedShape) -> tuple[tuple[int, ...], Fold | None] | None:
    """Find the canonical shape of a value that PyTorch lays out anew."""
    if target.batch is None:
        return None
    shape = value.shape
    inner = 1 if value.fold is None else shape[value.batch]
    before, after = shape[: value.batch], shape[value.batch + (value.fold is not None) :]
    # how many numbers lie outside and inside the samples in PyTorch's memory
    outer = prod(before) * (inner if value.fold == "inside" else 1)
    within = prod(after) * (inner if value.fold == "outside" else 1)
    new_outer, new_within = prod(target.before), prod(target.after)
    if target.inner == 1:
        fits = (outer, within) == (new_outer, new_within)
        return ((*target.before, *target.after), None) if fits else None
    folded = (*target.before, target.inner, *target.after)
    if (outer, within) == (new_outer, new_within * target.inner):
        return folded, "outside"
    if (outer, within) == (new_outer * target.inner, new_within):
        return folded, "inside"
    return None
