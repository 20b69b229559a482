"""What a zip archive lists, of a file that may be damaged in any way."""

from __future__ import annotations

import zipfile
from pathlib import Path

__all__ = ["is_zip", "zip_names"]


def is_zip(path: Path) -> bool:
    """Tell whether a file ends as a zip archive does."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return False


def zip_names(path: Path) -> list[str] | None:
    """List the members of an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
