"""Numbers as the page writes them: one minus, and no line that breaks before a per cent."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["keeping", "page_text", "svg_text"]

#: A hyphen that is a minus: before a digit, and behind nothing that it could belong to; and that of
#: an exponent.
HYPHEN = re.compile(r"(?<![\w.\-–/])-(?=\.?\d)|(?<=\de)-(?=\d\d\b)")
MINUS = "\N{MINUS SIGN}"

#: What finds the names that are left as they are; none where no name would be changed.
_names: ContextVar[re.Pattern[str] | None] = ContextVar("names", default=None)


@contextmanager
def keeping(names: Iterable[str]) -> Generator[None]:
    """Leave names as they are within this block: a feature ``a -5`` has no minus in it."""
    changed = sorted({name for name in names if _written(name) != name}, key=len, reverse=True)
    found = "|".join(rf"(?<!\w){re.escape(name)}(?!\w|\.\d)" for name in changed)
    token = _names.set(re.compile(f"({found})") if changed else None)
    try:
        yield
    finally:
        _names.reset(token)


def page_text(text: str) -> str:
    """Write a text of the page.

    Examples
    --------
    >>> page_text("-3 F at t-3 on 2013-10-01, 4.7e-07").replace(MINUS, "~")
    '~3 F at t-3 on 2013-10-01, 4.7e~07'
    >>> with keeping(["a -5"]):
    ...     page_text("a -5 moved it by -5").replace(MINUS, "~")
    'a -5 moved it by ~5'
    """
    names = _names.get()
    if names is None:
        return _written(text)
    # every second piece is a name
    pieces = names.split(text)
    return "".join(one if place % 2 else _written(one) for place, one in enumerate(pieces))


def _written(text: str) -> str:
    return HYPHEN.sub(MINUS, text).replace(" %", "\N{NO-BREAK SPACE}%")


def svg_text(svg: str) -> str:
    """Write the texts of a picture likewise."""
    return re.sub(r"(?<=>)[^<>]+(?=</text>)", lambda one: page_text(one.group()), svg)
