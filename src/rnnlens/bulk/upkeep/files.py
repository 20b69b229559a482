"""Files that are whole or not there, and the drafts that they are until then."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["flush_folder", "is_draft", "put"]

#: What the drafts of Zarr, of `put` and of the summary are called.
DRAFT = re.compile(r"[^.]*\.[0-9a-f]{32}\.partial|\..+-[0-9a-f]{32}")


def is_draft(path: Path) -> bool:
    """Tell a draft by its name."""
    return DRAFT.fullmatch(path.name) is not None


def put(place: Path, content: bytes) -> None:
    """Write a file that is whole or not there, and outlasts the machine's end."""
    draft = place.with_name(f".{place.name}-{uuid4().hex}")
    try:
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    flush_folder(place.parent)


def flush_folder(folder: Path) -> None:
    """Let what a folder lists outlast the machine's end, where the system can be asked for that."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
