"""A PyTorch state dict as a safetensors file, written without torch.

The format is 8 bytes with the length of the header, the header as JSON, and the numbers,
little-endian (https://github.com/huggingface/safetensors, README).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from rnnlens.network.cells import Cell, Gate
from rnnlens.network.layers import Bidirectional, CellNode, Dense, Layer, Recurrent
from rnnlens.network.network import Network, Ref
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.torch.recurrent import ROLES, cell_of
from rnnlens.writers.masks import wanted_masks
from rnnlens.writers.simplify import simplified
from rnnlens.writers.torch.code import class_of, grouped, text_of
from rnnlens.writers.torch.graph import changes_nothing, is_straight
from rnnlens.writers.torch.recurrent import is_own_module, sides
from rnnlens.writers.written import Written

__all__ = ["arrays_of", "head_of", "restored", "write"]

DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16"}


def write(network: Network) -> Written:
    """Write a network as a PyTorch state dict."""
    made = class_of(_plain(network))
    code, arrays = text_of(made), made.arrays
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


def _plain(network: Network) -> Network:
    """Fold what PyTorch says by an option, and take the layers out that change nothing."""
    simple = simplified(network)
    moved: dict[Ref, Ref] = {}
    nodes = []
    for node in simple.nodes:
        taken = tuple(moved.get(ref, ref) for ref in node.inputs)
        if changes_nothing(node.layer):
            moved[node.name, 0] = taken[0]
        else:
            nodes.append(replace(node, inputs=taken))
    outputs = tuple(moved.get(ref, ref) for ref in simple.outputs)
    return replace(simple, nodes=tuple(nodes), outputs=outputs)


def head_of(network: Network) -> dict[str, Any] | None:
    """Give what a reader of the state dict needs to give the whole network back."""
    plain = _plain(network)
    _, *groups = grouped(plain)
    masked = wanted_masks(plain)
    if masked or not is_straight(plain) or not groups or not is_own_module(groups[0][-1].layer):
        return None
    first, *rest = groups
    own = sides(first[-1].layer)
    if own[0].return_sequences or own[0].return_state or own[0].go_backwards:
        return None
    if isinstance(first[-1].layer, Bidirectional) and first[-1].layer.merge_mode != "concat":
        return None
    options: dict[str, Any] = {}
    if own[0].cell.kind == "SimpleRNN":
        options["nonlinearity"] = own[0].cell.activation.name  # type: ignore[attr-defined]
    if not rest:
        return None if isinstance(first[-1].layer, Bidirectional) else options
    head = rest[0][0].layer
    linear = isinstance(head, Dense) and head.activation.name == "linear"
    return {**options, "head": "fc"} if linear and len(rest) == 1 and len(own) == 1 else None


def restored(network: Network, path: Path) -> Network:
    """Put the arrays of a state dict, read back from its file, into the layers they came from."""
    arrays = arrays_of(path)
    plain = _plain(network)
    made = class_of(plain)
    file = _ReadBack(arrays, made.kept, made.modules, made.directions)
    layers: dict[int, Layer] = {}
    for group in grouped(plain, wanted_masks(plain)):
        for number, node in enumerate(group):
            if number:  # a stack has the name of its first layer
                file.modules[id(node.layer)] = file.modules[id(group[0].layer)]
            layers[id(node.layer)] = file.restored(node.layer, f"_l{number}")
    nodes = tuple(replace(node, layer=layers[id(node.layer)]) for node in plain.nodes)
    return replace(plain, nodes=nodes)


def _recurrent(layer: Layer, own: Mapping[str, np.ndarray], ending: str) -> Layer:
    if isinstance(layer, Recurrent):
        return replace(layer, cell=_cell(layer, own, ending))
    assert isinstance(layer, Bidirectional)
    forward = replace(layer.forward, cell=_cell(layer.forward, own, ending))
    backward = replace(layer.backward, cell=_cell(layer.backward, own, f"{ending}_reverse"))
    return replace(layer, forward=forward, backward=backward)


def _cell(layer: Recurrent, own: Mapping[str, np.ndarray], ending: str) -> Cell:
    named = {role: own[role + ending] for role in ROLES if role + ending in own}
    function = getattr(layer.cell.activation, "name", "tanh")  # type: ignore[attr-defined]
    cell, _ = cell_of(
        layer.cell.kind, {role: CellArray(values, role) for role, values in named.items()}, function
    )
    return cell


T = TypeVar("T")


@dataclass(frozen=True)
class _ReadBack:
    """The arrays of a file, and which of them is which in the network that was written."""

    arrays: Mapping[str, np.ndarray]
    kept: Mapping[int, tuple[str, bool]]
    modules: dict[int, str]
    directions: Mapping[int, Recurrent]

    def restored(self, value: T, ending: str = "_l0") -> T:
        """Put every array that was read back in the place of the one that was written."""
        if isinstance(value, np.ndarray):
            name, turned = self.kept[id(value)]
            return cast("T", self.arrays[name].T if turned else self.arrays[name])
        if isinstance(value, tuple):
            return cast("T", tuple(self.restored(item) for item in value))
        plain = self.directions.get(id(value))
        if plain is not None and id(plain) in self.modules and isinstance(value, Recurrent):
            return replace(value, cell=self.restored(plain).cell)
        if isinstance(value, Layer) and is_own_module(value) and id(value) in self.modules:
            return cast("T", _recurrent(value, self.of(self.modules[id(value)]), ending))
        if isinstance(value, Layer | Cell | Gate | CellNode):
            held = {spec.name: self.restored(getattr(value, spec.name)) for spec in fields(value)}
            return replace(value, **held)
        return value

    def of(self, module: str) -> dict[str, np.ndarray]:
        """Give the arrays of a module by their roles."""
        parts = {name: name.rpartition(".") for name in self.arrays}
        return {role: self.arrays[name] for name, (of, _, role) in parts.items() if of == module}


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a file by their names."""
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
