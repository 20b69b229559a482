"""Numbers as the page writes them: one minus, and no line that breaks before a per cent."""

from __future__ import annotations

import re

__all__ = ["page_text", "svg_text"]

#: A hyphen that is a minus: before a digit, and behind nothing that it could belong to; and that of
#: an exponent.
HYPHEN = re.compile(r"(?<![\w.\-–/])-(?=\.?\d)|(?<=\de)-(?=\d\d\b)")
MINUS = "\N{MINUS SIGN}"


def page_text(text: str) -> str:
    """Write a text of the page.

    Examples
    --------
    >>> page_text("-3 F at t-3 on 2013-10-01, 4.7e-07").replace(MINUS, "~")
    '~3 F at t-3 on 2013-10-01, 4.7e~07'
    """
    return HYPHEN.sub(MINUS, text).replace(" %", "\N{NO-BREAK SPACE}%")


def svg_text(svg: str) -> str:
    """Write the texts of a picture likewise."""
    return re.sub(r"(?<=>)[^<>]+(?=</text>)", lambda one: page_text(one.group()), svg)
