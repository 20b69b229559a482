"""One sentence in the language that is asked for: a template, looked up in a catalogue and filled.

English templates stand where they are said, and are the keys of the catalogues in `languages/`
(gettext's, as Babel writes them). What a catalogue lacks is said in English, and so are errors.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, reduce
from pathlib import Path

from rnnlens.arguments import word

__all__ = [
    "check_language",
    "language",
    "languages",
    "listed",
    "many",
    "marked",
    "paragraph",
    "phrase",
    "say",
    "spoken",
]

#: The variable that names the language of all that is said.
VARIABLE = "RNNLENS_LANGUAGE"
CATALOGUES = Path(__file__).parent / "languages"
DOMAIN = "rnnlens"

_spoken: ContextVar[str] = ContextVar("language", default="")


def say(template: str, /, **values: object) -> str:
    """Say a template in the language that is asked for, with values in its named places.

    Examples
    --------
    >>> say("looks back {span}", span="5 h")
    'looks back 5 h'
    """
    return _catalogue(spoken()).gettext(template).format(**values)


def many(count: int, one: str, several: str, /, **values: object) -> str:
    """Say one of two templates by a count, which stands in their place `count`.

    Examples
    --------
    >>> many(1, "{count} lag", "{count} lags"), many(3, "{count} lag", "{count} lags")
    ('1 lag', '3 lags')
    """
    chosen = _catalogue(spoken()).ngettext(one, several, count)
    return chosen.format(count=count, **values)


def marked(template: str) -> str:
    """Mark a template that is said later, for the catalogues to hold it; it stays as it is."""
    return template


def phrase(template: str) -> str:
    """Give a marked template in the language that is asked for, its places not filled.

    Examples
    --------
    >>> phrase("{time}: the forecast")
    '{time}: the forecast'
    """
    return _catalogue(spoken()).gettext(template) if template else ""


def listed(items: Sequence[str]) -> str:
    """Join items as they are in a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(items) < 2:
        return "".join(items)
    first = say(", ").join(items[:-1])
    return say("{first} and {last}", first=first, last=items[-1])


def paragraph(sentences: Iterable[str]) -> str:
    """Put sentences one after the other, as the language that is spoken sets them apart.

    Examples
    --------
    >>> paragraph(["One.", "", "Two."])
    'One. Two.'
    """
    said = [sentence for sentence in sentences if sentence]
    return reduce(lambda text, more: say("{text} {more}", text=text, more=more), said or [""])


@contextmanager
def language(code: str | None) -> Generator[None, None, None]:
    """Say everything in one language within this block; in that of before where None is given."""
    token = _spoken.set(code or _spoken.get())
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """Name the language that is spoken now, as its two-letter code."""
    return _spoken.get() or _usual()


def check_language(code: str, what: str = "language") -> str:
    """Refuse a language that there is no catalogue of."""
    word(*languages()).check(what, code)
    return code


def languages() -> tuple[str, ...]:
    """Give the codes of the languages that there are, English first."""
    others = (found.parents[1].name for found in CATALOGUES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
    return ("en", *sorted(others))


def _usual() -> str:
    """Give the language of the environment, English where it names none."""
    named = os.environ.get(VARIABLE, "")
    return check_language(named, VARIABLE) if named else "en"


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, CATALOGUES, [code], fallback=True)
