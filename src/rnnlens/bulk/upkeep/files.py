"""Files that are whole or not there, and the drafts that they are until then."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    Content = bytes | memoryview

__all__ = ["checksum_of", "crc32c", "flush_folder", "is_draft", "put", "stated"]

#: What the drafts of Zarr, of `put` and of the summary are called.
DRAFT = re.compile(r"[^.]*\.[0-9a-f]{32}\.partial|\..+-[0-9a-f]{32}")


def is_draft(path: Path) -> bool:
    """Tell a draft by its name."""
    return DRAFT.fullmatch(path.name) is not None


def put(place: Path, *content: Content, lasting: bool = True) -> None:
    """Write a file that is whole or not there, and mostly outlasts the machine's end."""
    draft = place.with_name(f".{place.name}-{uuid4().hex}")
    try:
        _write(draft, content, lasting=lasting)
        draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if lasting:
        flush_folder(place.parent)


def _write(path: Path, content: Iterable[Content], *, lasting: bool) -> None:
    with open(path, "wb") as file:
        for part in content:
            file.write(part)
        if lasting:
            file.flush()
            os.fsync(file.fileno())


def checksum_of(content: Content, end: bytes) -> str:
    """Give the crc32c of a file but for its last four bytes, these, and its size.

    A chunk ends in its own checksum, of which a sum over all would be the same for every chunk; the
    size is for one that is torn at its end.
    """
    return stated(crc32c(content), end, memoryview(content).nbytes + len(end))


def crc32c(content: Content) -> int:
    """Give a checksum of some bytes."""
    import google_crc32c

    # of a memoryview it takes none, but of an array that looks at the same bytes
    return google_crc32c.value(np.frombuffer(content, np.uint8))


def stated(checksum: int, end: bytes, size: int) -> str:
    """Write down what `checksum_of` gives."""
    return f"{checksum:08x}-{end.hex()}-{size}"


def flush_folder(folder: Path) -> None:
    """Let what a folder lists outlast the machine's end, where the system can be asked for that."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
