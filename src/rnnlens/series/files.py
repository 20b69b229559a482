"""Which files windows were read from, by name and hash, so that a result can say it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from rnnlens.series.joint.windows import WindowsByInput

    Made = TypeVar("Made", Windows, WindowsByInput)

__all__ = ["with_files"]


def with_files(made: Made, tables: Sequence[Any]) -> Made:
    """Have windows say which of the tables that they were cut from were files."""
    files = tuple(_named(Path(table)) for table in tables if isinstance(table, str | PathLike))
    if not files:
        return made
    if isinstance(made, Windows):
        return replace(made, files=files)
    return replace(made, parts={name: replace(one, files=files) for name, one in made.items()})


def _named(path: Path) -> tuple[str, str]:
    """Give a file's name and the SHA-256 of its bytes; of a folder no hash."""
    if not path.is_file():
        return path.name, ""
    with path.open("rb") as file:
        return path.name, hashlib.file_digest(file, "sha256").hexdigest()
