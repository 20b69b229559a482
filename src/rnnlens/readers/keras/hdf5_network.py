"""From a configuration and the groups of an HDF5 file to a network, whatever Keras wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.hdf5 import text_attribute
from rnnlens.readers.keras.graph.config import network_of
from rnnlens.readers.keras.keras1.translate import modern
from rnnlens.readers.keras.keras1.variables import Keras1Groups, written_by_theano
from rnnlens.readers.keras.layers.spec import Dialect, dialect_of
from rnnlens.readers.keras.weights import Groups

__all__ = ["dialect_within", "groups_of", "network_within"]

#: Words that no configuration of Keras 1 has.
NEW_WORDS = ('"kernel_initializer"', '"units"', '"recurrent_activation"', '"keras_version"')

#: What a dialect is called where the file states no version.
UNSTATED = "1"


def dialect_within(file: Any, groups: Groups, version: str | None = None) -> Dialect:
    """Tell which Keras wrote an HDF5 file."""
    stated = text_attribute(file, "keras_version") or text_attribute(groups.group, "keras_version")
    dialect = dialect_of(stated or version or UNSTATED + ".0")
    backend = text_attribute(file, "backend") or text_attribute(groups.group, "backend")
    if not stated and not version:
        dialect = replace(dialect, version=UNSTATED)
    if dialect.generation == "Keras 1":
        names = [weight for name in groups.filled for weight, _, _ in groups.weights_of(name)]
        return replace(dialect, theano=bool(names) and written_by_theano(names))
    return replace(dialect, theano=backend == "theano")


def groups_of(groups: Groups, dialect: Dialect) -> Groups:
    """Give the shelf that knows the names of a version."""
    return Keras1Groups(groups.group, groups.prefix) if dialect.generation == "Keras 1" else groups


def network_within(
    config: Mapping[str, Any], groups: Groups, dialect: Dialect, origin: Origin
) -> Network:
    """Join a configuration with its weights."""
    if dialect.generation != "Keras 1":
        return network_of(config, groups, dialect, origin)
    if dialect.version == UNSTATED:
        _check_unstated(config, origin)
        note = "The file does not state the version of Keras, so it is of Keras 1.0 or 1.1."
        origin = replace(origin, version="", notes=(*origin.notes, note))
    try:
        config = modern(config)
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnreadableFile(
            f"the configuration within {origin.path} does not have the form that Keras 1 writes "
            f"({type(error).__name__}: {error}); the file is damaged"
        ) from error
    return network_of(config, groups_of(groups, dialect), dialect, origin)


def _check_unstated(config: Mapping[str, Any], origin: Origin) -> None:
    if any(word in json.dumps(config) for word in NEW_WORDS):
        raise UnsupportedModel(
            f"{origin.path} does not state the version of Keras that wrote it, as Keras 1 did not, "
            "but its options are in the words of Keras 2 or newer: what they mean cannot be told; "
            "load it in the Keras that wrote it and save it again"
        )
    if "BatchNormalization" in set(_classes(config)):
        raise UnsupportedModel(
            f"{origin.path} does not state its version of Keras 1, and the first ones kept the "
            "standard deviation where later ones keep the variance of a BatchNormalization; load "
            "it in the Keras that wrote it and save it with Keras 1.2 or newer"
        )


def _classes(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "class_name" in value:
            yield str(value["class_name"])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _classes(item)
