"""Dictionaries, lists and tuples within each other, as PyTorch lays out what a call takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["filled", "leaves", "ways"]


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give every leaf with the keys and numbers on the way to it, in PyTorch's order."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from ways(one, (*way, key))
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", range(len(value)))
        for key, one in zip(names, value, strict=True):
            yield from ways(one, (*way, key))
    else:
        yield way, value


def leaves(value: Any) -> list[Any]:
    """Give every leaf in order."""
    return [leaf for _, leaf in ways(value)]


def filled(value: Any, new: Iterator[Any]) -> Any:
    """Give the same nest with other leaves, taken one after another."""
    kind: Any = type(value)
    if isinstance(value, Mapping):
        made = {key: filled(one, new) for key, one in value.items()}
        return made if kind is dict else kind(made)
    if isinstance(value, list | tuple):
        parts = [filled(one, new) for one in value]
        return kind(*parts) if hasattr(value, "_fields") else kind(parts)
    return next(new)
