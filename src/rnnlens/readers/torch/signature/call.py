"""What a module is called with: tensors among dictionaries, lists, dataclasses, what is fixed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnlens.errors import InputError
from rnnlens.network.unique import unique_name
from rnnlens.readers.refusals import first_line
from rnnlens.readers.torch.signature.nested import filled, is_record, parts_of, ways, with_parts

if TYPE_CHECKING:
    import torch

__all__ = ["Call", "call_of"]

#: Leaves of an example that are handed on as they are.
FIXED = (bool, int, float, complex, str, bytes, type(None))


@dataclass(frozen=True, eq=False)
class Call:
    """One way of calling a module, with the places of its tensors."""

    #: Everything that is handed over, one after another; None where a tensor stands.
    leaves: tuple[Any, ...]
    #: Which of them are tensors.
    places: tuple[int, ...]
    #: How they are laid out: ``(args, kwargs)`` with anything in the place of a leaf.
    layout: tuple[tuple[Any, ...], dict[str, Any]]
    #: What each tensor is called.
    names: tuple[str, ...]

    def arguments(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the positional and the keyword arguments that hold these tensors."""
        leaves = list(self.leaves)
        for place, tensor in zip(self.places, tensors, strict=True):
            leaves[place] = tensor
        return filled(self.layout, iter(leaves))


def call_of(module: torch.nn.Module, example: Any) -> tuple[Call, list[torch.Tensor]]:
    """Read an example: an array, a tuple of arguments, a dictionary; each may hold others."""
    signature = inspect.signature(module.forward)
    layout = _bound(signature, example)
    flat = list(ways(layout))
    wanted = next((p.dtype for p in module.parameters() if p.dtype.is_floating_point), None)
    leaves = [leaf if isinstance(leaf, FIXED) else _tensor(leaf, wanted) for _, leaf in flat]
    places = [k for k, leaf in enumerate(leaves) if not isinstance(leaf, FIXED)]
    if not places:
        raise InputError("example holds no array: give input of the shape that the module takes")
    names = _names([_path(signature, flat[k][0]) for k in places])
    fixed = tuple(leaf if isinstance(leaf, FIXED) else None for leaf in leaves)
    tensors: list[Any] = [leaves[k] for k in places]
    return Call(fixed, tuple(places), layout, names), tensors


def _bound(signature: inspect.Signature, example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Lay an example out as the arguments of a call, in the first way that fits the signature."""
    tried = list(_ways(example))
    for args, kwargs in tried:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            continue
        return bound.args, bound.kwargs
    return tried[0]  # the call itself will say what is wrong


def _ways(example: Any) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    if isinstance(example, Mapping):
        whole = _plain(example)
        if all(isinstance(key, str) for key in example):
            yield (), whole
        yield (whole,), {}
        return
    if not isinstance(example, tuple | list):
        yield (example,), {}
        return
    args = tuple(_plain(one) for one in example)
    yield args, {}
    if isinstance(example[-1] if example else None, Mapping):
        yield args[:-1], args[-1]
    yield (args,), {}


def _plain(one: Any) -> Any:
    """Make arrays of lists of numbers, and plain dictionaries of mappings, in what is nested."""
    if isinstance(one, Mapping):
        return {key: _plain(value) for key, value in one.items()}
    if is_record(one):
        return with_parts(one, [_plain(part) for part in parts_of(one)])
    if isinstance(one, list | tuple) and one:
        if all(_numbers(part) for part in one):
            return _array(one)
        if hasattr(one, "_fields"):  # a named tuple stays one
            return type(one)(*(_plain(part) for part in one))
        return type(one)(_plain(part) for part in one)
    return one


def _numbers(one: Any) -> bool:
    if isinstance(one, list | tuple):
        return all(_numbers(part) for part in one)
    return isinstance(one, int | float) and not isinstance(one, bool)


def _array(one: Any) -> torch.Tensor:
    import torch

    return torch.as_tensor(one)


def _tensor(leaf: Any, wanted: torch.dtype | None) -> torch.Tensor:
    """Make a tensor, of the module's own type of floating-point numbers."""
    import torch

    try:
        tensor = torch.as_tensor(leaf).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            "example must hold arrays and tensors, in tuples, lists and dictionaries as the module "
            f"takes them ({first_line(error, 200)})"
        ) from error
    if wanted is not None and tensor.dtype.is_floating_point:
        tensor = tensor.to(wanted)
    return tensor.clone()  # code may write into what it takes, and the example is the caller's


def _path(signature: inspect.Signature, path: Sequence[Any]) -> list[str]:
    """Give the way to a leaf: the parameter's name, and then keys and numbers."""
    side, *rest = path
    if side == 1:
        return [str(key) for key in rest]
    parameters = list(signature.parameters.values())
    many = next((p for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    number, *inner = rest
    if number < len(positional):
        return [positional[number].name, *map(str, inner)]
    extra = [many.name] if many is not None else ["input"]
    return [*extra, str(number - len(positional)), *map(str, inner)]


def _names(paths: list[list[str]]) -> tuple[str, ...]:
    """Name each tensor by its key where that is a word of its own, and by its whole way else."""
    firsts = [path[0] for path in paths]
    short = [path[0] if firsts.count(path[0]) == 1 else path[-1] for path in paths]
    by_key = [
        path[-1] if not path[-1].isdigit() else name
        for path, name in zip(paths, short, strict=True)
    ]
    used: set[str] = set()
    return tuple(
        unique_name(
            name if by_key.count(name) == 1 and not name.isdigit() else "_".join(path), used
        )
        for name, path in zip(by_key, paths, strict=True)
    )
