"""Every state of a folder while something writes into it, as a kill at that moment leaves it.

Python tells an audit hook of every operation on a file before it is done. What lies on the disk at
that moment is what a SIGKILL there leaves, for what is still in a buffer is lost with the process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

__all__ = ["failing", "moments"]

#: Operations that change what lies on a disk, besides opening a file for writing.
CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_watched: list[Callable[[str, str], None]] = []
_lock = Lock()
_installed: list[bool] = []


def _told(event: str, given: tuple[object, ...]) -> None:
    """Tell whoever watches of an operation that is about to change a file."""
    if not _watched:
        return
    opened = event == "open" and isinstance(given[2], int) and given[2] & WRITING
    if (opened or event in CHANGES) and isinstance(given[0], str | os.PathLike):
        with _lock:  # a second thread waits, so that one state is seen at a time
            if _watched:
                _watched[-1](event, os.fspath(given[0]))


@contextmanager
def _watching(see: Callable[[str, str], None]) -> Generator[None]:
    if not _installed:  # a hook stays for good, and looks at nothing unless something watches
        sys.addaudithook(_told)
        _installed.append(True)
    _watched.append(see)
    try:
        yield
    finally:
        _watched.pop()


def moments(
    folder: Path, copies: Path, run: Callable[[], object], wanted: Callable[[int, str], bool]
) -> dict[Path, str]:
    """Run something that writes into a folder; give copies of its states, and what came next.

    Of each operation its number and path are told to `wanted`, which says whether the state before
    it is kept; a state that equals the one kept before is left out.
    """
    found: dict[Path, str] = {}
    last: dict[str, bytes | None] = {}
    count = 0

    def see(event: str, path: str) -> None:
        nonlocal last, count
        count += 1
        if not wanted(count, path):
            return
        watched, _watched[:] = list(_watched), []  # what is done here is none of it
        try:
            state = _state(folder)
            if state != last:
                last, copy = state, copies / f"{count:04d}"
                _written(copy, state)
                found[copy] = f"{event} {path}"
        finally:
            _watched[:] = watched

    with _watching(see):
        run()
    return found


def _state(folder: Path) -> dict[str, bytes | None]:
    """Read a folder: the bytes of each file, nothing of each folder."""
    for _ in range(100):
        # what another thread was told of before is being done now, a renaming perhaps
        with suppress(FileNotFoundError):
            return _read(folder)
    raise AssertionError(f"{folder} never lies still")


def _read(folder: Path) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for place, folders, files in os.walk(folder):
        found |= {os.path.relpath(os.path.join(place, one), folder): None for one in folders}
        for one in files:
            path = os.path.join(place, one)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def _written(copy: Path, state: dict[str, bytes | None]) -> None:
    copy.mkdir(parents=True)
    for name, content in state.items():
        place = copy / name
        if content is None:
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


@contextmanager
def failing(number: int, error: Callable[[], OSError]) -> Generator[list[str]]:
    """Let one operation on a file fail, counted from 0; give the operations up to it."""
    done: list[str] = []

    def see(event: str, path: str) -> None:
        done.append(f"{event} {path}")
        if len(done) == number + 1:
            raise error()

    with _watching(see):
        yield done
