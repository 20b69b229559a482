"""What arrays are, as they are shown; a description holds it as it is named in English."""

from __future__ import annotations

from rnnlens.views.words.language import marked, phrase

__all__ = ["array_text"]

MEANINGS = {
    marked("input kernel"),
    marked("recurrent kernel"),
    marked("bias"),
    marked("recurrent bias"),
    marked("peephole"),
    marked("kernel"),
}


def array_text(meaning: str) -> str:
    """Say what an array is; what is not known is given as it is.

    Examples
    --------
    >>> array_text("input kernel"), array_text("scale")
    ('input kernel', 'scale')
    """
    return phrase(meaning) if meaning in MEANINGS else meaning
