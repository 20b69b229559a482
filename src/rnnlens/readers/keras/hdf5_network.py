"""From a configuration and the groups of an HDF5 file to a network, whatever Keras wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.json_values import Json, JsonObject
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.hdf5 import text_attribute
from rnnlens.readers.keras.graph.config import network_of
from rnnlens.readers.keras.keras1.translate import modern
from rnnlens.readers.keras.keras1.variables import Keras1LayerGroups, written_by_theano
from rnnlens.readers.keras.layers.spec import KerasVersion, keras_version_of
from rnnlens.readers.keras.weights import LayerGroups

if TYPE_CHECKING:
    import h5py

__all__ = ["groups_of", "network_within", "prepared", "version_within"]

#: Words that no configuration of Keras 1 has.
NEW_WORDS = ('"kernel_initializer"', '"units"', '"recurrent_activation"', '"keras_version"')

#: The number that stands for a version of Keras 1 that the file does not state.
UNSTATED = "1"


def version_within(
    file: h5py.File, groups: LayerGroups, version: str | None = None
) -> KerasVersion:
    """Tell which Keras wrote an HDF5 file."""
    stated = text_attribute(file, "keras_version") or text_attribute(groups.group, "keras_version")
    keras_version = keras_version_of(stated or version or f"{UNSTATED}.0")
    backend = text_attribute(file, "backend") or text_attribute(groups.group, "backend")
    if not stated and not version:
        keras_version = replace(keras_version, number=UNSTATED, stated=False)
    if keras_version.generation == "Keras 1":
        names = [weight for name in groups.filled for weight, _, _ in groups.weights_of(name)]
        return replace(keras_version, theano=bool(names) and written_by_theano(names))
    return replace(keras_version, theano=backend == "theano")


def groups_of(groups: LayerGroups, keras_version: KerasVersion) -> LayerGroups:
    """Give the store that knows the names of a version."""
    return (
        Keras1LayerGroups(groups.group, groups.prefix, by_order=groups.by_order)
        if keras_version.generation == "Keras 1"
        else groups
    )


def network_within(
    config: JsonObject,
    groups: LayerGroups,
    keras_version: KerasVersion,
    origin: Origin,
    same_as: Mapping[str, str] | None = None,
) -> Network:
    """Join a configuration with its weights."""
    config, store, origin = prepared(config, groups, keras_version, origin)
    return network_of(config, store, keras_version, origin, same_as)


def prepared(
    config: JsonObject, groups: LayerGroups, keras_version: KerasVersion, origin: Origin
) -> tuple[JsonObject, LayerGroups, Origin]:
    """Put a configuration into the words of Keras 2, and its weights under their names."""
    if keras_version.generation != "Keras 1":
        return config, groups, origin
    if not keras_version.stated:
        _check_unstated(config, origin)
        note = told("The file does not state the version of Keras, so it is of Keras 1.0 or 1.1.")
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
    return config, groups_of(groups, keras_version), origin


def _check_unstated(config: JsonObject, origin: Origin) -> None:
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


def _classes(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "class_name" in value:
            yield str(value["class_name"])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _classes(item)
