"""The ``.npz`` of rnnlens: every array by its canonical name, and the graph as JSON beside them.

Nothing is lost: `rnnlens.readers.native.npz` gives the same network back. Any tool that opens a
NumPy archive finds ``lstm.W_i`` and its kin.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.cells import Cell, Gate
from rnnlens.network.inventory import arrays_of
from rnnlens.network.json_values import Json
from rnnlens.network.layers import CellNode, DescribedGate, Layer
from rnnlens.network.network import Network, Node, Origin, still_assumed
from rnnlens.readers.native.npz import FORMAT, MEMBER, VERSION
from rnnlens.writers.written import Written

__all__ = ["write"]

#: Every member carries this time, so that the same network gives the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


def write(network: Network) -> Written:
    """Write a network as a NumPy archive."""
    arrays: dict[str, np.ndarray] = {}
    first: dict[int, str] = {}
    nodes = []
    for node in network.nodes:
        shared = first.setdefault(id(node.layer), node.name)
        if shared == node.name:
            own = {f"{node.name}.{a.local_name}": a.values for a in arrays_of(node.layer)}
            names = {id(values): name for name, values in own.items()}
            arrays |= own
            layer: Any = _to_json(node.layer, names)
        else:
            layer = {"same_as": shared}
        nodes.append(_node(node, layer))
    origin = network.origin
    graph = {
        "format": FORMAT,
        "version": VERSION,
        "name": network.name,
        "nodes": nodes,
        "outputs": network.outputs,
        "origin": _facts(origin),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, MEMBER, np.array(json.dumps(graph)))
        for name, values in arrays.items():
            _add(archive, name, values)
    return Written(buffer.getvalue())


def _facts(origin: Origin) -> dict[str, Json]:
    facts = {spec.name: getattr(origin, spec.name) for spec in fields(origin)}
    # what outputs have shown is assumed no longer, in the copy either
    return {**facts, "assumed": still_assumed(origin)}


def _node(node: Node, layer: Any) -> dict[str, Json]:
    sources = {name: [s.text, s.stored_at] for name, s in node.sources.items()}
    return {"name": node.name, "inputs": node.inputs, "layer": layer, "sources": sources}


def _add(archive: zipfile.ZipFile, name: str, values: np.ndarray) -> None:
    member = io.BytesIO()
    np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
    info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, member.getvalue())


def _to_json(value: Json, names: Mapping[int, str]) -> Json:
    """Write a layer, and what it holds, as plain data; arrays by their names."""
    if isinstance(value, np.ndarray):
        return {"array": names[id(value)]}
    if isinstance(value, Activation):
        # JSON has no infinity, so numbers go as texts that keep every bit.
        numbers = {key: repr(number) for key, number in value.parameters.items()}
        return {"activation": value.name, "parameters": numbers}
    if isinstance(value, Layer | Cell | Gate | CellNode | DescribedGate):
        held = {spec.name: _to_json(getattr(value, spec.name), names) for spec in fields(value)}
        return {"kind": type(value).__name__, "fields": held}
    if isinstance(value, tuple):
        return {"tuple": [_to_json(item, names) for item in value]}
    return value
