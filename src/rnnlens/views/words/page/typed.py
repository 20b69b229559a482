"""The command that was typed, for a page to say how it is made again."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

__all__ = ["typed", "typed_command"]

_typed: ContextVar[str] = ContextVar("typed", default="")


@contextmanager
def typed(words: Sequence[str]) -> Generator[None, None, None]:
    """Say that all within this block was asked for by the words of a command.

    Files are named without their folders, which nobody else has.
    """
    token = _typed.set(shlex.join(_short(word) for word in words))
    try:
        yield
    finally:
        _typed.reset(token)


def typed_command() -> str:
    """Give the command that was typed; empty where none was.

    Examples
    --------
    >>> with typed(["rnnlens", "report", "/home/me/my net.keras", "--target", "temp"]):
    ...     typed_command()
    "rnnlens report 'my net.keras' --target temp"
    >>> typed_command()
    ''
    """
    return _typed.get()


def _short(word: str) -> str:
    return Path(word).name if "/" in word or "\\" in word else word
