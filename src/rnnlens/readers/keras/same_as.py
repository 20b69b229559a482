"""Classes of the user's that are said to compute what a class of Keras computes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from rnnlens.errors import InputError
from rnnlens.names import told
from rnnlens.network.json_values import Json, JsonObject

__all__ = ["OWN_CLASS", "read_as", "stored_class"]

#: Where a serialised layer keeps the class that it had before it was read as another.
OWN_CLASS = "rnnlens_own_class"

#: How deep configurations are searched: no real one comes near, a hostile file may.
DEEPEST = 200


def _names(entry: JsonObject) -> set[str]:
    """Give the names that a class goes by: with and without the package it was registered in."""
    written = {str(entry.get("class_name")), str(entry.get("registered_name"))}
    return written | {name.rsplit(">", 1)[-1] for name in written}


def read_as(
    entry: JsonObject, same_as: Mapping[str, str], known: Collection[str]
) -> tuple[JsonObject, list[str]]:
    """Give a serialised model with classes read as others, and what is assumed by it."""
    for own, meant in same_as.items():
        if meant not in known:
            raise InputError(
                f"same_as: rnnlens reads no class {meant!r} of Keras, which {own!r} is said to be; "
                "name one that it reads, such as LSTM"
            )
    used: set[str] = set()

    def changed(value: Json, depth: int) -> Json:
        if depth > DEEPEST:
            return value
        if isinstance(value, list):
            return [changed(item, depth + 1) for item in value]
        if not isinstance(value, Mapping):
            return value
        made = {key: changed(item, depth + 1) for key, item in value.items()}
        own = next((name for name in same_as if name in _names(value)), None)
        if own is None or "config" not in value:
            return made
        used.add(own)
        plain = {"class_name": same_as[own], "registered_name": None, OWN_CLASS: own}
        return made | plain | ({"module": "keras.layers"} if "module" in value else {})

    made = changed(entry, 0)
    left = sorted(set(same_as) - used)
    if left:
        there = ", ".join(sorted(set(_classes(entry, 0)))) or "none"
        raise InputError(f"same_as: the model has no class {left[0]!r}; its classes are {there}")
    assert isinstance(made, dict)
    return made, [
        told("{own} computes what Keras's {meant} does", own=own, meant=meant)
        for own, meant in same_as.items()
    ]


def _classes(value: Json, depth: int) -> Iterator[str]:
    """Give the classes of layers within a configuration."""
    if isinstance(value, Mapping):
        if {"class_name", "config"} <= set(value) and isinstance(value["config"], Mapping):
            config = value["config"]
            if {"layers", "trainable"} & set(config):
                yield str(value["class_name"]).rsplit(">", 1)[-1]
        value = list(value.values())
    if isinstance(value, list) and depth < DEEPEST:
        for item in value:
            yield from _classes(item, depth + 1)


def stored_class(entry: JsonObject) -> str:
    """Give the class by which a file keeps the arrays of a layer."""
    return str(entry.get(OWN_CLASS, entry["class_name"]))
