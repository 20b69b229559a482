"""What was typed, word for word, for a page to say how it is made again."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

__all__ = ["keep_words", "words_typed"]

_words: ContextVar[tuple[str, ...]] = ContextVar("words", default=())


def keep_words(words: Sequence[str]) -> None:
    """Keep the words of the command that runs now."""
    _words.set(tuple(words))


def words_typed() -> tuple[str, ...]:
    """Give the words of the command that runs now."""
    return _words.get()
