"""A network with other numbers in the same places: what training makes of it, step after step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from rnnlens.network.network import Network

__all__ = ["arrays_within", "with_arrays"]


def arrays_within(network: Network) -> list[np.ndarray]:
    """List every array of a network's layers, each layer once, always in the same order."""
    found: list[np.ndarray] = []

    def note(array: np.ndarray) -> np.ndarray:
        found.append(array)
        return array

    _mapped(network, note)
    return found


def with_arrays(network: Network, arrays: Sequence[np.ndarray]) -> Network:
    """Give the network with other arrays, in the order of `arrays_within`."""
    waiting: Iterator[np.ndarray] = iter(arrays)
    return _mapped(network, lambda _: next(waiting))


def _mapped(network: Network, change: Callable[[np.ndarray], np.ndarray]) -> Network:
    made: dict[int, Any] = {}  # a layer that is called twice stays one layer
    nodes = []
    for node in network.nodes:
        if id(node.layer) not in made:
            made[id(node.layer)] = _changed(node.layer, change)
        nodes.append(replace(node, layer=made[id(node.layer)]))
    return replace(network, nodes=tuple(nodes))


def _changed(value: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Give a value with every array in it changed; the value itself where it holds none."""
    if isinstance(value, np.ndarray):
        return change(value)
    if is_dataclass(value) and not isinstance(value, type):
        own = {spec.name: getattr(value, spec.name) for spec in fields(value) if spec.init}
        new = {name: _changed(part, change) for name, part in own.items()}
        moved = {name: part for name, part in new.items() if part is not own[name]}
        return replace(value, **moved) if moved else value
    if isinstance(value, tuple | list):
        parts = [_changed(part, change) for part in value]
        same = all(new is old for new, old in zip(parts, value, strict=True))
        if same:
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, Mapping):
        new = {key: _changed(part, change) for key, part in value.items()}
        return value if all(new[key] is value[key] for key in value) else new
    return value
