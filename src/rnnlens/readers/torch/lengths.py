"""Graphs of one module at several window lengths, and the one graph that serves them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.layers import Input, RepeatVector
from rnnlens.network.network import Network, Node, Origin, Ref
from rnnlens.network.shapes import output_shapes
from rnnlens.network.steps.axes import step_axes
from rnnlens.readers.torch.graph.read import CanonicalGraph

if TYPE_CHECKING:
    import torch

__all__ = ["Candidate", "candidates", "resized"]

#: Windows longer than this are exported at two shorter lengths first, since the cost of an export
#: grows with the number of steps where a cell is called at each.
LONG = 16
#: The two lengths.
SHORTER = (11, 13)


@dataclass(frozen=True, eq=False)
class Candidate:
    """What a module may compute, still to be compared with the module itself."""

    graph: CanonicalGraph
    #: Nodes that serve any number of steps, or the graph's own.
    nodes: tuple[Node, ...]
    #: The axis of steps of each input in PyTorch's tensor, None where it has none; empty where
    #: the graph serves the example's length alone.
    steps: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class _Call:
    """How a module is exported, what it is called on, and the axis of the samples of each input."""

    export: Callable[[list[torch.Tensor]], CanonicalGraph]
    example: list[torch.Tensor]
    samples: Sequence[int]

    def at(self, axes: Sequence[int | None], size: int) -> CanonicalGraph:
        """Give the graph of a call on windows of another length."""
        return self.export(resized(self.example, axes, size))

    def length(self, axes: Sequence[int | None]) -> int | None:
        """Give the number of steps of the example; None where its sequences differ in it."""
        pairs = zip(self.example, axes, strict=True)
        lengths = {one.shape[axis] for one, axis in pairs if axis is not None}
        return lengths.pop() if len(lengths) == 1 else None


def candidates(
    export: Callable[[list[torch.Tensor]], CanonicalGraph],
    example: list[torch.Tensor],
    samples: Sequence[int],
    starts: Sequence[bool],
) -> Iterator[Candidate]:
    """Give what a module may compute: for any number of steps first, then for the example's.

    Inputs that a layer starts from have no axis of steps.
    """
    call = _Call(export, example, samples)
    axes = [
        None if start else _usual_axis(one, axis)
        for one, axis, start in zip(example, samples, starts, strict=True)
    ]
    if (call.length(axes) or 0) > LONG:
        yield from _from_two(call, axes, SHORTER)
    graph = export(example)
    walked = _walked_axes(graph, samples, axes)
    length = call.length(walked)
    if length is not None:
        if walked != axes and length > LONG:
            yield from _from_two(call, walked, SHORTER)
        yield from _from_two(call, walked, (length, length + 1), graph)
    yield Candidate(graph, tuple(graph.nodes), ())


def _from_two(
    call: _Call,
    axes: Sequence[int | None],
    sizes: tuple[int, int],
    first: CanonicalGraph | None = None,
) -> Iterator[Candidate]:
    """Give the graph that serves any length, where the graphs at two lengths say the same."""
    try:
        first = first or call.at(axes, sizes[0])
        second = call.at(axes, sizes[1])
    except (UnsupportedModel, InputError):
        return
    opened = _opened(first, second)
    if opened is not None:
        yield Candidate(first, opened, tuple(axes))


def _usual_axis(tensor: torch.Tensor, samples: int) -> int | None:
    """Say which axis of an input counts steps as a rule: the first besides the samples'."""
    sequence = tensor.ndim > 2 or (tensor.ndim == 2 and not tensor.dtype.is_floating_point)
    return (0 if samples else 1) if sequence else None


def _walked_axes(
    graph: CanonicalGraph, samples: Sequence[int], usual: Sequence[int | None]
) -> list[int | None]:
    """Say which axis of each input counts steps by what walks along it, or else as a rule."""
    network = Network(tuple(graph.nodes), tuple(graph.outputs), Origin(""))
    walked = step_axes(network)
    # the canonical form has the samples first, whatever their axis in PyTorch
    return [
        other if axis is None else axis - (axis <= place)
        for axis, other, place in zip(walked.values(), usual, samples, strict=True)
    ]


def resized(
    example: list[torch.Tensor], axes: Sequence[int | None], size: int
) -> list[torch.Tensor]:
    """Make windows of another length of the example's, their steps over and over."""
    import torch

    return [
        one if axis is None else one.index_select(axis, torch.arange(size) % one.shape[axis])
        for one, axis in zip(example, axes, strict=True)
    ]


def _opened(one: CanonicalGraph, other: CanonicalGraph) -> tuple[Node, ...] | None:
    """Give the nodes that serve any length, where two lengths give the same graph."""
    if len(one.nodes) != len(other.nodes) or len(one.outputs) != len(other.outputs):
        return None
    place = {node.name: number for number, node in enumerate(one.nodes)}
    there = {node.name: number for number, node in enumerate(other.nodes)}

    def same_refs(mine: Sequence[Ref], theirs: Sequence[Ref]) -> bool:
        return [(place[a], j) for a, j in mine] == [(there[b], k) for b, k in theirs]

    if not same_refs(one.outputs, other.outputs):
        return None
    growing = _growing(one, other)
    nodes = []
    for mine, theirs in zip(one.nodes, other.nodes, strict=True):
        joined = _joined(mine, theirs, growing)
        if joined is None or not same_refs(mine.inputs, theirs.inputs):
            return None
        nodes.append(joined)
    return tuple(nodes)


def _growing(one: CanonicalGraph, other: CanonicalGraph) -> dict[tuple[int, int], Ref]:
    """Give a sequence for each pair of numbers of steps that one has at the two lengths."""
    shapes, others = (_shapes(graph) for graph in (one, other))
    found: dict[tuple[int, int], Ref] = {}
    for mine, theirs in zip(one.nodes, other.nodes, strict=True):
        for number, (shape, longer) in enumerate(
            zip(shapes[mine.name], others[theirs.name], strict=False)
        ):
            if len(shape) > 1 and shape[0] != longer[0]:
                found.setdefault((shape[0] or 0, longer[0] or 0), (mine.name, number))
    return found


def _shapes(graph: CanonicalGraph) -> Mapping[str, tuple[tuple[int | None, ...], ...]]:
    return output_shapes(Network(tuple(graph.nodes), tuple(graph.outputs), Origin("")))


def _joined(mine: Node, theirs: Node, growing: Mapping[tuple[int, int], Ref]) -> Node | None:
    """Give the node that is both, whatever the length; None where they differ."""
    a, b = mine.layer, theirs.layer
    if isinstance(a, Input) and isinstance(b, Input):
        pairs = zip(a.shape, b.shape, strict=True)
        return replace(mine, layer=Input(tuple(m if m == n else None for m, n in pairs)))
    if isinstance(a, RepeatVector) and isinstance(b, RepeatVector) and a.times != b.times:
        sequence = growing.get((a.times or 0, b.times or 0))
        if sequence is None:
            return None
        return replace(mine, layer=RepeatVector(None), inputs=(*mine.inputs, sequence))
    return mine if _same(a, b) else None


def _same(mine: Any, theirs: Any) -> bool:
    if type(mine) is not type(theirs):
        return False
    if isinstance(mine, np.ndarray):
        return np.array_equal(mine, theirs)
    if isinstance(mine, tuple):
        return len(mine) == len(theirs) and all(map(_same, mine, theirs))
    if hasattr(mine, "__dataclass_fields__"):
        return all(_same(getattr(mine, f.name), getattr(theirs, f.name)) for f in fields(mine))
    return bool(mine == theirs)
