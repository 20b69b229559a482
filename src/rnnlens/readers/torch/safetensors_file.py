"""Files of safetensors: a header of JSON with every array's name, type, shape and place.

The format is 8 bytes with the length of the header, the header, and the numbers, little-endian
(https://github.com/huggingface/safetensors, README). Nothing in it can run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.json_values import Json
from rnnlens.network.network import Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.torch.weights.lazy import LazyArray

__all__ = ["match", "state_dict_in"]

#: No header is longer, by the format's own rule.
LONGEST_HEADER = 100_000_000
#: Types that hold floating-point numbers; bfloat16 is the upper half of a float32.
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def match(path: Path) -> bool:
    """Tell whether a file is of safetensors, by its first bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(9)
    length = int.from_bytes(head[:8], "little")
    return len(head) == 9 and head[8:] == b"{" and 2 <= length <= min(size - 8, LONGEST_HEADER)


def state_dict_in(path: Path) -> tuple[dict[str, LazyArray], Origin]:
    """Give the arrays of the state dict in a file, not yet loaded."""
    header, start = _header(path)
    header.pop("__metadata__", None)
    arrays = {name: _array(path, name, entry, start) for name, entry in header.items()}
    return arrays, Origin("safetensors", "", str(path), digest_of(path))


def _header(path: Path) -> tuple[dict[str, Json], int]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(
            f"{path} begins like a safetensors file, but its header is not JSON: it is "
            "damaged; copy or download it again"
        ) from error
    return header, 8 + length


@dataclass(frozen=True)
class _Entry:
    """What the header says of one array."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def fits(self) -> bool:
        """Whether the bytes are as many as the shape needs, where the type is known."""
        code = DTYPES.get(self.dtype)
        size = self.end - self.begin
        return code is None or size == math.prod(self.shape) * np.dtype(code).itemsize


def _entry(path: Path, name: str, entry: Json) -> _Entry:
    try:
        described = _Entry(str(entry["dtype"]), tuple(entry["shape"]), *entry["data_offsets"])
        whole = all(
            type(n) is int and n >= 0 for n in (*described.shape, described.begin, described.end)
        )
    except (KeyError, TypeError, ValueError):
        described, whole = None, False
    if described is None or not whole:
        raise UnreadableFile(
            f"{path}: the header's entry for {name} lacks dtype, shape or data_offsets, so the "
            "file is damaged"
        )
    return described


def _array(path: Path, name: str, described: Json, start: int) -> LazyArray:
    entry = _entry(path, name, described)
    size = path.stat().st_size - start
    if not (entry.begin <= entry.end <= size and entry.fits):
        raise UnreadableFile(
            f"{path}: array {name} of shape {entry.shape} and type {entry.dtype} is said to lie "
            f"at bytes {entry.begin} to {entry.end} of {size}, which does not fit: the file is "
            "damaged or truncated"
        )

    def load() -> CellArray:
        if entry.dtype not in DTYPES:
            raise UnsupportedModel(
                f"{path}: array {name} has the type {entry.dtype}; rnnlens reads "
                f"{', '.join(DTYPES)}"
            )
        with path.open("rb") as file:
            file.seek(start + entry.begin)
            data = file.read(entry.end - entry.begin)
        values = np.frombuffer(data, DTYPES[entry.dtype]).reshape(entry.shape)
        if entry.dtype == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return CellArray(values.astype(values.dtype.newbyteorder("=")), name, name)

    return LazyArray(entry.shape, load)
