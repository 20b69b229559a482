"""A network as a plain dictionary, ready for a table, JSON or a page."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, FloatArray
from rnnlens.network.description import ArrayDescription, LayerDescription, NetworkDescription
from rnnlens.network.formula import parameter_formula, parameters_of
from rnnlens.network.inventory import NamedArray, inventory, parameter_count
from rnnlens.network.json_values import Json
from rnnlens.network.layers import (
    Bidirectional,
    Conv1D,
    Dense,
    DescribedRecurrent,
    Embedding,
    Identity,
    Layer,
    Recurrent,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node, layer_kind, still_assumed
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.network.steps.time_steps import time_steps

__all__ = ["describe", "describe_array"]


def describe(network: Network, *, values: bool = False) -> NetworkDescription:
    """Say what a network is made of: layers, arrays by gate, and the window's part."""
    arrays: dict[str, list[NamedArray]] = {}
    for array in inventory(network):
        arrays.setdefault(array.layer, []).append(array)
    shapes = output_shapes(network)
    first: dict[int, str] = {}
    layers: list[LayerDescription] = []
    for node in network.nodes:
        owner = first.setdefault(id(node.layer), node.name)
        layer = _layer(node, arrays.get(node.name, []), shapes[node.name], values=values)
        layer["shares_arrays_of"] = owner if owner != node.name else None
        layers.append(layer)
    origin = network.origin
    return {
        "name": network.name,
        "format": origin.format,
        "version": origin.version,
        "path": origin.path,
        "sha256": origin.digest,
        "parameters": parameter_count(network),
        "notes": list(origin.notes),
        "assumed": list(still_assumed(origin)),
        "left_out": list(origin.left_out),
        "time_steps": time_steps(network),
        "inputs": {name: list(layer.shape) for name, layer in network.inputs.items()},
        "layers": layers,
    }


def _layer(
    node: Node, arrays: list[NamedArray], shapes: tuple[Shape, ...], *, values: bool
) -> LayerDescription:
    features, units = _sizes(node.layer)
    return {
        "name": node.name,
        "kind": layer_kind(node.layer),
        "units": units,
        "features": features,
        "parameters": parameters_of(node.layer) if arrays else 0,
        "formula": parameter_formula(node.layer) if arrays else "",
        "options": _options(node.layer),
        "inputs": [name for name, _ in node.inputs],
        "output_shape": list(shapes[0]),
        "arrays": [describe_array(array, values=values) for array in arrays],
        "shares_arrays_of": None,
    }


def describe_array(array: NamedArray, *, values: bool = False) -> ArrayDescription:
    """Say what one array is."""
    described: ArrayDescription = {
        "name": array.name,
        "gate": array.gate,
        "meaning": array.meaning,
        "shape": list(array.values.shape),
        "dimensions": list(array.dimensions),
        "dtype": str(array.values.dtype),
        "source": array.source.text,
        "stored_at": array.source.stored_at,
    }
    if values:
        described["values"] = _shortest(array.values)
    return described


def _shortest(values: FloatArray) -> object:
    """Give nested lists whose numbers have the fewest digits that name the stored value."""
    return values.astype(str).astype(float).tolist()


def _sizes(layer: Layer) -> tuple[int | None, int | None]:
    """Give the features that come in and the units that go out, where a layer has them."""
    if isinstance(layer, TimeDistributed):
        return _sizes(layer.layer)
    if isinstance(layer, Recurrent):
        return layer.cell.features, layer.cell.units
    if isinstance(layer, Bidirectional):
        return layer.forward.cell.features, layer.forward.cell.units
    if isinstance(layer, Dense):
        return layer.W.shape[0], layer.W.shape[1]
    if isinstance(layer, Conv1D):
        return layer.W.shape[1] * layer.groups, layer.W.shape[2]
    if isinstance(layer, Embedding):
        return None, layer.E.shape[1]
    return None, None


def _options(layer: Layer) -> dict[str, Json]:
    """List what a layer is set to, in the words of its fields."""
    if isinstance(layer, TimeDistributed):
        return _options(layer.layer)
    if isinstance(layer, Bidirectional):
        return {"merge_mode": layer.merge_mode, **_options(layer.forward)}
    if isinstance(layer, Identity):
        return {}
    if isinstance(layer, DescribedRecurrent):
        gates: list[Json] = [gate.name for gate in layer.gates]
        sizes: list[Json] = list(layer.sizes)
        return {"gates": gates, "states": sizes, "go_backwards": layer.go_backwards}
    listed = _cell_options(layer.cell) if isinstance(layer, Recurrent) else {}
    for spec in fields(layer):
        value = getattr(layer, spec.name)
        if isinstance(value, Activation):
            listed[spec.name] = str(value)
        elif isinstance(value, tuple):
            listed[spec.name] = list(value)
        elif not isinstance(value, np.ndarray | Cell | None):
            listed[spec.name] = value
    return listed


def _cell_options(cell: Cell) -> dict[str, Json]:
    reset = {"reset_after": cell.reset_after} if isinstance(cell, GRU) else {}
    names = ("activation", "recurrent_activation")
    listed: dict[str, Json] = {
        name: str(getattr(cell, name)) for name in names if hasattr(cell, name)
    }
    listed |= reset
    if isinstance(cell, LSTM) and cell.projection is not None:
        listed["projection"] = cell.state_sizes[0]
    return listed
