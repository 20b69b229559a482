"""Protocol buffers, read field by field from bytes that may be damaged in any way."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Field", "fields", "texts", "varint"]

#: A field's number and what it holds: a number, or the bytes of a text, a message, a fixed number.
Field = tuple[int, int | memoryview]

#: Bytes of the numbers of fixed size, by the wire type.
FIXED = {1: 8, 5: 4}


def varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first; give it and the place after it.

    Examples
    --------
    >>> varint(bytes([172, 2]), 0)
    (300, 2)
    """
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number has no end within ten bytes")


def fields(data: bytes | memoryview) -> Iterator[Field]:
    r"""Give every field of a message, without copying any.

    Examples
    --------
    >>> [(number, bytes(held)) for number, held in fields(b"\x12\x02ok")]
    [(2, b'ok')]
    """
    view = memoryview(data)
    at = 0
    while at < len(view):
        key, at = varint(view, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(view, at)
            yield number, value
            continue
        if wire == 2:
            size, at = varint(view, at)
        elif wire in FIXED:
            size = FIXED[wire]
        else:
            raise ValueError(f"a field of the wire type {wire}")
        if at + size > len(view):
            raise ValueError("a field is longer than the message")
        yield number, view[at : at + size]
        at += size


def texts(data: bytes | memoryview, wanted: int) -> Iterator[memoryview]:
    """Give the texts and messages in one field of a message."""
    for number, held in fields(data):
        if number == wanted and isinstance(held, memoryview):
            yield held
