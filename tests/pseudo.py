"""A language that nobody speaks, in letters that nobody types: what is not said in it shows.

Each template is within brackets and in other letters; what stands in its places is left as it is,
so that a sentence in English shows within another one too.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from rnnlens.views.words import language as spoken

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))
import languages as catalogues  # noqa: E402

__all__ = ["catalogues", "outside", "pseudo_language", "texts_of", "titles_of"]

#: Letters of the language, one for each of ours.
LETTERS = {
    ord(letter): chr(first + place)
    for row, first in ((string.ascii_lowercase, 0x430), (string.ascii_uppercase, 0x410))
    for place, letter in enumerate(row)
}
#: Around what is said.
OPEN, CLOSE = (
    "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}",
    "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}",
)


@contextmanager
def pseudo_language(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """Make the one file that a language is, and speak it."""
    place = folder / "xx" / "LC_MESSAGES" / "rnnlens.mo"
    place.parent.mkdir(parents=True)
    place.write_bytes(_compiled())
    monkeypatch.setattr(spoken, "CATALOGUES", folder)
    spoken._catalogue.cache_clear()
    try:
        with spoken.language("xx"):
            yield "xx"
    finally:
        spoken._catalogue.cache_clear()


@cache
def _compiled() -> bytes:
    """Give the catalogue of the language, of all templates of the source."""
    catalog = catalogues.templates()
    catalog.locale = None
    for message in catalog:
        if isinstance(message.id, tuple):
            message.string = tuple(map(_other_letters, message.id))
        elif message.id:
            message.string = _other_letters(message.id)
    return catalogues.compiled(catalog)


def _other_letters(template: str) -> str:
    """Write a template in other letters, its named places as they are."""
    parts = []
    for text, name, form, _ in string.Formatter().parse(template):
        parts.append(text.replace("{", "{{").replace("}", "}}").translate(LETTERS))
        if name is not None:
            parts.append(f"{{{name}{f':{form}' if form else ''}}}")
    return f"{OPEN}{''.join(parts)}{CLOSE}"


def outside(text: str, names: frozenset[str] = frozenset()) -> list[str]:
    """Words of a text in our letters that are no names of the network's."""
    words = re.findall(r"[A-Za-z][A-Za-z'’-]{2,}", text)
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
