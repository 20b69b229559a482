"""What is known to be done: a small file a block, written once its chunks are.

A record holds the checksum of every chunk that the block wrote. It is written to a temporary file,
flushed to the disk and moved into its place, so that it is whole or not there. It is trusted as
long as the chunks have those checksums: whatever became of them, a block is done or done anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rnnlens.bulk.arrays import chunk_of
from rnnlens.bulk.blocks import Grid
from rnnlens.bulk.job import FOLDER
from rnnlens.bulk.upkeep.files import checksum_of, put

__all__ = [
    "SKETCH",
    "Record",
    "checksum",
    "keep",
    "known",
    "place_of_record",
    "sketch_of",
    "sound",
]

#: Records in one folder.
APIECE = 1000
#: What a block's part of the summary is called among its files.
SKETCH = "sketch"


@dataclass(frozen=True)
class Record:
    """A block that is done.

    Parameters
    ----------
    block : int
        Its number.
    windows : int
        How many windows end in it.
    missing : int
        How many rows end none, for a value is missing or the series begins there.
    seconds : float
        How long it took.
    checksums : dict of str to str
        The crc32c of each file that was written, by the name of its array.
    """

    block: int
    windows: int
    missing: int
    seconds: float
    checksums: Mapping[str, str]


def _place(out: Path, kind: str, number: int, suffix: str) -> Path:
    return out / FOLDER / kind / f"{number // APIECE:04d}" / f"{number:07d}{suffix}"


def place_of_record(out: Path, number: int) -> Path:
    """Give the file of a block's record."""
    return _place(out, "done", number, ".json")


def sketch_of(out: Path, number: int) -> Path:
    """Give the file of a block's part of the summary."""
    return _place(out, "sketches", number, ".npz")


def _file_of(out: Path, name: str, grid: Grid, number: int) -> Path:
    return sketch_of(out, number) if name == SKETCH else chunk_of(out, name, grid, number)


def checksum(path: Path) -> str:
    """Give the checksum of a file as it lies there; none where none is."""
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    return checksum_of(content[:-4], content[-4:])


def keep(out: Path, record: Record) -> None:
    """Write a record; it is on the disk, and in its place, when this returns."""
    place = place_of_record(out, record.block)
    place.parent.mkdir(parents=True, exist_ok=True)
    put(place, json.dumps(asdict(record)).encode("ascii"))


def known(out: Path, number: int) -> Record | None:
    """Read the record of a block; None where there is none, or it is damaged."""
    try:
        record = Record(**json.loads(place_of_record(out, number).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return record if record.block == number else None


def sound(out: Path, grid: Grid, record: Record, names: Iterable[str] | None = None) -> list[str]:
    """Name what of a block, or of some of its files, is not as its record says."""
    stated = record.checksums
    return [
        name
        for name in (stated if names is None else names)
        if not stated.get(name) or checksum(_file_of(out, name, grid, record.block)) != stated[name]
    ]
