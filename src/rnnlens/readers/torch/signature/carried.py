"""States that a module keeps as attributes from one call to the next.

A network as read carries nothing on: it starts from the state that the module has, where that is
the same for every sample, and a note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rnnlens.errors import UnsupportedModel
from rnnlens.readers.torch.signature.nested import filled, leaves

if TYPE_CHECKING:
    import torch

__all__ = ["Carried", "Kept", "Started", "carried_by"]


@dataclass(frozen=True, eq=False)
class Kept:
    """One tensor within an attribute."""

    #: What it is called: the way to the attribute, and its place there.
    name: str
    #: One sample's numbers, with an axis of length one where the samples stand.
    row: torch.Tensor
    #: The axis of the samples.
    axis: int

    def expanded(self, samples: int) -> torch.Tensor:
        """Give it for so many samples."""
        shape = [samples if k == self.axis else n for k, n in enumerate(self.row.shape)]
        return self.row.expand(shape).clone()


@dataclass(frozen=True, eq=False)
class _Attribute:
    """An attribute of a part of a module."""

    part: torch.nn.Module
    #: Where that part stands in the module, and its own name there.
    where: str
    name: str

    @property
    def shown(self) -> str:
        return f"{self.where}.{self.name}" if self.where else self.name

    def value(self) -> Any:
        return getattr(self.part, self.name)

    def tensors(self) -> list[torch.Tensor]:
        return [one for one in leaves(self.value()) if _is_tensor(one)]


@dataclass(frozen=True, eq=False)
class Carried:
    """What a module keeps between calls."""

    #: Every attribute that a call changes or starts from.
    attributes: tuple[_Attribute, ...]
    #: What each holds when the module is read.
    values: tuple[Any, ...]
    #: The tensors in them that hold one state a sample; by attribute, and None for other leaves.
    slots: tuple[tuple[Kept | None, ...], ...]

    @property
    def kept(self) -> list[Kept]:
        """The states in order."""
        return [one for slots in self.slots for one in slots if one is not None]

    def within(self, module: torch.nn.Module) -> Carried:
        """Give the same attributes of another copy of the module."""
        attributes = (replace(one, part=module.get_submodule(one.where)) for one in self.attributes)
        return replace(self, attributes=tuple(attributes))

    def started(self, states: list[torch.Tensor]) -> Callable[[], None]:
        """Set the states, and give what puts back what was there."""
        before = [one.value() for one in self.attributes]
        given = iter(states)
        for attribute, value, slots in zip(self.attributes, self.values, self.slots, strict=True):
            parts = [
                leaf if slot is None else next(given).clone()
                for leaf, slot in zip(leaves(value), slots, strict=True)
            ]
            setattr(attribute.part, attribute.name, filled(value, iter(parts)))

        def restore() -> None:
            for attribute, value in zip(self.attributes, before, strict=True):
                setattr(attribute.part, attribute.name, value)

        return restore

    def freed(self) -> None:
        """Let buffers that are states be plain attributes, which a call may set."""
        for one in self.attributes:
            if one.name in one.part._buffers:
                value = one.part._buffers.pop(one.name)
                one.part.__dict__[one.name] = value


def _is_tensor(one: Any) -> bool:
    import torch

    return isinstance(one, torch.Tensor) and not isinstance(one, torch.nn.Parameter)


def _attributes(module: torch.nn.Module) -> Iterator[_Attribute]:
    """Give the attributes that may hold a state: none yet, or tensors."""
    import torch

    own = set(vars(torch.nn.Module())) | {"forward"}
    for where, part in module.named_modules():
        for name in [*(name for name in vars(part) if name not in own), *part._buffers]:
            value = getattr(part, name, None)
            if value is None or (leaves(value) and any(map(_is_tensor, leaves(value)))):
                yield _Attribute(part, where, name)


@dataclass(frozen=True, eq=False)
class Started:
    """What the recurrent layers of a module started from in a call."""

    #: By place in memory: the axis of the samples, and the shape.
    found: dict[int, tuple[int, tuple[int, ...]]]

    def axis(self, tensor: torch.Tensor) -> int | None:
        """Give the axis of the samples of a tensor from which a layer starts as it is."""
        axis, shape = self.found.get(tensor.data_ptr(), (None, ()))
        return axis if shape == tensor.shape else None


def carried_by(
    module: torch.nn.Module, call: Callable[[], object], samples: set[int]
) -> tuple[Carried | None, Started]:
    """Call a module, and say what it keeps: what a call changes, or hands a layer as its start.

    The module is left as it was before the call.
    """
    import torch

    attributes = list(_attributes(module))
    before = [([(one, one.clone()) for one in a.tensors()], a.value()) for a in attributes]
    started = Started({})

    def note(layer: object, inputs: tuple[Any, ...]) -> None:
        whole = isinstance(layer, torch.nn.RNNBase)
        for one in leaves(inputs[1:]):
            if isinstance(one, torch.Tensor):
                started.found[one.data_ptr()] = int(whole and one.ndim == 3), tuple(one.shape)

    layers = [one for one in module.modules() if isinstance(one, _cells())]
    hooks = [one.register_forward_pre_hook(note) for one in layers]
    try:
        call()
    finally:
        for hook in hooks:
            hook.remove()
    kept = [
        (attribute, tensors, value)
        for attribute, (tensors, value) in zip(attributes, before, strict=True)
        if _changed(attribute, tensors, value)
        or any(started.axis(t) is not None for t, _ in tensors)
    ]
    if not kept:
        return None, started
    for attribute, tensors, value in kept:
        for tensor, copied in tensors:
            with torch.no_grad():
                tensor.copy_(copied)
        setattr(attribute.part, attribute.name, value)
    slots = tuple(
        tuple(_kept(attribute, k, leaf, started, samples) for k, leaf in enumerate(leaves(value)))
        for attribute, _, value in kept
    )
    found = tuple(attribute for attribute, _, _ in kept), tuple(value for _, _, value in kept)
    return Carried(*found, slots), started


def _cells() -> tuple[type, ...]:
    import torch

    return (torch.nn.RNNBase, torch.nn.RNNCellBase)


def _changed(
    attribute: _Attribute, tensors: list[tuple[torch.Tensor, torch.Tensor]], value: Any
) -> bool:
    import torch

    if value is None:
        return any(map(_is_tensor, leaves(attribute.value())))
    now = attribute.tensors()
    return len(now) != len(tensors) or any(
        one.shape != copied.shape or not torch.equal(one, copied)
        for one, (_, copied) in zip(now, tensors, strict=True)
    )


def _kept(
    attribute: _Attribute,
    number: int,
    leaf: Any,
    started: Started,
    samples: set[int],
) -> Kept | None:
    import torch

    if not _is_tensor(leaf) or leaf.ndim == 0:
        return None
    axis = started.axis(leaf)
    if axis is None:  # no layer starts from it as it is
        axis = 1 if leaf.ndim == 3 else 0
        if leaf.shape[axis] not in samples:
            return None
    several = len(leaves(attribute.value())) > 1
    name = f"{attribute.shown}[{number}]" if several else attribute.shown
    row = leaf.detach().narrow(axis, 0, 1)
    # PyTorch's products of a batch round by where in it a sample stands
    if not torch.allclose(row.expand(leaf.shape), leaf, rtol=0, atol=32 * _rounding(leaf)):
        raise UnsupportedModel(
            f"the module keeps a state from call to call ({name}) that differs from sample to "
            "sample: set it to zeros, or to one state for all samples, before it is read, or let "
            "forward take it as an input"
        )
    return Kept(name, row.clone(), axis)


def _rounding(values: torch.Tensor) -> float:
    import torch

    return torch.finfo(values.dtype).eps if values.dtype.is_floating_point else 0.0
