"""A PyTorch state dict as a safetensors file, written without torch.

The format is 8 bytes with the length of the header, the header as JSON, and the numbers,
little-endian (https://github.com/huggingface/safetensors, README).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnlens.network.cells import Cell
from rnnlens.network.layers import (
    Bidirectional,
    Dense,
    Embedding,
    Layer,
    Recurrent,
    TimeDistributed,
)
from rnnlens.network.network import Network
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.torch.recurrent import ROLES, cell_of
from rnnlens.writers.simplify import simplified
from rnnlens.writers.torch.chain import TorchModule, arrays_of_module, chain_of, sides
from rnnlens.writers.torch.code import class_code
from rnnlens.writers.written import Written

__all__ = ["head_of", "restored", "write"]

DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16"}


def write(network: Network) -> Written:
    """Write a network as a PyTorch state dict."""
    modules = chain_of(simplified(network))
    code = class_code(modules)
    arrays: dict[str, np.ndarray] = {}
    for module in modules:
        arrays |= arrays_of_module(module)
    notes = [
        "a state dict holds arrays and no forward code: the class that takes them is printed with "
        "this, and is kept in the file's metadata under 'code'",
    ]
    kinds = {values.dtype.name for values in arrays.values()}
    if kinds - {"float32"}:
        notes.append(
            f"the arrays are {' and '.join(sorted(kinds))}: bring the module to that type "
            "(.double() or .half()) before load_state_dict, for it starts in float32"
        )
    return Written(_file(arrays, code), tuple(notes), code)


def _file(arrays: dict[str, np.ndarray], code: str) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt", "code": code}}
    data = []
    begin = 0
    # Widest type first keeps every array aligned, as the format's own writer does.
    for name in sorted(arrays, key=lambda key: (-arrays[key].dtype.itemsize, key)):
        values = arrays[name]
        raw = values.astype(values.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": DTYPES[values.dtype.name],
            "shape": list(values.shape),
            "data_offsets": [begin, begin + len(raw)],
        }
        data.append(raw)
        begin += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *data])


def head_of(network: Network) -> dict[str, Any] | None:
    """Give what a reader of the state dict needs to give the whole network back."""
    first, *rest = chain_of(simplified(network))
    own = sides(first.layer)
    if not own or own[0].return_sequences or own[0].go_backwards:
        return None
    options: dict[str, Any] = {}
    if own[0].cell.kind == "SimpleRNN":
        options["nonlinearity"] = own[0].cell.activation.name  # type: ignore[attr-defined]
    if not rest:
        return None if isinstance(first.layer, Bidirectional) else options
    head = rest[0].layer
    linear = isinstance(head, Dense) and head.activation.name == "linear"
    return (
        {**options, "head": rest[0].name} if linear and len(rest) == 1 and len(own) == 1 else None
    )


def restored(network: Network, path: Path) -> Network:
    """Put the arrays of a state dict, read back from its file, into the layers they came from."""
    arrays = _arrays(path)
    simple = simplified(network)
    layers: dict[str, Layer] = {}
    for module in chain_of(simple):
        for number, node in enumerate(module.nodes):
            layers[node.name] = _layer(node.layer, module, number, arrays)
    nodes = (replace(node, layer=layers.get(node.name, node.layer)) for node in simple.nodes)
    return replace(simple, nodes=tuple(nodes))


def _layer(layer: Layer, module: TorchModule, number: int, arrays: dict[str, np.ndarray]) -> Layer:
    own = {key.rpartition(".")[2]: a for key, a in arrays.items() if _of(key) == module.name}
    if isinstance(layer, Recurrent):
        return replace(layer, cell=_cell(layer, own, f"_l{number}"))
    if isinstance(layer, Bidirectional):
        forward = replace(layer.forward, cell=_cell(layer.forward, own, f"_l{number}"))
        cell = _cell(layer.backward, own, f"_l{number}_reverse")
        return replace(layer, forward=forward, backward=replace(layer.backward, cell=cell))
    if isinstance(layer, TimeDistributed):
        return replace(layer, layer=_layer(layer.layer, module, number, arrays))
    if isinstance(layer, Dense):
        return replace(layer, W=own["weight"].T, b=own.get("bias"))
    if isinstance(layer, Embedding):
        return replace(layer, E=own["weight"])
    names = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}
    held = {name: own[role] for name, role in names.items() if name in layer.arrays()}
    return replace(layer, **held) if held else layer


def _cell(layer: Recurrent, own: dict[str, np.ndarray], ending: str) -> Cell:
    named = {role: own[role + ending] for role in ROLES if role + ending in own}
    function = getattr(layer.cell.activation, "name", "tanh")  # type: ignore[attr-defined]
    cell, _ = cell_of(
        layer.cell.kind, {role: CellArray(values, role) for role, values in named.items()}, function
    )
    return cell


def _of(key: str) -> str:
    return key.rpartition(".")[0]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__")
    types = {code: np.dtype(name).newbyteorder("<") for name, code in DTYPES.items()}
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[start + begin : start + end], types[entry["dtype"]])
        arrays[name] = values.reshape(entry["shape"])
    return arrays
