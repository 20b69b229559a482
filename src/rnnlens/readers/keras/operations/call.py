"""One operation between layers: what it is given, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.json_values import Json
from rnnlens.network.layers import Layer
from rnnlens.network.network import Ref
from rnnlens.readers.keras.graph.nodes import Nodes

__all__ = ["OPERATIONS", "Maker", "OperationCall", "operation"]


@dataclass
class OperationCall:
    """What an operation is given, as Keras 3 names its operations and their arguments."""

    #: Keras 3's class of the operation, such as ``"GetItem"``.
    kind: str
    #: The operation in words, for messages.
    words: str
    nodes: Nodes
    #: Turns a value of the graph into a tensor.
    tensor: Callable[[Any], Ref]
    arguments: Sequence[Any]
    keywords: Mapping[str, Any]
    _read: set[str | int] = field(default_factory=set)

    def refuse(self, why: str) -> UnsupportedModel:
        """Give the error that says what of this operation is not implemented."""
        return UnsupportedModel(f"the operation {self.words}: {why}")

    def given(self, place: int, name: str, default: Any = ...) -> Any:
        """Give an argument, by its place or its name."""
        self._read |= {name, place}
        if place < len(self.arguments):
            return self.arguments[place]
        value = self.keywords.get(name, default)
        if value is ...:
            raise self.refuse(f"its argument {name} is not in the file; save the model again")
        return value

    def option(self, name: str, default: Any = None) -> Any:
        """Give an argument that is known by its name alone."""
        self._read.add(name)
        return self.keywords.get(name, default)

    def finish(self) -> None:
        """Refuse what was given and not read."""
        left = [
            *(str(k + 1) for k in range(len(self.arguments)) if k not in self._read),
            *(name for name, value in self.keywords.items() if self._unread(name, value)),
        ]
        if left:
            raise self.refuse(f"its argument {left[0]} is not implemented; leave it out")

    def _unread(self, name: str, value: Json) -> bool:
        return name not in self._read and name != "name" and value is not None

    # --- values --------------------------------------------------------------------------------

    def ref(self, place: int = 0, name: str = "x") -> Ref:
        """Give an argument that must be a value of the network."""
        value = self.given(place, name)
        if not self.is_value(value):
            raise self.refuse(f"its argument {name} is no output of a layer")
        return self.tensor(value)

    @staticmethod
    def is_value(item: Any) -> bool:
        """Tell a value of the network from a constant."""
        return not isinstance(item, bool | int | float | str | list | Mapping) and item is not None

    def operand(self, place: int, name: str) -> Ref | np.ndarray:
        """Give an argument that is a value of the network, or numbers."""
        value = self.given(place, name)
        return self.tensor(value) if self.is_value(value) else self.numbers(value, name)

    def numbers(self, value: Json, name: str) -> np.ndarray:
        """Turn a constant of the file into an array."""
        try:
            array = np.array(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self.refuse(f"its argument {name} is neither a value nor numbers") from error
        if not np.isfinite(array).all():
            raise self.refuse(f"its argument {name} holds NaN or infinity; use finite numbers")
        return array

    def refs(self, place: int, name: str) -> list[Ref]:
        """Give an argument that is a list of values; constants are laid beside each sample."""
        items = self.given(place, name)
        if not isinstance(items, list | tuple) or not any(map(self.is_value, items)):
            raise self.refuse(f"its argument {name} is no list of outputs of layers")
        like = next(self.tensor(item) for item in items if self.is_value(item))
        made = []
        for item in items:
            if self.is_value(item):
                made.append(self.tensor(item))
                continue
            array = self.numbers(item, name)
            if array.ndim != self.nodes.rank(like) or len(array) != 1:
                raise self.refuse("it joins a constant that is laid out for a number of samples")
            made.append(self.nodes.constant(array[0], like))
        return made

    # --- axes ----------------------------------------------------------------------------------

    def axis(self, value: Json, rank: int) -> int:
        """Give an axis counted from that of the samples; refuse that one."""
        if not isinstance(value, int) or isinstance(value, bool) or not -rank <= value < rank:
            raise self.refuse(f"its axis {value!r} is none of the {rank} axes of its input")
        if value % rank == 0:
            raise self.refuse(
                "it works along the axis of the samples, which rnnlens keeps apart; give it an "
                "axis from 1 on"
            )
        return value % rank

    def axes(self, value: Json, rank: int) -> tuple[int, ...]:
        """Give axes counted from that of the samples."""
        if value is None:
            raise self.refuse(
                "it takes all axes together, the samples' as well, and rnnlens keeps samples "
                "apart; give it axes from 1 on"
            )
        listed = value if isinstance(value, list | tuple) else [value]
        return tuple(sorted({self.axis(item, rank) for item in listed}))

    def add(self, layer: Layer, *refs: Ref) -> Ref:
        """Add a node."""
        return self.nodes.add(layer, *refs)


#: What makes the nodes of an operation; several outputs for a split.
Maker = Callable[[OperationCall], Ref | list[Ref]]

#: The operations that are read, by Keras 3's class.
OPERATIONS: dict[str, Maker] = {}


def operation(*kinds: str) -> Callable[[Maker], Maker]:
    """Enter what makes the nodes of some operations."""

    def enter(maker: Maker) -> Maker:
        OPERATIONS.update(dict.fromkeys(kinds, maker))
        return maker

    return enter
