"""What a zip archive lists, of a file that may be damaged in any way."""

from __future__ import annotations

import zipfile
from pathlib import Path

__all__ = ["holds", "is_zip", "swells", "zip_names"]

#: Bytes that a member may unpack to whatever its packed size.
SMALL = 1024**2


def is_zip(path: Path) -> bool:
    """Tell whether a file ends as a zip archive does."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return False


def holds(path: Path, member: str) -> bool:
    """Tell whether a file is an archive with a member of this name."""
    try:
        return is_zip(path) and member in (zip_names(path) or ())
    except (OSError, RuntimeError):
        return False


def swells(member: zipfile.ZipInfo, ratio: int) -> bool:
    """Tell whether a member that is not small unpacks to more than so many times its size."""
    return member.file_size > SMALL and member.file_size > ratio * member.compress_size


def zip_names(path: Path) -> list[str] | None:
    """List the members of an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
