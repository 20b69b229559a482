"""Damaged and hostile SavedModels and checkpoints of TensorFlow."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from refused.registry import section
from rnnlens.readers.hardening.protobuf import fields, varint
from rnnlens.readers.hardening.tables import MAGIC, crc32c, masked, table
from rnnlens.readers.keras.tensorflow import bundle, saved_model
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions

# --- SavedModels -------------------------------------------------------------------------------

case = section("SavedModels")


def field(number: int, content: bytes) -> bytes:
    """Write one field of a protocol buffer that holds text or a message."""
    size, head = len(content), bytes([number << 3 | 2])
    while size > 0x7F:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size]) + content


def metadata(entry: dict[str, Any], path: bytes = b"root") -> bytes:
    """Write the list of Keras objects that lies beside a SavedModel."""
    node = bytes([2 << 3, 0]) + field(3, path) + field(5, json.dumps(entry).encode())
    other = field(3, b"root.layer-0") + field(5, b"{}")
    return field(1, other) + field(1, node)


#: What the list of Keras objects holds.
METADATA: dict[str, bytes] = {
    "metadata that is no list": b"\xff\xff\xff",
    "metadata of a class of the user": metadata({"class_name": "Custom"}),
    "metadata without a root": metadata({"config": {}}, b"root.other"),
    "metadata cut off": metadata({})[:-2],
    "metadata with a field of another kind": b"\x0b",
    "metadata with a number without end": b"\x08" + b"\xff" * 11,
    "empty metadata": b"",
}

for name, content in METADATA.items():

    @case(name)
    def _(folder: Path, content: bytes = content) -> object:
        folder = copied(folder, "exchanged")
        (folder / saved_model.METADATA).write_bytes(content)
        return read(folder)


def copied(folder: Path, name: str) -> Path:
    """Copy a folder that TensorFlow wrote."""
    source = Path(__file__).parents[1] / "data/tensorflow" / name
    shutil.copytree(source, folder / name)
    return folder / name


@case("no metadata")
def _(folder: Path) -> object:
    return read(copied(folder, "exported"))


@case("graph that is text")
def _(folder: Path) -> object:
    (folder / "saved_model.pbtxt").write_text("x")
    return read(folder)


@case("class of the user's own")
def _(folder: Path) -> object:
    return read(copied(folder, "own"))


@case("no variables")
def _(folder: Path) -> object:
    shutil.rmtree(copied(folder, "exchanged") / "variables")
    return read(folder / "exchanged")


@case("no numbers")
def _(folder: Path) -> object:
    (copied(folder, "exchanged") / "variables/variables.data-00000-of-00001").unlink()
    return read(folder / "exchanged")


@case("an option")
def _(folder: Path) -> object:
    return read(copied(folder, "exchanged"), ReadOptions(head="fc"))


@case("metadata of a gigabyte")
def _(folder: Path) -> object:
    with patch.object(saved_model, "LARGEST_METADATA", 1):
        return read(copied(folder, "exchanged"))


# --- checkpoints -------------------------------------------------------------------------------

case = section("Checkpoints of TensorFlow")

ARCHITECTURE = Path(__file__).parents[1] / "data/tensorflow/cp.json"
STATED = ReadOptions(layers="LSTM(tanh, sigmoid) > Dense(linear)")


def block(entries: dict[bytes, bytes]) -> bytes:
    """Write a block of a table, every key whole."""
    body = b""
    for key, value in entries.items():
        body += b"".join(number(size) for size in (0, len(key), len(value))) + key + value
    body += struct.pack("<II", 0, 1) + b"\x00"
    return body + struct.pack("<I", masked(crc32c(body)))


def number(value: int) -> bytes:
    """Write a number of seven bits a byte."""
    written = b""
    while value > 0x7F:
        written, value = written + bytes([value & 0x7F | 0x80]), value >> 7
    return written + bytes([value])


def index(entries: dict[bytes, bytes]) -> bytes:
    """Write a table of one block."""
    data, filters = block(entries), block({})
    size = len(data) - 5
    listed = block({max(entries): number(0) + number(size)})
    handles = number(len(data)) + number(len(filters) - 5)
    handles += number(len(data) + len(filters)) + number(len(listed) - 5)
    return data + filters + listed + handles.ljust(40, b"\x00") + MAGIC


def checkpoint(folder: Path, change: Callable[[dict[bytes, bytes]], object]) -> Path:
    """Copy a checkpoint with its index changed and its checksums made anew."""
    path = copied(folder, "cp") / "cp.ckpt.index"
    entries = table(path.read_bytes())
    change(entries)
    path.write_bytes(index(dict(sorted(entries.items()))))
    return path


def tensor(
    kind: int = 1, shape: tuple[int, ...] = (4, 12), size: int = 192, more: bytes = b""
) -> bytes:
    """Write an entry of an index."""
    axes = b"".join(field(2, b"\x08" + number(side)) for side in shape)
    return b"\x08" + number(kind) + field(2, axes) + b"\x28" + number(size) + more


KERNEL_KEY = b"layer_with_weights-0/cell/kernel/.ATTRIBUTES/VARIABLE_VALUE"

#: What the index states of the LSTM's kernel.
ENTRIES: dict[str, bytes] = {
    "tensor behind the end of its file": tensor(more=b"\x20" + number(1 << 40)),
    "tensor of more numbers than any": tensor(shape=(4, 1 << 40), size=1 << 44),
    "tensor of fewer numbers than its shape": tensor(size=4),
    "tensor of an unknown type": tensor(kind=99),
    "tensor of texts": tensor(kind=7),
    "tensor of whole numbers": tensor(kind=3),
    "tensor in pieces": tensor(more=field(7, b"")),
    "tensor with a side below zero": tensor(shape=(4, 1 << 63)),
    "tensor in a file that is not there": tensor(more=b"\x18\x05"),
    "entry cut off": tensor()[:-1],
}

for name, content in ENTRIES.items():

    @case(name)
    def _(folder: Path, content: bytes = content) -> object:
        changed = checkpoint(folder, lambda entries: entries.update({KERNEL_KEY: content}))
        return read(changed, STATED)


def graph_entry(entries: dict[bytes, bytes]) -> tuple[int, int]:
    """Give the place and the size of the object graph in the file of numbers."""
    held = dict(fields(entries[b"_CHECKPOINTABLE_OBJECT_GRAPH"]))
    return int(held.get(4, 0)), int(held[5])


#: What is written over the object graph, from its length on; None cuts its length.
GRAPHS: dict[str, bytes | None] = {
    "object graph that is no message": b"\xff" * 40,
    "object graph of a number": b"\x0a\x06\x0a\x04\x12\x00\x08\x7f" * 5,
    "object graph whose length has no end": b"",
    "object graph of another length": None,
}

for name, written in GRAPHS.items():

    @case(name)
    def _(folder: Path, written: bytes | None = written) -> object:
        path = copied(folder, "cp") / "cp.ckpt.index"
        begin, size = graph_entry(table(path.read_bytes()))
        file = path.with_name("cp.ckpt.data-00000-of-00001")
        data = bytearray(file.read_bytes())
        length, after = varint(data, begin)
        assert after - begin + 4 + length == size
        if written is None:
            data[begin] ^= 1
        elif not written:
            data[begin : begin + 10] = (
                b"\xff" * 10
                if written == b""
                else bytes([data[begin] ^ 1, *data[begin + 1 : begin + 10]])
            )
        else:
            data[after + 4 : after + 4 + len(written)] = written
        file.write_bytes(bytes(data))
        return read(path, STATED)


@case("object graph that is numbers")
def _(folder: Path) -> object:
    path = checkpoint(
        folder, lambda entries: entries.update({b"_CHECKPOINTABLE_OBJECT_GRAPH": tensor()})
    )
    return read(path, STATED)


@case("tensor that the graph names and the index does not")
def _(folder: Path) -> object:
    return read(checkpoint(folder, lambda entries: entries.pop(KERNEL_KEY)), STATED)


@case("highest byte first")
def _(folder: Path) -> object:
    return read(checkpoint(folder, lambda entries: entries.update({b"": b"\x08\x01\x10\x01"})))


@case("index with a byte changed")
def _(folder: Path) -> object:
    path = copied(folder, "cp") / "cp.ckpt.index"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))
    return read(path)


@case("index of a gigabyte")
def _(folder: Path) -> object:
    with patch.object(bundle, "LARGEST_INDEX", 1):
        return read(copied(folder, "cp") / "cp.ckpt.index")


@case("no architecture")
def _(folder: Path) -> object:
    return read(copied(folder, "cp") / "cp.ckpt.data-00000-of-00001")


@case("architecture of other layers")
def _(folder: Path) -> object:
    text = json.loads(ARCHITECTURE.read_text())
    del text["config"]["layers"][1]
    (folder / "a.txt").write_text(json.dumps(text))
    return read(copied(folder, "cp"), ReadOptions(architecture=folder / "a.txt"))


@case("architecture of another class")
def _(folder: Path) -> object:
    text = json.loads(ARCHITECTURE.read_text())
    layer = text["config"]["layers"][1]
    layer["class_name"], layer["config"] = "Bidirectional", {"name": "b", "layer": dict(layer)}
    (folder / "a.txt").write_text(json.dumps(text))
    return read(copied(folder, "cp"), ReadOptions(architecture=folder / "a.txt"))


@case("architecture of a layer with other arrays")
def _(folder: Path) -> object:
    text = json.loads(ARCHITECTURE.read_text())
    layer = text["config"]["layers"][2]
    layer["class_name"], layer["config"] = "LayerNormalization", {"name": "n"}
    (folder / "a.txt").write_text(json.dumps(text))
    return read(copied(folder, "cp"), ReadOptions(architecture=folder / "a.txt"))


@case("architecture of other layers for an export")
def _(folder: Path) -> object:
    return read(copied(folder, "exported"), ReadOptions(architecture=ARCHITECTURE))


@case("stack of another number of cells")
def _(folder: Path) -> object:
    files = Path(__file__).parents[1] / "data/tf_operations"
    entry = json.loads((files / "architecture.json").read_text(encoding="utf-8"))
    (stack,) = (each for each in entry["config"]["layers"] if each["class_name"] == "RNN")
    del stack["config"]["cell"]["config"]["cells"][1]
    (folder / "architecture.json").write_text(json.dumps(entry), encoding="utf-8")
    options = ReadOptions(architecture=folder / "architecture.json")
    return read(files / "ck.index", options)
