"""What was typed: word for word, for a page to say how it is made again; and why it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import typer

__all__ = ["keep_words", "why_refused", "words_typed"]

_words: ContextVar[tuple[str, ...]] = ContextVar("words", default=())


def keep_words(words: Sequence[str]) -> None:
    """Keep the words of the command that runs now."""
    _words.set(tuple(words))


def words_typed() -> tuple[str, ...]:
    """Give the words of the command that runs now."""
    return _words.get()


def why_refused(error: typer.BadParameter) -> str:
    """Give the sentence of what refused a word, without what typer's checks put before it."""
    found: Any = getattr(error.__cause__, "errors", list)
    causes = [one.get("ctx", {}).get("error") for one in found()]
    said = [str(cause) for cause in causes if isinstance(cause, ValueError)]
    return said[0] if said else error.message
