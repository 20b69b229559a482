"""One sentence in the language that is asked for: a template, looked up in a catalogue and filled.

English templates stand where they are said, and are the keys of the catalogues in `languages/`
(gettext's, as Babel writes them). What a catalogue lacks is said in English, and so are errors.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, reduce
from pathlib import Path
from string import Formatter

from rnnlens.arguments import word
from rnnlens.names import clauses, retold

__all__ = [
    "check_language",
    "counted_phrase",
    "enumerated",
    "filled",
    "in_clauses",
    "language",
    "languages",
    "listed",
    "many",
    "marked",
    "paragraph",
    "phrase",
    "say",
    "spoken",
    "telling",
]

#: Chinese characters, and the punctuation that goes with them.
_CHINESE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
#: The variable that names the language of all that is said.
VARIABLE = "RNNLENS_LANGUAGE"
CATALOGUES = Path(__file__).parent / "languages"
DOMAIN = "rnnlens"

_spoken: ContextVar[str] = ContextVar("language", default="")
_telling: ContextVar[bool] = ContextVar("telling", default=False)


def say(template: str, /, **values: object) -> str:
    """Say a template in the language that is asked for, with values in its named places.

    Within `telling` it is told, in English, and knows what it is made of.

    Examples
    --------
    >>> say("looks back {span}", span="5 h")
    'looks back 5 h'
    """
    if _telling.get():
        return retold(template, values)
    return filled(_catalogue(spoken()).gettext(template), values)


def many(count: int, one: str, several: str, /, **values: object) -> str:
    """Say one of two templates by a count, which stands in their place `count`.

    Examples
    --------
    >>> many(1, "{count} lag", "{count} lags"), many(3, "{count} lag", "{count} lags")
    ('1 lag', '3 lags')
    """
    if _telling.get():
        return retold(one, {**values, "count": count}, several)
    chosen = _catalogue(spoken()).ngettext(one, several, count)
    return filled(chosen, {**values, "count": count})


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
    if _telling.get() and "{" not in template:
        return retold(template, {})
    return _catalogue(spoken()).gettext(template) if template else ""


def filled(phrase: str, values: Mapping[str, object]) -> str:
    """Put values into the places of a phrase.

    Chinese is set without spaces, and a number or a Latin word in it between two: a space of the
    phrase beside a place goes where Chinese stands on both of its sides.

    Examples
    --------
    >>> filled("抽样自 {sampler}", {"sampler": "窗口"}), filled("滞后 {lag}", {"lag": 3})
    ('抽样自窗口', '滞后 3')
    """
    text = phrase.format(**values)
    if not _CHINESE.search(phrase):
        return text
    parts = [""]
    for literal, name, form, turned in Formatter().parse(phrase):
        parts.append(literal)
        if name is not None:
            place = f"{{{name}{f'!{turned}' if turned else ''}{f':{form}' if form else ''}}}"
            parts.append(place.format(**values))
    made = parts[0]
    for part in parts[1:]:
        left, right = made.rstrip(" "), part.lstrip(" ")
        spaced = len(made) + len(part) - len(left) - len(right) == 1
        close = spaced and _CHINESE.match(left[-1:]) and _CHINESE.match(right[:1])
        made = left + right if close else made + part
    return made


def counted_phrase(count: int, one: str, several: str) -> str:
    """Give one of two marked templates by a count, its places not filled."""
    return _catalogue(spoken()).ngettext(one, several, count)


def enumerated(items: Iterable[str]) -> str:
    """Put items one after the other, with commas between them.

    Examples
    --------
    >>> enumerated(["a", "b", "c"])
    'a, b, c'
    """
    each = list(items)
    if len(each) == 1:
        return each[0]
    if _telling.get() and each:
        return reduce(lambda text, more: say("{text}, {more}", text=text, more=more), each)
    return say(", ").join(each)


def in_clauses(items: Sequence[str]) -> str:
    """Put clauses one after the other, with semicolons between them.

    Examples
    --------
    >>> in_clauses(["a is b", "c is d"])
    'a is b; c is d'
    """
    return clauses(items) if _telling.get() else say("; ").join(items)


def listed(items: Sequence[str]) -> str:
    """Join items as they are in a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(items) < 2:
        return items[0] if items else ""
    if _telling.get():
        return retold("{items}", {"items": list(items)})
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
def telling() -> Generator[None, None, None]:
    """Tell in English what is said within this block, for results to keep it.

    Examples
    --------
    >>> with telling():
    ...     kept = say("looks back {span}", span="5 h")
    >>> kept, kept.template
    ('looks back 5 h', 'looks back {span}')
    """
    token = _telling.set(True)
    try:
        with language("en"):
            yield
    finally:
        _telling.reset(token)


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
