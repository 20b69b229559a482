"""TensorFlow SavedModel folders, without TensorFlow: an architecture, and a checkpoint.

TensorFlow 2.5 to 2.15 keep what Keras needs in ``keras_metadata.pb``, a list of objects each with
its path and a JSON text; 2.0 to 2.4 keep the same texts with the objects in ``saved_model.pb``;
1.14 and 1.15 write ``assets/saved_model.json``. Keras 3's ``model.export`` keeps none of it. The
graph of operations in ``saved_model.pb`` is neither loaded nor run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.arrays import Arrays
from rnnlens.network.json_values import Json, JsonObject
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.hardening.protobuf import fields, texts
from rnnlens.readers.keras.layers.spec import keras_version_of
from rnnlens.readers.keras.partial.partly import partly
from rnnlens.readers.keras.partial.whole import TAKES, WholeModel
from rnnlens.readers.keras.tensorflow.checkpoint import (
    CheckpointFile,
    opened_checkpoint,
    weights_source,
)
from rnnlens.readers.keras.weights_only.read import (
    WEIGHTS_TAKE,
    WeightsSource,
    arrays_of,
    network_of_weights,
)
from rnnlens.readers.options import ReadOptions, refuse_others

__all__ = ["METADATA", "TAKES", "arrays", "match", "partial", "read"]

#: Objects that Keras could make again: the attributes that lead to each, and its options.
Stated = list[tuple[tuple[str, ...], JsonObject]]

VARIABLES = "variables/variables"
METADATA, GRAPH, TEXT = "keras_metadata.pb", "saved_model.pb", "assets/saved_model.json"

#: No graph is longer than this, and no list of objects or text.
LARGEST_GRAPH, LARGEST_METADATA = 2 * 1024**3, 256 * 1024**2

#: Fields of the messages in `METADATA` (tensorflow/python/keras/protobuf/saved_metadata.proto).
NODES, NODE_PATH, NODE_JSON = 1, 3, 5

#: The way in `GRAPH` to the texts of Keras: meta graphs, object graph, objects, user objects,
#: texts (saved_model.proto, meta_graph.proto, saved_object_graph.proto).
META_GRAPHS, OBJECT_GRAPH, OBJECTS, USER_OBJECT, USER_JSON = 2, 7, 1, 4, 3


def match(path: Path) -> bool:
    """Tell a SavedModel by its folder."""
    return path.is_dir() and (path / GRAPH).is_file()


def read(path: Path, options: ReadOptions | None = None) -> Network:
    """Read a SavedModel that Keras wrote."""
    options = options or ReadOptions()
    stated = _stated(path)
    entry = _architecture(stated)
    checkpoint = opened_checkpoint(path / VARIABLES, _names(stated))
    source = _source(path, checkpoint, stated)
    if entry is None:
        refuse_others(options, WEIGHTS_TAKE, f"{path} {source.lacks}, so it")
        return network_of_weights(source, options)
    return _whole(path, entry, checkpoint, source).read(options)


def _whole(
    path: Path, entry: JsonObject, checkpoint: CheckpointFile, source: WeightsSource
) -> WholeModel:
    keras_version = keras_version_of(str(entry.get("keras_version", "2.4.0")))
    origin = Origin(
        "TensorFlow SavedModel", keras_version.number, str(path), digest_of(path / GRAPH)
    )
    return WholeModel(entry, checkpoint.store, keras_version, origin, checkpoint.places, source)


def partial(path: Path, refusal: UnsupportedModel) -> Arrays | None:
    """Name the arrays of a SavedModel that is refused."""
    stated = _stated(path)
    entry = _architecture(stated)
    if entry is None:
        return None
    checkpoint = opened_checkpoint(path / VARIABLES, _names(stated))
    return partly(_whole(path, entry, checkpoint, _source(path, checkpoint, stated)), refusal)


def arrays(path: Path) -> Arrays:
    """Name the arrays of a SavedModel that states no architecture."""
    stated = _stated(path)
    return arrays_of(_source(path, opened_checkpoint(path / VARIABLES, _names(stated)), stated))


def _source(path: Path, checkpoint: CheckpointFile, stated: Stated) -> WeightsSource:
    kinds = [str(entry.get("class_name")) for way, entry in stated if not way]
    what = "that states no Keras model"
    if kinds:
        what = f"of the class {kinds[0]!r}, whose graph is in Python code"
    lacks = f"is a TensorFlow SavedModel {what}: the architecture is missing"
    return weights_source(checkpoint, path, "TensorFlow SavedModel", path / GRAPH, lacks)


def _architecture(stated: Stated) -> JsonObject | None:
    """Give the serialised model that a SavedModel states for its root."""
    root = next((entry for way, entry in stated if not way), None)
    config = root.get("config") if root is not None else None
    whole = isinstance(config, list) or (isinstance(config, dict) and "layers" in config)
    return root if whole else None


def _names(stated: Stated) -> dict[tuple[str, ...], str]:
    """Give the names of the objects by the attributes that lead to them."""
    return {way: str(entry["name"]) for way, entry in stated if way and entry.get("name")}


def _stated(path: Path) -> Stated:
    """Give every object that Keras could make again: the attributes that lead to it, its text."""
    for name, listed in ((METADATA, _listed), (TEXT, _in_text), (GRAPH, _in_graph)):
        file = path / name
        if not file.is_file():
            continue
        largest = LARGEST_GRAPH if name == GRAPH else LARGEST_METADATA
        if file.stat().st_size > largest:
            raise UnreadableFile(
                f"{file} has {file.stat().st_size} bytes, more than any Keras model has; it is "
                "damaged or hostile"
            )
        try:
            return [(way, _plain(text)) for way, text in listed(file.read_bytes())]
        except (ValueError, IndexError, AttributeError, RecursionError) as error:
            raise UnreadableFile(
                f"{file} is damaged: it does not list objects as Keras does; copy the folder "
                "again, or save the model again"
            ) from error
    return []


def _plain(text: bytes) -> JsonObject:
    value = _with_lists(json.loads(text))
    if not isinstance(value, dict):
        raise ValueError("an object is not described by its options")
    return value


def _listed(data: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    for node in texts(data, NODES):
        held = dict(fields(node))
        way, text = held.get(NODE_PATH, b""), held.get(NODE_JSON, b"")
        if isinstance(way, int) or isinstance(text, int):
            raise ValueError("a number stands where a text belongs")
        if text:
            yield tuple(bytes(way).decode().split(".")[1:]), bytes(text)


def _in_text(data: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    yield (), data


def _in_graph(data: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Give the texts with the objects themselves, as TensorFlow 2.0 to 2.4 kept them."""
    for meta in texts(data, META_GRAPHS):
        for graph in texts(meta, OBJECT_GRAPH):
            for number, node in enumerate(texts(graph, OBJECTS)):
                for user in texts(node, USER_OBJECT):
                    text = b"".join(bytes(held) for held in texts(user, USER_JSON))
                    if text.startswith(b"{") and number == 0:
                        yield (), text


def _with_lists(value: Json) -> Any:
    """Undo the marks that Keras puts on tuples."""
    if isinstance(value, dict):
        if value.get("class_name") == "__tuple__":
            return [_with_lists(item) for item in value["items"]]
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, list) else value
