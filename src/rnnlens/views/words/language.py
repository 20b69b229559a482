"""One sentence in the language that is asked for: a template, looked up in a catalogue and filled.

English templates stand where they are said, and are the keys of the catalogues in `languages/`
(gettext's, as Babel writes them). What a catalogue lacks is said in English.
"""

from __future__ import annotations

import gettext
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

__all__ = ["language", "languages", "many", "say", "spoken"]

CATALOGUES = Path(__file__).parent / "languages"
DOMAIN = "rnnlens"

_spoken: ContextVar[str] = ContextVar("language", default="en")


def say(template: str, /, **values: object) -> str:
    """Say a template in the language that is asked for, with values in its named places.

    Examples
    --------
    >>> say("looks back {span}", span="5 h")
    'looks back 5 h'
    """
    return _catalogue(_spoken.get()).gettext(template).format(**values)


def many(count: int, one: str, several: str, /, **values: object) -> str:
    """Say one of two templates by a count, which stands in their place `count`.

    Examples
    --------
    >>> many(1, "{count} lag", "{count} lags"), many(3, "{count} lag", "{count} lags")
    ('1 lag', '3 lags')
    """
    chosen = _catalogue(_spoken.get()).ngettext(one, several, count)
    return chosen.format(count=count, **values)


@contextmanager
def language(code: str) -> Generator[None, None, None]:
    """Say everything in one language within this block."""
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """Name the language that is spoken now, as its two-letter code."""
    return _spoken.get()


def languages() -> tuple[str, ...]:
    """Give the codes of the languages that there are, English first."""
    others = (found.parents[1].name for found in CATALOGUES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
    return ("en", *sorted(others))


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, CATALOGUES, [code], fallback=True)
