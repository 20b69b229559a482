"""The ``.keras`` archive of Keras 3: a zip of JSON and HDF5, written without Keras.

A functional model: every network is one. The groups of the weights file are named for the class of
the layer and numbered in the order in which Keras itself orders the layers of a graph
(keras/src/ops/function.py, ``map_graph``; keras/src/saving/saving_lib.py).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.json_values import Json
from rnnlens.network.layers import Bidirectional, Input, Layer, Recurrent
from rnnlens.network.network import Network, Node, Ref
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.network.unique import unique_name
from rnnlens.readers.keras.archive import CONFIG, METADATA, WEIGHTS
from rnnlens.readers.keras.archive_store import snake_case
from rnnlens.writers.keras.axes import in_keras_layers
from rnnlens.writers.keras.functions import serialized
from rnnlens.writers.keras.layers import KerasLayer, LayerContext, keras_layer_of
from rnnlens.writers.keras.operations import is_operation, operation_of
from rnnlens.writers.packing import dtype_of
from rnnlens.writers.simplify import simplified
from rnnlens.writers.written import Written

__all__ = ["write"]

#: The version whose form is written: masks merge, and functions compute, as they have since.
VERSION = "3.4.1"

#: Every member carries this time, so that the same network gives the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class _FileLayer:
    """One layer of the file with its calls."""

    name: str
    layer: Layer
    calls: tuple[Node, ...]


def write(network: Network) -> Written:
    """Write a network as a ``.keras`` archive."""
    notes: list[str] = []
    dtype = dtype_of(network)
    network = in_keras_layers(simplified(network), dtype, notes)
    _check_outputs(network)
    shapes = output_shapes(network)
    entries = _ordered(network, _entries(network))
    names = {
        node.name: (entry.name, number)
        for entry in entries
        for number, node in enumerate(entry.calls)
    }
    graph = _KerasGraph(names, shapes, dtype.name)
    layers, weights = _layers(graph, entries, notes)
    inputs = [graph.key((name, 0)) for name in network.inputs]
    outputs = [graph.key(ref) for ref in network.outputs]
    config = {
        "name": _keras_name(network.name),
        "trainable": True,
        "layers": layers,
        "input_layers": inputs if len(inputs) > 1 else inputs[0],
        "output_layers": outputs if len(outputs) > 1 else outputs[0],
    }
    model = {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}
    members = {
        METADATA: json.dumps({"keras_version": VERSION, "date_saved": "1980-01-01@00:00:00"}),
        CONFIG: json.dumps({**model, "registered_name": "Functional"}),
        WEIGHTS: _hdf5(weights, dtype),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
    return Written(buffer.getvalue(), tuple(dict.fromkeys(notes)))


def _layers(
    graph: _KerasGraph, entries: Sequence[_FileLayer], notes: list[str]
) -> tuple[list[dict[str, Json]], dict[str, tuple[str, list[np.ndarray]]]]:
    """State every layer, and say where its arrays lie in the weights file."""
    layers = []
    weights: dict[str, tuple[str, list[np.ndarray]]] = {}
    used: dict[str, int] = {}
    for entry in entries:
        item, keras_layer = graph.entry(entry, notes)
        layers.append(item)
        if is_operation(entry.layer):
            continue
        stem = snake_case(item["class_name"])
        number = used[stem] = used.get(stem, -1) + 1
        group = f"layers/{stem}_{number}" if number else f"layers/{stem}"
        weights |= {
            f"{group}/{at}".rstrip("/"): (entry.name, a) for at, a in keras_layer.arrays.items()
        }
    return layers, weights


def _check_outputs(network: Network) -> None:
    for name, _ in network.outputs:
        if isinstance(network[name].layer, Input):
            raise UnsupportedModel(
                f"the network gives its input {name!r} as an output, which rnnlens does not write "
                "for Keras; write .npz instead"
            )


def _keras_name(name: str) -> str:
    """Give a name that Keras and its backends take."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "network"


def _entries(network: Network) -> list[_FileLayer]:
    """Gather the calls of each layer: nodes that share a layer are calls of one."""
    calls: dict[object, list[Node]] = {}
    for node in network.nodes:
        # every call of an operation is one of its own
        key = node.name if is_operation(node.layer) else id(node.layer)
        calls.setdefault(key, []).append(node)
    taken: set[str] = set()
    entries = []
    for nodes in calls.values():
        name = unique_name(_keras_name(nodes[0].name), taken)
        entries.append(_FileLayer(name, nodes[0].layer, tuple(nodes)))
    return entries


def _ordered(network: Network, entries: Sequence[_FileLayer]) -> list[_FileLayer]:
    """Order the layers as Keras does: the farthest from the outputs first."""
    # At one depth they come as met on a walk back from the outputs. The depth of a call is one more
    # than that of the deepest call that takes from it, and no less than the depth so far of its
    # layer's other calls.
    of = {node.name: entry for entry in entries for node in entry.calls}
    met: dict[str, int] = {}
    finished: list[str] = []
    for ref in network.outputs:
        _visit(network, ref, of, met, finished)
    depths: dict[str, int] = {}
    layer_depths: dict[str, int] = {}
    for name in reversed(finished):
        own = of[name].name
        depth = max(depths.get(name, 0), layer_depths.get(own, 0))
        depths[name] = layer_depths[own] = depth
        for before, _ in network[name].inputs:
            depths[before] = max(depth + 1, depths.get(before, 0))
    # Entries that nothing takes from are known to Keras too, at the depth of the outputs.
    return sorted(entries, key=lambda e: (-layer_depths.get(e.name, 0), met.get(e.name, -1)))


def _visit(
    network: Network, ref: Ref, of: dict[str, _FileLayer], met: dict[str, int], finished: list[str]
) -> None:
    """Walk from an output to the entries, depth first, without recursion."""
    stack = [(ref[0], False)]
    while stack:
        name, left = stack.pop()
        if left:
            finished.append(name)
        elif name not in finished and (name, True) not in stack:
            met.setdefault(of[name].name, len(met))
            stack.append((name, True))
            stack += [(before, False) for before, _ in reversed(network[name].inputs)]


@dataclass(frozen=True)
class _KerasGraph:
    """Where the tensors of the new model come from."""

    names: dict[str, tuple[str, int]]
    shapes: dict[str, tuple[Shape, ...]]
    dtype: str

    def key(self, ref: Ref) -> list[Any]:
        name, number = self.names[ref[0]]
        return [name, number, ref[1]]

    def tensor(self, ref: Ref) -> dict[str, Json]:
        shape = [None, *self.shapes[ref[0]][ref[1]]]
        config = {"shape": shape, "dtype": self.dtype, "keras_history": self.key(ref)}
        return {"class_name": "__keras_tensor__", "config": config}

    def entry(self, entry: _FileLayer, notes: list[str]) -> tuple[dict[str, Json], KerasLayer]:
        """State one layer and its calls."""
        layer = entry.layer
        if isinstance(layer, Input):
            shape = [None, *layer.shape]
            config = {"batch_shape": shape, "dtype": self.dtype, "sparse": False}
            item = serialized("InputLayer", {**config, "name": entry.name})
            return {**item, "name": entry.name, "inbound_nodes": []}, KerasLayer("InputLayer")
        source, number = entry.calls[0].inputs[0]
        taken = self.shapes[source][number]
        if is_operation(layer):
            return self.operation(entry, 1 + len(taken)), KerasLayer("")
        context = LayerContext(entry.name, taken, self.dtype, notes)
        keras_layer = keras_layer_of(layer, context)
        item = context.named(entry.name, keras_layer)
        item["build_config"] = {"input_shape": [None, *taken]}
        if keras_layer.kind in {"Add", "Subtract", "Multiply", "Average", "Concatenate"}:
            each = [[None, *self.shapes[n][k]] for n, k in entry.calls[0].inputs]
            item["build_config"] = {"input_shape": each}
        return {
            **item,
            "name": entry.name,
            "inbound_nodes": [self.call(node) for node in entry.calls],
        }, keras_layer

    def operation(self, entry: _FileLayer, rank: int) -> dict[str, Json]:
        """State one operation and its call."""
        made = operation_of(entry.layer, rank, self.dtype)
        taken = [self.tensor(ref) for ref in entry.calls[0].inputs]
        return {
            "module": made.module,
            "class_name": made.kind,
            "config": {"name": entry.name, **made.config},
            "registered_name": made.kind,
            "name": entry.name,
            "inbound_nodes": [{"args": [*taken, *made.arguments], "kwargs": {}}],
        }

    def call(self, node: Node) -> dict[str, Json]:
        tensors = [self.tensor(ref) for ref in node.inputs]
        if isinstance(node.layer, Recurrent | Bidirectional):
            states = {"initial_state": tensors[1:]} if len(tensors) > 1 else {}
            return {"args": tensors[:1], "kwargs": states}
        return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": {}}


def _hdf5(weights: dict[str, tuple[str, list[np.ndarray]]], dtype: np.dtype) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("layers")
        for place, (name, arrays) in weights.items():
            group = file.create_group(f"{place}/vars")
            if place.count("/") == 1:
                group.attrs["name"] = name
            for number, values in enumerate(arrays):
                group[str(number)] = np.asarray(values, dtype=dtype)
    return buffer.getvalue()
