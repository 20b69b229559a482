"""Two records of a module, on more samples and on fewer, as one graph for any number of them.

What differs between the records goes with the number of samples: a size, or a number that code
works out. Where anything else differs, the module's code does something else from one number of
samples to another, or with other numbers, and the records tell no graph.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import getitem
from typing import TYPE_CHECKING, Any

from rnnlens.readers.torch.following.escapes import END, NotRecorded
from rnnlens.readers.torch.following.followed import FollowedCall, Held
from rnnlens.readers.torch.following.recorder import Place, Recording, Step
from rnnlens.readers.torch.graph.mutation import settled, writes_in_place
from rnnlens.readers.torch.graph.values import SampleCount

if TYPE_CHECKING:
    import torch

__all__ = ["paired"]


@dataclass(frozen=True)
class _Tensor:
    """What is known of a tensor of the graph."""

    shape: tuple[int | SampleCount, ...]
    dtype: torch.dtype


def paired(
    records: Sequence[Recording], samples: Sequence[int], names: Sequence[str]
) -> tuple[FollowedCall, bool]:
    """Make one graph of two records, and say whether the module's code writes in place.

    Parameters
    ----------
    records : sequence of Recording
        Of the same call.
    samples : sequence of int
        How many samples each was given; the first number is the example's.
    names : sequence of str
        What the entries of what is given are called.

    Raises
    ------
    NotRecorded
        If the records say something else, or their writing in place is not plain.
    """
    return _Pair(records, samples, names).followed()


class _Pair:
    def __init__(
        self, records: Sequence[Recording], samples: Sequence[int], names: Sequence[str]
    ) -> None:
        import torch

        self.one, self.other = records
        self.samples = samples
        self.names = names
        self.graph = torch.fx.Graph()
        self.held: dict[str, Held] = {}
        self.nodes: dict[Place, Any] = {}
        self.counts: dict[SampleCount, Any] = {}

    def followed(self) -> tuple[FollowedCall, bool]:
        """Give the graph; see `paired`."""
        self._entries()
        _same(len(self.one.steps) == len(self.other.steps))
        for number, steps in enumerate(zip(self.one.steps, self.other.steps, strict=True)):
            self._step(number, *steps)
        _same(self.one.outputs == self.other.outputs)
        output = self.graph.output([self.nodes[place] for place in self.one.outputs])
        writes = writes_in_place(self.graph)
        if not settled(self.graph):
            raise NotRecorded("it writes into what other values share")
        given: Any = output.args[0]
        return FollowedCall(self.graph, self.held, given), writes

    def _entries(self) -> None:
        import torch

        both = zip(self.names, self.one.given, self.other.given, strict=True)
        for number, (name, one, other) in enumerate(both):
            node = self.graph.placeholder(name)
            node.meta["val"] = self._tensor(one, other)
            self.nodes[Place("given", number)] = node
        _same(self.one.held.keys() == self.other.held.keys())
        for name, tensor in self.one.held.items():
            kind = "p" if isinstance(tensor, torch.nn.Parameter) else "b"
            self._hold(Place("held", name), f"{kind}_{name.replace('.', '_')}", name, tensor)
        for number, (one, other) in enumerate(
            zip(self.one.stated, self.other.stated, strict=False)
        ):
            _same(one.dtype == other.dtype and torch.equal(one, other))
            target = f"lifted_tensor_{number}"
            self._hold(Place("stated", number), f"c_{target}", target, one)

    def _hold(self, place: Place, entry: str, target: str, tensor: torch.Tensor) -> None:
        node = self.graph.placeholder(entry)
        node.meta["val"] = _Tensor(tuple(tensor.shape), tensor.dtype)
        self.held[node.name] = Held(target, tensor, place.kind == "stated")
        self.nodes[place] = node

    def _step(self, number: int, one: Step, other: Step) -> None:
        _same(one.operation is other.operation and one.within == other.within)
        args = self._joined(one.args, other.args)
        if _is_whole(one) and one.gives == other.gives:  # of an axis of known size
            self.nodes[Place("made", number)] = args[0]
            return
        kwargs = self._joined(one.kwargs, other.kwargs)
        name = one.operation.overloadpacket.__name__
        name = name.strip("_") if name.startswith("__") else name
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()  # "m_t" for mT, as PyTorch says
        node = self.graph.create_node("call_function", one.operation, tuple(args), kwargs, name)
        node.meta["nn_module_stack"] = {name: (name, "") for name in one.within}
        self._made(node, Place("made", number), one.gives, other.gives)

    def _made(self, node: Any, place: Place, one: Any, other: Any) -> Any:
        """Say what a node gives, and take the several that it gives apart."""
        if isinstance(one, list):
            _same(isinstance(other, list) and len(one) == len(other))
            parts = [
                self._made(
                    self.graph.call_function(getitem, (node, k)),
                    Place(place.kind, place.which, (*place.path, k)),
                    *both,
                )
                for k, both in enumerate(zip(one, other, strict=True))
            ]
            node.meta["val"] = parts
            return parts
        node.meta["val"] = None if one is None else self._tensor(one, other)
        self.nodes[place] = node
        return node.meta["val"]

    def _joined(self, one: Any, other: Any) -> Any:
        """Give an argument that is both."""
        _same(type(one) is type(other))
        if isinstance(one, list):
            _same(len(one) == len(other))
            return [self._joined(*both) for both in zip(one, other, strict=True)]
        if isinstance(one, dict):
            _same(one.keys() == other.keys())
            return {key: self._joined(one[key], other[key]) for key in one}
        if isinstance(one, Place):
            _same(one == other)
            return self.nodes[one]
        if type(one) is int and one != other:
            return self._count(self._counted(one, other))
        _same(one == other or one is other)
        return one

    def _count(self, count: SampleCount) -> Any:
        """Give the node of a number that goes with the number of samples."""
        import torch

        if count not in self.counts:
            first = self.nodes[Place("given", 0)]
            node = self.graph.call_function(torch.ops.aten.sym_size.int, (first, 0))
            node.meta["val"] = count
            self.counts[count] = node
        return self.counts[count]

    def _tensor(self, one: Any, other: Any) -> _Tensor:
        (shape, dtype), (longer, same) = one, other
        _same(dtype == same and len(shape) == len(longer))
        sizes = zip(shape, longer, strict=True)
        return _Tensor(tuple(a if a == b else self._counted(a, b) for a, b in sizes), dtype)

    def _counted(self, one: int, other: int) -> SampleCount:
        """Say how a number goes with the number of samples."""
        few, many = self.samples
        times, rest = divmod(other - one, many - few)
        _same(rest == 0)
        return SampleCount(times, one - times * few, one)


def _is_whole(step: Step) -> bool:
    """Say whether a step takes the whole of an axis, and so what it takes."""
    import torch

    return step.operation is torch.ops.aten.slice.Tensor and step.args[2:] == [0, END]


def _same(alike: bool) -> None:
    if not alike:
        raise NotRecorded("it does something else with more samples")
