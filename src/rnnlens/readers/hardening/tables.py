"""Sorted tables of keys and values, as LevelDB lays them out and TensorFlow indexes checkpoints.

A table is blocks of sorted keys, each written as what differs from the key before it, an index of
the blocks, and 48 bytes at the end that say where the index is (LevelDB, doc/table_format.md).
Each block carries a checksum, which is held to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache

from rnnlens.readers.hardening.protobuf import varint

__all__ = ["MAGIC", "crc32c", "table"]

#: How a table ends.
MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)

#: The places of two blocks, padded, and `MAGIC`; the type of a block and its checksum.
FOOTER, TRAILER = 48, 5

#: No table has more keys, or longer ones, or more text in all of them.
MOST_KEYS, LONGEST_KEY, MOST_TEXT = 1_000_000, 4096, 256 * 1024**2

#: The polynomial of CRC-32C (Castagnoli), its bits turned round.
POLYNOMIAL = 0x82F63B78


@cache
def _remainders() -> tuple[int, ...]:
    def remainder(byte: int) -> int:
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        return byte

    return tuple(map(remainder, range(256)))


def crc32c(data: bytes | memoryview, before: int = 0) -> int:
    """Give the CRC-32C of bytes, going on from that of the bytes before them.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    remainders = _remainders()
    crc = before ^ 0xFFFFFFFF
    for byte in data:
        crc = remainders[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """Turn a checksum as LevelDB and TensorFlow store it: rotated, and a constant added."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def table(data: bytes) -> dict[bytes, bytes]:
    """Give the keys and values of a table; ``ValueError`` where it is damaged."""
    if len(data) < FOOTER or not data.endswith(MAGIC):
        raise ValueError("it does not end as a table does")
    footer = memoryview(data)[-FOOTER:]
    begin, size, after = _handle(footer, 0)
    _block(data, begin, size)  # of filters, of which a checkpoint has none
    begin, size, _ = _handle(footer, after)
    found: dict[bytes, bytes] = {}
    text, end = 0, 0
    for _, handle in _entries(_block(data, begin, size)):
        begin, size, _ = _handle(handle, 0)
        # blocks follow each other, so that none is gone through twice
        if begin < end:
            raise ValueError("two blocks lie over each other")
        end = begin + size
        for key, value in _entries(_block(data, begin, size)):
            text += len(key)
            if len(found) >= MOST_KEYS or text > MOST_TEXT:
                raise ValueError("there are more keys than any model has")
            found[key] = bytes(value)
    return found


def _handle(data: bytes | memoryview, at: int) -> tuple[int, int, int]:
    """Read the place and size of a block; give the place after them."""
    begin, at = varint(data, at)
    size, at = varint(data, at)
    return begin, size, at


def _block(data: bytes, begin: int, size: int) -> memoryview:
    """Give a block's content, once its checksum holds."""
    if begin + size + TRAILER > len(data) - FOOTER:
        raise ValueError("a block lies outside the file")
    whole = memoryview(data)[begin : begin + size + TRAILER]
    (stored,) = struct.unpack("<I", whole[size + 1 :])
    if masked(crc32c(whole[: size + 1])) != stored:
        raise ValueError("the checksum of a block does not hold")
    if whole[size] != 0:
        raise ValueError("a block is compressed, as no version of TensorFlow writes it")
    return whole[:size]


def _entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Give the keys and values of a block, whose last numbers say where keys are whole."""
    if len(block) < 4:
        raise ValueError("a block has no end")
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise ValueError("a block is shorter than its list of keys")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or shared + own > LONGEST_KEY or at + own + size > end:
            raise ValueError("a key or a value is longer than its block")
        key = key[:shared] + bytes(block[at : at + own])
        at += own
        yield key, block[at : at + size]
        at += size
