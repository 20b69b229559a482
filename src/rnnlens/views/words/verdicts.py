"""The verdicts on a lag as they are shown; a result holds them as they are named in English."""

from __future__ import annotations

from rnnlens.views.words.language import marked, phrase

__all__ = ["free_text", "rung_text", "verdict_text"]

VERDICTS = {
    "structural": marked("structural"),
    "proven": marked("proven"),
    "refuted": marked("refuted"),
    "undecided": marked("undecided"),
    "not_asked": marked("not asked"),
    "used": marked("used"),
    "bounded": marked("bounded"),
    "equivalent": marked("equivalent"),
}


#: What keeps an input from the forecast.
STRUCTURAL = (marked("not wired"), marked("zero weights"))
FREE = (
    marked("one feature of one lag at a time"),
    marked("all features of one lag that are not held, together"),
)


def free_text(free: object) -> str:
    """Say what was free in a certificate, as a result names it."""
    return phrase(str(free)) if free in FREE else str(free)


def rung_text(rung: object) -> str:
    """Say on what a structural verdict stands, as a result names it."""
    return phrase(str(rung)) if rung in STRUCTURAL else str(rung)


def verdict_text(verdict: str) -> str:
    """Say a verdict; one that is not known is given as it is.

    Examples
    --------
    >>> verdict_text("not_asked"), verdict_text("no verdict")
    ('not asked', 'no verdict')
    """
    return phrase(VERDICTS.get(verdict, verdict))
