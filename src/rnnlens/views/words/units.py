"""How units are written: after a number, and in the heading of a column or an axis.

In a Dataset the unit of what has none is ``"-"``; that is never written.
"""

from __future__ import annotations

from rnnlens.views.words.language import say

__all__ = ["in_brackets", "unit_text", "with_unit"]

#: What a Dataset holds as the unit of what has none.
NONE = "-"
#: And as that of a number which is as the network takes and gives it.
NETWORK = "network units"


def unit_text(unit: object) -> str:
    """Give a unit, or those of several targets, as they are written; nothing for none.

    Examples
    --------
    >>> unit_text("F"), unit_text("-"), unit_text(None), unit_text("F, -")
    ('F', '', '', 'F, no unit')
    """
    text = str(unit or "")
    if text == NONE:
        return ""
    return say(", ").join(_one(part) for part in text.split(", "))


def _one(unit: str) -> str:
    if unit == NONE:
        return say("no unit")
    if unit == f"{NETWORK}^2":
        return say("network units^2")
    return say("network units") if unit == NETWORK else unit


def with_unit(number: str, unit: object) -> str:
    """Write a unit after a number.

    Examples
    --------
    >>> with_unit("54.2", "F"), with_unit("54.2", "-")
    ('54.2 F', '54.2')
    """
    return f"{number} {unit_text(unit)}".rstrip()


def in_brackets(unit: object) -> str:
    """Write a unit behind the name of a quantity.

    Examples
    --------
    >>> in_brackets("F"), in_brackets("-")
    (' (F)', '')
    """
    text = unit_text(unit)
    return say(" ({unit})", unit=text) if text else ""
