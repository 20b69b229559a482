"""Models that are several files: packed into one to be damaged, unpacked into a folder to be read.

The index of a checkpoint keeps its checksums, and messages keep their lengths, so that the damage
gets past them.
"""

from __future__ import annotations

import io
import random
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["ENDING", "damage_message", "damage_table", "packed", "unpacked"]

#: How the packed models end.
ENDING = ".several"

Way = Callable[[bytes, random.Random], bytes]


def packed(folder: Path) -> bytes:
    """Pack the files of a folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return out.getvalue()


def unpacked(path: Path) -> Path:
    """Unpack a model beside itself, and give what of it is to be read."""
    folder = path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    whole = (folder / "saved_model.pb").exists() or (folder / "config.json").exists()
    parts = sorted([*folder.glob("*.index"), *folder.glob("*.weights.json")])
    return folder if whole or not parts else parts[0]


def number(value: int) -> bytes:
    """Write a number of seven bits a byte."""
    written = b""
    while value > 0x7F:
        written, value = written + bytes([value & 0x7F | 0x80]), value >> 7
    return written + bytes([value])


def damage_message(data: bytes, rng: random.Random, raw: Way, depth: int = 0) -> bytes:
    """Change a field of a protocol buffer, or of a message within it, whatever its kind."""
    from rnnlens.readers.hardening.protobuf import fields

    try:
        listed = [
            (number_, held if isinstance(held, int) else bytes(held))
            for number_, held in fields(data)
        ]
    except ValueError:
        return raw(data or b"x", rng)
    if not listed or depth > 12:
        return raw(data or b"x", rng)
    at = rng.randrange(len(listed))
    key, held = listed[at]
    match rng.randrange(8):
        case 0:
            del listed[at]
        case 1:
            listed.insert(at, listed[rng.randrange(len(listed))])
        case 2:
            listed[at] = (rng.randrange(1, 16), held)
        case _ if isinstance(held, int):
            listed[at] = (key, rng.choice((0, 1, 7, held + 1, 2**31, 2**40, 2**63, 2**64 - 1)))
        case _:
            listed[at] = (key, damage_message(held, rng, raw, depth + 1))
    return b"".join(
        number(key << 3) + number(held)
        if isinstance(held, int)
        else number(key << 3 | 2) + number(len(held)) + held
        for key, held in listed
    )


def damage_table(data: bytes, rng: random.Random, raw: Way) -> bytes:
    """Change an entry of a checkpoint's index, and write the index anew with its checksums."""
    from rnnlens.readers.hardening.tables import MAGIC, crc32c, masked, table

    try:
        entries = table(data)
    except ValueError:
        return raw(data, rng)
    for _ in range(rng.choice((1, 1, 2))):
        key = rng.choice(list(entries))
        match rng.randrange(6):
            case 0:
                del entries[key]
            case 1:
                entries[raw(key or b"x", rng)[:200]] = entries[key]
            case 2:
                entries[key] = entries[rng.choice(list(entries))]
            case _:
                entries[key] = damage_message(entries[key], rng, raw)
        if not entries:
            break

    def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
        body = b"".join(
            number(0) + number(len(key)) + number(len(value)) + key + value for key, value in pairs
        )
        body += struct.pack("<II", 0, 1) + b"\x00"
        return body + struct.pack("<I", masked(crc32c(body)))

    body, filters = block(sorted(entries.items())), block([])
    listed = block([(b"\xff", number(0) + number(len(body) - 5))])
    handles = number(len(body)) + number(len(filters) - 5)
    handles += number(len(body) + len(filters)) + number(len(listed) - 5)
    return body + filters + listed + handles.ljust(40, b"\x00") + MAGIC


def damage_numbers(data: bytes, rng: random.Random, raw: Way) -> bytes:
    """Change the object graph within a checkpoint's file of numbers, its length kept."""
    at = data.find(b"VARIABLE_VALUE")
    if at < 0:
        return raw(data, rng)
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8))):
        place = min(len(changed) - 1, max(0, at + rng.randrange(-400, 800)))
        changed[place] = rng.randrange(256)
    return bytes(changed)


def ways_of(name: str, raw: Way) -> list[Way]:
    """Give the ways to damage a file of a model, by its name."""
    if name.endswith(".index"):
        return [lambda data, rng: damage_table(data, rng, raw)] * 3
    if name.endswith(".pb"):
        return [lambda data, rng: damage_message(data, rng, raw)] * 3
    if ".data-" in name:
        return [lambda data, rng: damage_numbers(data, rng, raw)] * 2
    return []
