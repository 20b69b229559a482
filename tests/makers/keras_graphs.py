"""Functional models of Keras 3 by their configuration alone, without Keras and without arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnlens.network.network import Network, Origin
from rnnlens.readers.keras.graph.config import network_of
from rnnlens.readers.keras.layers.spec import keras_version_of
from rnnlens.readers.variables import StoredVariable, VariableStore

__all__ = ["NoArrays", "X", "entry", "graph", "model", "operation", "placed", "tensor"]


class NoArrays(VariableStore):
    """What keeps no arrays."""

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        return []

    def sublayer(self, attribute: str) -> VariableStore:
        return self

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        return {name: self for _, name in entries}


def tensor(name: str) -> dict[str, Any]:
    """The first output of a layer."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


#: The input of every graph here.
X = tensor("x")


def placed(*arguments: Any, **keywords: Any) -> list[dict[str, Any]]:
    """One call."""
    return [{"args": list(arguments), "kwargs": keywords}]


def entry(kind: str, name: str, calls: list[Any], **config: Any) -> dict[str, Any]:
    """A layer, as Keras 3 writes it."""
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, "trainable": True, **config},
        "name": name,
        "inbound_nodes": calls,
    }


def operation(kind: str, name: str, calls: list[Any], **config: Any) -> dict[str, Any]:
    """An operation between layers."""
    made = entry(kind, name, calls)
    return {**made, "module": "keras.src.ops.numpy", "config": {"name": name, **config}}


def model(*entries: dict[str, Any], shape: Sequence[int | None] = (6, 4)) -> dict[str, Any]:
    """A serialised model of one input, whose last entry gives the output."""
    first = entry("InputLayer", "x", [], batch_shape=[None, *shape])
    config = {
        "name": "m",
        "layers": [first, *entries],
        "input_layers": [["x", 0, 0]],
        "output_layers": [[entries[-1]["name"], 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


def graph(*entries: dict[str, Any], shape: Sequence[int | None] = (6, 4)) -> Network:
    """Read a model of one input, whose last entry gives the output."""
    version = keras_version_of("3.10.0")
    origin = Origin("configuration", "3.10.0")
    return network_of(model(*entries, shape=shape), NoArrays(), version, origin)
