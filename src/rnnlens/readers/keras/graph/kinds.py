"""What a serialised entry of a graph is: a layer, several layers here, or an operation."""

from __future__ import annotations

from collections.abc import Mapping

from rnnlens.network.json_values import Json, JsonObject
from rnnlens.readers.keras.composites.table import CALLED_BY_NAME, composite_of
from rnnlens.readers.keras.graph.calls import KerasCall, calls_of, operation_calls
from rnnlens.readers.keras.layers.spec import class_of
from rnnlens.readers.keras.operations.tf_keras import TF_CLASSES
from rnnlens.readers.keras.weights import MODELS

__all__ = ["calls_in", "is_bare", "is_operation", "is_several"]


def calls_in(entry: JsonObject) -> list[KerasCall]:
    """Give the calls of one entry: with lists and names as they are, where these matter."""
    named = is_operation(entry) or entry["class_name"] in CALLED_BY_NAME
    return operation_calls(entry) if named else calls_of(entry)


def is_several(entry: Json) -> bool:
    """Tell a serialised model, or a layer that is several layers here."""
    if not isinstance(entry, Mapping):
        return False
    return class_of(entry) in MODELS or composite_of(entry) is not None


def is_operation(entry: JsonObject) -> bool:
    """Tell an operation of a graph from a layer."""
    return entry["class_name"] in TF_CLASSES or is_bare(entry)


def is_bare(entry: JsonObject) -> bool:
    """Tell an operation of Keras 3, which files keep beside the layers and give no place."""
    module = entry.get("module")
    if module is not None:
        return ".ops" in str(module)
    # HDF5 files keep no module to tell by.
    config, nodes = entry["config"], entry.get("inbound_nodes") or []
    plain = isinstance(config, Mapping) and not {"trainable", "layers"} & set(config)
    return plain and any(isinstance(node, Mapping) and "args" in node for node in nodes)
