"""One process at a time: a lock that ends with whoever holds it, however that one ends."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rnnlens.bulk.job import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOCK", "alone"]

#: The file that is locked, which stays.
LOCK = "lock"


@contextmanager
def alone(out: Path) -> Generator[bool]:
    """Wait until no other process is within this for the same result, and keep others out.

    Gives False where the system has no such locks, or the file system of the result has none: then
    others may be within at the same time.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield False
        return
    with (out / FOLDER / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            sure = False
        else:
            sure = True
        yield sure  # the lock goes with the file
