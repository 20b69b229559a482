"""Live PyTorch modules of any forward code, by the graph that ``torch.export`` makes of a call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeGuard
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.check import check
from rnnlens.network.layers import Input
from rnnlens.network.network import Network, Node, Origin
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.refusals import WrongSampleAxis, first_line
from rnnlens.readers.torch.graph.read import CanonicalGraph, canonical_graph
from rnnlens.readers.torch.signature.subject import Subject, sample_axes, subject_of
from rnnlens.readers.torch.signature.unwrap import unwrapped

if TYPE_CHECKING:
    import torch

__all__ = ["LAYOUTS", "TAKES", "ModuleLayout", "match", "read"]

#: Options that a live module takes.
TAKES = frozenset({"example"})

#: Samples in the example as exported: a size that nothing else is likely to have.
SAMPLES = 7
#: Windows longer than this are exported at two shorter lengths instead, since the cost of an
#: export grows with the number of steps.
LONG = 16
#: The two lengths.
SHORTER = (11, 13)


@dataclass(frozen=True)
class ModuleLayout:
    """How a module takes and gives what the network takes and gives samples first."""

    #: The axis of the samples of each.
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    #: What type of numbers each input is.
    dtypes: tuple[torch.dtype, ...]
    #: How it is called.
    subject: Subject


#: The layout of every module that was read, for the check of fidelity.
LAYOUTS: WeakKeyDictionary[torch.nn.Module, ModuleLayout] = WeakKeyDictionary()


def match(source: object) -> TypeGuard[torch.nn.Module]:
    """Tell whether an object is a PyTorch module, without importing torch."""
    module = getattr(getattr(sys.modules.get("torch"), "nn", None), "Module", None)
    return isinstance(module, type) and isinstance(source, module)


def read(source: torch.nn.Module, options: ReadOptions) -> Network:
    """Read a live module as it predicts: in evaluation mode, which its copy is put into."""
    import torch

    if isinstance(source, torch.jit.ScriptModule):
        raise UnsupportedModel(
            "the module is TorchScript, whose code cannot be exported: give the Python module, or "
            "its state dict"
        )
    if options.example is None:
        raise InputError(
            "the forward code of a PyTorch module is known only from a call: give "
            "rnnlens.read(model, example=x) with input of the shape that it takes, batch included"
        )
    subject = subject_of(unwrapped(source), options.example)
    graph, free = _read_graph(subject)
    LAYOUTS[source] = ModuleLayout(
        tuple(traced.batch or 0 for traced in graph.inputs),
        tuple(traced.batch or 0 for traced in graph.given),
        tuple(tensor.dtype for tensor in subject.example),
        subject,
    )
    nodes = tuple(_open(node) if free else node for node in graph.nodes)
    notes = (*_notes(source, graph, free=free), *subject.notes)
    origin = Origin("live PyTorch module", str(torch.__version__), notes=notes)
    return check(Network(nodes, tuple(graph.outputs), origin, type(source).__name__))


def _read_graph(subject: Subject) -> tuple[CanonicalGraph, bool]:
    """Read the graph, and say whether any number of steps serves."""
    refusals: list[UnsupportedModel] = []
    for axes in sample_axes(subject):
        try:
            return _any_length(subject, axes)
        except UnsupportedModel as error:
            refusals.append(error)
            if not isinstance(error, WrongSampleAxis):
                break
    clear = [error for error in refusals if not isinstance(error, WrongSampleAxis)]
    if not refusals:
        raise InputError("example holds a single number: give input with an axis of samples")
    raise (clear or refusals)[0]


def _any_length(subject: Subject, axes: Sequence[int]) -> tuple[CanonicalGraph, bool]:
    example = subject.example
    steps = [_steps_axis(one, axis) for one, axis in zip(example, axes, strict=True)]
    lengths = {one.shape[k] for one, k in zip(example, steps, strict=True) if k is not None}
    if len(lengths) != 1:
        return _exported(subject, example, axes), False
    length = lengths.pop()
    if length > LONG:
        try:
            first, second = (
                _exported(subject, _resized(example, steps, size), axes) for size in SHORTER
            )
        except (UnsupportedModel, InputError):
            pass
        else:
            if _equal(first, second):
                return first, True
    graph = _exported(subject, example, axes)
    try:
        longer = _exported(subject, _resized(example, steps, length + 1), axes)
    except (UnsupportedModel, InputError):
        return graph, False
    return graph, _equal(graph, longer)


def _steps_axis(tensor: torch.Tensor, batch: int) -> int | None:
    """Say which axis of an input counts steps: the first besides the samples'."""
    sequence = tensor.ndim > 2 or (tensor.ndim == 2 and not tensor.dtype.is_floating_point)
    return (0 if batch else 1) if sequence else None


def _resized(
    example: list[torch.Tensor], axes: Sequence[int | None], size: int
) -> list[torch.Tensor]:
    import torch

    return [
        one if axis is None else one.index_select(axis, torch.arange(size) % one.shape[axis])
        for one, axis in zip(example, axes, strict=True)
    ]


def _exported(subject: Subject, example: list[torch.Tensor], axes: Sequence[int]) -> CanonicalGraph:
    import torch

    samples = [
        one.index_select(axis, torch.arange(SAMPLES) % one.shape[axis])
        for one, axis in zip(example, axes, strict=True)
    ]
    try:
        program, entries = subject.exported(samples, axes)
    except UnsupportedModel:
        raise
    except Exception as error:  # the exporter fails in many ways on code that it cannot follow
        # and one of them is that the axis taken for the samples' is another: the caller tries that
        raise WrongSampleAxis(
            f"torch.export cannot follow the forward code of {type(subject.module).__name__} "
            f"({first_line(error, 200)}): read its state dict instead, or make the code plain"
        ) from error
    return canonical_graph(program, entries)


def _equal(one: CanonicalGraph, other: CanonicalGraph) -> bool:
    """Say whether two graphs compute the same, whatever the length of their inputs."""
    if len(one.nodes) != len(other.nodes) or len(one.outputs) != len(other.outputs):
        return False
    place = {node.name: number for number, node in enumerate(one.nodes)}
    there = {node.name: number for number, node in enumerate(other.nodes)}
    outputs = [
        (place[a], j) == (there[b], k)
        for (a, j), (b, k) in zip(one.outputs, other.outputs, strict=True)
    ]
    same = (
        [(place[a], j) for a, j in mine.inputs] == [(there[b], k) for b, k in theirs.inputs]
        and (isinstance(mine.layer, Input) or _same(mine.layer, theirs.layer))
        for mine, theirs in zip(one.nodes, other.nodes, strict=True)
    )
    return all(outputs) and all(same)


def _same(mine: Any, theirs: Any) -> bool:
    if type(mine) is not type(theirs):
        return False
    if isinstance(mine, np.ndarray):
        return np.array_equal(mine, theirs)
    if hasattr(mine, "__dataclass_fields__"):
        return all(_same(getattr(mine, f.name), getattr(theirs, f.name)) for f in fields(mine))
    return bool(mine == theirs)


def _open(node: Node) -> Node:
    """Let an input that is a sequence be of any length."""
    if not isinstance(node.layer, Input) or not node.layer.shape:
        return node
    return replace(node, layer=Input((None, *node.layer.shape[1:])))


def _notes(source: torch.nn.Module, graph: CanonicalGraph, *, free: bool) -> tuple[str, ...]:
    notes = [
        "the graph is that of the call on the example, as torch.export follows it, in evaluation "
        "mode: dropout acts only in training and is left out"
    ]
    if source.training:
        notes.append("the module is in training mode; a copy of it was read as it predicts")
    turned = [node for node, one in zip(graph.nodes, graph.inputs, strict=False) if one.batch]
    if turned:
        notes.append(
            "the module takes (step, sample, feature); the network as read takes "
            "(sample, step, feature)"
        )
    if any(traced.batch for traced in graph.given):
        notes.append("outputs are given samples first, where the module has them in axis 1")
    if not free:
        notes.append("the graph as exported serves windows of the example's length")
    return tuple(notes)
