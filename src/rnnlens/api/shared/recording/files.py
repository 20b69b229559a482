"""Where a record goes: a CSV file, row by row, and the event files of TensorBoard."""

from __future__ import annotations

import csv
import math
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rnnlens.errors import InputError

__all__ = ["CsvFile", "EventFile", "Sink", "refuse_overwriting"]


class Sink(Protocol):
    """What takes a record."""

    def write(self, step: int, measured: Mapping[str, float]) -> None:
        """Write what was measured after a step."""
        ...


def refuse_overwriting(path: Path, tensorboard: Path | None) -> None:
    """Refuse a file that is there already, a folder that is not, and one that is a file."""
    if path.exists():
        raise InputError(
            f"{path} is there already, and may hold the record of another run: give another name, "
            "or move it away"
        )
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} for the record: make it first")
    if tensorboard is not None and tensorboard.exists() and not tensorboard.is_dir():
        raise InputError(f"tensorboard must be a folder, and {tensorboard} is a file")


class CsvFile:
    """A row a record, the file closed after each: a run that is killed keeps its rows."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path, self._names = path, list(names)
        with path.open("x", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(["step", *self._names])

    def write(self, step: int, measured: Mapping[str, float]) -> None:
        """Write a row: nothing where a number is not known."""
        values = [measured.get(name, math.nan) for name in self._names]
        row = [step, *("" if math.isnan(value) else repr(float(value)) for value in values)]
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(row)


class EventFile:
    """A file of events as TensorBoard reads them, written without any other library.

    Each event stands between its length and checksums: 8 bytes of length, the length's CRC-32C, the
    event, its CRC-32C, both masked; the event is a protocol buffer with the time (1), the step (2),
    and a summary (5) of values, each a tag (1) and a number (2).
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now * 1e6)}.{socket.gethostname()}.rnnlens"
        self._path = folder / name
        self._put(_double(1, now) + _text(3, b"brain.Event:2"))

    def write(self, step: int, measured: Mapping[str, float]) -> None:
        """Write one event with every number that is known."""
        values = b"".join(
            _text(1, _text(1, name.encode()) + _float(2, value))
            for name, value in measured.items()
            if math.isfinite(value)
        )
        self._put(_double(1, time.time()) + b"\x10" + _varint(step) + _text(5, values))

    def _put(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        with self._path.open("ab") as file:
            file.write(length + _masked(length) + event + _masked(event))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _text(field: int, data: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(data)) + data


def _double(field: int, value: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return bytes([field << 3 | 5]) + struct.pack("<f", value)


def _table() -> tuple[int, ...]:
    """Give the remainders of every byte by the polynomial of Castagnoli, bits turned round."""
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
        table.append(rest)
    return tuple(table)


_TABLE = _table()


def _masked(data: bytes) -> bytes:
    """Give the CRC-32C of some bytes, turned by 15 bits and moved, as the format wants it."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest = _TABLE[(rest ^ byte) & 255] ^ rest >> 8
    rest ^= 0xFFFFFFFF
    return struct.pack("<I", ((rest >> 15 | rest << 17) + 0xA282EAD8) & 0xFFFFFFFF)
