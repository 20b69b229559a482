"""Live PyTorch modules of any forward code, by the graph that ``torch.export`` makes of a call."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.check import check
from rnnlens.network.network import Network, Origin
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.refusals import WrongSampleAxis, first_line
from rnnlens.readers.torch.called import LAYOUTS, Finest, ModuleLayout
from rnnlens.readers.torch.export import following, quiet, with_own_operations
from rnnlens.readers.torch.graph.mutation import without_mutation
from rnnlens.readers.torch.graph.read import CanonicalGraph, canonical_graph
from rnnlens.readers.torch.lengths import Candidate, candidates
from rnnlens.readers.torch.unbatched import refuse_unbatched
from rnnlens.readers.torch.weights.plain_copy import plain_copy

if TYPE_CHECKING:
    import torch

__all__ = ["TAKES", "Reading", "match", "may_take_steps_first", "read", "readings"]

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
    #: Runs the module on inputs of the network, and says how finely it reckons.
    run: Callable[[Mapping[str, np.ndarray]], tuple[list[np.ndarray], float]]


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

    if isinstance(source, torch.jit.ScriptModule):
        raise UnsupportedModel(
            "the module is TorchScript, whose code cannot be exported: give the Python module, or "
            "its state dict"
        )
    example = _tensors(options.example, source)
    try:
        module, left_out = plain_copy(source)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UnsupportedModel(
            f"the module {type(source).__name__} cannot be copied ({first_line(error, 200)}): give "
            "a module without locks, open files and such as attributes, or its state dict"
        ) from error
    _check_runs(module, example)
    refuse_unbatched(module, lambda: module(*example))
    finest = Finest(module)
    for candidate in _candidates(module, example):
        graph = candidate.graph
        layout = LAYOUTS[source] = ModuleLayout(
            tuple(traced.batch or 0 for traced in graph.inputs),
            tuple(traced.batch or 0 for traced in graph.given),
            tuple(tensor.dtype for tensor in example),
        )
        notes = _notes(source, graph, free=bool(candidate.steps))
        origin = Origin(
            "live PyTorch module", str(torch.__version__), notes=notes, left_out=left_out
        )
        network = Network(candidate.nodes, tuple(graph.outputs), origin, type(source).__name__)
        yield Reading(
            check(network),
            *_as_taken(network, layout, candidate, example),
            frozenset(
                name
                for name, tensor in zip(network.inputs, example, strict=True)
                if not tensor.dtype.is_floating_point
            ),
            partial(finest.run, layout),
        )


def _as_taken(
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


def _tensors(example: Any, module: torch.nn.Module) -> list[torch.Tensor]:
    """Make tensors of the example, of the module's own type of floating-point numbers."""
    import torch

    if example is None:
        raise InputError(
            "the forward code of a PyTorch module is known only from a call: give "
            "rnnlens.read(model, example=x) with input of the shape that it takes, batch included"
        )
    many = list(example) if isinstance(example, tuple | list) else [example]
    try:
        tensors = [torch.as_tensor(one).detach().cpu() for one in many]
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"example must be an array, a tensor, or a tuple of them ({first_line(error, 200)})"
        ) from error
    wanted = next((p.dtype for p in module.parameters() if p.dtype.is_floating_point), None)
    return [
        one.to(wanted) if wanted is not None and one.dtype.is_floating_point else one
        for one in tensors
    ]


def _check_runs(module: torch.nn.Module, example: list[torch.Tensor]) -> None:
    """Call the module once, and look whether a recurrent layer is handed a packed sequence."""
    import torch

    empty = [one for one in example if 0 in one.shape]
    if empty:
        raise InputError(
            f"example has shape {tuple(empty[0].shape)}, which holds no number: give one window "
            "or more"
        )
    packed: list[bool] = []

    def note_packed(_: object, inputs: tuple[object, ...]) -> None:
        packed.append(any(isinstance(one, torch.nn.utils.rnn.PackedSequence) for one in inputs))

    layers = [part for part in module.modules() if isinstance(part, torch.nn.RNNBase)]
    hooks = [layer.register_forward_pre_hook(note_packed) for layer in layers]
    try:
        with torch.no_grad(), quiet():
            module(*example)
    except Exception as error:  # the module's own code may raise anything
        shapes = ", ".join(str(tuple(one.shape)) for one in example)
        raise InputError(
            f"the module does not run on the example of shape {shapes} "
            f"({first_line(error, 200)}): give input of the "
            "shape and type that it takes, batch included"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    if any(packed):
        raise UnsupportedModel(
            f"the forward code of {type(module).__name__} packs its sequences "
            "(pack_padded_sequence), which torch.export cannot follow: let it run on the padded "
            "batch without packing, which computes the same for windows of one length, or read "
            "its state dict with rnnlens.read(model.state_dict())"
        )


def _candidates(module: torch.nn.Module, example: list[torch.Tensor]) -> Iterator[Candidate]:
    """Give what the module may compute, with the samples in the first axis that serves."""
    refusals: list[UnsupportedModel] = []
    for batch in (0, 1) if may_take_steps_first(module) else (0,):
        if any(one.ndim <= batch for one in example):
            continue
        try:
            yield from candidates(
                partial(_exported, module, batch=batch), example, [batch] * len(example)
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


def may_take_steps_first(module: torch.nn.Module) -> bool:
    """Say whether a recurrent layer of the module takes its samples in axis 1."""
    return any(getattr(part, "batch_first", None) is False for part in module.modules())


def _exported(module: torch.nn.Module, example: list[torch.Tensor], batch: int) -> CanonicalGraph:
    import torch

    samples = [one.index_select(batch, torch.arange(SAMPLES) % one.shape[batch]) for one in example]
    shapes = tuple({batch: torch.export.Dim.AUTO} for _ in samples)
    try:
        with following():
            program = torch.export.export(
                module, tuple(samples), dynamic_shapes=shapes, strict=False
            )
    except Exception as error:  # the exporter fails in many ways on code that it cannot follow
        # and one of them is that the axis taken for the samples' is another: the caller tries that
        raise WrongSampleAxis(
            f"torch.export cannot follow the forward code of {type(module).__name__} "
            f"({first_line(error, 200)}): read its state dict instead, or make the code plain"
        ) from error
    return canonical_graph(with_own_operations(without_mutation(program)))


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
    return (*notes, *graph.notes)
