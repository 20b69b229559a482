"""Checkpoints of TensorFlow: the weights of a model without its architecture.

They are two files or more, ``<prefix>.index`` and ``<prefix>.data-00000-of-00001``, and often a
text ``checkpoint`` that names the newest. Any of them may be given, or the prefix, or the folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rnnlens.errors import UnreadableFile
from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network
from rnnlens.readers.keras.layers.spec import KerasVersion, keras_version_of
from rnnlens.readers.keras.left_over import TRAINING
from rnnlens.readers.keras.tensorflow.bundle import GRAPH, Bundle, index_of, opened_bundle
from rnnlens.readers.keras.tensorflow.exported import exported, is_exported
from rnnlens.readers.keras.tensorflow.layers import layers_within
from rnnlens.readers.keras.tensorflow.object_graph import (
    ObjectGraph,
    graph_of_names,
    object_graph,
)
from rnnlens.readers.keras.tensorflow.store import ObjectStore, Saved, model_within
from rnnlens.readers.keras.weights_only.groups import WeightsFile
from rnnlens.readers.keras.weights_only.layer_arrays import LayerArrays
from rnnlens.readers.keras.weights_only.read import (
    WEIGHTS_TAKE,
    WeightsSource,
    arrays_of,
    network_of_weights,
)
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.variables import VariableStore

__all__ = [
    "TAKES",
    "CheckpointFile",
    "arrays",
    "match",
    "opened_checkpoint",
    "read",
    "weights_source",
]

#: The options of `read` that a checkpoint takes.
TAKES = WEIGHTS_TAKE

#: The text that names the newest checkpoint of a folder, and how it names it.
LATEST, LATEST_LINE = "checkpoint", re.compile(r'model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"')
LONGEST_LATEST = 1024**2

#: The ending of the files of numbers.
SHARD = re.compile(r"\.data-\d{5}-of-\d{5}$")

#: Parts of a key that serve training alone, in checkpoints with and without an object graph.
SLOT = re.compile(
    r"\.OPTIMIZER_SLOT|save_counter|(Adam|Adamax|Nadam|RMSProp|Momentum|Adagrad|Adadelta|Ftrl)"
    r"(_\d+)?|beta[12]_power(_\d+)?|global_step|training|Adam_\d+"
)

#: The ending of a variable's key.
ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"


@dataclass(frozen=True, eq=False)
class CheckpointFile:
    """A checkpoint, open."""

    bundle: Bundle
    store: VariableStore
    layers: tuple[LayerArrays, ...]
    #: Whether the checkpoint keeps the order of the layers.
    ordered: bool
    #: Keys of copies of variables that it holds elsewhere.
    copies: frozenset[str] = frozenset()

    def places(self) -> list[str]:
        """Give the keys of the tensors that may serve a forecast."""
        return [
            key
            for key in self.bundle.tensors
            if key not in self.copies and not key.startswith("_CHECKPOINTABLE") and not _trains(key)
        ]


def match(path: Path) -> bool:
    """Tell whether a path leads to a checkpoint, by the content of its index."""
    prefix = _prefix(path)
    return prefix is not None and index_of(_index(prefix))


def _index(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + ".index")


def _prefix(path: Path) -> Path | None:
    """Give a checkpoint's path without its ending, whichever of its files is given."""
    if path.is_dir():
        return _latest(path / LATEST)
    if path.name == LATEST:
        return _latest(path)
    if path.suffix == ".index":
        return path.with_suffix("")
    bare = SHARD.sub("", path.name)
    if bare != path.name:
        return path.with_name(bare) if bare else None
    return None if path.exists() or not path.name else path


def _latest(path: Path) -> Path | None:
    try:
        if not path.is_file() or path.stat().st_size > LONGEST_LATEST:
            return None
        found = LATEST_LINE.search(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    # the text may name the folder that the model was trained in: its files lie beside it now
    name = Path(found[1].replace("\\\\", "/")).name if found else ""
    return path.with_name(name) if name else None


def read(path: Path, options: ReadOptions | None = None) -> Network:
    """Read a checkpoint whose architecture is told."""
    return network_of_weights(_source(path), options or ReadOptions())


def arrays(path: Path) -> Arrays:
    """Name the arrays of a checkpoint."""
    return arrays_of(_source(path))


def _source(path: Path) -> WeightsSource:
    prefix = _prefix(path)
    assert prefix is not None
    checkpoint = opened_checkpoint(prefix, {})
    return weights_source(checkpoint, path, "TensorFlow checkpoint", _index(prefix))


def opened_checkpoint(prefix: Path, names: Mapping[tuple[str, ...], str]) -> CheckpointFile:
    """Open a checkpoint; ``names`` are those of objects by the attributes that lead to them."""
    bundle = opened_bundle(prefix)
    graph = _graph(bundle)
    if is_exported(graph):
        store, layers, copies = exported(graph, bundle)
        return CheckpointFile(bundle, store, tuple(layers), True, frozenset(copies))
    saved = Saved(graph, bundle)
    model = model_within(graph)
    by_node = {
        target: name for way, name in names.items() if (target := _reached(graph, way)) is not None
    }
    layers = layers_within(saved, by_node)
    ordered = GRAPH in bundle.tensors and all(layer.numbered for layer in layers)
    return CheckpointFile(bundle, ObjectStore(saved, model), tuple(layers), ordered)


def _reached(graph: ObjectGraph, way: tuple[str, ...]) -> int | None:
    at: int | None = 0
    for attribute in way:
        at = graph.child(at, attribute) if at is not None else None
    return at


def _graph(bundle: Bundle) -> ObjectGraph:
    """Give the object graph of a checkpoint, or the one that the variables' names make."""
    if GRAPH not in bundle.tensors:
        named = {key.removesuffix(ENDING): key for key in bundle.tensors if not _trains(key)}
        return graph_of_names(named)
    try:
        return object_graph(bundle.text(GRAPH))
    except ValueError as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile(
            f"the object graph in the checkpoint {bundle.prefix} is damaged ({error}); copy it "
            "again, or save it again"
        ) from error


def _trains(key: str) -> bool:
    """Tell whether a tensor serves training alone."""
    parts = key.removesuffix(ENDING).split("/")
    return any(TRAINING.fullmatch(part) or SLOT.fullmatch(part) for part in parts)


def weights_source(
    checkpoint: CheckpointFile,
    path: Path,
    what: str,
    main: Path,
    lacks: str = "holds weights only: the architecture is missing",
) -> WeightsSource:
    """Describe a checkpoint as weights whose architecture is told."""

    def weights(version: str | None) -> WeightsFile:
        keras_version = (
            keras_version_of(version)
            if version
            else replace(KerasVersion("2.4.0", "tf.keras"), stated=False)
        )
        return WeightsFile(
            checkpoint.layers,
            keras_version,
            checkpoint.store,
            checkpoint.ordered,
            what,
            named=False,
        )

    return WeightsSource(path, weights, checkpoint.places, main, lacks)
