"""A language that nobody speaks: every template within brackets, so that what is not said shows."""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Generator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import pytest

from rnnlens.views.words import language as spoken

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))
import languages as catalogues  # noqa: E402

__all__ = ["catalogues", "outside", "pseudo_language", "texts_of", "titles_of"]

#: Around what is said.
OPEN, CLOSE = (
    "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}",
    "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}",
)


@contextmanager
def pseudo_language(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """Make the one file that a language is, and speak it."""
    catalog = catalogues.templates()
    catalog.locale = None
    for message in catalog:
        if isinstance(message.id, tuple):
            message.string = tuple(f"{OPEN}{text}{CLOSE}" for text in message.id)
        elif message.id:
            message.string = f"{OPEN}{message.id}{CLOSE}"
    place = folder / "xx" / "LC_MESSAGES" / "rnnlens.mo"
    place.parent.mkdir(parents=True)
    place.write_bytes(catalogues.compiled(catalog))
    monkeypatch.setattr(spoken, "CATALOGUES", folder)
    spoken._catalogue.cache_clear()
    try:
        with spoken.language("xx"):
            yield "xx"
    finally:
        spoken._catalogue.cache_clear()


def outside(text: str, names: frozenset[str] = frozenset()) -> list[str]:
    """Words of a text that stand outside of all brackets and are no names of the network's."""
    kept, depth = [], 0
    for letter in text:
        depth += (letter == OPEN) - (letter == CLOSE)
        kept.append(letter if depth == 0 and letter != CLOSE else " ")
    words = re.findall(r"[A-Za-z][A-Za-z'’-]{2,}", "".join(kept))
    return [word for word in words if word not in names and word.strip(string.punctuation)]


def texts_of(page: str) -> list[str]:
    """Give what a reader sees of a page: its texts, and what is read aloud of its pictures."""
    page = re.sub(r"<(style|script|code|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|alt|title)="([^"]*)"', page)
    return [unescape(text) for text in (*labels, *re.findall(r">([^<>]+)<", page)) if text.strip()]


def titles_of(spec: object) -> list[str]:
    """The titles of a chart, its axes and legends, and what stands beneath them."""
    if isinstance(spec, list):
        return [title for one in spec for title in titles_of(one)]
    if not isinstance(spec, dict):
        return []
    found: list[str] = []
    for key, value in spec.items():
        if key in {"title", "subtitle", "text"} and not isinstance(value, dict):
            lines = value if isinstance(value, list) else [value or ""]
            found.append("\n".join(map(str, lines)))
        elif key not in {"datasets", "config"}:
            found += titles_of(value)
    return found
