"""A program as a list of steps, whatever it came from, and a module that goes through them.

Only operations that rnnlens knows are called, by their names in its own tables: a program names
them, and brings no code of its own.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnlens.errors import UnsupportedModel
from rnnlens.readers.torch.graph.call import OPERATIONS
from rnnlens.readers.torch.graph.read import COUNTING

if TYPE_CHECKING:
    import torch

__all__ = ["SWAPS", "Name", "Program", "Step", "drawn", "module_of", "operation_of", "sizes_of"]

#: Functions of Python that programs reckon sizes with.
RECKONING = "add sub mul floordiv truediv mod neg pow eq ne lt le gt ge getitem"
ARITHMETIC: dict[str, Callable[..., Any]] = {
    f"_operator.{name}": getattr(operator, name) for name in RECKONING.split()
} | {"math.floor": math.floor, "math.ceil": math.ceil, "math.trunc": math.trunc}
#: Operations that look at sizes and compute nothing.
LOOKING = ("_assert", "sym_constrain", "_guards")
#: Which sizes of a shape may be the number of samples, where they are equal to it.
SWAPS = ("every", "last", "first")
#: Arguments of operations that are sizes of what they make.
SIZES = frozenset({"size", "shape", "sizes"})


@dataclass(frozen=True)
class Name:
    """A value that stands for an earlier result."""

    name: str


@dataclass(frozen=True, eq=False)
class Step:
    """One call."""

    #: The operation as programs name it: ``"torch.ops.aten.linear.default"``.
    target: str
    #: Arguments by their names in the operation's schema, or by number.
    arguments: Mapping[str | int, Any]
    #: What its results are called, one after another; none where it gives one thing alone.
    results: tuple[str, ...]
    name: str


@dataclass(frozen=True, eq=False)
class Program:
    """What a program takes, does and gives."""

    #: The inputs: what each is called, its sizes, or symbols for them, and the type of its numbers.
    inputs: tuple[tuple[str, tuple[int | str, ...], torch.dtype], ...]
    #: A size for each symbol that stands for any.
    hints: Mapping[str, int]
    steps: tuple[Step, ...]
    outputs: tuple[Name, ...]
    #: Weights by the names in the graph: what each is called in the model, and the tensor.
    weights: Mapping[str, tuple[str, torch.Tensor]]

    @property
    def symbols(self) -> list[str]:
        """The sizes that may be any, those first that most inputs have."""
        found = [size for _, shape, _ in self.inputs for size in shape if isinstance(size, str)]
        return sorted(dict.fromkeys(found), key=lambda one: -found.count(one))


def operation_of(target: str) -> Callable[..., Any] | None:
    """Give the operation of a name; None for one that only looks, and a refusal for others."""
    import torch

    if target in ARITHMETIC:
        return ARITHMETIC[target]
    parts = target.removeprefix("torch.ops.").split(".")
    if len(parts) == 3 and parts[0] == "aten":
        _, name, overload = parts
        if name.startswith(LOOKING):
            return None
        known = {f"aten.{name}", f"aten.{name}.{overload}"} & set(OPERATIONS)
        if known or name in COUNTING:
            return getattr(getattr(torch.ops.aten, name), overload)
    raise UnsupportedModel(
        f"the program calls {target.removeprefix('torch.ops.')}, which rnnlens does not read: give "
        "the state dict of the model that was exported"
    )


def module_of(program: Program, samples: int | None, swapped: str = "every") -> torch.nn.Module:
    """Give a module that goes through the steps.

    Where a program was made for one number of samples alone, sizes of that number are taken for
    the number of samples at hand: every one of a shape, the last or the first. What comes of it is
    compared with the program itself.
    """
    import torch

    calls = [(step, operation_of(step.target)) for step in program.steps]

    class Interpreted(torch.nn.Module):
        def forward(self, *tensors: torch.Tensor) -> Any:
            values: dict[str, Any] = dict(
                zip((name for name, _, _ in program.inputs), tensors, strict=True)
            )
            values |= {name: _within(self, where) for name, (where, _) in program.weights.items()}
            now = tensors[0].shape[0]
            for step, call in calls:
                if call is None:
                    continue
                given = {
                    key: _resized(_valued(one, values), samples, now, swapped)
                    if key in SIZES
                    else _valued(one, values)
                    for key, one in step.arguments.items()
                }
                made = _called(call, given)
                values[step.name] = made
                values |= dict(zip(step.results, made, strict=False)) if step.results else {}
            return tuple(values[one.name] for one in program.outputs)

    module = Interpreted()
    for where, tensor in program.weights.values():
        _placed(module, where, tensor)
    return module.eval()


def _placed(module: torch.nn.Module, where: str, tensor: torch.Tensor) -> None:
    """Put a weight where the model had it."""
    import torch

    *parts, name = where.split(".")
    for part in parts:
        if part not in module._modules:
            module.add_module(part, torch.nn.Module())
        module = module._modules[part]  # type: ignore[assignment]
    module.register_buffer(name, tensor)


def _within(module: torch.nn.Module, where: str) -> torch.Tensor:
    part, _, name = where.rpartition(".")
    return module.get_submodule(part)._buffers[name]  # type: ignore[return-value]


def _valued(argument: Any, values: Mapping[str, Any]) -> Any:
    """Give an argument, names being what they stand for."""
    if isinstance(argument, Name):
        return values[argument.name]
    if isinstance(argument, list):
        return [_valued(one, values) for one in argument]
    return argument


def _resized(shape: Any, samples: int | None, now: Any, swapped: str) -> Any:
    """Give a shape for the number of samples at hand."""
    if samples is None or not isinstance(shape, list):
        return shape
    places = [k for k, one in enumerate(shape) if type(one) is int and one == samples]
    chosen = {"every": places, "last": places[-1:], "first": places[:1]}[swapped]
    return [now if k in chosen else one for k, one in enumerate(shape)]


def _called(call: Callable[..., Any], given: Mapping[str | int, Any]) -> Any:
    schema = getattr(call, "_schema", None)
    if schema is None:
        return call(*given.values())
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for number, argument in enumerate(schema.arguments):
        key: str | int = argument.name if argument.name in given else number
        if key not in given:
            if argument.kwarg_only or not argument.has_default_value():
                continue
            value = argument.default_value
        else:
            value = given[key]
        if argument.kwarg_only:
            kwargs[argument.name] = value
        else:
            args.append(value)
    return call(*args, **kwargs)


def sizes_of(program: Program, symbols: Mapping[str, int]) -> list[tuple[int, ...]]:
    """Give the shape of each input for a size of each symbol."""
    return [
        tuple(symbols[size] if isinstance(size, str) else size for size in shape)
        for _, shape, _ in program.inputs
    ]


def drawn(program: Program, shapes: Sequence[tuple[int, ...]]) -> list[torch.Tensor]:
    """Draw numbers for each input."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
        if dtype.is_floating_point
        else torch.ones(shape, dtype=dtype)
        for (_, _, dtype), shape in zip(program.inputs, shapes, strict=True)
    ]
