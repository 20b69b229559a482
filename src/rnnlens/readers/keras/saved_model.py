"""TensorFlow SavedModel folders of Keras 2 and tf.keras, where TensorFlow is installed.

The architecture is in ``keras_metadata.pb``, a list of objects each with its path and a JSON text;
the arrays are in a checkpoint, whose object graph says what each was called. TensorFlow reads the
checkpoint; the graph of operations in ``saved_model.pb`` is neither loaded nor run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rnnlens.errors import UnreadableFile
from rnnlens.network.json_values import Json
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.contents import describe_folder, digest_of
from rnnlens.readers.hardening.protobuf import varint
from rnnlens.readers.keras.graph.config import network_of
from rnnlens.readers.keras.layers.spec import keras_version_of
from rnnlens.readers.keras.weights import LayerGroups, NamedDataset

__all__ = ["match", "read"]

METADATA = "keras_metadata.pb"
#: Fields of the messages in `METADATA` (tensorflow/python/keras/protobuf/saved_metadata.proto).
NODES, NODE_PATH, NODE_JSON = 1, 3, 5
#: The order in which Keras lists the arrays of a layer.
ROLES = ("gamma", "beta", "kernel", "recurrent_kernel", "bias", "moving_mean", "moving_variance")


def match(path: Path) -> bool:
    """Tell a SavedModel by its folder."""
    return path.is_dir() and (path / "saved_model.pb").is_file()


def read(path: Path) -> Network:
    """Read a SavedModel that Keras wrote."""
    if find_spec("tensorflow") is None:
        raise UnreadableFile(f"{path} {describe_folder(path)}")
    if not (path / METADATA).is_file():
        raise UnreadableFile(
            f"{path} is a TensorFlow SavedModel without {METADATA}, so nothing in it says which "
            "layers it has; load it in TensorFlow and save the Keras model with "
            "model.save('model.keras')"
        )
    entry = _architecture(path)
    keras_version = keras_version_of(str(entry.get("keras_version", "2.4.0")))
    origin = Origin(
        "TensorFlow SavedModel", keras_version.number, str(path), digest_of(path / "saved_model.pb")
    )
    with _CheckpointVariables(path) as variables:
        return network_of(entry, variables, keras_version, origin)


def _architecture(path: Path) -> dict[str, Json]:
    """Give the serialised model that the metadata state for the root."""
    try:
        data = (path / METADATA).read_bytes()
        for node in _fields(data, NODES):
            if next(_fields(node, NODE_PATH)) == b"root":
                entry = _with_lists(json.loads(next(_fields(node, NODE_JSON))))
                if isinstance(entry, dict) and isinstance(entry.get("config"), dict):
                    return entry
    except (ValueError, IndexError, StopIteration, RecursionError) as error:
        raise UnreadableFile(
            f"{path / METADATA} is damaged: it is not a list of Keras objects"
        ) from error
    raise UnreadableFile(
        f"{path / METADATA} states no model that Keras could make again; "
        "load it in TensorFlow and save the Keras model with model.save('model.keras')"
    )


def _fields(data: bytes, wanted: int) -> Iterator[bytes]:
    """Give the texts and messages in one field of a protocol buffer."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        field, kind = key >> 3, key & 7
        if kind == 0:
            _, at = varint(data, at)
        elif kind == 2:
            size, at = varint(data, at)
            if at + size > len(data):
                raise ValueError("a field is longer than the message")
            if field == wanted:
                yield data[at : at + size]
            at += size
        else:
            raise ValueError(f"a field of kind {kind}")


def _with_lists(value: Json) -> Any:
    """Undo the marks that Keras puts on tuples."""
    if isinstance(value, dict):
        if value.get("class_name") == "__tuple__":
            return [_with_lists(item) for item in value["items"]]
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, list) else value


class _CheckpointVariables(LayerGroups):
    """The arrays of a checkpoint by layer, laid out as in Keras's HDF5 files."""

    def __init__(self, folder: Path) -> None:
        import h5py

        self.file = h5py.File("variables", "w", driver="core", backing_store=False)
        self.named: dict[str, list[NamedDataset]] = {}
        for name, key, values in sorted(_checkpoint(folder), key=_keras_order):
            layer = name.split("/", maxsplit=1)[0]
            dataset = self.file.create_dataset(key, data=values)
            self.named.setdefault(layer, []).append(NamedDataset(name, dataset, key))
        super().__init__(self.file, "model_weights")

    def __enter__(self) -> _CheckpointVariables:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def weights_of(self, name: str) -> list[NamedDataset]:
        """Give the arrays of one layer, see `LayerGroups.weights_of`."""
        return self.named.get(name, [])


def _keras_order(item: tuple[str, str, np.ndarray]) -> tuple[bool, int]:
    name = item[0]
    role = name.rsplit("/", maxsplit=1)[-1]
    return "backward_" in name, ROLES.index(role) if role in ROLES else len(ROLES)


def _checkpoint(folder: Path) -> list[tuple[str, str, np.ndarray]]:
    """Give name, place and values of every variable that the object graph lists."""
    import tensorflow as tf
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        graph = TrackableObjectGraph.FromString(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
        names_by_key = {
            value.checkpoint_key: value.full_name
            for node in graph.nodes
            for value in node.attributes
            if value.name == "VARIABLE_VALUE" and "optimizer" not in value.checkpoint_key
        }
        return [(name, key, np.array(reader.get_tensor(key))) for key, name in names_by_key.items()]
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise UnreadableFile(
            f"the variables within {folder} are missing or damaged; save the model again"
        ) from error
