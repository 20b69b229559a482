"""What a zip archive lists, of a file that may be damaged in any way."""

from __future__ import annotations

import zipfile
from pathlib import Path

__all__ = ["is_zip", "zip_names"]


def is_zip(path: Path) -> bool:
    """Tell whether a file ends as a zip archive does.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        False also for the parts of an archive over several disks.
    """
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return False


def zip_names(path: Path) -> list[str] | None:
    """List the members of an archive.

    Parameters
    ----------
    path : Path
        A file that `is_zip` takes.

    Returns
    -------
    list of str or None
        None where the list is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
