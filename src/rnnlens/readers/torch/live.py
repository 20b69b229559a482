"""Live PyTorch modules of any forward code, by the graph that ``torch.export`` makes of a call."""

from __future__ import annotations

import sys
import warnings
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
from rnnlens.readers.torch.export import exported
from rnnlens.readers.torch.graph.read import CanonicalGraph, canonical_graph
from rnnlens.readers.torch.weights.plain_copy import plain_copy

if TYPE_CHECKING:
    import torch

__all__ = ["LAYOUTS", "TAKES", "ModuleLayout", "match", "may_take_steps_first", "read"]

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
    example = _tensors(options.example, source)
    try:
        module, left_out = plain_copy(source)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UnsupportedModel(
            f"the module {type(source).__name__} cannot be copied ({first_line(error, 200)}): give "
            "a plain module, without tensors that carry gradients as attributes"
        ) from error
    _check_runs(module, example)
    graph, free = _read_graph(module, example)
    LAYOUTS[source] = ModuleLayout(
        tuple(traced.batch or 0 for traced in graph.inputs),
        tuple(traced.batch or 0 for traced in graph.given),
        tuple(tensor.dtype for tensor in example),
    )
    nodes = tuple(_open(node) if free else node for node in graph.nodes)
    notes = _notes(source, graph, free=free)
    origin = Origin("live PyTorch module", str(torch.__version__), notes=notes, left_out=left_out)
    return check(Network(nodes, tuple(graph.outputs), origin, type(source).__name__))


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
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
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


def _read_graph(
    module: torch.nn.Module, example: list[torch.Tensor]
) -> tuple[CanonicalGraph, bool]:
    """Read the graph, and say whether any number of steps serves."""
    refusals: list[UnsupportedModel] = []
    for batch in (0, 1) if may_take_steps_first(module) else (0,):
        if any(one.ndim <= batch for one in example):
            continue
        try:
            return _any_length(module, example, batch)
        except UnsupportedModel as error:
            refusals.append(error)
            if not isinstance(error, WrongSampleAxis):
                break
    clear = [error for error in refusals if not isinstance(error, WrongSampleAxis)]
    if not refusals:
        raise InputError("example holds a single number: give input with an axis of samples")
    raise (clear or refusals)[0]


def may_take_steps_first(module: torch.nn.Module) -> bool:
    """Say whether a recurrent layer of the module takes its samples in axis 1."""
    return any(getattr(part, "batch_first", None) is False for part in module.modules())


def _any_length(
    module: torch.nn.Module, example: list[torch.Tensor], batch: int
) -> tuple[CanonicalGraph, bool]:
    steps = [_steps_axis(one, batch) for one in example]
    lengths = {one.shape[k] for one, k in zip(example, steps, strict=True) if k is not None}
    if len(lengths) != 1:
        return _exported(module, example, batch), False
    length = lengths.pop()
    if length > LONG:
        try:
            first, second = (
                _exported(module, _resized(example, steps, size), batch) for size in SHORTER
            )
        except (UnsupportedModel, InputError):
            pass
        else:
            if _equal(first, second):
                return first, True
    graph = _exported(module, example, batch)
    try:
        longer = _exported(module, _resized(example, steps, length + 1), batch)
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


def _exported(module: torch.nn.Module, example: list[torch.Tensor], batch: int) -> CanonicalGraph:
    import torch

    samples = [one.index_select(batch, torch.arange(SAMPLES) % one.shape[batch]) for one in example]
    return canonical_graph(exported(module, samples, batch))


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
