"""One call of one operation of an exported PyTorch graph, with its arguments by name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import ExpandDims
from rnnlens.network.layers import Concatenate, Layer
from rnnlens.network.network import Ref, Source
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.refusals import WrongSampleAxis
from rnnlens.readers.torch.graph.values import (
    StackedStates,
    TorchGraphBuilder,
    TorchValue,
    TracedShape,
    is_counted,
    numbers_of,
    traced_shape_of,
)

if TYPE_CHECKING:
    import torch

__all__ = ["OPERATIONS", "Handler", "TorchCall", "operation"]

T = TypeVar("T")

Handler = Callable[["TorchCall"], Any]

#: What is implemented, by the operation's name: ``aten.linear``, or ``aten.conv1d.padding`` where
#: the overload matters.
OPERATIONS: dict[str, Handler] = {}


def operation(*names: str) -> Callable[[Handler], Handler]:
    """Declare which operations a function implements."""

    def register(function: Handler) -> Handler:
        OPERATIONS.update({f"aten.{name}": function for name in names})
        return function

    return register


@dataclass(frozen=True, eq=False)
class TorchCall:
    """One call."""

    #: The canonical graph so far.
    builder: TorchGraphBuilder
    #: The call in PyTorch's graph.
    node: torch.fx.Node
    #: Arguments by their names in the operation's schema: nodes of PyTorch's graph, numbers.
    raw: dict[str, Any]
    #: What each node of PyTorch's graph gave: `TorchValue`, `StackedStates`, or a tensor that is
    #: the same whatever the input.
    results: dict[torch.fx.Node, Any]
    #: The parameters and buffers of the module.
    names: dict[torch.fx.Node, str]

    @property
    def module(self) -> str:
        """Where in the module the call stands, such as ``"encoder.fc"``."""
        stack = list((self.node.meta.get("nn_module_stack") or {}).values())
        return "" if not stack or stack[-1][0].startswith("_") else str(stack[-1][0])

    @property
    def label(self) -> str:
        """What the node is to be called: the module's name, or the operation's."""
        own = self.module.replace(".", "_").removeprefix("L__self__").strip("_")
        return own or str(self.node.name)

    @property
    def function(self) -> str:
        """What a node besides the module's own is to be called: the operation's name."""
        return str(self.node.name)

    @property
    def out(self) -> TracedShape:
        """Shape of the result."""
        traced = traced_shape_of(self.node.meta["val"])
        if traced is None:
            raise self.refuse(
                "its shape depends on the number of samples in more than one axis", wrong_axis=True
            )
        return traced

    @property
    def kind(self) -> str:
        """The operation's name without its library and overload: ``"linear"``."""
        return str(self.node.target).split(".")[1]

    def refuse(self, why: str, *, wrong_axis: bool = False) -> UnsupportedModel:
        """Make the error for a call that is not read, perhaps for the wrong axis of samples."""
        place = f" in {self.module!r}" if self.module else ""
        target = self.node.target
        # a function of Python shows where it lies in memory
        what = str(target) if hasattr(target, "_schema") else getattr(target, "__name__", target)
        refusal = WrongSampleAxis if wrong_axis else UnsupportedModel
        return refusal(f"the module calls {what}{place}, which rnnlens does not read: {why}")

    def __getitem__(self, name: str) -> Any:
        """Give an argument that is no tensor."""
        value = self.raw[name]
        if isinstance(value, int | float | bool | str | None):
            return value
        if hasattr(value, "meta"):
            result = self.results[value]
            if isinstance(result, int | float) and is_counted(value.meta.get("val")):
                raise self.refuse(
                    f"its {name} is worked out from the number of samples", wrong_axis=True
                )
            return result
        return [self.results[one] if hasattr(one, "meta") else one for one in value]

    def given(self, name: str) -> Any:
        """Give what a tensor argument was found to be."""
        node = self.raw[name]
        return self.results[node] if hasattr(node, "meta") else node

    def value(self, name: str) -> TorchValue:
        """Give a tensor argument in canonical form; a constant becomes a node."""
        return self.as_value(self.raw[name])

    def values(self, name: str) -> list[TorchValue]:
        """Give a list of tensors in canonical form."""
        return [self.as_value(node) for node in self.raw[name]]

    def as_value(self, node: torch.fx.Node) -> TorchValue:
        """Give a node of PyTorch's graph in canonical form."""
        result = self.results[node]
        if isinstance(result, TorchValue):
            return result
        if isinstance(result, StackedStates):
            return unstacked(self.builder, node.name, result)
        traced = traced_shape_of(node.meta["val"])
        if traced is None or traced.batch is None or traced.inner != 1:
            raise self.refuse(
                f"{node.name} has no axis of samples, where one is needed", wrong_axis=True
            )
        array = self.per_sample(result, traced.batch)
        ref = self.builder.constant(node.name, array)
        return TorchValue(ref, array.shape, traced.batch)

    def per_sample(self, tensor: torch.Tensor, batch: int, *, holes: bool = False) -> np.ndarray:
        """Give the numbers that every sample has in a tensor that no input changes."""
        array = np.moveaxis(numbers_of(tensor), batch, 0)
        if not holes and array.dtype.kind == "f" and not np.isfinite(array).all():
            raise self.refuse(
                "a constant in it holds NaN or infinity, with which rnnlens does not compute: "
                "leave out what it marks"
            )
        if not np.array_equal(array, np.broadcast_to(array[:1], array.shape), equal_nan=holes):
            raise self.refuse("a constant in it differs from sample to sample")
        return array[0].copy()

    def constant(self, name: str) -> np.ndarray | None:
        """Give a tensor argument that no input may change, such as a weight."""
        result = self.given(name)
        if result is None:
            return None
        if isinstance(result, TorchValue | StackedStates):
            raise self.refuse(f"its {name} is computed from the input, where weights are expected")
        return numbers_of(result).copy()

    def source(self, name: str, words: str = "") -> Source:
        """Say where a weight came from."""
        node = self.raw[name]
        return Source(f"{self.names.get(node, node.name)}{words}")

    def array(self, node: torch.fx.Node) -> CellArray:
        """Give a weight of a recurrent layer."""
        result = self.results[node]
        if isinstance(result, TorchValue | StackedStates):
            raise self.refuse(f"{node.name} is computed from the input, where weights are expected")
        return CellArray(numbers_of(result).copy(), self.names.get(node) or str(node.name))

    def shared(self, keys: Sequence[Hashable], make: Callable[[], T]) -> T:
        """Give the layer that these weights already made, so that a shared layer is one layer."""
        key = tuple(keys)
        if key not in self.builder.layers:
            self.builder.layers[key] = make()
        return self.builder.layers[key]

    def pointwise(
        self, value: TorchValue, layer: Layer, sources: dict[str, Source] | None = None
    ) -> TorchValue:
        """Add a layer that leaves the shape as it is."""
        ref = self.builder.add(self.label, layer, value.ref, sources=sources)
        return TorchValue(ref, value.shape, value.batch, value.fold)

    def axis(self, value: TorchValue, axis: int) -> int:
        """Give the canonical axis of one of PyTorch's, counted with the batch axis as 0."""
        axis %= value.rank
        if axis == value.batch:
            raise self.refuse("it works across the samples of a batch", wrong_axis=True)
        return axis + 1 if value.fold is not None or axis < value.batch else axis

    def unfolded(self, value: TorchValue) -> TorchValue:
        """Refuse a value whose axis of samples is merged with another."""
        if value.fold is not None:
            raise self.refuse("it follows a view that merges samples and steps", wrong_axis=True)
        return value


def unstacked(builder: TorchGraphBuilder, name: str, stack: StackedStates) -> TorchValue:
    """Make one value of the states of several layers and directions."""
    parts: list[Ref] = [
        builder.add(f"{name}_{number}", ExpandDims(1), ref)
        for number, ref in enumerate(stack.parts.ravel())
    ]
    ref = builder.add(name, Concatenate(1), *parts) if len(parts) > 1 else parts[0]
    shape = (len(parts), stack.width)
    target = (*stack.parts.shape, stack.width)
    return TorchValue(builder.reshaped(name, ref, shape, target), target, stack.parts.ndim)
