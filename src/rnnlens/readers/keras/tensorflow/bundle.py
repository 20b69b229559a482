"""The tensors of a checkpoint: an index of where each lies, and files of their numbers.

``<prefix>.index`` is a sorted table from a tensor's key to its type, shape, file and place
(tensorflow/core/protobuf/tensor_bundle.proto); ``<prefix>.data-00000-of-00001`` holds the numbers
one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.protobuf import fields, texts, varint
from rnnlens.readers.hardening.tables import MAGIC, table
from rnnlens.readers.variables import StoredVariable

__all__ = ["GRAPH", "Bundle", "Tensor", "index_of", "opened_bundle"]

#: The key of the object graph.
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

#: No index is longer than this, no tensor has more axes, no text more bytes.
LARGEST_INDEX, MOST_AXES, LARGEST_TEXT = 64 * 1024**2, 32, 256 * 1024**2

#: Fields of the index's first entry: how many files, and the order of a number's bytes.
SHARDS, HIGHEST_FIRST = 1, 2

#: What the numbers of a type are (tensorflow/core/framework/types.proto).
TYPES = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    9: "<i8",
    10: "?",
    14: "<u2",
    17: "<u2",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
#: The types of texts and of half numbers with the exponents of whole ones.
TEXT, BFLOAT16 = 7, 14


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies, as the index states it: nothing of it is believed yet."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    begin: int
    size: int
    #: Whether the tensor is kept in pieces, as partitioned variables are.
    pieces: bool


@dataclass(frozen=True, eq=False)
class Bundle:
    """A checkpoint's tensors."""

    #: The path without its ending.
    prefix: Path
    tensors: Mapping[str, Tensor]
    shards: int

    def variable(self, role: str, key: str, text: str = "") -> StoredVariable:
        """Describe a tensor, unread."""
        tensor = self.tensors.get(key)
        if tensor is None:
            raise self._damaged(f"the tensor {key} is not in its index")
        if tensor.pieces:
            raise UnreadableFile(
                f"{key} in {self.prefix.name} is kept in pieces, as a partitioned variable is; "
                "rnnlens reads whole ones: save the model without partitions"
            )
        name = TYPES.get(tensor.kind)
        if name is None:
            raise self._damaged(f"the tensor {key} is of the type number {tensor.kind}")
        dtype = np.dtype(np.float32 if tensor.kind == BFLOAT16 else name)
        return StoredVariable(role, key, tensor.shape, dtype, lambda: self._values(key), text)

    def text(self, key: str) -> bytes:
        """Read a tensor that is one text."""
        tensor = self.tensors[key]
        if tensor.kind != TEXT or tensor.shape or tensor.size > LARGEST_TEXT:
            raise self._damaged(f"{key} is not a text")
        held = self._read(key, tensor)
        try:
            size, at = varint(held, 0)
        except ValueError as error:
            raise self._damaged(f"{key} is not a text") from error
        # the length is followed by its checksum
        if at + 4 + size != len(held):
            raise self._damaged(f"{key} is longer or shorter than it says")
        return held[at + 4 :]

    def _values(self, key: str) -> np.ndarray:
        tensor = self.tensors[key]
        dtype = np.dtype(TYPES[tensor.kind])
        if math.prod(tensor.shape) * dtype.itemsize != tensor.size:
            raise self._damaged(f"the tensor {key} has not as many numbers as its shape says")
        values = np.frombuffer(self._read(key, tensor), dtype).reshape(tensor.shape)
        if tensor.kind == BFLOAT16:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values

    def _read(self, key: str, tensor: Tensor) -> bytes:
        path = self.prefix.with_name(
            f"{self.prefix.name}.data-{tensor.shard:05d}-of-{self.shards:05d}"
        )
        try:
            if tensor.begin + tensor.size > path.stat().st_size:
                raise self._damaged(f"{path.name} ends before the tensor {key}")
            with path.open("rb") as file:
                file.seek(tensor.begin)
                return file.read(tensor.size)
        except OSError as error:
            raise UnreadableFile(
                f"{path} cannot be read ({error.strerror}): a checkpoint is its .index and all of "
                "its .data files beside it; copy them all"
            ) from error

    def _damaged(self, what: str) -> UnreadableFile:
        return UnreadableFile(
            f"the checkpoint {self.prefix} is damaged: {what}; copy it again, or save it again"
        )


def index_of(path: Path) -> bool:
    """Tell the index of a checkpoint by its end."""
    try:
        with path.open("rb") as file:
            file.seek(-len(MAGIC), 2)
            return file.read() == MAGIC
    except OSError:
        return False


def opened_bundle(prefix: Path) -> Bundle:
    """Read the index of a checkpoint."""
    path = prefix.with_name(prefix.name + ".index")
    data = _content(path)
    try:
        listed = table(data)
        header = fields(listed.pop(b"", b""))
        facts = {number: value for number, value in header if isinstance(value, int)}
        tensors = {key.decode(): _tensor(value) for key, value in listed.items()}
    except ValueError as error:
        raise UnreadableFile(
            f"the index {path} is damaged ({error}); copy the checkpoint again, or save it again"
        ) from error
    if facts.get(HIGHEST_FIRST):
        raise UnreadableFile(
            f"{path} was written by a machine that keeps the highest byte of a number first; save "
            "it again on another"
        )
    return Bundle(prefix, tensors, facts.get(SHARDS, 1))


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_INDEX else b""
    except OSError as error:
        raise UnreadableFile(
            f"{path} cannot be read ({error.strerror}): a checkpoint is its .index and all of its "
            ".data files beside it; copy them all"
        ) from error
    if size > LARGEST_INDEX:
        raise UnreadableFile(
            f"{path} has {size} bytes, more than the index of any model; it is damaged or hostile"
        )
    return data


def _tensor(message: bytes) -> Tensor:
    """Take an entry of the index apart."""
    numbers = {number: value for number, value in fields(message) if isinstance(value, int)}
    shape: list[int] = []
    for held in texts(message, 2):
        for axis in texts(held, 2):
            sizes = [value for number, value in fields(axis) if number == 1]
            shape.append(int(sizes[0]) if sizes and isinstance(sizes[0], int) else 0)
    if len(shape) > MOST_AXES or any(size >= 1 << 63 for size in shape):
        raise ValueError("a tensor has a shape that none has")
    return Tensor(
        numbers.get(1, 0),
        tuple(shape),
        numbers.get(3, 0),
        numbers.get(4, 0),
        numbers.get(5, 0),
        any(True for _ in texts(message, 7)),
    )
