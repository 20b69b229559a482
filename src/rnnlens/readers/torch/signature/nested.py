"""Dictionaries, lists, tuples and dataclasses within each other, as a call takes and gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any

__all__ = ["filled", "is_record", "leaves", "opened", "parts_of", "ways", "with_parts"]


def is_record(value: Any) -> bool:
    """Say whether a value is an object of a dataclass, whose fields hold what a call takes."""
    return is_dataclass(value) and not isinstance(value, type)


def opened(value: Any) -> Any:
    """Give the same nest with a dictionary of its fields in the place of every dataclass."""
    if is_record(value):
        return {one.name: opened(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping | list | tuple):
        return with_parts(value, [opened(one) for one in parts_of(value)])
    return value


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give every leaf with the keys and numbers on the way to it, in PyTorch's order."""
    if not (is_record(value) or isinstance(value, Mapping | list | tuple)):
        yield way, value
        return
    for key, one in zip(_keys(value), parts_of(value), strict=True):
        yield from ways(one, (*way, key))


def leaves(value: Any) -> list[Any]:
    """Give every leaf in order."""
    return [leaf for _, leaf in ways(value)]


def filled(value: Any, new: Iterator[Any]) -> Any:
    """Give the same nest with other leaves, taken one after another."""
    if not (is_record(value) or isinstance(value, Mapping | list | tuple)):
        return next(new)
    return with_parts(value, [filled(one, new) for one in parts_of(value)])


def _keys(value: Any) -> list[Any]:
    if is_record(value):
        return [one.name for one in fields(value)]
    if isinstance(value, Mapping):
        return list(value)
    return list(getattr(value, "_fields", range(len(value))))


def parts_of(value: Any) -> list[Any]:
    """Give what a nest holds, one level deep."""
    if is_record(value):
        return [getattr(value, one.name) for one in fields(value)]
    return list(value.values() if isinstance(value, Mapping) else value)


def with_parts(value: Any, parts: list[Any]) -> Any:
    """Give a nest of the same kind with other parts."""
    kind: Any = type(value)
    if is_record(value):
        made = copy(value)
        for name, one in zip(_keys(value), parts, strict=True):
            object.__setattr__(made, name, one)  # noqa: PLC2801  (a frozen one too)
        return made
    if isinstance(value, Mapping):
        made = dict(zip(value, parts, strict=True))
        return made if kind is dict else kind(made)
    return kind(*parts) if hasattr(value, "_fields") else kind(parts)
