"""From the graph of a call to the canonical one, operation by operation."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import Constant, ExpandDims, Squeeze
from rnnlens.network.layers import Input
from rnnlens.network.network import Node, Ref
from rnnlens.readers.refusals import WrongSampleAxis
from rnnlens.readers.rerolled.reroll import reroll
from rnnlens.readers.torch.following.followed import FollowedCall
from rnnlens.readers.torch.following.stated import StatedNumbers
from rnnlens.readers.torch.graph import arithmetic as torch_arithmetic  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import functions as torch_functions  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import layers as torch_layers  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import lengths as torch_lengths  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import places as torch_places  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import products as torch_products  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import reductions as torch_reductions  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import shapes as torch_shapes  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph import steps as torch_steps  # noqa: F401  (each registers its operations)
from rnnlens.readers.torch.graph.call import OPERATIONS, TorchCall, unstacked
from rnnlens.readers.torch.graph.tidy import tidy
from rnnlens.readers.torch.graph.values import (
    StackedStates,
    TorchGraphBuilder,
    TorchValue,
    TracedShape,
    count_in,
    is_counted,
    traced_shape_of,
)

if TYPE_CHECKING:
    import torch

__all__ = ["CanonicalGraph", "canonical_graph"]

#: Operations that may count samples: they make and lay out constants, or reckon with sizes.
COUNTING = frozenset(
    {"sym_size", "view", "reshape", "expand", "repeat", "zeros", "ones", "full", "new_zeros"}
    | {"new_ones", "new_full", "empty", "zeros_like", "ones_like", "unflatten", "_unsafe_view"}
    | {"slice", "narrow", "full_like", "arange"}
)


@dataclass(frozen=True, eq=False)
class CanonicalGraph:
    """A graph in canonical form."""

    #: In order.
    nodes: list[Node]
    outputs: list[Ref]
    #: PyTorch's shapes of what the module takes and gives.
    inputs: list[TracedShape]
    given: list[TracedShape]
    #: What was left out, in sentences.
    notes: tuple[str, ...] = ()
    #: Whether it holds numbers that the code states or works out, rounded to its own precision.
    rounded: bool = False
    #: Whether the code writes into tensors in place.
    writes: bool = False


def canonical_graph(
    followed: FollowedCall, entries: Sequence[str | torch.Tensor]
) -> CanonicalGraph:
    """Put the graph of a call into canonical form.

    Entries say of everything that it is given what it is called, or that it is this for every
    sample.
    """
    return _Reader(followed, entries).read()


class _Reader:
    def __init__(self, followed: FollowedCall, entries: Sequence[str | torch.Tensor]) -> None:
        self.followed = followed
        self.results: dict[torch.fx.Node, Any] = {}
        self.stated = StatedNumbers()
        self.names: dict[torch.fx.Node, str] = {}
        self.inputs: list[TracedShape] = []
        self.steps: dict[Ref, int] = {}
        self.entries = iter(entries)
        named = [one for one in entries if isinstance(one, str) and one]
        self.builder = TorchGraphBuilder(named[0] if named else "x")

    def read(self) -> CanonicalGraph:
        for node in self.followed.graph.nodes:
            if node.op == "placeholder":
                self._entry(node)
            elif node.op == "call_function":
                self.results[node] = self._called(node)
                if isinstance(self.results[node], TorchValue) and self.results[node].shape:
                    self.steps[self.results[node].ref] = self.results[node].shape[0]
                for one in self.results[node] if isinstance(self.results[node], tuple) else ():
                    if isinstance(one, TorchValue) and one.shape:
                        self.steps[one.ref] = one.shape[0]
            elif node.op != "output":
                raise UnsupportedModel(
                    f"the module holds a {node.op} ({node.target}), which rnnlens does not read"
                )
        refs, given = self._outputs(self.followed.outputs)
        nodes, refs = reroll(*tidy(self.builder.nodes, refs, self.steps))
        constants = [node.layer.C for node in nodes if isinstance(node.layer, Constant)]
        if any(np.isnan(array).any() for array in constants):
            raise UnsupportedModel(
                "the module hands on a tensor made by torch.empty of which it has written a part "
                "alone: make it by torch.zeros, or write all of it"
            )
        notes = tuple(self.builder.notes)
        return CanonicalGraph(nodes, refs, self.inputs, given, notes, self.stated.rounded)

    def _entry(self, node: torch.fx.Node) -> None:
        held = self.followed.held.get(node.name)
        if held is not None:
            self.results[node] = held.tensor
            self.names[node] = held.target
            self.stated.take(node, held.tensor, stated=held.stated)
            return
        name = next(self.entries)
        if not hasattr(node.meta.get("val"), "shape"):
            self.results[node] = node.meta.get("val")
            return
        if not isinstance(name, str):
            self.results[node] = name
            return
        traced = traced_shape_of(node.meta["val"])
        if traced is None or traced.batch is None:
            raise WrongSampleAxis(
                f"no axis of the module's input {name!r} counts samples: give an example with "
                "its batch axis, and let the code take the number of samples from its input"
            )
        shape = (*traced.before, *traced.after)
        ref = self.builder.add(name, Input(shape))
        self.inputs.append(traced)
        self.results[node] = TorchValue(ref, shape, traced.batch)
        if shape:
            self.steps[ref] = shape[0]

    def _called(self, node: torch.fx.Node) -> Any:
        if node.target is operator.getitem:
            made = self.results[node.all_input_nodes[0]][node.args[1]]
            if made is None and node.users:
                raise UnsupportedModel(
                    f"the module uses where the largest or smallest value stands ({node}), which "
                    "rnnlens does not read: let it use the value alone"
                )
            return made
        name = str(node.target)
        short = name.removesuffix(".default")
        parts = short.split(".")
        if name.startswith("aten.sym_size"):
            return count_in(node.meta["val"])
        if len(parts) > 1 and parts[1].startswith(("_assert", "sym_constrain")):
            return None
        taken = [self.results[one] for one in node.all_input_nodes]
        if not any(_varies(one) for one in taken):
            return self._folded(node)
        handler = OPERATIONS.get(short) or OPERATIONS.get(".".join(parts[:2]))
        call = TorchCall(self.builder, node, {}, self.results, self.names)
        if handler is None:
            raise call.refuse("the operation is not implemented")
        call.raw.update(_arguments(node))
        made = handler(call)
        self.stated.take(node, made, stated=True)  # constants like the data
        return made

    def _folded(self, node: torch.fx.Node) -> Any:
        """Work out what depends on no input."""
        import torch
        from torch.fx.node import map_arg

        call = TorchCall(self.builder, node, {}, self.results, self.names)
        tags = getattr(node.target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            raise call.refuse("it draws random numbers")
        counted = [one for one in node.all_input_nodes if is_counted(one.meta.get("val"))]
        parts = str(node.target).split(".")
        aten = str(node.target).startswith("aten.")
        if counted and aten and parts[1] not in COUNTING:
            raise call.refuse("it computes with the number of samples", wrong_axis=True)
        if not aten and getattr(node.target, "__module__", "") not in {"_operator", "math"}:
            raise call.refuse("the operation is not implemented")
        arguments, named = map_arg((node.args, node.kwargs), lambda one: self.results[one])
        with torch.no_grad():
            made = cast("Callable[..., Any]", node.target)(*arguments, **named)
        if aten and parts[1].startswith("empty") and made.is_floating_point():
            return made.fill_(float("nan"))  # what is there is whatever was in memory
        self.stated.work_out(node, made, self.results)
        return made

    def _outputs(self, nodes: Sequence[Any]) -> tuple[list[Ref], list[TracedShape]]:
        refs, given = [], []
        for node in nodes:
            result = self.results.get(node) if hasattr(node, "meta") else None
            if isinstance(result, StackedStates):
                result = unstacked(self.builder, node.name, result)
            if not isinstance(result, TorchValue):
                raise UnsupportedModel(
                    f"the module gives {node}, which does not depend on its input: "
                    "give the outputs that do alone"
                )
            if result.fold is not None:
                raise WrongSampleAxis(
                    f"the module gives {node}, in which samples and steps are merged: "
                    "let it give (sample, step, ...)"
                )
            traced = traced_shape_of(node.meta["val"])
            assert traced is not None
            refs.append(result.ref if result.shape else self._target(node.name, result.ref))
            given.append(traced)
        return refs, given

    def _target(self, name: str, ref: Ref) -> Ref:
        """Give one number a sample as (sample, 1), the one target that it is."""
        node = self.builder.node(ref)
        if isinstance(node.layer, Squeeze):
            return node.inputs[0]
        return self.builder.add(f"{name}_target", ExpandDims(1), ref)


def _varies(result: object) -> bool:
    if isinstance(result, tuple | list):
        return any(_varies(one) for one in result)
    return isinstance(result, TorchValue | StackedStates)


def _arguments(node: torch.fx.Node) -> dict[str, Any]:
    """Name the arguments of a call, those left out with their usual values."""
    named: dict[str, Any] = {}
    for number, argument in enumerate(cast("torch._ops.OpOverload", node.target)._schema.arguments):
        if number < len(node.args) and not argument.kwarg_only:
            named[argument.name] = node.args[number]
        elif argument.name in node.kwargs:
            named[argument.name] = node.kwargs[argument.name]
        elif argument.has_default_value():
            named[argument.name] = argument.default_value
    return named
