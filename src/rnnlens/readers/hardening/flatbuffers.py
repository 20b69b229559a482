"""Flat buffers, read from bytes that may be damaged in any way: every place is checked."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Table", "root"]

#: Bytes of a field's place within its table's list of places, and of the list's own sizes.
PLACE, SIZES = 2, 4


def root(data: bytes) -> Table:
    """Give the table that a buffer holds."""
    view = memoryview(data)
    return _table(view, _number(view, 0, "I"))


@dataclass(frozen=True)
class Table:
    """One table: its fields by their numbers in the schema, the first of which is 0."""

    data: memoryview
    at: int
    #: Where each field stands after the table's own place; 0 where it is left out.
    places: tuple[int, ...]

    def number(self, field: int, form: str, default: float = 0) -> int | float:
        """Give a number of a form of `struct`."""
        place = self._place(field)
        return default if place is None else _number(self.data, place, form)

    def whole(self, field: int, form: str = "i", default: int = 0) -> int:
        """Give a whole number."""
        return int(self.number(field, form, default))

    def table(self, field: int) -> Table | None:
        """Give a table within this one."""
        place = self._place(field)
        return None if place is None else _table(self.data, _followed(self.data, place))

    def tables(self, field: int) -> list[Table]:
        """Give the tables of a list."""
        first, count = self._listed(field, 4)
        places = range(first, first + 4 * count, 4)
        return [_table(self.data, _followed(self.data, place)) for place in places]

    def text(self, field: int) -> str:
        """Give a text."""
        first, count = self._listed(field, 1)
        return bytes(self.data[first : first + count]).decode()

    def numbers(self, field: int, dtype: str) -> NDArray[np.generic]:
        """Give the numbers of a list."""
        kind = np.dtype(dtype)
        first, count = self._listed(field, kind.itemsize)
        return np.frombuffer(self.data[first : first + count * kind.itemsize], kind)

    def _place(self, field: int) -> int | None:
        place = self.places[field] if field < len(self.places) else 0
        return self.at + place if place else None

    def _listed(self, field: int, size: int) -> tuple[int, int]:
        place = self._place(field)
        if place is None:
            return 0, 0
        start = _followed(self.data, place)
        count = int(_number(self.data, start, "I"))
        if start + 4 + count * size > len(self.data):
            raise ValueError(f"a list of {count} ends after the file")
        return start + 4, count


def _number(data: memoryview, at: int | float, form: str) -> int | float:
    size = struct.calcsize("<" + form)
    if not 0 <= at <= len(data) - size:
        raise ValueError(f"a place, {at}, is not in the file")
    return struct.unpack_from("<" + form, data, int(at))[0]


def _followed(data: memoryview, place: int) -> int:
    return place + int(_number(data, place, "I"))


def _table(data: memoryview, at: int | float) -> Table:
    start = int(at)
    listed = start - int(_number(data, start, "i"))
    size, length = (int(_number(data, listed + k, "H")) for k in (0, PLACE))
    if size < SIZES or start + length > len(data):
        raise ValueError(f"a table at {start} has no fields")
    _number(data, listed + size - PLACE, "H")
    fields = (size - SIZES) // PLACE
    places = struct.unpack_from(f"<{fields}H", data, listed + SIZES)
    return Table(data, start, places)
