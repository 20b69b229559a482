"""The ``.npz`` that rnnlens writes: arrays by canonical names, and the graph as JSON text.

The member ``rnnlens.npy`` holds the graph; no member is unpickled, and none is unpacked further
than its own header says.
"""

from __future__ import annotations

import io
import json
import math
import sys
import tokenize
import types
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from rnnlens.errors import InputError, UnreadableFile
from rnnlens.names import told
from rnnlens.network import axes as _axes
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Cell, Gate
from rnnlens.network.check import check
from rnnlens.network.json_values import Json, JsonObject
from rnnlens.network.layers import CellNode, DescribedGate, Layer
from rnnlens.network.network import ROUNDINGS, Network, Node, Origin, Source
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.hardening.zips import holds, swells
from rnnlens.readers.variables import LARGEST_ARRAY

__all__ = ["FORMAT", "MEMBER", "VERSION", "match", "read"]

FORMAT, VERSION, MEMBER = "rnnlens network", 1, "rnnlens"

#: Most members, and how far a member may swell from its packed size.
MOST_MEMBERS, LARGEST_RATIO = 10_000, 1100

#: What a graph, or the header of an array, whose text was damaged runs into.
MISPLACED = (
    RuntimeError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
)

#: The modules whose layers a file may name.
KINDS: tuple[types.ModuleType, ...] = (_axes,)


def match(path: Path) -> bool:
    """Tell whether a file is an archive of rnnlens, by its content."""
    return holds(path, f"{MEMBER}.npy")


def read(path: Path) -> Network:
    """Read an archive of rnnlens."""
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.namelist()) > MOST_MEMBERS:
                raise UnreadableFile(
                    f"{path} holds {len(archive.namelist())} members, more than {MOST_MEMBERS}, "
                    "which no network does; the file is damaged or hostile"
                )
            graph = json.loads(str(_array(archive, MEMBER, path)))
            return _network(graph, archive, path)
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, *MISPLACED) as error:
        raise UnreadableFile(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> str:
    return (
        f"{path} is an archive of rnnlens, but it is truncated or damaged "
        f"({type(error).__name__}: {str(error)[:80]}); write it again with rnnlens convert"
    )


def _array(archive: zipfile.ZipFile, name: str, path: Path) -> np.ndarray:
    """Unpack one array, once its header agrees with its size."""
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > LARGEST_ARRAY or swells(info, LARGEST_RATIO):
        raise UnreadableFile(
            f"{path} declares that {name} unpacks from {info.compress_size} to {info.file_size} "
            "bytes, which no network does; the file is damaged or hostile"
        )
    with archive.open(info) as member:
        data = io.BytesIO(member.read(info.file_size + 1))
    version = np.lib.format.read_magic(data)
    if version != (1, 0):
        raise UnreadableFile(
            f"array {name} in {path} is of the .npy version {version}, not (1, 0): write it again "
            "with rnnlens convert"
        )
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(data)
    begin = data.tell()
    length = len(data.getvalue()) - begin
    if dtype.hasobject or dtype.kind not in "fU" or math.prod(shape) * dtype.itemsize != length:
        raise UnreadableFile(
            f"array {name} in {path} declares shape {shape} of type {dtype}, which is not what "
            "the file holds; it is damaged"
        )
    letters = (
        np.frombuffer(data.getvalue(), dtype.byteorder + "u4", offset=begin)
        if (dtype.kind == "U")
        else np.zeros(0)
    )
    if letters.size and letters.max() > sys.maxunicode:
        raise UnreadableFile(f"array {name} in {path} holds what is no text; it is damaged")
    order = "F" if fortran else "C"
    values = np.frombuffer(data.getvalue(), dtype, offset=begin).reshape(shape, order=order)
    return np.array(values, dtype=dtype.newbyteorder("="), order="C")


def _network(graph: Json, archive: zipfile.ZipFile, path: Path) -> Network:
    if graph["format"] != FORMAT or graph["version"] != VERSION:
        raise UnreadableFile(
            f"{path} is of the format {graph['format']!r}, version {graph['version']!r}; this "
            f"rnnlens reads {FORMAT!r}, version {VERSION}: install a newer rnnlens"
        )
    classes = {kind.__name__: kind for kind in _classes()}
    layers: dict[str, Layer] = {}
    nodes = []
    for item in graph["nodes"]:
        stated, name = item["layer"], str(item["name"])
        if "same_as" in stated:
            layer = layers[stated["same_as"]]
        else:
            layer = _revive(stated, classes, lambda key: _array(archive, key, path))
        if not isinstance(layer, Layer):
            raise TypeError(f"{name} is not a layer")
        layers[name] = layer
        sources = {
            key: Source(str(text), f"{name}.{key}.npy")
            for key, (text, _) in item["sources"].items()
        }
        nodes.append(Node(name, layer, _refs(item["inputs"]), sources))
    origin = _origin(graph["origin"], path)
    return check(Network(tuple(nodes), _refs(graph["outputs"]), origin, str(graph["name"])))


def _refs(value: Json) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), int(number)) for name, number in value)


def _origin(stated: JsonObject, path: Path) -> Origin:
    before = " ".join(str(stated[key]) for key in ("format", "version", "path") if stated[key])
    note = told("written from {source}", source=before)
    if stated["digest"]:
        digest = str(stated["digest"])
        note = told("written from {source} (SHA-256 {digest})", source=before, digest=digest)
    notes = (note, *map(str, stated["notes"]))
    assumed, left_out = (tuple(map(str, stated.get(key, ()))) for key in ("assumed", "left_out"))
    rounds, calls = stated.get("rounds", ""), stated.get("calls", 1)
    if rounds not in ROUNDINGS or not isinstance(calls, int):
        raise TypeError("its origin is none")
    return Origin(
        "rnnlens archive (.npz)",
        str(VERSION),
        str(path),
        digest_of(path),
        notes,
        assumed,
        left_out,
        rounds=next(one for one in ROUNDINGS if one == rounds),
        calls=calls,
    )


def _classes() -> Iterator[type]:
    """Give every class that a file may name: layers, cells, gates, and what describes a cell."""
    waiting: list[type] = [Layer, Cell, Gate, CellNode, DescribedGate]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


def _revive(value: Json, classes: Mapping[str, type], array: Callable[[str], np.ndarray]) -> Json:
    """Make a layer, and what it holds, of plain data."""
    if not isinstance(value, Mapping):
        return value
    if "array" in value:
        return array(str(value["array"]))
    if "activation" in value:
        numbers = {str(key): float(text) for key, text in value["parameters"].items()}
        return Activation(str(value["activation"]), numbers)
    if "tuple" in value:
        return tuple(_revive(item, classes, array) for item in value["tuple"])
    kind = classes[value["kind"]]
    held = value["fields"]
    unknown = sorted(set(held) - {spec.name for spec in fields(kind)})
    if unknown:
        raise UnreadableFile(
            f"a {value['kind']} has no such field as {', '.join(unknown)}: the file was written "
            "by a newer rnnlens; install it"
        )
    return kind(**{key: _revive(item, classes, array) for key, item in held.items()})
