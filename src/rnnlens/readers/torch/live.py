"""Live PyTorch modules of any forward code, by the graph of a call."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.check import check
from rnnlens.network.network import Network, Origin
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.refusals import WrongSampleAxis, first_line
from rnnlens.readers.torch.called import LAYOUTS, Finest, ModuleLayout
from rnnlens.readers.torch.export import with_own_operations
from rnnlens.readers.torch.following.escapes import NotRecorded
from rnnlens.readers.torch.following.followed import of_export
from rnnlens.readers.torch.following.recording import graph_of_call
from rnnlens.readers.torch.graph.mutation import without_mutation, writes_in_place
from rnnlens.readers.torch.graph.read import CanonicalGraph, canonical_graph
from rnnlens.readers.torch.lengths import Candidate, candidates
from rnnlens.readers.torch.signature.copied import copied
from rnnlens.readers.torch.signature.subject import Subject, sample_axes, subject_of
from rnnlens.readers.torch.signature.unwrap import unwrapped
from rnnlens.readers.torch.weights.packed import ROUNDED

if TYPE_CHECKING:
    import torch

__all__ = ["TAKES", "Reading", "as_taken", "exported", "match", "read", "readings"]

#: Options that a live module takes.
TAKES = frozenset({"example"})

#: Samples in the example as exported: a size that nothing else is likely to have.
SAMPLES = 7


@dataclass(frozen=True, eq=False)
class Reading:
    """What a module may compute, still to be compared with the module itself."""

    network: Network
    #: The example as the network takes it, by input: samples first.
    example: dict[str, np.ndarray]
    #: The axis of each input that counts steps there, where any number of them may be served.
    steps: dict[str, int]
    #: The inputs that hold whole numbers: tokens, flags.
    whole: frozenset[str]
    #: Runs the module on inputs of the network, after calls before it, and says by how much a
    #: number may differ.
    run: Callable[..., tuple[list[np.ndarray], float]]
    #: The input that holds the lengths of sequences that the module packs; empty where none does.
    lengths: str = ""
    #: Whether the module keeps what a call made for the next; `run` takes calls before it then.
    carries: bool = False
    #: Whether the module's code writes into tensors in place.
    writes: bool = False


def match(source: object) -> TypeGuard[torch.nn.Module]:
    """Tell whether an object is a PyTorch module, without importing torch."""
    module = getattr(getattr(sys.modules.get("torch"), "nn", None), "Module", None)
    return isinstance(module, type) and isinstance(source, module)


def read(source: torch.nn.Module, options: ReadOptions) -> Network:
    """Read a live module as it predicts, without comparing it with the module."""
    return next(readings(source, options)).network


def readings(source: torch.nn.Module, options: ReadOptions) -> Iterator[Reading]:
    """Read a live module as it predicts: in evaluation mode, which its copy is put into.

    What serves any number of steps comes first, what serves the example's alone last.
    """
    import torch

    if any(isinstance(part, torch.jit.ScriptModule) for part in source.modules()):
        raise UnsupportedModel(
            "the module is TorchScript or holds some, whose code cannot be exported: give the "
            "Python module, or its state dict"
        )
    if options.example is None:
        raise InputError(
            "the forward code of a PyTorch module is known only from a call: give "
            "rnnlens.read(model, example=x) with input of the shape that it takes, batch included"
        )
    module = unwrapped(source)
    subject = subject_of(module, options.example)
    example = subject.example
    finest = Finest(copied(module))
    for candidate in _candidates(subject):
        graph = candidate.graph
        layout = LAYOUTS[source] = ModuleLayout(
            tuple(traced.batch or 0 for traced in graph.inputs),
            tuple(traced.batch or 0 for traced in graph.given),
            tuple(tensor.dtype for tensor in example),
            subject,
            graph.rounded,
        )
        notes = (*_notes(source, graph, free=bool(candidate.steps)), *subject.notes)
        origin = Origin("live PyTorch module", str(torch.__version__), notes=notes)
        if subject.rounded:
            origin = replace(origin, left_out=(ROUNDED,), rounds="int8")
        network = Network(candidate.nodes, tuple(graph.outputs), origin, type(source).__name__)
        yield Reading(
            check(network),
            *as_taken(network, layout, candidate, example),
            frozenset(
                name
                for name, tensor in zip(network.inputs, example, strict=True)
                if not tensor.dtype.is_floating_point
            ),
            partial(finest.run, layout),
            "" if subject.lengths is None else subject.call.names[subject.lengths],
            subject.carried is not None,
            graph.writes,
        )


def as_taken(
    network: Network, layout: ModuleLayout, candidate: Candidate, example: list[torch.Tensor]
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Give the example as the network takes it, samples first, and the axes of its steps."""
    arrays, steps = {}, {}
    for name, tensor, batch, axis in zip_longest(
        network.inputs, example, layout.inputs, candidate.steps
    ):
        arrays[name] = np.moveaxis(tensor.double().numpy(), batch, 0)
        if axis is not None:
            steps[name] = axis + (axis < batch)
    return arrays, steps


def _candidates(subject: Subject) -> Iterator[Candidate]:
    """Give what the module may compute: by records of calls first, then by ``torch.export``.

    What makes the exporter work takes long to load; what it refuses is refused in its words.
    """
    with suppress(NotRecorded, UnsupportedModel):
        yield from _followed(subject, graph_of_call)
    yield from _followed(subject, exported)


def _followed(
    subject: Subject,
    follow: Callable[[Subject, Sequence[int], list[torch.Tensor]], CanonicalGraph],
) -> Iterator[Candidate]:
    """Give what the module may compute, with the samples in the first axes that serve."""
    refusals: list[UnsupportedModel] = []
    for axes in sample_axes(subject):
        try:
            yield from candidates(
                partial(follow, subject, axes), subject.example, axes, subject.starts
            )
        except UnsupportedModel as error:
            refusals.append(error)
            if not isinstance(error, WrongSampleAxis):
                break
        else:
            return
    clear = [error for error in refusals if not isinstance(error, WrongSampleAxis)]
    if not refusals:
        raise InputError("example holds a single number: give input with an axis of samples")
    raise (clear or refusals)[0]


def exported(subject: Subject, axes: Sequence[int], example: list[torch.Tensor]) -> CanonicalGraph:
    """Give the graph of a call, with the samples of each input in its axis."""
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
    writes = writes_in_place(program.graph)
    followed = of_export(with_own_operations(without_mutation(program)))
    return replace(canonical_graph(followed, entries), writes=writes)


def _notes(source: torch.nn.Module, graph: CanonicalGraph, *, free: bool) -> tuple[str, ...]:
    notes = [
        told(
            "the graph is that of the call on the example, in evaluation mode: dropout acts only "
            "in training and is left out"
        )
    ]
    if source.training:
        notes.append(told("the module is in training mode; a copy of it was read as it predicts"))
    turned = [node for node, one in zip(graph.nodes, graph.inputs, strict=False) if one.batch]
    if turned:
        notes.append(
            told(
                "the module takes (step, sample, feature); the network as read takes "
                "(sample, step, feature)"
            )
        )
    if any(traced.batch for traced in graph.given):
        notes.append(told("outputs are given samples first, where the module has them in axis 1"))
    if not free:
        notes.append(told("the graph as exported serves windows of the example's length"))
    return (*notes, *graph.notes)
