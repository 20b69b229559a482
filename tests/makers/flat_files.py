"""Files of flat buffers written by hand, TensorFlow Lite's among them."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

__all__ = ["flat_file", "operator_file"]

#: Which kind of options an operator has, in the schema's ``BuiltinOptions``.
OPTIONS = {35: 31, 52: 69}

#: A field: a number with its format, a text, bytes, an array, a table, a list of tables.
Field = tuple[str, float] | str | bytes | np.ndarray | Mapping[int, "Field"] | list


class _Writer:
    def __init__(self) -> None:
        self.data = bytearray(8)

    def _to(self, size: int) -> int:
        self.data += bytes(-len(self.data) % size)
        return len(self.data)

    def table(self, fields: Mapping[int, Field]) -> int:
        """Write a table, what it refers to after it, and give its place."""
        places, at = {}, 4
        for number, value in fields.items():
            size = struct.calcsize("<" + value[0]) if isinstance(value, tuple) else 4
            at += -at % size
            places[number], at = at, at + size
        count = max(fields, default=-1) + 1
        listed = self._to(8)
        self.data += struct.pack("<HH", 4 + 2 * count, at)
        self.data += b"".join(struct.pack("<H", places.get(k, 0)) for k in range(count))
        start = self._to(8)
        self.data += struct.pack("<i", start - listed) + bytes(at - 4)
        for number, value in fields.items():
            place = start + places[number]
            if isinstance(value, tuple):
                struct.pack_into("<" + value[0], self.data, place, value[1])
            else:
                struct.pack_into("<I", self.data, place, self.vector(value) - place)
        return start

    def vector(self, value: Field) -> int:
        """Write what a field refers to."""
        if isinstance(value, Mapping):
            return self.table(value)
        if isinstance(value, str):
            value = value.encode() + b"\0"
            count, raw = len(value) - 1, value
        elif isinstance(value, np.ndarray):
            count, raw = value.size, value.tobytes()
        elif isinstance(value, list):
            count, raw = len(value), bytes(4 * len(value))
        else:
            count, raw = len(value), value
        self._to(8)
        self.data += bytes(4)  # so that numbers of eight bytes are where they should be
        start = len(self.data)
        self.data += struct.pack("<I", count) + raw
        if isinstance(value, list):
            for number, one in enumerate(value):
                place = start + 4 + 4 * number
                struct.pack_into("<I", self.data, place, self.table(one) - place)
        return start


def flat_file(root: Mapping[int, Field], mark: bytes = b"TFL3") -> bytes:
    """Write a root table as a file of the format that a mark says."""
    writer = _Writer()
    place = writer.table(root)
    writer.data[:8] = struct.pack("<I", place) + mark
    return bytes(writer.data)


def operator_file(
    code: int,
    taken: list[np.ndarray | tuple[int, ...] | None],
    given: list[tuple[int, ...]],
    options: Mapping[int, Field] | None = None,
    custom: bytes = b"",
) -> bytes:
    """Write a TensorFlow Lite file of one operator.

    What it takes is an array that the file holds, the shape of an input (first) or of a state that
    it keeps, or None for nothing there.
    """
    tensors, buffers, places = [], [{}], []
    for number, one in enumerate([*taken, *given]):
        if one is None:
            places.append(-1)
            continue
        fixed = isinstance(one, np.ndarray)
        shape = one.shape if fixed else one
        places.append(len(tensors))
        kind = {"float32": 0, "int32": 2, "int8": 9}[str(one.dtype) if fixed else "float32"]
        tensors.append({
            0: np.array(shape, "<i4"),
            1: ("b", kind),
            2: ("I", len(buffers) if fixed else 0),
            3: f"tensor_{number}",
            5: ("B", int(not fixed and 0 < number < len(taken))),
        })
        buffers += [{0: one.tobytes()}] if fixed else []
    inputs, outputs = places[: len(taken)], places[len(taken) :]
    operator = {0: ("I", 0), 1: np.array(inputs, "<i4"), 2: np.array(outputs, "<i4")}
    operator |= {} if options is None else {3: ("B", OPTIONS[code]), 4: dict(options)}
    operator |= {5: custom} if custom else {}
    graph = {
        0: tensors,
        1: np.array(inputs[:1], "<i4"),
        2: np.array(outputs, "<i4"),
        3: [operator],
    }
    codes = {0: ("b", min(code, 127)), 3: ("i", code)}
    return flat_file({0: ("I", 3), 1: [codes], 2: [graph], 4: buffers})
