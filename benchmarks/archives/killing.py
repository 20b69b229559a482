"""A process that is ended by SIGKILL right before one of its operations on files."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

__all__ = ["killed_before"]

#: Operations that change what lies on a disk, besides opening a file for writing.
CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_before(number: int, run: Callable[[], object]) -> bool:
    """Run something in a process that ends before that operation, from 0; tell whether it did."""
    child = os.fork()
    if not child:
        sys.addaudithook(_killer(number))
        run()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed by itself"
    return os.WIFSIGNALED(status)


def _killer(number: int) -> Callable[[str, tuple[object, ...]], None]:
    left = number

    def told(event: str, given: tuple[object, ...]) -> None:
        nonlocal left
        opened = event == "open" and isinstance(given[2], int) and given[2] & WRITING
        if opened or event in CHANGES:
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    return told
