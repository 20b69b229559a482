"""Numbers of protocol buffers, read from bytes that may be damaged in any way."""

from __future__ import annotations

__all__ = ["varint"]


def varint(data: bytes, at: int) -> tuple[int, int]:
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
